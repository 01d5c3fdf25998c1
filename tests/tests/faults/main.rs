//! Whatever goes wrong: no transition is lost, there is no second open alert, every message arrives under one key, and
//! none after the end of what it tells of.
//!
//! A schedule is made of a seed: evaluators and senders that overlap, targets that go down and come back, silences,
//! receivers that refuse, are slow, ask to be left alone or never answer, a server that crashes, a runner that is killed.
//! Then everything is well again, and the receivers' own records are compared with the tables.
//!
//! `PGVITALS_FAULT_SCHEDULES` says how many schedules are played (8 by default), `PGVITALS_FAULT_SEED` the first seed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod dice;
mod verdict;
mod world;

use std::time::Duration;

use crate::dice::Dice;
use crate::world::{TARGETS, World};

/// How much goes wrong in a schedule.
const STEPS: u64 = 30;

/// Seconds of being down, one for each level, and some beside their thresholds.
const DOWN: [u64; 8] = [0, 0, 0, 10, 10, 60, 60, 600];

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().map_or(otherwise, |text| {
        text.parse().unwrap_or_else(|_| panic!("{variable} is no number"))
    })
}

#[tokio::test]
async fn whatever_goes_wrong_everybody_is_told_in_order_and_in_the_end() {
    let first = number("PGVITALS_FAULT_SEED", 1);
    let schedules = number("PGVITALS_FAULT_SCHEDULES", 8);
    let mut world = World::new().await;
    for seed in first..first + schedules {
        // The last line of this kind is the schedule that failed.
        println!("schedule {seed}");
        let was_silent = play(&mut world, seed).await;
        settle(&mut world).await;
        verdict::one_open_alert(&world).await;
        verdict::nothing_is_lost(&world, was_silent).await;
        verdict::everybody_heard_it_in_order(&world);
        clear(&world).await;
    }
}

/// Lets things go wrong. Gives whether anything was silenced.
async fn play(world: &mut World, seed: u64) -> bool {
    let mut dice = Dice::new(seed);
    let mut was_silent = false;
    for _ in 0..STEPS {
        match dice.below(20) {
            0..5 => {
                world
                    .set_down(1 + dice.below(TARGETS as u64), dice.one_of(&DOWN))
                    .await;
            }
            5..10 => (0..=dice.below(3)).for_each(|_| world.post("/check-alerts")),
            10..13 => (0..=dice.below(2)).for_each(|_| world.post("/deliver-notifications")),
            13..16 => world.annoy(&mut dice),
            16 => {
                world.post("/deliver-notifications");
                tokio::time::sleep(Duration::from_millis(dice.below(60))).await;
                world.kill_the_runner().await;
            }
            17 => {
                world.post("/check-alerts");
                tokio::time::sleep(Duration::from_millis(dice.below(40))).await;
                world.crash_the_server().await;
            }
            18 => {
                was_silent = true;
                silence(world, &mut dice).await;
            }
            _ => world.let_time_pass().await,
        }
        tokio::time::sleep(Duration::from_millis(dice.below(30))).await;
        verdict::one_open_alert(world).await;
    }
    was_silent
}

async fn silence(world: &World, dice: &mut Dice) {
    let statement = if dice.below(2) == 0 {
        "insert into monitoring.silences (matchers, ends_at, reason, created_by)
         values ('[{\"label\": \"target\", \"operator\": \"=~\", \"value\": \"target-[12]\"}]', now() + interval '1 hour', 'why', 'ada')"
    } else {
        "update monitoring.silences set ends_at = now() where ends_at > now() and starts_at < now()"
    };
    world.monitored.run(statement).await.unwrap();
}

/// Lets all be well again: the receivers answer, the targets are up, time passes until nothing flaps any more.
async fn settle(world: &mut World) {
    for receiver in &world.receivers {
        receiver.forget_answers();
    }
    world.rest().await;
    for statement in [
        "delete from monitoring.silences",
        "update monitoring.target_state set up = true, down_since = null",
        "update monitoring.alerts set flaps_counted_at = flaps_counted_at - interval '2 hours'",
    ] {
        world.monitored.run(statement).await.unwrap();
    }
    // Twice: an alert that a killed evaluator did not see begins may end only in the second round.
    for _ in 0..2 {
        world.must("/check-alerts").await;
        world.let_time_pass().await;
        world.must("/deliver-notifications").await;
    }
}

/// Forgets what happened, so that the next schedule has the same beginning whatever was played before it.
async fn clear(world: &World) {
    world
        .monitored
        .run("delete from monitoring.alerts")
        .await
        .unwrap();
    for receiver in &world.receivers {
        receiver.forget();
    }
}
