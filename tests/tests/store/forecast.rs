//! What `pgvitals status` says of the size to come.

use store::status::{Forecast, forecast};

use crate::Monitoring;
use crate::roll_ups::roll_up_all;

/// A forecast may be off by so much: pages are not filled to the last byte, and rows are not all of one length.
const TOLERANCE: f64 = 0.2;

/// Samples every twenty minutes of some days: 200 subjects, 100 statements, two databases.
async fn fill(room: &Monitoring, target: i32, from: &str, to: &str) {
    let times = format!(
        "generate_series(date_trunc('hour', now()) - interval '{from}', date_trunc('hour', now()) - interval '{to}' - interval '1 second', '20 minutes') as at"
    );
    for statement in [
        format!("insert into monitoring.samples
         select s.subject_id, {target}, s.collector_id, at, 1200000, array(select (subject_id * n * 1000)::int8 from generate_series(1, 10) as n)
         from {times}, monitoring.subjects as s"),
        format!("insert into monitoring.statement_samples
         select {target}, s.statement_id, at, 1200000, 10, 0, 10000 + abs(hashint8(extract(minute from at)::int8)) % 1000, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
         from {times}, monitoring.statements as s"),
        format!("insert into monitoring.activity_samples
         select {target}, at, 20, 100, 3, 2, 18, 0, 0, 0, 100, 100, 0 from {times}"),
        format!("insert into monitoring.database_samples
           (target_id, sampled_at, database, interval_ms, backends, commits, rollbacks, blocks_read, blocks_hit, rows_returned,
            rows_fetched, rows_inserted, rows_updated, rows_deleted, conflicts, temp_files, temp_bytes, deadlocks, read_us, write_us)
         select {target}, at, d, 1200000, 5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 from {times}, unnest(array['a', 'b']) as d"),
    ] {
        room.run(&statement).await;
    }
}

/// The bytes of the tables of a resolution, a day.
async fn bytes_a_day(room: &Monitoring, resolution: &str, days: f64) -> f64 {
    let sql = format!(
        "select sum(pg_total_relation_size(link.inhrelid))::int8
         from monitoring.partitioned_tables as t
         join pg_inherits as link on link.inhparent = to_regclass('monitoring.' || t.table_name)
         where t.resolution = '{resolution}' and pg_relation_size(link.inhrelid) > 0"
    );
    room.number(&sql).await as f64 / days
}

#[track_caller]
fn near(what: &str, forecast: Option<f64>, actual: f64) {
    let forecast = forecast.unwrap();
    assert!(
        (forecast / actual - 1.0).abs() < TOLERANCE,
        "{what}: {forecast:.0} was forecast, {actual:.0} it is"
    );
}

#[tokio::test]
async fn a_day_of_samples_tells_what_all_of_them_will_take() {
    let room = Monitoring::new("forecast").await;
    let target = room.target("shop").await;
    let without = forecast(&room.store).await.unwrap();
    let nothing = Forecast {
        target: "shop".to_owned(),
        measured_hours: None,
        samples_per_day: None,
        raw_bytes: None,
        hourly_bytes: None,
        daily_bytes: None,
    };
    assert_eq!(without, [nothing]);

    for statement in [
        "select monitoring.make_partition(t.table_name, now() - n * interval '1 day')
         from monitoring.partitioned_tables as t, generate_series(0, 15) as n where t.resolution = 'raw'".to_owned(),
        "insert into monitoring.collectors (collector, reads, scope, keeps, labels, texts, columns, kinds)
         values ('test_wide', 'x', 'database', 'all', '{}', '{}', '{a,b,c,d,e,f,g,h,i,j}', array_fill('gauge'::text, array[10]))".to_owned(),
        format!("insert into monitoring.subjects (target_id, collector_id, subject_key)
         select {target}, c.collector_id, n::text from monitoring.collectors as c, generate_series(1, 200) as n
         where c.collector = 'test_wide'"),
        format!("insert into monitoring.statements (target_id, statement_key, query_id, top_level)
         select {target}, '1/1/' || n || '/t', n, true from generate_series(1, 100) as n"),
    ] {
        room.run(&statement).await;
    }
    fill(&room, target, "28 hours", "0 hours").await;
    roll_up_all(&room.store).await;
    room.run("analyze").await;
    let told = forecast(&room.store).await.unwrap().remove(0);
    assert_eq!(told.measured_hours, Some(24.0));
    assert_eq!(
        told.samples_per_day,
        Some(f64::from((200 + 100 + 1 + 2) * 3 * 24))
    );

    fill(&room, target, "340 hours", "28 hours").await;
    room.run(
        "update monitoring.roll_up_progress set rolled_to = date_trunc('day', now()) - interval '15 days'",
    )
    .await;
    roll_up_all(&room.store).await;
    // 340 hours, and half a partition more than the retention; the days of the first and the last are not whole.
    let days = 340.0 / 24.0;
    near("raw", told.raw_bytes, bytes_a_day(&room, "raw", days).await * 7.5);
    near(
        "hourly",
        told.hourly_bytes,
        bytes_a_day(&room, "hourly", days).await * 93.5,
    );
    near(
        "daily",
        told.daily_bytes,
        bytes_a_day(&room, "daily", days).await * 745.0,
    );
    let total = told.bytes().unwrap();
    let parts = [told.raw_bytes, told.hourly_bytes, told.daily_bytes];
    assert!((parts.into_iter().flatten().sum::<f64>() - total).abs() < 1.0);

    room.run("update monitoring.retention set raw = '14 days'").await;
    let longer = forecast(&room.store).await.unwrap().remove(0);
    let factor = longer.raw_bytes.unwrap() / told.raw_bytes.unwrap();
    assert!(
        (1.6..2.3).contains(&factor),
        "twice as long, and half a day: {factor}"
    );
}
