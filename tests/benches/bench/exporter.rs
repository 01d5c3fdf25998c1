//! `/metrics` of a large database beside Debian's `prometheus-postgres-exporter` with the same data: the time of a scrape,
//! and what the server has to read for it.
//!
//! What the exporter reads for a scrape is read for that scrape alone. Ours reads what was collected; what the collectors
//! read of the target and write to the monitoring database, which is in the same server here, on their real schedule, is
//! counted beside it: it serves history, alerts and views too, and costs the same however often Prometheus scrapes.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use integration_tests::{Application, http};

use crate::large::{Large, Place};
use crate::table::Table;

/// How often Prometheus scrapes, and how often it is measured: each collector that is due within five minutes is in it.
const INTERVAL: Duration = Duration::from_secs(30);
const SCRAPES: u32 = 10;

const PEER: &str = "peer_exporter";
/// The logins of what is measured here.
const LOGINS: [&str; 3] = ["pgvitals_collector", "pgvitals_writer", "pgvitals_viewer"];
const PASSWORD: &str = "password-of-the-bench";

/// What Debian's exporter does not ask by itself: the same tables, indexes and statements, with the columns of our series.
const QUERIES: &str = "
pg_stat_user_tables:
  query: \"select current_database() datname, schemaname, relname, seq_scan, seq_tup_read, idx_scan, idx_tup_fetch, n_tup_ins, n_tup_upd, n_tup_del, n_tup_hot_upd, n_live_tup, n_dead_tup, n_mod_since_analyze, vacuum_count, autovacuum_count, analyze_count, autoanalyze_count from pg_stat_user_tables\"
  metrics:
    - datname: {usage: LABEL, description: database}
    - schemaname: {usage: LABEL, description: schema}
    - relname: {usage: LABEL, description: table}
METRICS_OF_TABLES
pg_statio_user_tables:
  query: \"select current_database() datname, schemaname, relname, heap_blks_read, heap_blks_hit, idx_blks_read, idx_blks_hit, toast_blks_read, toast_blks_hit, tidx_blks_read, tidx_blks_hit from pg_statio_user_tables\"
  metrics:
    - datname: {usage: LABEL, description: database}
    - schemaname: {usage: LABEL, description: schema}
    - relname: {usage: LABEL, description: table}
METRICS_OF_TABLE_IO
pg_statio_user_indexes:
  query: \"select schemaname, relname, indexrelname, idx_blks_read, idx_blks_hit from pg_statio_user_indexes\"
  metrics:
    - schemaname: {usage: LABEL, description: schema}
    - relname: {usage: LABEL, description: table}
    - indexrelname: {usage: LABEL, description: index}
METRICS_OF_INDEX_IO
pg_stat_statements:
  query: \"select r.rolname as user, d.datname, s.queryid, s.calls, s.total_exec_time, s.rows from pg_stat_statements s join pg_roles r on r.oid = s.userid join pg_database d on d.oid = s.dbid order by total_exec_time desc limit 100\"
  metrics:
    - user: {usage: LABEL, description: user}
    - datname: {usage: LABEL, description: database}
    - queryid: {usage: LABEL, description: statement}
METRICS_OF_STATEMENTS
";

const METRICS: [(&str, &str); 4] = [
    (
        "METRICS_OF_TABLES",
        "seq_scan seq_tup_read idx_scan idx_tup_fetch n_tup_ins n_tup_upd n_tup_del n_tup_hot_upd n_live_tup n_dead_tup \
         n_mod_since_analyze vacuum_count autovacuum_count analyze_count autoanalyze_count",
    ),
    (
        "METRICS_OF_TABLE_IO",
        "heap_blks_read heap_blks_hit idx_blks_read idx_blks_hit toast_blks_read toast_blks_hit tidx_blks_read tidx_blks_hit",
    ),
    ("METRICS_OF_INDEX_IO", "idx_blks_read idx_blks_hit"),
    ("METRICS_OF_STATEMENTS", "calls total_exec_time rows"),
];

/// What a server read, and gave, for a login.
#[derive(Debug, Default, Clone, Copy)]
struct Read {
    blocks: i64,
    rows: i64,
}

pub(crate) async fn measure(table: &mut Table) -> Result<()> {
    let large = Large::build(Place::Same).await?;
    let grants = format!("create role {PEER} login password '{PASSWORD}'; grant pg_monitor to {PEER}");
    large.client.batch_execute(&grants).await?;
    let (peer, peer_ms) = peer(&large, table).await?;
    let (scrape, collected, ours_ms) = ours(&large, table).await?;
    table.below("a scrape of /metrics, median", ours_ms, peer_ms, "ms");
    let megabytes = |read: Read| read.blocks as f64 * 8192.0 / 1e6;
    table.plain(
        "rows for a scrape of prometheus-postgres-exporter",
        peer.rows as f64,
        "rows",
    );
    table.plain("rows for a scrape of /metrics", scrape.rows as f64, "rows");
    table.below(
        "blocks read for a scrape of /metrics",
        megabytes(scrape),
        megabytes(peer),
        "MB",
    );
    table.plain(
        "blocks read and written for all that is collected and kept in that time",
        megabytes(collected),
        "MB",
    );
    Ok(())
}

/// The exporter: what the server read for a scrape, and the median of the times of all, in milliseconds.
async fn peer(large: &Large, table: &mut Table) -> Result<(Read, f64)> {
    let exporter = Exporter::start(&large.server.url_as(PEER, PASSWORD, "postgres"))?;
    exporter.scrape_when_up().await?;
    let before = read(large, &[PEER]).await?;
    let mut times = Vec::new();
    let mut series = 0;
    for _ in 0..SCRAPES {
        let begin = Instant::now();
        series = exporter.scrape().await?;
        times.push(begin.elapsed());
    }
    let read = each(before, read(large, &[PEER]).await?);
    ensure!(series > 2_000 * 15, "the exporter served {series} series only");
    table.plain(
        "series of prometheus-postgres-exporter",
        f64::from(series),
        "series",
    );
    let median = median(times);
    table.plain("a scrape of prometheus-postgres-exporter, median", median, "ms");
    Ok((read, median))
}

/// The same of `/metrics`: what is read for a scrape, what collection reads and keeps between two of them, and the median
/// of the times.
async fn ours(large: &Large, table: &mut Table) -> Result<(Read, Read, f64)> {
    // As a target is by default, not as a test likes it.
    large
        .monitored
        .run("update monitoring.targets set interval_seconds = 15, timeout_ms = 10000")
        .await?;
    let application = Application::builder(large.monitored.url())
        .without_other_schedules()
        .schedule("collect-stats", "*/15 * * * * *")
        .start()
        .await?;
    // Everything is read for the first time, with its names: that happens once.
    for _ in 0..2 {
        let answer = application.post("/collect-stats").await?;
        ensure!(answer.json()?["outcome"] == "ok", "{}", answer.body);
    }
    application.get("/metrics").await?;
    let before = read(large, &LOGINS).await?;
    let mut times = Vec::new();
    let mut series = 0;
    for _ in 0..SCRAPES {
        tokio::time::sleep(INTERVAL).await;
        let begin = Instant::now();
        series = count(&application.get("/metrics").await?.body);
        times.push(begin.elapsed());
    }
    let whole = each(before, read(large, &LOGINS).await?);
    application.stop().await?;
    table.plain("series of /metrics", f64::from(series), "series");
    let scrape = scrapes_alone(large).await?;
    let collected = Read {
        blocks: whole.blocks - scrape.blocks,
        rows: whole.rows - scrape.rows,
    };
    Ok((scrape, collected, median(times)))
}

/// What the server reads for a scrape while nothing else is read.
async fn scrapes_alone(large: &Large) -> Result<Read> {
    let application = Application::builder(large.monitored.url())
        .without_other_schedules()
        .start()
        .await?;
    application.get("/metrics").await?;
    let before = read(large, &LOGINS).await?;
    for _ in 0..SCRAPES {
        // Who asks within a second of another is given the same page.
        tokio::time::sleep(Duration::from_millis(1050)).await;
        application.get("/metrics").await?;
    }
    let scrape = each(before, read(large, &LOGINS).await?);
    application.stop().await?;
    Ok(scrape)
}

/// What the statements of some logins have read so far.
async fn read(large: &Large, logins: &[&str]) -> Result<Read> {
    let sql = "select coalesce(sum(shared_blks_hit + shared_blks_read + local_blks_hit + temp_blks_read), 0)::int8, \
               coalesce(sum(rows), 0)::int8 from pg_stat_statements where pg_get_userbyid(userid) = any ($1::text[])";
    let row = large.client.query_one(sql, &[&logins]).await?;
    Ok(Read {
        blocks: row.get(0),
        rows: row.get(1),
    })
}

fn each(before: Read, after: Read) -> Read {
    let scrapes = i64::from(SCRAPES);
    Read {
        blocks: (after.blocks - before.blocks) / scrapes,
        rows: (after.rows - before.rows) / scrapes,
    }
}

fn count(page: &str) -> u32 {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    u32::try_from(lines.count()).unwrap_or(u32::MAX)
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64) * 1e3
}

/// Debian's exporter, running.
struct Exporter {
    process: Child,
    url: String,
    _home: tempfile::TempDir,
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Exporter {
    fn start(address: &str) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let file = home.path().join("queries.yaml");
        std::fs::write(&file, queries())?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = Command::new("prometheus-postgres-exporter")
            .env("DATA_SOURCE_NAME", format!("{address}?sslmode=disable"))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg(format!("--extend.query-path={}", file.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context(
                "prometheus-postgres-exporter is missing: apt-get install prometheus-postgres-exporter",
            )?;
        Ok(Self {
            process,
            url: format!("http://127.0.0.1:{port}/metrics"),
            _home: home,
        })
    }

    async fn scrape(&self) -> Result<u32> {
        Ok(count(&http::get(&self.url).await?.body))
    }

    async fn scrape_when_up(&self) -> Result<()> {
        for _ in 0..100 {
            if self.scrape().await.is_ok_and(|series| series > 1_000) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("the exporter does not answer")
    }
}

/// The queries with a line for each column that is a counter.
fn queries() -> String {
    METRICS.iter().fold(QUERIES.to_owned(), |text, (mark, columns)| {
        let lines = columns.split_whitespace();
        let lines: Vec<String> = lines
            .map(|column| format!("    - {column}: {{usage: COUNTER, description: {column}}}"))
            .collect();
        text.replace(mark, &lines.join("\n"))
    })
}
