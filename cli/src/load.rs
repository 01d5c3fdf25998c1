//! `pgvitals load`: load tests on the reference workload.

use std::fs;
use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use db::{Connection, connect};
use guardian::load::{
    self, Last, LastRun, LoadError, Outcome, Pgbench, PgbenchError, Progress, Report, Scenario, ScenarioError,
};
use serde_json::json;
use store::load_runs::{self, Alike, NewRequest, NewRun, StoredRun};

use crate::arguments::Load;
use crate::failure::Failure;
use crate::monitoring;
use crate::output::{Listing, Output, Step};
use crate::project::Project;
use crate::seed;
use crate::settings::Settings;

/// How often somebody who reads a log is told how it is going, in seconds.
const SAID_EVERY: f64 = 10.0;

/// 0 where the load passed, 1 where it did not.
pub(crate) async fn run(arguments: &Load, project: &Project, output: &Output) -> Result<ExitCode> {
    let Some(name) = &arguments.scenario else {
        output.listing(scenarios()?)?;
        return Ok(ExitCode::SUCCESS);
    };
    let scenario = chosen(name, arguments)?;
    let settings = Settings::load(project)?;
    // What can be wrong is found out before the load, not after it.
    Pgbench::find().await.map_err(|error| unsent(error.into()))?;
    let store = store(arguments, &settings, output).await?;
    let url = seed::address(&arguments.database, project, &settings)?.with_application_name("pgvitals/load");
    let client = connect(&url).await?;
    let step = output.step(&format!("preparing the load test {}", scenario.name));
    let mut report = load::run(&client, &url, &scenario, |progress| {
        say_progress(&step, output, &scenario, progress);
    })
    .await
    .map_err(unsent)?;
    drop(step);
    if let Some(store) = &store {
        compare_and_keep(store, &mut report).await?;
    }
    if let Some(path) = &arguments.report {
        write(path, &report)?;
    }
    let said = text(&report)?;
    output.result(&report, || said)?;
    let too_slow = arguments.fail_when_slower && !report.slower.is_empty();
    Ok(if report.passed && !too_slow {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn scenarios() -> Result<Listing> {
    let columns = ["scenario", "sessions", "rate", "duration", "what it is like"];
    let mut listing = Listing::new(&columns, "there are no scenarios");
    for name in Scenario::names() {
        let scenario = Scenario::named(name)?;
        let item = json!({
            "scenario": scenario.name,
            "users": scenario.users,
            "rate": scenario.rate,
            "duration_seconds": scenario.duration.as_secs(),
            "description": scenario.description,
        });
        let cells = [
            scenario.name.clone(),
            scenario.users.to_string(),
            format!("{}/s", scenario.rate),
            format!("{} s", scenario.duration.as_secs()),
            scenario.description.clone(),
        ];
        listing.row(cells, &item)?;
    }
    Ok(listing)
}

/// The scenario as it was asked for.
fn chosen(name: &str, arguments: &Load) -> Result<Scenario> {
    let mut scenario = Scenario::named(name).map_err(|error| match error {
        ScenarioError::Unknown(_) => {
            anyhow::Error::from(Failure::new(error.to_string(), "`pgvitals load` lists them"))
        }
        other => other.into(),
    })?;
    scenario.users = arguments.users.unwrap_or(scenario.users);
    scenario.rate = arguments.rate.unwrap_or(scenario.rate);
    scenario.duration = arguments.duration.unwrap_or(scenario.duration);
    scenario.warm_up = arguments.warm_up.unwrap_or(scenario.warm_up);
    scenario.check()?;
    Ok(scenario)
}

/// The monitoring database, where one is known and wanted.
async fn store(arguments: &Load, settings: &Settings, output: &Output) -> Result<Option<Connection>> {
    if arguments.no_store {
        return Ok(None);
    }
    if settings.monitoring_url().is_err() {
        output.say(
            "note: the monitoring database is not known, so that the run is neither compared nor stored",
        );
        return Ok(None);
    }
    monitoring::open(settings).await.map(Some)
}

fn unsent(error: LoadError) -> anyhow::Error {
    let hint = match &error {
        LoadError::NotSeeded | LoadError::Nobody(_) => "run `pgvitals seed` first",
        LoadError::TooManySessions { .. } => "give fewer --users, or raise max_connections",
        LoadError::Pgbench(PgbenchError::Missing) => {
            "install it: on Debian and Ubuntu it is part of the package postgresql-contrib, or postgresql"
        }
        _ => return anyhow::Error::new(error),
    };
    Failure::new(error.to_string(), hint).into()
}

/// In place on a terminal, and now and then in a log.
fn say_progress(step: &Step, output: &Output, scenario: &Scenario, progress: Progress) {
    let Progress {
        elapsed_seconds,
        rate,
        mean_ms,
        failed,
    } = progress;
    let whole = scenario.warm_up + scenario.duration;
    let warming = if elapsed_seconds <= scenario.warm_up.as_secs_f64() {
        ", warming up"
    } else {
        ""
    };
    let line = format!(
        "{}: {elapsed_seconds:.0} of {} s{warming}, {rate:.1} requests a second, {mean_ms:.1} ms on average, {failed} failed",
        scenario.name,
        whole.as_secs()
    );
    if stderr().is_terminal() {
        step.now(&line);
    } else if elapsed_seconds.round() % SAID_EVERY == 0.0 {
        output.say(&line);
    }
}

async fn compare_and_keep(store: &Connection, report: &mut Report) -> Result<()> {
    let alike = Alike {
        scenario: report.scenario.clone(),
        scale: report.scale,
        users: i64::from(report.users),
        asked_rate: report.asked_rate,
    };
    let last = load_runs::last(store, &alike)
        .await
        .context("cannot read the last run")?;
    if let Some(last) = last {
        report.compare(last_run(last));
    }
    load_runs::record(store, &new_run(alike, report)?)
        .await
        .context("cannot store the run")?;
    Ok(())
}

fn last_run(run: StoredRun) -> LastRun {
    let requests = run.requests.into_iter().map(|part| {
        let last = Last {
            transactions: part.transactions.unsigned_abs(),
            p50_ms: part.p50_ms,
            p95_ms: part.p95_ms,
            p99_ms: part.p99_ms,
        };
        (part.request, last)
    });
    LastRun {
        load_run_id: run.load_run_id,
        recorded_at: run.recorded_at,
        server_version: run.server_version,
        requests: requests.collect(),
    }
}

fn new_run(alike: Alike, report: &Report) -> Result<NewRun> {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let microseconds = |milliseconds: f64| (milliseconds * 1000.0).round() as i64;
    let requests = report.requests.iter().map(|outcome| NewRequest {
        request: outcome.request.clone(),
        threshold_class: outcome.class.clone(),
        threshold_us: microseconds(outcome.threshold_ms),
        transactions: count(outcome.transactions),
        failed: count(outcome.failed),
        p50_us: microseconds(outcome.p50_ms),
        p95_us: microseconds(outcome.p95_ms),
        p99_us: microseconds(outcome.p99_ms),
        maximum_us: microseconds(outcome.maximum_ms),
        level: outcome.level.map(|level| level.as_str().to_owned()),
    });
    Ok(NewRun {
        alike,
        duration_seconds: count(report.duration_seconds),
        server_version: report.server_version,
        transactions: count(report.transactions),
        failed: count(report.failed),
        passed: report.passed,
        requests: requests.collect(),
        report: serde_json::to_value(report).context("cannot write the report as JSON")?,
    })
}

fn write(path: &Path, report: &Report) -> Result<()> {
    let page = load::render(report).context("cannot write the report")?;
    fs::write(path, page).with_context(|| format!("cannot write the report to `{}`", path.display()))
}

/// The table at the end, and what is to be said of it.
fn text(report: &Report) -> Result<String> {
    let columns = [
        "request", "done", "failed", "per s", "p50 ms", "p95 ms", "p99 ms", "max ms", "limit ms", "last p95",
        "verdict",
    ];
    let mut listing = Listing::new(&columns, "no request was sent");
    for outcome in &report.requests {
        listing.row(cells(outcome), outcome)?;
    }
    let verdict = if report.passed { "passed" } else { "not passed" };
    let mut lines = vec![
        listing.to_text(),
        String::new(),
        format!(
            "{}: {verdict}; {} requests, {:.1} a second where {} were asked for, {} failed; scale {}, PostgreSQL {}",
            report.scenario,
            report.transactions,
            report.rate,
            report.asked_rate,
            report.failed,
            report.scale,
            load::html::server(report.server_version)
        ),
    ];
    lines.extend(
        report
            .troubles
            .iter()
            .map(|trouble| format!("not passed: {trouble}")),
    );
    lines.extend(report.slower.iter().map(|slower| format!("slower: {slower}")));
    Ok(lines.join("\n"))
}

fn cells(outcome: &Outcome) -> [String; 11] {
    let change = outcome.change_percent().map(|change| format!("{change:+.0} %"));
    [
        outcome.request.clone(),
        outcome.transactions.to_string(),
        outcome.failed.to_string(),
        format!("{:.1}", outcome.rate),
        format!("{:.2}", outcome.p50_ms),
        format!("{:.2}", outcome.p95_ms),
        format!("{:.2}", outcome.p99_ms),
        format!("{:.2}", outcome.maximum_ms),
        format!("{:.0}", outcome.threshold_ms),
        change.unwrap_or_else(|| "-".to_owned()),
        load::html::verdict(outcome).to_owned(),
    ]
}

/// A duration as people type it: `90`, `90s`, `5m`, `1h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic()) {
        number if number.len() == text.len() => (number, "s"),
        number => (number, text.get(number.len()..).unwrap_or_default()),
    };
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 0,
    };
    let number: Option<u64> = number.parse().ok();
    match number.and_then(|number| number.checked_mul(seconds)) {
        Some(whole) if seconds > 0 && whole <= 86_400 => Ok(Duration::from_secs(whole)),
        _ => Err("write it as 90s, 5m or 1h, a day at most".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_as_people_type_it() {
        let seconds = |text| duration(text).map(|duration| duration.as_secs());
        assert_eq!(
            [
                seconds("90"),
                seconds("90s"),
                seconds("5m"),
                seconds("1h"),
                seconds("0")
            ],
            [Ok(90), Ok(90), Ok(300), Ok(3600), Ok(0)]
        );
        for text in ["", "s", "-5s", "5 m", "2d", "25h", "1.5m"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
