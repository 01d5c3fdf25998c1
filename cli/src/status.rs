//! `pgvitals status`: how the targets, the functions and the store are doing.

use anyhow::{Context, Result};
use db::{SafeUrl, SslMode};
use serde::Serialize;
use serde_json::{Value, json};
use store::runs::LastRun;
use store::status::{FiringAlert, Forecast, TableSize, TargetStatus};
use store::{FUNCTIONS, runs, status};

use crate::monitoring;
use crate::output::{Listing, Output};
use crate::settings::Settings;
use crate::targets::state_word;

/// The tables that grow with every collection.
const SAMPLES: [&str; 4] = [
    "samples",
    "statement_samples",
    "activity_samples",
    "database_samples",
];

pub(crate) async fn run(settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let targets = targets(
        &status::targets(&client)
            .await
            .context("cannot read the targets")?,
    )?;
    let alerts = alerts(&status::alerts(&client).await.context("cannot read the alerts")?)?;
    let functions = functions(
        &runs::latest(&client, &FUNCTIONS)
            .await
            .context("cannot read the journal")?,
    )?;
    let forecast = forecast(
        &status::forecast(&client)
            .await
            .context("cannot forecast the size of the store")?,
    )?;
    let (store, summary) = sizes(&status::sizes(&client).await.context("cannot read the sizes")?)?;

    let encrypted = client.link().is_some_and(|link| link.encrypted);
    let text = [
        format!(
            "monitoring database: {}",
            if encrypted {
                "encrypted, its certificate verified"
            } else {
                "not encrypted"
            }
        ),
        targets.to_text(),
        alerts.to_text(),
        functions.to_text(),
        store.to_text(),
        forecast.to_text(),
    ]
    .join("\n\n");
    let value = json!({
        "monitoring": { "encrypted": encrypted, "verified": encrypted },
        "targets": targets.into_items(),
        "alerts": alerts.into_items(),
        "functions": functions.into_items(),
        "store": { "tables": store.into_items(), "bytes": summary.bytes, "bytes_per_sample": summary.bytes_per_sample, "forecast": forecast.into_items() },
    });
    output.result(&value, || format!("{text}\n\n{}", summary.text()))
}

fn targets(targets: &[TargetStatus]) -> Result<Listing> {
    let mut listing = Listing::new(
        &[
            "target",
            "state",
            "last collection",
            "server",
            "encrypted",
            "statements",
            "alerts",
            "problem",
        ],
        "no target is watched: pgvitals targets add NAME URL",
    );
    for target in targets {
        let cells = [
            target.target.clone(),
            state_word(target.enabled, target.up).to_owned(),
            ago(target.success_age_seconds),
            target.server_version.map_or_else(|| "-".to_owned(), version),
            encryption(&target.address).to_owned(),
            target.statements.to_string(),
            target.open_alerts.to_string(),
            target.error.clone().unwrap_or_default(),
        ];
        let item = json!({
            "target": target.target, "address": target.address, "enabled": target.enabled, "up": target.up,
            "interval_seconds": target.interval_seconds, "last_success_at": target.last_success_at,
            "success_age_seconds": target.success_age_seconds, "down_since": target.down_since,
            "server_version": target.server_version, "encrypted": encryption(&target.address), "in_recovery": target.in_recovery,
            "statements": target.statements, "open_alerts": target.open_alerts,
            "error_code": target.error_code, "error": target.error,
        });
        listing.row(cells, &item)?;
    }
    Ok(listing)
}

/// When a connection to a target is encrypted, by its address; wherever it is, the certificate is verified.
/// `pgvitals doctor` says whether it is now.
fn encryption(address: &str) -> &'static str {
    let Ok(url) = address.parse::<SafeUrl>() else {
        return "-";
    };
    match url.ssl_mode() {
        mode if mode.is_strict() => "always, verified",
        SslMode::Offered => "if offered, verified",
        SslMode::Allow => "if asked for, verified",
        SslMode::Prefer => "if verified",
        _ => "never",
    }
}

fn alerts(alerts: &[FiringAlert]) -> Result<Listing> {
    let mut listing = Listing::new(
        &[
            "level",
            "target",
            "rule",
            "subject",
            "value",
            "threshold",
            "since",
        ],
        "no alert is firing",
    );
    for alert in alerts {
        let cells = [
            alert.level.clone(),
            alert.target.clone(),
            alert.rule_id.clone(),
            shortened(&alert.subject_label),
            alert.value.map_or_else(|| "unknown".to_owned(), number),
            number(alert.threshold),
            alert
                .opened_at
                .map(|at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string())
                .unwrap_or_default(),
        ];
        let item = json!({
            "alert_id": alert.alert_id, "level": alert.level, "target": alert.target, "rule": alert.rule_id,
            "summary": alert.summary, "subject": alert.subject_label, "value": alert.value,
            "threshold": alert.threshold, "opened_at": alert.opened_at, "runbook": alert.runbook,
        });
        listing.row(cells, &item)?;
    }
    Ok(listing)
}

fn functions(functions: &[LastRun]) -> Result<Listing> {
    let mut listing = Listing::new(
        &["function", "last run", "outcome", "took", "error"],
        "no function is known",
    );
    for run in functions {
        let cells = [
            run.function.clone(),
            ago(run.age_seconds),
            run.outcome
                .as_ref()
                .map_or_else(|| "-".to_owned(), ToString::to_string),
            run.duration_ms
                .map_or_else(|| "-".to_owned(), |duration| format!("{duration:.0} ms")),
            run.error.clone().unwrap_or_default(),
        ];
        let item = json!({
            "function": run.function, "outcome": run.outcome.as_ref().map(ToString::to_string),
            "started_at": run.started_at, "finished_at": run.finished_at, "duration_ms": run.duration_ms,
            "age_seconds": run.age_seconds, "success_age_seconds": run.success_age_seconds, "error": run.error,
        });
        listing.row(cells, &item)?;
    }
    Ok(listing)
}

/// How large the samples of each target will become. Where nothing is rolled up yet there is no rate to go by.
fn forecast(forecasts: &[Forecast]) -> Result<Listing> {
    let mut listing = Listing::new(
        &[
            "target",
            "samples a day",
            "samples",
            "hours",
            "days",
            "will take",
            "by the rate of",
        ],
        "no target is watched: there is nothing to forecast",
    );
    let bytes = |bytes: Option<f64>| bytes.map_or_else(|| "-".to_owned(), |bytes| size(bytes as i64));
    for forecast in forecasts {
        let cells = [
            forecast.target.clone(),
            forecast
                .samples_per_day
                .map_or_else(|| "-".to_owned(), |samples| format!("{samples:.0}")),
            bytes(forecast.raw_bytes),
            bytes(forecast.hourly_bytes),
            bytes(forecast.daily_bytes),
            bytes(forecast.bytes()),
            forecast.measured_hours.map_or_else(
                || "its first hour is not rolled up".to_owned(),
                |hours| format!("the last {hours:.0} h"),
            ),
        ];
        let item = json!({
            "target": forecast.target, "samples_per_day": forecast.samples_per_day, "raw_bytes": forecast.raw_bytes,
            "hourly_bytes": forecast.hourly_bytes, "daily_bytes": forecast.daily_bytes, "bytes": forecast.bytes(),
            "measured_hours": forecast.measured_hours,
        });
        listing.row(cells, &item)?;
    }
    Ok(listing)
}

/// What the whole store takes.
#[derive(Debug, Serialize)]
struct Summary {
    bytes: i64,
    bytes_per_sample: Option<f64>,
}

impl Summary {
    fn text(&self) -> String {
        let per_sample = self
            .bytes_per_sample
            .map(|each| format!(", {each:.0} bytes a sample"))
            .unwrap_or_default();
        format!("the store takes {}{per_sample}", size(self.bytes))
    }
}

fn sizes(tables: &[TableSize]) -> Result<(Listing, Summary)> {
    let mut listing = Listing::new(
        &["table", "size", "rows", "bytes a row", "partitions"],
        "the store is empty",
    );
    for table in tables.iter().filter(|table| table.rows > 0) {
        let cells = [
            table.table_name.clone(),
            size(table.bytes),
            table.rows.to_string(),
            table
                .bytes_per_row
                .map_or_else(|| "-".to_owned(), |each| format!("{each:.0}")),
            table.partitions.to_string(),
        ];
        let item: Value = json!({
            "table": table.table_name, "bytes": table.bytes, "rows": table.rows,
            "bytes_per_row": table.bytes_per_row, "partitions": table.partitions,
        });
        listing.row(cells, &item)?;
    }
    let samples = || {
        tables
            .iter()
            .filter(|table| SAMPLES.contains(&table.table_name.as_str()))
    };
    let rows: i64 = samples().map(|table| table.rows).sum();
    // Empty partitions made ahead are no cost of a sample, so the figure of each table is weighted by its rows.
    let weighted: f64 = samples()
        .map(|table| table.bytes_per_row.unwrap_or_default() * table.rows as f64)
        .sum();
    let bytes_per_sample = (rows > 0).then(|| weighted / rows as f64);
    Ok((
        listing,
        Summary {
            bytes: tables.iter().map(|table| table.bytes).sum(),
            bytes_per_sample,
        },
    ))
}

fn ago(seconds: Option<f64>) -> String {
    match seconds {
        None => "never".to_owned(),
        Some(seconds) if seconds < 120.0 => format!("{seconds:.0} s ago"),
        Some(seconds) if seconds < 7200.0 => format!("{:.0} min ago", seconds / 60.0),
        Some(seconds) if seconds < 172_800.0 => format!("{:.0} h ago", seconds / 3600.0),
        Some(seconds) => format!("{:.0} days ago", seconds / 86_400.0),
    }
}

/// `18.4` from 180004.
fn version(number: i64) -> String {
    format!("{}.{}", number / 10_000, number % 10_000)
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

fn size(bytes: i64) -> String {
    let bytes = bytes as f64;
    if bytes < 1024.0 * 1024.0 {
        format!("{:.0} kB", bytes / 1024.0)
    } else {
        format!("{:.1} MB", bytes / 1024.0 / 1024.0)
    }
}

/// A subject that fits into a table; the whole of it is in the JSON.
fn shortened(subject: &str) -> String {
    const LIMIT: usize = 60;
    let line = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LIMIT {
        return line;
    }
    line.chars().take(LIMIT - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_as_people_say_them() {
        assert_eq!(
            [ago(None), ago(Some(3.4)), ago(Some(600.0))],
            ["never", "3 s ago", "10 min ago"]
        );
        assert_eq!(
            [ago(Some(10_000.0)), ago(Some(200_000.0))],
            ["3 h ago", "2 days ago"]
        );
        assert_eq!([version(130_023), version(180_004)], ["13.23", "18.4"]);
        assert_eq!([size(2048), size(5 * 1024 * 1024)], ["2 kB", "5.0 MB"]);
        assert_eq!([number(500.0), number(612.25)], ["500", "612.2"]);
    }

    #[test]
    fn a_long_subject_is_cut_and_a_short_one_is_not() {
        assert_eq!(shortened("select\n  1"), "select 1");
        assert_eq!(shortened(&"word ".repeat(30)).chars().count(), 60);
    }
}
