//! `GET /health/targets`: does the monitor do its work, and how are the targets?

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use db::{Client, DbError, unit_of_work};
use function::{Context, Host, Report, Response, StatusCode, http};
use serde_json::{Value, json};
use store::FUNCTIONS;
use store::health::TargetHealth;
use store::runs::LastRun;
use vitals::freshness::Freshness;

use crate::check;

/// 503 when the loop stands still: what it last saw of the targets means nothing then. A target that is down is what
/// the loop is there to see, and is 200.
pub(crate) async fn answer<H: Host>(context: &Context<H>) -> Response {
    match check::within_deadline(context, async |client| look(client).await).await {
        Ok((targets, runs)) => describe(&targets, &runs),
        Err(error) => check::not_ready(context, &error),
    }
}

/// What is known of the targets and of the functions.
async fn look(client: &impl Client) -> Result<(Vec<TargetHealth>, Vec<LastRun>), DbError> {
    let health = store::health::read(client, &[]).await?;
    let runs = store::runs::latest(client, &FUNCTIONS).await?;
    Ok((health.targets, runs))
}

/// The same as the answer, as the report of a run: which targets are not up, which functions are late.
pub(crate) async fn report<H: Host>(context: &Context<H>) -> anyhow::Result<Report> {
    let monitoring = context.monitoring().await?;
    let preamble = context.preamble().read_only();
    let (targets, runs) = unit_of_work(&monitoring, &preamble, async |client| look(client).await).await?;
    let not_up: Vec<String> = targets
        .iter()
        .filter(|target| state(target) != "up")
        .map(|target| target.target.clone())
        .collect();
    let late: Vec<String> = late(&runs).into_iter().map(str::to_owned).collect();
    let report = if not_up.is_empty() && late.is_empty() {
        Report::ok()
    } else {
        context.log().warn(
            "Something is not as it should be",
            json!({"not_up": not_up, "late": late}),
        );
        Report::partial()
    };
    Ok(report.with("not_up", not_up).with("late", late))
}

fn describe(targets: &[TargetHealth], runs: &[LastRun]) -> Response {
    let late = late(runs);
    let mut body = json!({
        "status": if late.is_empty() { "running" } else { "stale" },
        "targets": targets.iter().map(target).collect::<Vec<Value>>(),
        "functions": runs.iter().map(function).collect::<Vec<Value>>(),
    });
    if late.is_empty() {
        return http::json(StatusCode::OK, &body);
    }
    body["reason"] = "stale".into();
    body["what"] = format!("no success of late: {}", late.join(", ")).into();
    body["mend"] = "see the errors in monitoring.function_runs, and check that the schedules run".into();
    http::json(StatusCode::SERVICE_UNAVAILABLE, &body)
}

/// The functions that had no success of late.
fn late(runs: &[LastRun]) -> Vec<&str> {
    let late = runs.iter().filter(|run| !run.freshness().is_well());
    late.map(|run| run.function.as_str()).collect()
}

/// The state of a target in a word.
fn state(target: &TargetHealth) -> &'static str {
    let interval = Duration::from_secs(target.interval_seconds.unsigned_abs());
    match (target.up, freshness(target.success_age_seconds, interval)) {
        (None, _) => "unknown",
        (Some(false), _) => "down",
        (Some(true), Freshness::Fresh) => "up",
        (Some(true), _) => "stale",
    }
}

fn target(target: &TargetHealth) -> Value {
    json!({
        "target": target.target,
        "state": state(target),
        "error_code": target.error_code,
        "down_since": target.down_since,
        "last_success_at": target.last_success_at,
    })
}

fn function(run: &LastRun) -> Value {
    json!({
        "function": run.function,
        "freshness": run.freshness().as_str(),
        "last_outcome": run.outcome,
        "last_started_at": run.started_at,
        "success_age_seconds": run.success_age_seconds,
    })
}

/// The freshness of a success so many seconds ago, by the clock of the database.
fn freshness(age_seconds: Option<f64>, interval: Duration) -> Freshness {
    let now = DateTime::UNIX_EPOCH;
    let last_success = age_seconds.map(|seconds| now - TimeDelta::milliseconds((seconds * 1000.0) as i64));
    Freshness::of(last_success, interval, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(function: &str, success_age_seconds: Option<f64>) -> LastRun {
        LastRun {
            function: function.to_owned(),
            outcome: Some("failed".to_owned()),
            started_at: None,
            finished_at: None,
            error: Some("cannot connect to 10.0.0.1:5432".to_owned()),
            age_seconds: Some(1.0),
            duration_ms: None,
            success_age_seconds,
            expected_for_seconds: 3600.0,
        }
    }

    fn watched(up: Option<bool>, success_age_seconds: Option<f64>) -> TargetHealth {
        TargetHealth {
            target: "orders".to_owned(),
            up,
            error_code: (up == Some(false)).then(|| "connect_failed".to_owned()),
            error: (up == Some(false)).then(|| "cannot connect to 10.0.0.1:5432".to_owned()),
            down_since: None,
            last_success_at: None,
            success_age_seconds,
            interval_seconds: 15,
        }
    }

    fn body(response: &Response) -> Value {
        serde_json::from_str(response.body()).unwrap()
    }

    #[test]
    fn a_loop_that_runs_is_healthy_even_when_targets_are_down() {
        let response = describe(
            &[watched(Some(false), Some(600.0))],
            &[run("collect-stats", Some(100.0))],
        );
        assert_eq!(response.status(), StatusCode::OK);
        let body = body(&response);
        assert_eq!(body["status"], "running");
        assert_eq!(body["targets"][0]["state"], "down");
        assert_eq!(body["targets"][0]["error_code"], "connect_failed");
        assert!(!body.to_string().contains("10.0.0.1"), "{body}");
    }

    #[test]
    fn a_function_without_a_late_success_makes_the_loop_stale() {
        for age in [None, Some(181.0)] {
            let response = describe(&[], &[run("check-alerts", Some(1.0)), run("collect-stats", age)]);
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(body(&response)["what"], "no success of late: collect-stats");
        }
    }

    #[test]
    fn an_installation_is_not_stale_before_its_functions_had_their_turn() {
        let young = LastRun {
            expected_for_seconds: 30.0,
            ..run("run-maintenance", None)
        };
        let response = describe(&[], &[young]);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(body(&response)["functions"][0]["freshness"], "starting");
    }

    #[test]
    fn the_state_of_a_target_is_one_word() {
        let state = |up, age| target(&watched(up, age))["state"].clone();
        assert_eq!(state(None, None), "unknown");
        assert_eq!(state(Some(true), Some(15.0)), "up");
        assert_eq!(state(Some(true), Some(46.0)), "stale");
        assert_eq!(state(Some(false), Some(1.0)), "down");
    }
}
