//! The reference workload under load: what its users wait for, at the load that is expected and at ten times as much.
//!
//! Targets are stricter than what the customer asked for, which stands in the thresholds of the requests.

use anyhow::{Context, Result};
use chrono::NaiveDate;
use db::SafeUrl;
use guardian::generate::Plan;
use guardian::load::{self, Report, Scenario};
use guardian::row_level_security;
use integration_tests::{DedicatedServer, Server};

use crate::table::Table;

/// What the requests of each kind must keep to, by the 99th percentile, in milliseconds.
const TARGETS: [(&str, &str, f64); 6] = [
    ("timelines", "timeline_first_page", 10.0),
    ("timelines", "timeline_deep_page", 20.0),
    ("providers", "policy_check", 5.0),
    ("uploads", "document_search", 50.0),
    ("uploads", "job_end_to_end", 1_000.0),
    ("ten_times", "job_end_to_end", 1_000.0),
];
/// As on a machine that keeps its data: the servers of the tests do not.
const SETTINGS: [(&str, &str); 5] = [
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
    ("shared_buffers", "512MB"),
    ("max_wal_size", "2GB"),
];
/// How often each query runs with row-level security and without it.
const PAIRS: u32 = 100;

pub(crate) async fn measure(table: &mut Table) -> Result<()> {
    let server = DedicatedServer::start_with(crate::VERSION, &SETTINGS).await?;
    let url = prepare(&server).await?;
    let client = db::connect(&url).await?;
    for name in ["timelines", "uploads", "providers", "mixed_day", "ten_times"] {
        let scenario = Scenario::named(name)?;
        let report = load::run(&client, &url, &scenario, |_| {}).await?;
        say(table, &report);
    }
    let queries = row_level_security::queries(None)?;
    let examined = row_level_security::examine(&client, &queries, PAIRS, |_| {}).await?;
    for query in examined.queries {
        let what = format!(
            "cost of row-level security: {}, median of {PAIRS} pairs",
            query.query
        );
        if query.query == "policy_check" {
            table.below(&what, query.cost.median_ms, 5.0, "ms");
        } else {
            table.plain(&what, query.cost.median_ms, "ms");
        }
    }
    Ok(())
}

/// A database with the reference workload at scale 1.
async fn prepare(server: &Server) -> Result<SafeUrl> {
    let administrator = integration_tests::database::connect(&server.url("postgres")).await?;
    administrator.batch_execute("create database guardian").await?;
    let url: SafeUrl = server.url("guardian").parse()?;
    let client = db::connect(&url).await?;
    guardian::schema::install(&client, false).await?;
    let until = NaiveDate::from_ymd_opt(2026, 11, 1).context("the day of the data")?;
    guardian::seed::seed(&client, Plan { seed: 1, until }, 1, &mut |_| {})
        .await
        .context("cannot make the data of the reference workload")?;
    Ok(url)
}

fn say(table: &mut Table, report: &Report) {
    let scenario = &report.scenario;
    let failures = format!(
        "{scenario}, {}/s: failures of {} requests",
        report.asked_rate, report.transactions
    );
    table.below(&failures, report.failed as f64, 1.0, "");
    for outcome in &report.requests {
        let what = format!("{scenario}: {}, p99", outcome.request);
        let target = TARGETS
            .iter()
            .find(|(of, request, _)| of == scenario && *request == outcome.request);
        let limit = target.map_or(outcome.threshold_ms, |(_, _, target)| *target);
        table.below(&what, outcome.p99_ms, limit, "ms");
    }
}
