//! Hours and days are what the samples say, however the work is cut off, shared or late.

use integration_tests::test_versions;
use store::roll_ups;
use vitals::histogram::{Histogram, RELATIVE_ERROR, bucket, value};

use crate::{Monitoring, refusal, rows};

/// The tables with a column for every value, and what a row is about.
const TYPED: [(&str, &str); 3] = [
    ("statement_samples", "statement_id::text"),
    ("activity_samples", "target_id::text"),
    ("database_samples", "database"),
];

/// Samples of two days, the last until three hours ago: every seven minutes, of five statements, five subjects, three
/// databases. A value is now and then not known, and a column of the subjects is there from the second day on only.
pub(crate) async fn fill(room: &Monitoring) -> i32 {
    let target = room.target("shop").await;
    let times = "generate_series(date_trunc('day', now()) - interval '2 days', now() - interval '3 hours', '7 minutes')
                 with ordinality as time (at, n)";
    let statements = [
        format!("update monitoring.targets set created_at = now() - interval '30 days' where target_id = {target}"),
        "select monitoring.make_partition(t.table_name, now() - n * interval '1 day')
         from monitoring.partitioned_tables as t, generate_series(0, 9) as n where t.resolution = 'raw'".to_owned(),
        "insert into monitoring.collectors (collector, reads, scope, keeps, labels, texts, columns, kinds, percentiles)
         values ('test_tables', 'x', 'database', 'all', '{name}', '{}', '{scans,bytes,late}', '{counter,gauge,gauge}', '{bytes}')".to_owned(),
        format!("insert into monitoring.subjects (target_id, collector_id, subject_key)
         select {target}, c.collector_id, n::text from monitoring.collectors as c, generate_series(1, 5) as n
         where c.collector = 'test_tables'"),
        format!("insert into monitoring.samples
         select s.subject_id, {target}, s.collector_id, time.at, case when n > 1 then 420000 end,
           array[case when n > 1 then abs(hashint8(n + s.subject_id)) % 1000 end, nullif(abs(hashint8(n * s.subject_id)) * 4000000000, 0)]
             || case when time.at >= date_trunc('day', now()) - interval '1 day' then array[n, null] else '{{}}' end
         from monitoring.subjects as s, {times} where s.target_id = {target}"),
        format!("insert into monitoring.statements (target_id, statement_key, query_id, top_level)
         select {target}, '1/1/' || n || '/t', n, true from generate_series(1, 5) as n"),
        format!("insert into monitoring.statement_samples
           (target_id, statement_id, sampled_at, interval_ms, calls, plan_us, exec_us, rows, shared_hit, shared_read,
            shared_dirtied, shared_written, temp_read, temp_written, read_us, write_us, wal_bytes, plans, exec_squares,
            local_hit, jit_us, wal_records)
         select {target}, s.statement_id, time.at, 420000, 1 + n % 9, nullif(r % 7, 0), r % 5000000, n, r % 11, r % 13, r % 17,
           r % 19, r % 23, r % 29, r % 31, r % 37, r % 41, r % 43, 9000000000000000000 - r, r % 47, nullif(r % 3, 0), r
         from monitoring.statements as s, {times}, lateral (select abs(hashint8(n + s.statement_id))) as random (r)
         where n % s.query_id = 0"),
        format!("insert into monitoring.activity_samples
         select {target}, time.at, r % 90, 100, 3, r % 5, r % 80, r % 3, 0, r % 2, r % 100000, r % 90000, r % 70000
         from {times}, lateral (select abs(hashint8(n))) as random (r)"),
        format!("insert into monitoring.database_samples
           (target_id, sampled_at, database, interval_ms, backends, commits, rollbacks, blocks_read, blocks_hit, rows_returned,
            rows_fetched, rows_inserted, rows_updated, rows_deleted, conflicts, temp_files, temp_bytes, deadlocks, read_us, write_us)
         select {target}, time.at, d, 420000, r % 90, r % 91, r % 92, r % 93, r % 94, r % 95, r % 96, r % 97, r % 98, r % 99,
           r % 2, r % 3, r % 100000000, r % 4, r % 5, r % 6
         from {times}, unnest(array['app', 'b', 'postgres']) as d, lateral (select abs(hashint8(n + ascii(d)))) as random (r)"),
    ];
    for statement in statements {
        room.run(&statement).await;
    }
    target
}

/// Rolls up everything there is, and gives the number of buckets.
pub(crate) async fn roll_up_all(client: &impl db::Client) -> usize {
    roll_ups::begin(client).await.unwrap();
    let mut buckets = 0;
    loop {
        let due = roll_ups::due(client).await.unwrap();
        let before = buckets;
        for due in &due {
            buckets += usize::from(roll_ups::roll_up(client, due).await.unwrap().is_some());
        }
        if buckets == before {
            return buckets;
        }
    }
}

/// How many values of a typed roll-up differ from what the samples say, or are not there.
fn typed_differences(table: &str, subject: &str, resolution: &str) -> String {
    let unit = if resolution == "hourly" { "hour" } else { "day" };
    format!(
        "with sample as (
           select {subject} as subject, date_trunc('{unit}', s.sampled_at) as starts_at, s.sampled_at, v.key as name,
             (v.value #>> '{{}}')::numeric as value
           from monitoring.{table} as s
           cross join lateral jsonb_each(to_jsonb(s) - '{{target_id,statement_id,database,sampled_at,size_bytes}}'::text[]) as v
         ),
         expected as (
           select subject, starts_at, name || way.way as name,
             case way.way when '_sum' then sum(value) when '_min' then min(value) when '_max' then max(value)
               when '_count' then count(value) else (array_agg(value order by sampled_at desc))[1] end as value
           from sample, unnest(array['_sum', '_min', '_max', '_count', '_last']) as way (way)
           group by subject, starts_at, name, way.way
           union all
           select subject, starts_at, 'samples', count(distinct sampled_at) from sample group by subject, starts_at
         ),
         rolled as (
           select {subject} as subject, r.starts_at, replace(v.key, 'measured_ms', 'interval_ms_sum') as name,
             (v.value #>> '{{}}')::numeric as value
           from monitoring.{table}_{resolution} as r
           cross join lateral jsonb_each(to_jsonb(r) - '{{target_id,statement_id,database,starts_at,histograms}}'::text[]) as v
         )
         select count(*) from expected full join rolled using (subject, starts_at, name)
         where expected.value is distinct from rolled.value
           -- What only counts has no last value, what is always known no count, intervals are only added up, and of
           -- details nobody asks for the least.
           and not (
             rolled.value is null
             and name ~ '(_last|_count|^interval_ms_(min|max)|^exec_squares_max|^(plans|exec_sq|local|temp.*us|wal_[rf]|jit).*_min)$'
           )
           and ('{resolution}' = 'hourly' or starts_at < date_trunc('day', now()))"
    )
}

/// How many rows of the roll-up of the arrays differ from what the samples say, or are not there.
fn array_differences(resolution: &str) -> String {
    let unit = if resolution == "hourly" { "hour" } else { "day" };
    format!(
        "with position as (
           select s.subject_id, date_trunc('{unit}', s.sampled_at) as starts_at, v.position, count(v.value) as known,
             sum(v.value) as total, min(v.value) as least, max(v.value) as greatest
           from monitoring.samples as s cross join lateral unnest(s.values) with ordinality as v (value, position)
           group by 1, 2, 3
         ),
         number as (
           select p.subject_id, p.starts_at, array_agg(p.known order by p.position) as counts,
             array_agg(p.total order by p.position) as sums, array_agg(p.least order by p.position) as minima,
             array_agg(p.greatest order by p.position) as maxima
           from position as p group by 1, 2
         ),
         whole as (
           select s.subject_id, date_trunc('{unit}', s.sampled_at) as starts_at, count(*) as samples,
             sum(s.interval_ms)::int8 as measured_ms, max(s.sampled_at) as last_at
           from monitoring.samples as s group by 1, 2
         ),
         expected as (
           select w.subject_id, w.starts_at, n.counts, n.sums, n.minima, n.maxima, l.values as lasts, w.samples, w.measured_ms
           from whole as w
           join number as n on n.subject_id = w.subject_id and n.starts_at = w.starts_at
           join monitoring.samples as l on l.subject_id = w.subject_id and l.sampled_at = w.last_at
         )
         select count(*)
         from expected as e
         full join monitoring.samples_{resolution} as r using (subject_id, starts_at)
         where row(e.counts, e.sums, e.minima, e.maxima, e.lasts, e.samples, e.measured_ms)
             is distinct from row(r.counts, r.sums, r.minima, r.maxima, r.lasts, r.samples, r.measured_ms)
           and ('{resolution}' = 'hourly' or starts_at < date_trunc('day', now()))"
    )
}

/// Compares all roll-ups with the samples.
#[track_caller]
fn nothing_differs(differences: &[(String, i64)]) {
    assert!(
        differences.iter().all(|(_, count)| *count == 0),
        "{differences:?}"
    );
}

async fn differences(room: &Monitoring) -> Vec<(String, i64)> {
    let mut found = Vec::new();
    for resolution in ["hourly", "daily"] {
        for (table, subject) in TYPED {
            let sql = typed_differences(table, subject, resolution);
            found.push((format!("{table}_{resolution}"), room.number(&sql).await));
        }
        found.push((
            format!("samples_{resolution}"),
            room.number(&array_differences(resolution)).await,
        ));
    }
    found
}

#[tokio::test]
async fn hours_and_days_are_what_the_samples_say() {
    for version in test_versions() {
        let room = Monitoring::on(version, "roll_ups_exact").await;
        fill(&room).await;
        assert!(
            differences(&room).await.iter().all(|(_, count)| *count > 0),
            "nothing is rolled up yet"
        );
        assert!(roll_up_all(&room.store).await > 4 * 40, "two days of hours");
        nothing_differs(&differences(&room).await);
        assert_eq!(
            roll_up_all(&room.store).await,
            0,
            "what is rolled up is not due again"
        );
        let open =
            "select count(*) from monitoring.roll_up_progress where rolled_to > now() - interval '5 minutes'";
        assert_eq!(
            room.number(open).await,
            0,
            "an hour that may still get samples is not rolled up"
        );
    }
}

/// Ends a session and waits until it is gone.
fn terminate(backend: i64) -> String {
    format!(
        "do $do$ begin
           perform pg_terminate_backend({backend});
           for attempt in 1 .. 500 loop
             exit when not exists (select 1 from pg_stat_activity where pid = {backend});
             perform pg_sleep(0.01), pg_stat_clear_snapshot();
           end loop;
         end $do$"
    )
}

#[tokio::test]
async fn a_run_that_is_cut_off_is_as_if_it_had_not_begun() {
    for version in test_versions() {
        let room = Monitoring::on(version, "roll_ups_cut_off").await;
        fill(&room).await;
        roll_ups::begin(&room.store).await.unwrap();
        let contents = "select coalesce(sum(hashtext(r::text)::int8), 0)::int8 from monitoring.statement_samples_hourly as r";
        let progress = "select sum(extract(epoch from rolled_to))::int8 from monitoring.roll_up_progress";
        let due = roll_ups::due(&room.store).await.unwrap();
        let statements = due
            .iter()
            .find(|due| due.sample_table == "statement_samples")
            .unwrap();
        roll_ups::roll_up(&room.store, statements).await.unwrap();
        let before = (room.number(contents).await, room.number(progress).await);

        // Cut off by its limit, while somebody keeps it waiting in the middle.
        let next = format!(
            "select monitoring.roll_up({}, 'statement_samples', 'hourly')",
            statements.target_id
        );
        room.run("begin").await;
        room.run("lock table monitoring.statement_samples in access exclusive mode")
            .await;
        let victim = room.another().await;
        db::Client::execute(&victim, "set statement_timeout = '300ms'", &[])
            .await
            .unwrap();
        assert_eq!(refusal(&victim, &next).await, "57014");
        room.run("rollback").await;
        assert_eq!((room.number(contents).await, room.number(progress).await), before);

        // Killed when all was written, and not yet committed.
        let victim = room.another().await;
        for statement in ["begin", next.as_str()] {
            db::Client::execute(&victim, statement, &[]).await.unwrap();
        }
        let backend: i64 = rows(&victim, "select pg_backend_pid()::int8")
            .await
            .one()
            .unwrap()
            .at(0)
            .unwrap();
        assert_eq!(
            roll_ups::roll_up(&room.store, statements).await.unwrap(),
            None,
            "somebody else is at it"
        );
        room.run(&terminate(backend)).await;
        assert_eq!((room.number(contents).await, room.number(progress).await), before);

        roll_up_all(&room.store).await;
        nothing_differs(&differences(&room).await);
    }
}

#[tokio::test]
async fn several_runs_at_once_share_the_work() {
    for version in test_versions() {
        let alone = Monitoring::on(version, "roll_ups_alone").await;
        fill(&alone).await;
        let buckets = roll_up_all(&alone.store).await;

        let room = Monitoring::on(version, "roll_ups_shared").await;
        fill(&room).await;
        let (one, other) = (room.another().await, room.another().await);
        let shared = tokio::join!(roll_up_all(&room.store), roll_up_all(&one), roll_up_all(&other));
        // Whoever finds everything in the hands of others stops early; nothing is done twice.
        let rest = roll_up_all(&room.store).await;
        assert_eq!(shared.0 + shared.1 + shared.2 + rest, buckets);
        nothing_differs(&differences(&room).await);
    }
}

#[tokio::test]
async fn a_bucket_that_is_made_again_replaces_what_is_there() {
    let room = Monitoring::new("roll_ups_again").await;
    fill(&room).await;
    roll_up_all(&room.store).await;
    room.run("update monitoring.samples_hourly set sums = '{1}', samples = 7")
        .await;
    room.run("update monitoring.statement_samples_daily set calls_sum = calls_sum + 1")
        .await;
    room.run(
        "update monitoring.roll_up_progress set rolled_to = date_trunc('day', now()) - interval '2 days'",
    )
    .await;
    roll_up_all(&room.store).await;
    nothing_differs(&differences(&room).await);
}

#[tokio::test]
async fn a_gap_of_days_is_passed_in_one_step() {
    let room = Monitoring::new("roll_ups_gap").await;
    fill(&room).await;
    room.run(
        "delete from monitoring.samples where sampled_at > date_trunc('day', now()) - interval '47 hours'",
    )
    .await;
    room.run("delete from monitoring.statement_samples where sampled_at > date_trunc('day', now()) - interval '47 hours'").await;
    roll_ups::begin(&room.store).await.unwrap();
    let mut rounds = 0;
    loop {
        let due = roll_ups::due(&room.store).await.unwrap();
        let mut due = due
            .iter()
            .filter(|due| due.resolution == "hourly" && !due.sample_table.starts_with(['a', 'd']));
        let Some(due) = due.next() else { break };
        roll_ups::roll_up(&room.store, due).await.unwrap();
        rounds += 1;
    }
    assert!(
        (4..=6).contains(&rounds),
        "{rounds} buckets for one hour of two tables and the gap after it"
    );
    roll_up_all(&room.store).await;
    nothing_differs(&differences(&room).await);
}

#[tokio::test]
async fn the_database_and_the_domain_count_in_the_same_buckets() {
    let mut values: Vec<i64> = vec![i64::MIN, i64::MIN + 1, -1, 0, 1, 2, 3, i64::MAX - 1, i64::MAX];
    for exponent in 0..=1093 {
        // The bounds between buckets, where rounding decides.
        let bound = (f64::from(exponent) * (1.02f64 / 0.98).ln()).exp() as i64;
        values.extend([bound.saturating_sub(1), bound, bound.saturating_add(1), -bound]);
    }
    values.extend(
        (0..62).flat_map(|shift| [1i64 << shift, (1 << shift) - 1, 123_456_789_012_345_678 >> shift]),
    );
    for version in test_versions() {
        let room = Monitoring::on(version, "histogram").await;
        let sql = "select array_agg(monitoring.histogram_bucket(v) order by n)::int8[] from unnest($1::int8[]) with ordinality as given (v, n)";
        let answer = db::Client::query(&room.store, sql, &[values.clone().into()])
            .await
            .unwrap();
        let buckets: Vec<i64> = answer.one().unwrap().at(0).unwrap();
        for (value, found) in values.iter().zip(&buckets) {
            assert_eq!(*found, i64::from(bucket(*value)), "{version}: {value}");
        }
        for bucket in [-1093, -7, 0, 1, 2, 500, 1093] {
            let sql = format!("select monitoring.histogram_value({bucket})");
            let found: f64 = rows(&room.store, &sql).await.one().unwrap().at(0).unwrap();
            assert!(
                (found - value(bucket)).abs() <= 1e-12 * value(bucket).abs(),
                "{version}: {bucket}: {found}"
            );
        }
    }
}

#[tokio::test]
async fn percentiles_of_a_day_are_within_their_error() {
    let room = Monitoring::new("percentiles").await;
    fill(&room).await;
    roll_up_all(&room.store).await;
    let day = "date_trunc('day', now()) - interval '1 day'";
    let cases = [
        (
            "statement_samples",
            "mean_us",
            "(exec_us + calls / 2) / calls",
            "calls",
            "statement_id = (select max(statement_id) from monitoring.statements)",
        ),
        (
            "activity_samples",
            "longest_statement_ms",
            "longest_statement_ms",
            "1::int8",
            "true",
        ),
        (
            "database_samples",
            "backends",
            "backends::int8",
            "1::int8",
            "database = 'app'",
        ),
        (
            "samples",
            "bytes",
            "values[2]",
            "1::int8",
            "subject_id = (select max(subject_id) from monitoring.subjects)",
        ),
    ];
    for (table, column, value, weight, filter) in cases {
        let sql = format!(
            "select {value} as value, {weight} as weight from monitoring.{table}
             where {filter} and {value} is not null and sampled_at >= {day} and sampled_at < {day} + interval '1 day'"
        );
        let (mut exact, mut expected) = (Vec::new(), Histogram::default());
        for row in &rows(&room.store, &sql).await {
            let (value, weight) = (
                row.get::<i64>("value").unwrap(),
                row.get::<i64>("weight").unwrap(),
            );
            expected.add(value, weight.unsigned_abs());
            exact.extend(std::iter::repeat_n(value, usize::try_from(weight).unwrap()));
        }
        exact.sort_unstable();
        assert!(exact.len() > 20, "{table}: {}", exact.len());
        let of_the_day = format!(
            "select histograms -> '{column}' as held from monitoring.{table}_daily where {filter} and starts_at = {day}"
        );
        let held: serde_json::Value = rows(&room.store, &of_the_day)
            .await
            .one()
            .unwrap()
            .get("held")
            .unwrap();
        let histogram = Histogram::from_json(&held).unwrap();
        assert_eq!(histogram, expected, "{table}");
        for quantile in [0.0, 0.5, 0.95, 0.99, 1.0] {
            let read = histogram.quantile(quantile).unwrap();
            let true_value = exact[(quantile * (exact.len() - 1) as f64) as usize] as f64;
            assert!(
                (read - true_value).abs() <= RELATIVE_ERROR * true_value * 1.000_001,
                "{table}: {quantile}: {read}, not {true_value}"
            );
            let sql = format!(
                "select monitoring.histogram_quantile(held, {quantile}) as value from ({of_the_day}) as one"
            );
            let in_sql: f64 = rows(&room.store, &sql).await.one().unwrap().get("value").unwrap();
            assert!(
                (in_sql - read).abs() <= 1e-9 * read,
                "{table}: {quantile}: {in_sql}, not {read}"
            );
        }
    }
}
