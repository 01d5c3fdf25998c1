//! What keeps the schema from growing for ever.

use crate::Monitoring;

const PARTITIONS: &str =
    "select count(*) from pg_inherits where inhparent = 'monitoring.activity_samples'::regclass";
const DUE: &str = "update monitoring.partitioned_tables set maintained_at = now() - interval '2 hours'";

#[tokio::test]
async fn partitions_are_made_ahead_and_dropped_when_their_time_has_come() {
    let room = Monitoring::new("partitions").await;
    assert_eq!(room.number(PARTITIONS).await, 8, "today and seven days ahead");
    assert_eq!(
        store::retention::maintain(&room.collector).await.unwrap(),
        0,
        "it was done within the hour"
    );

    room.run("update monitoring.partitioned_tables set ahead = 9, maintained_at = null where table_name = 'activity_samples'")
        .await;
    assert_eq!(store::retention::maintain(&room.collector).await.unwrap(), 2);
    assert_eq!(room.number(PARTITIONS).await, 10);

    // A partition of the past, as one made eight days ago and one made seven days ago would be.
    for days in [7, 8] {
        let day = format!("(current_date - {days})");
        room.run(&format!(
            "do $do$ begin execute format(
               'create table monitoring.activity_samples_p%s partition of monitoring.activity_samples
                for values from (%L) to (%L)',
               to_char({day}, 'YYYYMMDD'), {day}::text || ' 00:00+00', ({day} + 1)::text || ' 00:00+00');
             end $do$"
        ))
        .await;
    }
    room.run("alter table monitoring.activity_samples owner to pgvitals_owner")
        .await;
    for days in [7, 8] {
        room.run(&format!(
            "do $do$ begin execute format('alter table monitoring.activity_samples_p%s owner to pgvitals_owner',
             to_char(current_date - {days}, 'YYYYMMDD')); end $do$"
        ))
        .await;
    }
    room.run(DUE).await;
    assert_eq!(
        store::retention::maintain(&room.collector).await.unwrap(),
        1,
        "seven days are kept, not eight"
    );
    assert_eq!(room.number(PARTITIONS).await, 11);
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
         select {target}, '1/1/' || n || '/t', n, true, now() - n * interval '50 days' from generate_series(1, 3) as n"
    ))
    .await;
    room.run(&format!(
        "insert into monitoring.statement_samples
         select {target}, statement_id, now(), 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
         from monitoring.statements where query_id = 3"
    ))
    .await;
    room.run(DUE).await;
    store::retention::maintain(&room.collector).await.unwrap();
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
        "90 days, unless sampled"
    );
}
