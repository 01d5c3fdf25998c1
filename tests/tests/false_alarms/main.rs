//! How often rules alarm when nothing is wrong, and whether they find what is: thirty days of load, by the rules that every
//! installation begins with, and by those that `pgvitals rules suggest` would propose for a server that is unlike others.
//!
//! The values are made of samples as the metrics make them (`model`), the alerts by the state machine that makes them in
//! operation. That the model is right is shown on PostgreSQL: the same samples, the same values.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod database;
mod load;
mod model;

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, TimeZone, Utc};
use vitals::alert::Observation;
use vitals::calibration::{self, Day};
use vitals::replay::{Episode, Replay};
use vitals::rule::{Rule, RuleDefinition};

use crate::load::{Breach, Load, Profile, Random};
use crate::model::Model;

/// The rules that the load has something for.
const WATCHED: [&str; 14] = [
    "slow_statement",
    "average_query_time",
    "slow_queries_per_minute",
    "connection_use",
    "active_connections",
    "blocked_sessions",
    "lock_wait",
    "idle_in_transaction",
    "long_transaction",
    "rollbacks",
    "deadlocks",
    "cache_hit",
    "temp_files",
    "replication_lag",
];

/// A server as the default rules expect one.
const SHOP: Profile = Profile {
    statement_ms: 70.0,
    connections: 45.0,
    active: 12.0,
    missed: 0.008,
    lag_ms: 200.0,
};

/// One that is slow and busy by nature: with the default rules it would alarm every day.
const WAREHOUSE: Profile = Profile {
    statement_ms: 400.0,
    connections: 60.0,
    active: 60.0,
    missed: 0.08,
    lag_ms: 3_000.0,
};

const DAYS: i64 = 30;
const SEED: u64 = 20_261_121;

/// A Monday.
fn begin() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 0, 0, 0).unwrap()
}

/// One breach for each rule, two days apart, at all hours, for forty minutes.
fn breaches() -> Vec<Breach> {
    let place = |place: i64| begin() + Duration::days(1 + 2 * place) + Duration::hours((5 * place + 7) % 24);
    (0..)
        .zip(WATCHED)
        .map(|(number, rule_id)| Breach {
            rule_id,
            begins: place(number),
            lasts: Duration::minutes(40),
        })
        .collect()
}

/// What each rule would have told.
fn told<'a>(rules: &'a [Rule], profile: Profile, breaches: &[Breach]) -> BTreeMap<&'a str, Vec<Episode<()>>> {
    let mut replays: Vec<_> = rules
        .iter()
        .map(|rule| (Model::of(rule), Replay::new(rule)))
        .collect();
    let load = Load {
        profile,
        breaches,
        random: Random(SEED),
        next: begin(),
        ends: begin() + Duration::days(DAYS),
    };
    for sample in load {
        for (rule, (model, replay)) in rules.iter().zip(&mut replays) {
            let (value, traffic) = model.see(&sample);
            replay.see(sample.at, &BTreeMap::from([((), rule.observe(value, traffic))]));
        }
    }
    rules
        .iter()
        .zip(replays)
        .map(|(rule, (_, replay))| (rule.rule_id(), replay.into_episodes()))
        .collect()
}

/// The rules with the thresholds that a week of the load suggests.
fn suggested(rules: &[Rule], profile: Profile) -> Vec<Rule> {
    let load = Load {
        profile,
        breaches: &[],
        random: Random(SEED + 1),
        next: begin() - Duration::days(7),
        ends: begin(),
    };
    let mut models: Vec<Model> = rules.iter().map(Model::of).collect();
    let mut days: Vec<BTreeMap<_, Day>> = vec![BTreeMap::new(); rules.len()];
    for sample in load {
        for ((rule, model), days) in rules.iter().zip(&mut models).zip(&mut days) {
            let (value, traffic) = model.see(&sample);
            if let Observation::Value(value) = rule.observe(value, traffic) {
                let day = days.entry(sample.at.date_naive()).or_insert(Day {
                    greatest: value,
                    least: value,
                });
                day.greatest = day.greatest.max(value);
                day.least = day.least.min(value);
            }
        }
    }
    let suggest = |(rule, days): (&Rule, BTreeMap<_, Day>)| {
        let days: Vec<Day> = days.into_values().collect();
        let Some(suggestion) = calibration::suggest(rule, &[days]) else {
            return rule.clone();
        };
        let [warning, critical, emergency] = suggestion.levels;
        Rule::new(RuleDefinition {
            warning,
            critical,
            emergency,
            resolve: suggestion.resolve,
            ..rule.definition().clone()
        })
        .unwrap()
    };
    rules.iter().zip(days).map(suggest).collect()
}

/// How many rule-days had an alarm that no breach explains.
fn false_alarms(told: &BTreeMap<&str, Vec<Episode<()>>>, breaches: &[Breach]) -> Vec<String> {
    // An alert that a breach began may end, and begin again, until the windows have passed it.
    let is_explained = |at: DateTime<Utc>| {
        breaches
            .iter()
            .any(|breach| breach.begins <= at && at < breach.begins + breach.lasts + Duration::minutes(20))
    };
    let mut days: Vec<String> = told
        .iter()
        .flat_map(|(rule_id, episodes)| {
            let unexplained = episodes.iter().filter(|episode| !is_explained(episode.fired_at));
            unexplained.map(move |episode| format!("{rule_id} on {}", episode.fired_at.date_naive()))
        })
        .collect();
    days.sort();
    days.dedup();
    days
}

fn check_found(told: &BTreeMap<&str, Vec<Episode<()>>>, breaches: &[Breach]) {
    for breach in breaches {
        let found = told[breach.rule_id]
            .iter()
            .any(|episode| breach.is_on(episode.fired_at));
        assert!(
            found,
            "{} did not find its breach of {}",
            breach.rule_id, breach.begins
        );
    }
}

#[tokio::test]
async fn thirty_days_of_normal_load_alarm_on_less_than_one_rule_day_in_a_hundred() {
    let rules = database::default_rules("thirty_days", &WATCHED).await;
    let breaches = breaches();
    let rule_days = rules.len() as i64 * DAYS;
    for (name, profile, rules) in [
        ("shop", SHOP, rules.clone()),
        ("warehouse", WAREHOUSE, suggested(&rules, WAREHOUSE)),
    ] {
        let told = told(&rules, profile, &breaches);
        check_found(&told, &breaches);
        let false_alarms = false_alarms(&told, &breaches);
        assert!(
            (false_alarms.len() as i64) * 100 < rule_days,
            "{name}: {} of {rule_days} rule-days: {false_alarms:#?}",
            false_alarms.len()
        );
    }
}

#[tokio::test]
async fn without_suggestions_a_server_unlike_others_would_alarm_every_day() {
    let rules = database::default_rules("unlike_others", &WATCHED).await;
    let told = told(&rules, WAREHOUSE, &[]);
    let days = false_alarms(&told, &[]);
    let rule_days = rules.len() * DAYS as usize;
    assert!(
        days.len() * 20 > rule_days,
        "{} of {rule_days} rule-days",
        days.len()
    );
}

#[tokio::test]
async fn the_values_of_the_model_are_those_of_the_database() {
    database::check_values(SHOP, SEED).await;
}
