//! What keeps the schema from growing for ever.

use store::retention;

use crate::roll_ups::{fill, roll_up_all};
use crate::{Monitoring, refusal};

const PARTITIONS: &str =
    "select count(*) from pg_inherits where inhparent = 'monitoring.activity_samples'::regclass";

/// Makes a partition as it was made so many days ago.
fn partition(table: &str, days: u32) -> String {
    format!("select monitoring.make_partition('{table}', now() - interval '{days} days')")
}

#[tokio::test]
async fn partitions_are_made_ahead_and_dropped_when_their_time_has_come() {
    let room = Monitoring::new("partitions").await;
    assert_eq!(room.number(PARTITIONS).await, 8, "today and seven days ahead");
    assert_eq!(
        retention::maintain(&room.store).await.unwrap(),
        0,
        "it was done within the hour"
    );

    room.run("update monitoring.partitioned_tables set ahead = 9, maintained_at = null where table_name = 'activity_samples'")
        .await;
    assert_eq!(retention::maintain(&room.store).await.unwrap(), 2);
    assert_eq!(room.number(PARTITIONS).await, 10);

    for days in [7, 8] {
        room.run(&partition("activity_samples", days)).await;
    }
    assert_eq!(
        retention::drop_partitions(&room.store).await.unwrap(),
        1,
        "seven days are kept, not eight"
    );
    assert_eq!(room.number(PARTITIONS).await, 11);
    room.run("insert into monitoring.retention (collector, raw) values ('activity', '2 days')")
        .await;
    assert_eq!(
        retention::drop_partitions(&room.store).await.unwrap(),
        1,
        "two days are kept now"
    );
}

#[tokio::test]
async fn samples_are_kept_until_they_are_rolled_up() {
    let room = Monitoring::new("kept_until_rolled_up").await;
    let target = fill(&room).await;
    room.run(&format!(
        "insert into monitoring.activity_samples
         select {target}, now() - interval '9 days', 5, 100, 3, 1, 4, 0, 0, 0, 0, 0, 0"
    ))
    .await;
    let old = "select count(*) from monitoring.activity_samples where sampled_at < now() - interval '8 days'";
    room.run("insert into monitoring.retention (collector, raw) values ('statements', '1 day')")
        .await;
    retention::drop_partitions(&room.store).await.unwrap();
    assert_eq!(room.number(old).await, 1, "nothing is rolled up");
    assert_eq!(
        room.number(
            "select count(*) from monitoring.statement_samples where sampled_at < now() - interval '40 hours'"
        )
        .await
        .signum(),
        1
    );

    roll_up_all(&room.store).await;
    assert!(retention::drop_partitions(&room.store).await.unwrap() > 0);
    assert_eq!(room.number(old).await, 0);
    assert_eq!(
        room.number("select connections_max from monitoring.activity_samples_daily where starts_at < now() - interval '8 days'")
            .await,
        5
    );
}

#[tokio::test]
async fn a_collector_is_kept_for_as_long_as_its_own_retention_says() {
    let room = Monitoring::new("retention_of_one").await;
    let target = fill(&room).await;
    room.run(
        "insert into monitoring.collectors (collector, reads, scope, keeps, labels, texts, columns, kinds)
         values ('test_short', 'x', 'database', 'all', '{}', '{}', '{n}', '{gauge}')",
    )
    .await;
    room.run(&format!(
        "insert into monitoring.subjects (target_id, collector_id, subject_key)
         select {target}, collector_id, 'x' from monitoring.collectors where collector = 'test_short'"
    ))
    .await;
    // More than one bite.
    room.run(
        "insert into monitoring.samples
         select s.subject_id, s.target_id, s.collector_id, now() - n * interval '20 seconds', 20000, array[n]
         from monitoring.subjects as s join monitoring.collectors as c using (collector_id), generate_series(1, 30000) as n
         where c.collector = 'test_short'",
    )
    .await;
    room.run("insert into monitoring.retention values ('test_short', '1 day', '2 days', null), ('test_tables', '14 days', null, null)")
        .await;
    let count = |collector: &str, condition: &str| {
        format!(
            "select count(*) from monitoring.samples join monitoring.collectors using (collector_id)
             where collector = '{collector}' and sampled_at {condition}"
        )
    };
    let tables = room.number(&count("test_tables", "< now()")).await;
    while retention::remove_samples(&room.store).await.unwrap() > 0 {}
    assert_eq!(
        room.number(&count("test_short", "< now()")).await,
        30_000,
        "nothing is rolled up"
    );

    roll_up_all(&room.store).await;
    let mut bites = 0;
    loop {
        let removed = retention::remove_samples(&room.store).await.unwrap();
        assert!(removed <= 10_000, "{removed}");
        if removed == 0 {
            break;
        }
        bites += 1;
    }
    assert!(bites > 3, "{bites}");
    let left = room.number(&count("test_short", "< now()")).await;
    assert!((23 * 180..=24 * 180).contains(&left), "{left} of a day");
    assert_eq!(
        room.number(&count("test_short", "< now() - interval '25 hours'"))
            .await,
        0
    );
    assert_eq!(room.number(&count("test_tables", "< now()")).await, tables);
    let hours =
        "select count(*) from monitoring.samples_hourly join monitoring.collectors using (collector_id)
                 where collector = 'test_short' and starts_at < now() - interval '49 hours'";
    assert_eq!(room.number(hours).await, 0);
    let days = "select count(*) from monitoring.samples_daily join monitoring.collectors using (collector_id)
                where collector = 'test_short'";
    assert!(room.number(days).await >= 6, "days are kept as those of others");

    room.run(&partition("samples", 12)).await;
    retention::drop_partitions(&room.store).await.unwrap();
    let kept = format!(
        "select (to_regclass('monitoring.samples_p' || to_char({}, 'YYYYMMDD')) is not null)::int::int8",
        "now() - interval '12 days'"
    );
    assert_eq!(room.number(&kept).await, 1, "somebody wants two weeks of it");
}

#[tokio::test]
async fn what_is_gone_is_forgotten_when_nothing_about_it_is_kept_any_more() {
    let room = Monitoring::new("forgotten_subjects").await;
    fill(&room).await;
    room.run("update monitoring.subjects set gone_at = now() - subject_key::int * interval '200 days'")
        .await;
    room.run("insert into monitoring.retention (collector, daily) values ('test_tables', '900 days')")
        .await;
    retention::remove_rows(&room.store).await.unwrap();
    assert_eq!(
        room.number("select count(*) from monitoring.subjects").await,
        4,
        "1,000 days are more than 900"
    );
    room.run("delete from monitoring.retention where collector = 'test_tables'")
        .await;
    retention::remove_rows(&room.store).await.unwrap();
    assert_eq!(
        room.number("select count(*) from monitoring.subjects").await,
        3,
        "800 days are more than two years"
    );
}

#[tokio::test]
async fn bounds_are_days_of_utc_whatever_the_caller_thinks_of_time() {
    let room = Monitoring::new("utc").await;
    room.run("set timezone = 'America/Los_Angeles'").await;
    room.run("update monitoring.partitioned_tables set ahead = 12, maintained_at = null where table_name = 'function_runs'")
        .await;
    room.run("select monitoring.maintain_table('function_runs')")
        .await;
    let crooked = "select count(*) from pg_inherits as link join pg_class as child on child.oid = link.inhrelid
                   where link.inhparent = 'monitoring.function_runs'::regclass
                     and pg_get_expr(child.relpartbound, child.oid) not like
                         '%' || to_char(to_date(right(child.relname, 8), 'YYYYMMDD'), 'YYYY-MM-DD') || ' 00:00:00+00%'";
    room.run("set timezone = 'UTC'").await;
    assert_eq!(room.number(crooked).await, 0);
}

#[tokio::test]
async fn rows_that_have_had_their_day_are_removed_and_no_others() {
    let room = Monitoring::new("old_rows").await;
    let target = room.target("t").await;
    room.run(&format!(
        "insert into monitoring.alerts
           (rule_id, target_id, subject, subject_label, state, level, value, threshold, opened_at, resolved_at)
         select 'cache_hit', {target}, n::text, '', 'resolved', 'warning', 1, 1, now(), now() - n * interval '350 days'
         from generate_series(1, 3) as n"
    ))
    .await;
    room.run(
        "insert into monitoring.channels (name, kind, url) values ('c', 'webhook', 'https://example.com')",
    )
    .await;
    room.run(
        "insert into monitoring.outbox (alert_id, sequence, channel_id, event, payload, created_at, delivered_at)
         select a.alert_id, n, 1, 'firing', '{}', now() - n * interval '10 days',
                case when n < 5 then now() - n * interval '10 days' end
         from monitoring.alerts as a, generate_series(1, 5) as n where a.subject = '1'",
    )
    .await;
    room.run(&format!(
        "insert into monitoring.statements (target_id, statement_key, query_id, top_level, last_seen)
         select {target}, '1/1/' || n || '/t', n, true, now() - n * interval '350 days' from generate_series(1, 3) as n"
    ))
    .await;
    retention::remove_rows(&room.store).await.unwrap();
    assert_eq!(
        room.number("select count(*) from monitoring.alerts").await,
        2,
        "two years"
    );
    assert_eq!(
        room.number("select count(*) from monitoring.outbox where delivered_at is not null")
            .await,
        2
    );
    assert_eq!(
        room.number("select count(*) from monitoring.outbox where dead_at is not null")
            .await,
        1
    );
    assert_eq!(
        room.number("select count(*) from monitoring.statements").await,
        2,
        "two years, as their days"
    );
}

#[tokio::test]
async fn the_retention_of_a_collector_that_there_is_not_is_refused() {
    let room = Monitoring::new("retention_of_nothing").await;
    let misspelt = "insert into monitoring.retention (collector, raw) values ('statments', '2 days')";
    assert_eq!(refusal(&room.admin, misspelt).await, "23503");
    room.run("insert into monitoring.retention (collector, raw) values ('statements', '2 days')")
        .await;
}
