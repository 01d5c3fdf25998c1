//! Who is watched, and who is at it.

use std::time::Duration;

use store::collector_status::{self, CollectorRun};
use store::targets::{self, Claim, Completion, NewTarget, State};
use vitals::outcome::Outcome;

use crate::{Monitoring, claim};

#[tokio::test]
async fn a_target_is_added_changed_switched_off_and_removed() {
    let room = Monitoring::new("target_life").await;
    let client = &room.store;
    let mut target = NewTarget::new("shop", "postgres://watcher@db.example.com/shop");
    let target_id = targets::add(client, &target).await.unwrap();
    target.interval = Duration::from_secs(2);
    target.labels = serde_json::json!({"team": "orders"});
    assert_eq!(
        targets::add(client, &target).await.unwrap(),
        target_id,
        "the same name is the same target"
    );

    let listed = targets::list(client).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].interval, listed[0].timeout),
        (Duration::from_secs(2), Duration::from_secs(10))
    );
    assert_eq!(listed[0].labels["team"], "orders");

    assert!(targets::set_enabled(client, "shop", false).await.unwrap());
    assert_eq!(claim(client, "a", false).await, []);
    assert!(targets::remove(client, "shop").await.unwrap());
    assert!(!targets::remove(client, "shop").await.unwrap());
}

#[tokio::test]
async fn claims_at_the_same_time_share_the_targets_out() {
    let room = Monitoring::new("claims").await;
    for number in 0..40 {
        room.target(&format!("t{number}")).await;
    }
    let others = [room.another().await, room.another().await, room.another().await];
    let (a, b, c, d) = tokio::join!(
        claim(&room.store, "a", true),
        claim(&others[0], "b", true),
        claim(&others[1], "c", true),
        claim(&others[2], "d", true),
    );
    let mut claimed: Vec<i32> = [a, b, c, d]
        .into_iter()
        .flatten()
        .map(|target| target.target_id)
        .collect();
    // Whoever was passed over because another held the row for a moment is claimed by the next.
    claimed.extend(
        claim(&room.store, "e", true)
            .await
            .into_iter()
            .map(|target| target.target_id),
    );
    let total = claimed.len();
    claimed.sort_unstable();
    claimed.dedup();
    assert_eq!((total, claimed.len()), (40, 40));
}

#[tokio::test]
async fn a_target_is_due_once_an_interval_unless_it_is_asked_for() {
    let room = Monitoring::new("due").await;
    let target_id = room.target("t").await;
    let completion = |holder| Completion {
        target_id,
        holder,
        state: State::Down {
            code: "connect_failed",
            error: "refused",
        },
    };
    assert_eq!(claim(&room.store, "a", true).await.len(), 1);
    assert_eq!(claim(&room.store, "b", false).await, [], "it is held");
    assert!(targets::complete(&room.store, &completion("a")).await.unwrap());
    assert_eq!(claim(&room.store, "b", true).await, [], "its time has not come");
    assert_eq!(claim(&room.store, "b", false).await.len(), 1);
    targets::complete(&room.store, &completion("b")).await.unwrap();

    let on_the_grid = "select count(*) from monitoring.target_state
                       where mod(extract(epoch from next_collection_at)::int8, 15) = 0
                         and next_collection_at between now() and now() + interval '30 seconds'";
    assert_eq!(room.number(on_the_grid).await, 1);
    room.run("update monitoring.target_state set next_collection_at = now() + interval '1 second'")
        .await;
    assert_eq!(
        claim(&room.store, "c", true).await.len(),
        1,
        "a schedule may be a little early"
    );
}

#[tokio::test]
async fn who_lost_the_lease_writes_nothing() {
    let room = Monitoring::new("lost_lease").await;
    let target_id = room.target("t").await;
    let claim_for = |holder| Claim {
        holder,
        limit: 1,
        longest: Duration::from_millis(1),
        margin: Duration::ZERO,
        only_due: false,
    };
    assert_eq!(
        targets::claim_due(&room.store, &claim_for("slow"))
            .await
            .unwrap()
            .len(),
        1
    );
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(
        targets::claim_due(&room.store, &claim_for("next"))
            .await
            .unwrap()
            .len(),
        1
    );

    let up = State::Up {
        server_version: 180004,
        server_started_at: Some(chrono::Utc::now()),
        in_recovery: Some(false),
    };
    let down = State::Down {
        code: "statement_timeout",
        error: "too slow",
    };
    let completion = |holder, state| Completion {
        target_id,
        holder,
        state,
    };
    assert!(
        !targets::complete(&room.store, &completion("slow", down.clone()))
            .await
            .unwrap()
    );
    assert!(
        targets::complete(&room.store, &completion("next", up))
            .await
            .unwrap()
    );
    let status = store::status::targets(&room.store).await.unwrap();
    assert_eq!(
        (status[0].up, status[0].error_code.as_deref()),
        (Some(true), None)
    );

    targets::claim_due(&room.store, &claim_for("third"))
        .await
        .unwrap();
    assert!(
        targets::complete(&room.store, &completion("third", down))
            .await
            .unwrap()
    );
    let status = store::status::targets(&room.store).await.unwrap();
    assert_eq!(
        (status[0].up, status[0].error_code.as_deref()),
        (Some(false), Some("statement_timeout"))
    );
    assert!(status[0].down_since.is_some() && status[0].server_version == Some(180004));
}

#[tokio::test]
async fn how_a_collector_fared_is_kept_with_its_last_success() {
    let room = Monitoring::new("collector_status").await;
    let target_id = room.target("t").await;
    let run = |outcome| CollectorRun {
        target_id,
        collector: "statements".into(),
        outcome,
        rows: 3,
        duration_ms: 1.5,
        begun_ms_ago: 2.0,
    };
    collector_status::record(&room.store, &[run(Outcome::Ok)])
        .await
        .unwrap();
    let skipped = Outcome::Skipped("missing extension pg_stat_statements".to_owned());
    collector_status::record(&room.store, &[run(skipped)])
        .await
        .unwrap();
    let read = store::exposition::collectors(&room.store).await.unwrap();
    assert_eq!((read.len(), read[0].outcome.as_str()), (1, "skipped"));
    assert_eq!(
        read[0].reason.as_deref(),
        Some("missing extension pg_stat_statements")
    );
    assert!(read[0].success_age_seconds.is_some());
}
