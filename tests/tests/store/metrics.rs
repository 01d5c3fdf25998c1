//! What the metrics measure, from the samples that collectors store.

use db::Client;
use store::observations::{self, Observed, Watched};
use store::rules;
use vitals::alert::Observation;

use crate::Monitoring;

/// A sample of a collector: its columns by name, so many seconds ago.
async fn sampled(
    room: &Monitoring,
    target: i32,
    collector: &str,
    labels: &str,
    values: &str,
    seconds_ago: i64,
) {
    let written = room
        .admin
        .execute(
            "with subject as (
               insert into monitoring.subjects (target_id, collector_id, subject_key, labels)
               select $1::int4, c.collector_id,
                      (select coalesce(string_agg(l.value, '/' order by l.key), '') from jsonb_each_text($3::jsonb) as l),
                      $3::jsonb
               from monitoring.collectors as c where c.collector = $2
               on conflict (target_id, collector_id, subject_key) do update set gone_at = null
               returning subject_id, collector_id
             )
             insert into monitoring.samples (subject_id, target_id, collector_id, sampled_at, interval_ms, \"values\")
             select subject.subject_id, $1::int4, subject.collector_id, now() - $5::int8 * interval '1 second', 15000,
                    array(
                      select ($4::jsonb ->> named.name)::int8
                      from unnest(c.columns) with ordinality as named (name, place) order by named.place
                    )
             from subject join monitoring.collectors as c using (collector_id)",
            &[
                target.into(),
                collector.into(),
                serde_json::from_str::<serde_json::Value>(labels).unwrap().into(),
                serde_json::from_str::<serde_json::Value>(values).unwrap().into(),
                seconds_ago.into(),
            ],
        )
        .await
        .unwrap();
    assert_eq!(written, 1, "there is no collector {collector}");
}

/// Only this rule, on a metric, with more of its columns.
async fn only_rule(room: &Monitoring, metric: &str, columns: &str, values: &str) {
    room.run("delete from monitoring.rules").await;
    room.run(&format!(
        "insert into monitoring.rules (rule_id, summary, metric, comparison, resolve{columns})
         values ('rule', 'a rule', '{metric}', 'above', -1e300{values})"
    ))
    .await;
}

async fn observed(room: &Monitoring) -> Vec<Observed> {
    let rules = rules::all(&room.store).await.unwrap();
    assert_eq!(rules.faults, []);
    let mut all = observations::all(&[&room.store], &rules).await.unwrap();
    all.sort_by(|a, b| (a.target_id, &a.subject).cmp(&(b.target_id, &b.subject)));
    all
}

async fn values(room: &Monitoring) -> Vec<(String, f64)> {
    let all = observed(room).await;
    all.into_iter()
        .map(|observed| match observed.observation {
            Observation::Value(value) => (observed.subject_label, value),
            other => panic!("{} is {other:?}", observed.subject_label),
        })
        .collect()
}

#[tokio::test]
async fn a_column_of_a_collector_is_taken_together_as_the_rule_says() {
    let room = Monitoring::new("aggregates").await;
    let target = room.target("t").await;
    for (value, seconds_ago) in [(40, 280), (10, 200), (30, 100), (20, 10), (1_000, 400)] {
        let values = format!(r#"{{"items": {value}}}"#);
        sampled(
            &room,
            target,
            "pgbouncer_lists",
            r#"{"list": "pools"}"#,
            &values,
            seconds_ago,
        )
        .await;
    }
    let cases = [
        ("last", 20.0),
        ("avg", 220.0), // The value before the window goes on in it, where only changes are kept.
        ("min", 10.0),
        ("max", 1_000.0),
        ("p50", 30.0),
    ];
    for (aggregate, expected) in cases {
        only_rule(
            &room,
            "pgbouncer_lists.items",
            ", warning, window_seconds, aggregate",
            &format!(", 1, 300, '{aggregate}'"),
        )
        .await;
        assert_eq!(
            values(&room).await,
            [("pools".to_owned(), expected)],
            "{aggregate}"
        );
    }
}

#[tokio::test]
async fn what_is_counted_is_told_per_second_or_as_a_sum() {
    let room = Monitoring::new("rates").await;
    let target = room.target("t").await;
    for seconds_ago in [10, 25, 40] {
        sampled(&room, target, "wal", "{}", r#"{"bytes": 3000}"#, seconds_ago).await;
    }
    only_rule(&room, "wal.bytes", ", warning", ", 1").await;
    assert_eq!(
        values(&room).await,
        [("t".to_owned(), 200.0)],
        "9,000 bytes in 45 s"
    );
    only_rule(&room, "wal.bytes", ", warning, aggregate", ", 1, 'sum'").await;
    assert_eq!(values(&room).await, [("t".to_owned(), 9_000.0)]);
}

#[tokio::test]
async fn a_rule_is_about_what_its_labels_say() {
    let room = Monitoring::new("labels").await;
    let (shop, blog) = (room.target("shop").await, room.target("blog").await);
    for (target, table) in [(shop, "orders"), (shop, "order_lines"), (blog, "posts")] {
        let labels = format!(r#"{{"schema": "public", "table": "{table}"}}"#);
        sampled(&room, target, "tables", &labels, r#"{"live_rows": 7}"#, 10).await;
    }
    let cases = [
        ("{}", vec!["public.order_lines", "public.orders", "public.posts"]),
        (r#"{"table": "orders"}"#, vec!["public.orders"]),
        (
            r#"{"table": {"like": "order%"}}"#,
            vec!["public.order_lines", "public.orders"],
        ),
        (r#"{"target": {"not": "shop"}}"#, vec!["public.posts"]),
        (
            r#"{"target": "shop", "table": {"not": "orders"}}"#,
            vec!["public.order_lines"],
        ),
        (r#"{"subject": "public/posts"}"#, vec!["public.posts"]),
        (r#"{"colour": {"like": "%"}}"#, vec![]),
    ];
    for (labels, expected) in cases {
        only_rule(
            &room,
            "tables.live_rows",
            ", warning, window_seconds, labels",
            &format!(", 1, 600, '{labels}'"),
        )
        .await;
        let mut seen: Vec<String> = values(&room).await.into_iter().map(|(label, _)| label).collect();
        seen.sort();
        assert_eq!(seen, expected, "{labels}");
    }
}

#[tokio::test]
async fn labels_of_a_subject_are_those_of_its_target_too() {
    let room = Monitoring::new("own_labels").await;
    let target = room.target("t").await;
    room.run(r#"update monitoring.targets set labels = '{"team": "shop"}'"#)
        .await;
    sampled(
        &room,
        target,
        "tables",
        r#"{"schema": "public", "table": "a"}"#,
        r#"{"live_rows": 7}"#,
        10,
    )
    .await;
    only_rule(&room, "tables.live_rows", ", warning, window_seconds", ", 1, 600").await;
    let labels = observed(&room).await.remove(0).labels;
    let named = |label: &str| labels.get(label).map(String::as_str);
    assert_eq!(
        [named("target"), named("team"), named("table"), named("database")],
        [Some("t"), Some("shop"), Some("a"), Some("x")]
    );
}

#[tokio::test]
async fn a_collector_that_fell_silent_is_no_data_and_not_well() {
    let room = Monitoring::new("no_data").await;
    let (working, silent, never) = (
        room.target("working").await,
        room.target("silent").await,
        room.target("never").await,
    );
    for (target, ago) in [(working, 5), (silent, 600)] {
        sampled(&room, target, "wal", "{}", r#"{"bytes": 3000}"#, ago).await;
        room.run(&format!(
            "insert into monitoring.collector_status (target_id, collector, outcome, at, last_success_at)
             values ({target}, 'wal', 'ok', now() - interval '{ago} s', now() - interval '{ago} s')"
        ))
        .await;
    }
    only_rule(&room, "wal.bytes", ", warning, window_seconds", ", 1, 3600").await;
    let seen: Vec<_> = observed(&room)
        .await
        .into_iter()
        .map(|observed| (observed.target_id, observed.subject, observed.observation))
        .collect();
    assert_eq!(
        seen,
        [
            (working, String::new(), Observation::Value(200.0)),
            (silent, String::new(), Observation::NoData)
        ],
        "{never} never had any, and is not missed"
    );
}

#[tokio::test]
async fn what_is_read_once_an_hour_is_looked_at_after_it_was_read() {
    let room = Monitoring::new("due").await;
    let target = room.target("t").await;
    sampled(
        &room,
        target,
        "tables",
        r#"{"schema": "public", "table": "a"}"#,
        r#"{"live_rows": 7}"#,
        10,
    )
    .await;
    only_rule(&room, "tables.live_rows", ", warning, window_seconds", ", 1, 600").await;
    let read = async |ago: i64| {
        room.run(&format!(
            "insert into monitoring.collector_status (target_id, collector, outcome, at, last_success_at)
             values ({target}, 'tables', 'ok', now(), now() - interval '{ago} s')
             on conflict (target_id, collector) do update set last_success_at = excluded.last_success_at"
        ))
        .await;
    };
    read(20).await;
    assert_eq!(observed(&room).await.len(), 1);
    room.run(&format!(
        "insert into monitoring.alerts (rule_id, target_id, subject, subject_label, state, level, value, threshold, opened_at)
         values ('rule', {target}, 'gone', 'gone', 'firing', 'warning', 1, 1, now())"
    ))
    .await;
    assert_eq!(
        observed(&room).await.len(),
        2,
        "an alert is told that its subject rests"
    );
    read(240).await;
    assert_eq!(
        observed(&room).await,
        [],
        "nothing new is known until it is read again"
    );
    read(2_000).await;
    let silent: Vec<_> = observed(&room)
        .await
        .into_iter()
        .map(|observed| observed.observation)
        .collect();
    assert_eq!(silent, [Observation::NoData, Observation::NoData]);
}

#[tokio::test]
async fn statements_have_a_shape() {
    let room = Monitoring::new("shape").await;
    let target = room.target("t").await;
    let statements = [
        ("select * from patients where id = $1", 1, "single"),
        ("select * from patients where ward = $1", 20, "other"),
        ("select count(*) from patients where ward = $1", 1, "other"),
        (
            "select * from patients order by id limit $1 offset $2",
            50,
            "paginated",
        ),
        ("update patients set ward = $1 where id = $2", 1, "other"),
        ("select pg_sleep($1)", 1, "other"),
    ];
    for (place, (query, rows_per_call, _)) in statements.iter().enumerate() {
        room.run(&format!(
            "with known as (
               insert into monitoring.statements (target_id, statement_key, query_id, top_level, user_name, query)
               values ({target}, '1/1/{place}/t', {place}, true, 'shop', '{query}') returning statement_id
             )
             insert into monitoring.statement_samples
             select {target}, statement_id, now() - interval '5 s', 1000, 10, 0, 10000000, 10 * {rows_per_call},
                    0, 0, 0, 0, 0, 0, 0, 0, 0
             from known"
        ))
        .await;
    }
    only_rule(&room, "statement_mean_ms", ", warning", ", 1").await;
    let shapes: Vec<_> = observed(&room)
        .await
        .into_iter()
        .map(|observed| (observed.subject_label, observed.labels["shape"].clone()))
        .collect();
    let expected: Vec<_> = statements
        .iter()
        .map(|(query, _, shape)| ((*query).to_owned(), (*shape).to_owned()))
        .collect();
    assert_eq!(shapes, expected);
}

#[tokio::test]
async fn every_metric_answers_in_every_way_that_it_offers() {
    for version in integration_tests::test_versions() {
        let room = Monitoring::on(version, "every_metric").await;
        let target = room.target("t").await;
        room.run("delete from monitoring.rules").await;
        room.run(
            "insert into monitoring.rules (rule_id, summary, metric, aggregate, comparison, warning, resolve)
             select 'rule_' || row_number() over (), 'a rule', m.metric, a.aggregate, 'above', 1, 1
             from monitoring.metrics as m cross join unnest(m.aggregates) as a (aggregate)",
        )
        .await;
        sampled(&room, target, "wal", "{}", r#"{"bytes": 3000}"#, 10).await;
        let rules = rules::all(&room.store).await.unwrap();
        assert_eq!(rules.faults, []);
        assert!(rules.valid.len() > 1_000, "{}", rules.valid.len());
        let seen = observations::all(&[&room.store], &rules).await.unwrap();
        assert!(!seen.is_empty(), "of WAL something is seen");
    }
}

#[tokio::test]
async fn the_trend_of_a_subject_is_its_last_values_oldest_first() {
    let room = Monitoring::new("trends").await;
    let target = room.target("t").await;
    for (value, seconds_ago) in [(1, 150), (2, 90), (3, 30)] {
        let values = format!(r#"{{"cl_waiting": {value}}}"#);
        let labels = r#"{"database": "shop", "user": "app"}"#;
        sampled(&room, target, "pgbouncer_pools", labels, &values, seconds_ago).await;
    }
    only_rule(
        &room,
        "pgbouncer_pools.cl_waiting",
        ", warning, aggregate",
        ", 1000, 'max'",
    )
    .await;
    let rules = rules::all(&room.store).await.unwrap();
    let now = chrono::Utc::now();
    let watched = Watched {
        rule_id: "rule".to_owned(),
        target_id: target,
        subject: "shop/app".to_owned(),
    };
    let trends = observations::trends(&room.store, &rules, std::slice::from_ref(&watched), now)
        .await
        .unwrap();
    assert_eq!(trends[&watched], [1.0, 2.0, 3.0]);
}

#[tokio::test]
async fn what_has_no_value_is_not_taken_for_normal() {
    let room = Monitoring::new("days_without_value").await;
    let target = room.target("t").await;
    for (sequence, values) in [
        ("unused", r#"{"cycles": 0}"#),
        ("used", r#"{"cycles": 0, "used_permille": 250}"#),
    ] {
        let labels = format!(r#"{{"schema": "public", "sequence": "{sequence}"}}"#);
        sampled(&room, target, "sequences", &labels, values, 60).await;
    }
    only_rule(&room, "sequence_use_percent", ", warning", ", 75").await;
    let rules = rules::all(&room.store).await.unwrap();
    let rule = rules.find("rule").unwrap();
    let days = observations::days(&room.store, rule, &[chrono::Utc::now()], None)
        .await
        .unwrap();
    let seen: Vec<_> = days.iter().map(|day| (day.day.least, day.day.greatest)).collect();
    assert_eq!(seen, [(25.0, 25.0)], "{days:?}");
}
