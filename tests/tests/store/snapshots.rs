//! Counters and the samples made of them.

use chrono::{DateTime, Utc};
use db::{Client, Connection};
use store::snapshots::{self, ActivitySample, DatabaseSample, StatementSample, Swap, Write};
use store::statements::{self, SeenStatement};
use vitals::delta::Snapshot;

use crate::Monitoring;

const KEY: &str = "5/10/-42/t";

fn reading(calls: i64) -> Snapshot {
    let at: DateTime<Utc> = "2026-11-21T04:00:00.000001Z".parse().unwrap();
    let (columns, keys) = (
        vec!["calls".to_owned(), "exec_us".to_owned()],
        vec![KEY.to_owned()],
    );
    Snapshot::new(at, "epoch", columns, keys, vec![calls, calls * 600_000]).unwrap()
}

fn statement(query: Option<&str>) -> SeenStatement {
    SeenStatement {
        statement_key: KEY.to_owned(),
        database: Some("shop".to_owned()),
        user_name: None,
        query_id: -42,
        top_level: true,
        query: query.map(str::to_owned),
        utility: false,
    }
}

fn sample(calls: i64) -> StatementSample {
    let delta = |column| match column {
        "calls" => Some(calls),
        "exec_us" => Some(calls * 600_000),
        "plan_us" | "jit_us" => None,
        _ => Some(0),
    };
    StatementSample {
        statement_key: KEY.to_owned(),
        deltas: StatementSample::COLUMNS.map(delta),
    }
}

async fn write(
    client: &Connection,
    target_id: i32,
    expected: Option<i64>,
    calls: i64,
    samples: &[StatementSample],
) -> Write {
    let snapshot = reading(calls);
    let swap = Swap {
        target_id,
        collector: "statements",
        expected,
        snapshot: &snapshot,
        interval_ms: 15_000,
    };
    snapshots::write_statements(client, &swap, samples).await.unwrap()
}

#[tokio::test]
async fn a_snapshot_comes_back_as_it_was_written() {
    let room = Monitoring::new("snapshot_round_trip").await;
    let target = room.target("t").await;
    assert_eq!(
        snapshots::load(&room.store, target, "statements").await.unwrap(),
        None
    );
    assert_eq!(
        write(&room.store, target, None, 1, &[]).await,
        Write::Swapped { samples: 0 }
    );
    let stored = snapshots::load(&room.store, target, "statements")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((stored.version, stored.snapshot), (1, reading(1)));
}

#[tokio::test]
async fn of_two_collectors_with_the_same_base_one_is_written_and_nothing_counts_twice() {
    let room = Monitoring::new("compare_and_swap").await;
    let target = room.target("t").await;
    statements::upsert(&room.store, target, vec![statement(Some("select $1"))])
        .await
        .unwrap();
    write(&room.store, target, None, 10, &[]).await;

    let others = [room.another().await, room.another().await, room.another().await];
    for round in 1..=10 {
        let (first, calls) = ([sample(1)], 10 + round);
        let (a, b, c, d) = tokio::join!(
            write(&room.store, target, Some(round), calls, &first),
            write(&others[0], target, Some(round), calls, &first),
            write(&others[1], target, Some(round), calls, &first),
            write(&others[2], target, Some(round), calls, &first),
        );
        let mut outcomes = vec![a, b, c, d];
        outcomes.retain(|outcome| *outcome != Write::Lost);
        assert_eq!(outcomes, [Write::Swapped { samples: 1 }], "round {round}");
    }
    assert_eq!(
        room.number("select sum(calls)::int8 from monitoring.statement_samples")
            .await,
        10
    );
    assert_eq!(
        write(&room.store, target, None, 30, &[sample(20)]).await,
        Write::Lost,
        "one that saw no base"
    );
}

#[tokio::test]
async fn a_base_that_is_gone_is_no_base() {
    let room = Monitoring::new("lost_base").await;
    let target = room.target("t").await;
    statements::upsert(&room.store, target, vec![statement(Some("select $1"))])
        .await
        .unwrap();
    write(&room.store, target, None, 10, &[]).await;
    // As after a crash: the table is unlogged.
    room.run("truncate monitoring.counter_snapshots").await;
    assert_eq!(
        write(&room.store, target, Some(1), 11, &[sample(1)]).await,
        Write::Lost
    );
    assert_eq!(
        write(&room.store, target, None, 11, &[]).await,
        Write::Swapped { samples: 0 }
    );
    let counted = "select coalesce(sum(calls), 0)::int8 from monitoring.statement_samples";
    assert_eq!(room.number(counted).await, 0);
}

#[tokio::test]
async fn the_text_of_a_statement_is_asked_for_until_it_is_known_and_not_all_the_time() {
    let room = Monitoring::new("unknown_statements").await;
    let target = room.target("t").await;
    let keys = || vec![KEY.to_owned(), "5/10/43/f".to_owned()];
    assert_eq!(
        statements::unknown(&room.store, target, keys()).await.unwrap(),
        keys()
    );

    statements::upsert(&room.store, target, vec![statement(None)])
        .await
        .unwrap();
    assert_eq!(
        statements::unknown(&room.store, target, keys()).await.unwrap(),
        ["5/10/43/f"],
        "asked just now"
    );
    room.run("update monitoring.statements set text_checked_at = now() - interval '11 minutes'")
        .await;
    assert_eq!(
        statements::unknown(&room.store, target, keys()).await.unwrap(),
        keys()
    );

    statements::upsert(&room.store, target, vec![statement(Some("select $1"))])
        .await
        .unwrap();
    statements::upsert(&room.store, target, vec![statement(None)])
        .await
        .unwrap();
    room.run("update monitoring.statements set text_checked_at = now() - interval '11 minutes'")
        .await;
    assert_eq!(
        statements::unknown(&room.store, target, keys()).await.unwrap(),
        ["5/10/43/f"]
    );

    let names = statements::names(&room.store, target, keys()).await.unwrap();
    assert_eq!(names.len(), 1);
    assert_eq!(
        (names[0].query.as_deref(), names[0].query_id),
        (Some("select $1"), -42)
    );
    assert_eq!(
        (names[0].database.as_deref(), names[0].user_name.as_deref()),
        (Some("shop"), None)
    );
}

#[tokio::test]
async fn what_is_in_use_is_seen_once_a_day() {
    let room = Monitoring::new("last_seen").await;
    let target = room.target("t").await;
    statements::upsert(&room.store, target, vec![statement(None)])
        .await
        .unwrap();
    room.run("update monitoring.statements set last_seen = now() - interval '2 days'")
        .await;
    write(&room.store, target, None, 1, &[sample(1)]).await;
    let fresh = "select count(*) from monitoring.statements where last_seen > now() - interval '1 minute'";
    assert_eq!(room.number(fresh).await, 1);
}

#[tokio::test]
async fn databases_and_connections_are_written_column_by_column() {
    let room = Monitoring::new("databases_written").await;
    let target = room.target("t").await;
    let snapshot = reading(1);
    let swap = Swap {
        target_id: target,
        collector: "databases",
        expected: None,
        snapshot: &snapshot,
        interval_ms: 1000,
    };
    let deltas = std::array::from_fn(|position| i64::try_from(position).unwrap() + 1);
    let sample = DatabaseSample {
        database: "shop".to_owned(),
        size_bytes: None,
        backends: 99,
        deltas,
    };
    let written = snapshots::write_databases(&room.store, &swap, &[99], &[sample])
        .await
        .unwrap();
    assert_eq!(written, Write::Swapped { samples: 1 });
    for (position, column) in DatabaseSample::COLUMNS.iter().enumerate() {
        let value = room
            .number(&format!("select {column} from monitoring.database_samples"))
            .await;
        assert_eq!(value, i64::try_from(position).unwrap() + 1, "{column}");
    }
    assert_eq!(
        room.number("select backends::int8 from monitoring.database_samples where size_bytes is null")
            .await,
        99
    );

    let result = crate::rows(
        &room.store,
        store::collectors::find("activity").unwrap().variants[0].sql,
    )
    .await;
    let activity = ActivitySample::read(result.one().unwrap()).unwrap();
    snapshots::write_activity(&room.store, target, &activity)
        .await
        .unwrap();
    let back = store::exposition::activity(&room.store).await.unwrap();
    assert_eq!((back.len(), &back[0].sample), (1, &activity));
}

#[tokio::test]
async fn every_counter_of_a_statement_is_written_to_its_column() {
    let room = Monitoring::new("statement_columns").await;
    let target = room.target("t").await;
    statements::upsert(&room.store, target, vec![statement(None)])
        .await
        .unwrap();
    let deltas = std::array::from_fn(|position| Some(i64::try_from(position).unwrap() + 1));
    write(
        &room.store,
        target,
        None,
        1,
        &[StatementSample {
            statement_key: KEY.to_owned(),
            deltas,
        }],
    )
    .await;
    for (position, column) in StatementSample::COLUMNS.iter().enumerate() {
        let value = room
            .number(&format!("select {column} from monitoring.statement_samples"))
            .await;
        assert_eq!(value, i64::try_from(position).unwrap() + 1, "{column}");
    }
}

#[tokio::test]
async fn a_negative_delta_is_refused_and_leaves_the_base_as_it_was() {
    let room = Monitoring::new("negative_delta").await;
    let target = room.target("t").await;
    statements::upsert(&room.store, target, vec![statement(None)])
        .await
        .unwrap();
    let snapshot = reading(1);
    let swap = Swap {
        target_id: target,
        collector: "statements",
        expected: None,
        snapshot: &snapshot,
        interval_ms: 1,
    };
    let error = snapshots::write_statements(&room.store, &swap, &[sample(-1)])
        .await
        .unwrap_err();
    assert_eq!(error.sqlstate.as_deref(), Some("23514"));
    assert_eq!(
        snapshots::load(&room.store, target, "statements").await.unwrap(),
        None
    );
}

/// The real size of it: a full `pg_stat_statements` of which all has moved.
#[tokio::test]
async fn five_thousand_statements_are_written_in_one_statement() {
    let room = Monitoring::new("five_thousand").await;
    let target = room.target("t").await;
    let keys: Vec<String> = (0..5000).map(|number| format!("5/10/{number}/t")).collect();
    let seen = keys.iter().map(|key| SeenStatement {
        statement_key: key.clone(),
        ..statement(Some("select $1"))
    });
    statements::upsert(&room.store, target, seen.collect())
        .await
        .unwrap();
    let columns: Vec<String> = StatementSample::COLUMNS
        .iter()
        .map(|column| (*column).to_owned())
        .collect();
    let counters = vec![7; keys.len() * columns.len()];
    let snapshot = Snapshot::new(Utc::now(), "epoch", columns, keys.clone(), counters).unwrap();
    let swap = Swap {
        target_id: target,
        collector: "statements",
        expected: None,
        snapshot: &snapshot,
        interval_ms: 1,
    };
    let samples: Vec<_> = keys
        .into_iter()
        .map(|statement_key| StatementSample {
            statement_key,
            deltas: [Some(7); 27],
        })
        .collect();
    let written = snapshots::write_statements(&room.store, &swap, &samples)
        .await
        .unwrap();
    assert_eq!(written, Write::Swapped { samples: 5000 });
    let sizes = store::status::sizes(&room.store).await.unwrap();
    assert!(
        sizes
            .iter()
            .any(|size| size.table_name == "statement_samples" && size.partitions == 8 && size.bytes > 0)
    );
    room.store.query("select 1::int8", &[]).await.unwrap();
}
