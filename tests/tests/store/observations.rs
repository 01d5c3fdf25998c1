//! What is measured against the rules.

use store::observations::{self, Observed};
use vitals::alert::Observation;

use crate::Monitoring;

/// What one rule sees, as subject and observation.
async fn seen(room: &Monitoring, rule_id: &str) -> Vec<(String, Observation)> {
    let rules = store::rules::all(&room.store).await.unwrap();
    assert_eq!(rules.faults, [], "the rules are sound");
    let all: Vec<Observed> = observations::all(&[&room.store], &rules).await.unwrap();
    let of_rule = all.into_iter().filter(|observed| observed.rule_id == rule_id);
    of_rule
        .map(|observed| (observed.subject, observed.observation))
        .collect()
}

/// An alert of a rule and a subject that is firing.
async fn fire(room: &Monitoring, rule_id: &str, target: i32, subject: &str) {
    room.run(&format!(
        "insert into monitoring.alerts (rule_id, target_id, subject, subject_label, state, level, value, threshold, opened_at)
         values ('{rule_id}', {target}, '{subject}', 'label', 'firing', 'warning', 1, 1, now())"
    ))
    .await;
}

async fn watched(room: &Monitoring, target: i32, collector: &str) {
    room.run(&format!(
        "insert into monitoring.collector_status (target_id, collector, outcome, at, last_success_at)
         values ({target}, '{collector}', 'ok', now(), now())"
    ))
    .await;
}

/// A statement with so many calls of so long, seconds ago.
async fn ran(
    room: &Monitoring,
    target: i32,
    query_id: i64,
    user: &str,
    calls: i64,
    exec_us: i64,
    seconds_ago: i64,
) {
    room.run(&format!(
        "with known as (
           insert into monitoring.statements (target_id, statement_key, query_id, top_level, user_name, query)
           values ({target}, '1/1/{query_id}/t', {query_id}, true, '{user}', 'select $1')
           on conflict (target_id, statement_key) do update set last_seen = now()
           returning statement_id
         )
         insert into monitoring.statement_samples
         select {target}, statement_id, now() - interval '{seconds_ago} seconds', 1000, {calls}, 0, {exec_us},
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0
         from known"
    ))
    .await;
}

#[tokio::test]
async fn the_mean_of_a_statement_is_that_of_its_window_and_needs_enough_calls() {
    let room = Monitoring::new("statement_mean").await;
    let target = room.target("t").await;
    ran(&room, target, 1, "shop", 2, 1_300_000, 30).await;
    ran(&room, target, 1, "shop", 1, 500_000, 10).await;
    ran(&room, target, 1, "shop", 100, 1, 70).await;
    ran(&room, target, 2, "shop", 2, 9_000_000, 5).await;
    ran(&room, target, 3, "pgvitals_collector", 9, 90_000_000, 5).await;
    assert_eq!(
        seen(&room, "slow_statement").await,
        [("1/1/1/t".to_owned(), Observation::Value(600.0))]
    );
}

#[tokio::test]
async fn a_fast_statement_is_told_of_only_while_an_alert_is_open_for_it() {
    let room = Monitoring::new("fast_statement").await;
    let target = room.target("t").await;
    ran(&room, target, 1, "shop", 10, 1_000_000, 5).await;
    assert_eq!(seen(&room, "slow_statement").await, []);
    fire(&room, "slow_statement", target, "1/1/1/t").await;
    let fast = ("1/1/1/t".to_owned(), Observation::Value(100.0));
    assert_eq!(seen(&room, "slow_statement").await, [fast]);
}

#[tokio::test]
async fn a_statement_that_rests_is_told_from_one_that_nobody_watches() {
    let room = Monitoring::new("idle_statement").await;
    let (resting, unwatched) = (room.target("resting").await, room.target("unwatched").await);
    watched(&room, resting, "statements").await;
    fire(&room, "slow_statement", resting, "1/1/1/t").await;
    fire(&room, "slow_statement", unwatched, "1/1/1/f").await;
    let mut seen = seen(&room, "slow_statement").await;
    seen.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        seen,
        [
            ("1/1/1/f".to_owned(), Observation::NoData),
            ("1/1/1/t".to_owned(), Observation::Idle)
        ]
    );
}

#[tokio::test]
async fn connections_are_counted_against_what_ordinary_logins_may_use() {
    let room = Monitoring::new("connection_use").await;
    let target = room.target("t").await;
    for (connections, seconds_ago) in [(60, 50), (87, 20), (10, 1), (99, 90)] {
        room.run(&format!(
            "insert into monitoring.activity_samples
             values ({target}, now() - interval '{seconds_ago} seconds', {connections}, 103, 3, 0, 0, 0, 0, 0, 0, 0, 0)"
        ))
        .await;
    }
    assert_eq!(
        seen(&room, "connection_use").await,
        [(String::new(), Observation::Value(87.0))]
    );
    let other = room.target("silent").await;
    assert_eq!(
        seen(&room, "connection_use").await.len(),
        1,
        "a target without samples says nothing"
    );
    fire(&room, "connection_use", other, "").await;
    assert!(
        seen(&room, "connection_use")
            .await
            .contains(&(String::new(), Observation::NoData))
    );
}

#[tokio::test]
async fn an_idle_database_never_has_a_bad_ratio() {
    let room = Monitoring::new("cache_hit").await;
    let target = room.target("t").await;
    for (database, read, hit) in [("busy", 600, 5_400), ("busy", 400, 5_600), ("idle", 900, 100)] {
        room.run(&format!(
            "insert into monitoring.database_samples
             values ({target}, now() - interval '10 seconds', '{database}', 1000, null, 0, 0, 0, {read}, {hit},
                     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)"
        ))
        .await;
    }
    let busy = (
        String::from("busy"),
        Observation::Value(11_000.0 * 100.0 / 12_000.0),
    );
    let seen_now = seen(&room, "cache_hit").await;
    assert_eq!(seen_now.len(), 1);
    assert_eq!(seen_now[0].0, busy.0);
    let Observation::Value(percent) = seen_now[0].1 else {
        panic!("{seen_now:?}")
    };
    assert!((percent - 91.666).abs() < 0.01, "{percent}");

    watched(&room, target, "databases").await;
    fire(&room, "cache_hit", target, "idle").await;
    assert!(
        seen(&room, "cache_hit")
            .await
            .contains(&("idle".to_owned(), Observation::Idle))
    );
}

#[tokio::test]
async fn a_target_that_does_not_answer_counts_the_seconds() {
    let room = Monitoring::new("target_down").await;
    let target = room.target("t").await;
    room.target("never_tried").await;
    room.run(&format!(
        "insert into monitoring.target_state (target_id, up) values ({target}, true)"
    ))
    .await;
    assert_eq!(
        seen(&room, "target_down").await,
        [],
        "a target that answers is no news"
    );
    room.run("update monitoring.target_state set up = false, down_since = now() - interval '90 seconds'")
        .await;
    let seen_now = seen(&room, "target_down").await;
    let Observation::Value(seconds) = seen_now[0].1 else {
        panic!("{seen_now:?}")
    };
    assert!((90.0..100.0).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn what_is_switched_off_lets_its_alerts_resolve() {
    let room = Monitoring::new("retired").await;
    let (target, other) = (room.target("t").await, room.target("other").await);
    fire(&room, "slow_statement", target, "1/1/1/t").await;
    fire(&room, "cache_hit", other, "shop").await;
    room.run("update monitoring.rules set enabled = false where rule_id = 'slow_statement'")
        .await;
    room.run("update monitoring.targets set enabled = false where name = 'other'")
        .await;
    assert_eq!(
        seen(&room, "slow_statement").await,
        [("1/1/1/t".to_owned(), Observation::Idle)]
    );
    assert_eq!(
        seen(&room, "cache_hit").await,
        [("shop".to_owned(), Observation::Idle)]
    );
}
