//! What is said of a load at its end: the same for programs, for people, and for the monitoring database.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::measurement::{Observed, Point, milliseconds};
use super::scenario::Scenario;
use super::verdict::{self, Last, Outcome};
use crate::request::Request;

/// What a load did and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What users did.
    pub scenario: String,
    /// The same in a line.
    pub description: String,
    /// How much data there was: 1 is 1,000 patients.
    pub scale: f64,
    /// The version of the server, as `server_version_num`.
    pub server_version: i64,
    /// How many sessions the users shared.
    pub users: u32,
    /// Requests that were to be sent, a second.
    pub asked_rate: f64,
    /// Requests that were done, a second.
    pub rate: f64,
    /// For how long, in seconds, without the warm-up.
    pub duration_seconds: u64,
    /// How long the warm-up was.
    pub warm_up_seconds: u64,
    /// How many requests were done.
    pub transactions: u64,
    /// How many failed, and sessions that broke off.
    pub failed: u64,
    /// Whether it went well.
    pub passed: bool,
    /// What did not go well, each in a line.
    pub troubles: Vec<String>,
    /// What became slower since the last run, each in a line.
    pub slower: Vec<String>,
    /// Each kind of request.
    pub requests: Vec<Outcome>,
    /// The load as time went on.
    pub series: Vec<Point>,
    /// The run that it is compared with: the last one of the same scenario, scale, users and rate.
    pub last: Option<LastRun>,
}

/// A run that another is compared with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LastRun {
    /// Its number.
    pub load_run_id: i64,
    /// When it was stored.
    pub recorded_at: DateTime<Utc>,
    /// The version of its server.
    pub server_version: i64,
    /// Each kind of request, by name.
    #[serde(skip)]
    pub requests: Vec<(String, Last)>,
}

/// What is known of the load beside what was measured.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Circumstances<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) server_version: i64,
    pub(crate) patients: i64,
    /// The errors by which sessions broke off, the first few.
    pub(crate) broken_off: Vec<String>,
    /// How many sessions broke off.
    pub(crate) sessions_lost: u64,
}

impl Report {
    /// Puts together what was seen: `outcomes` in the order in which they are shown, those of the users' requests first.
    pub(crate) fn new(circumstances: &Circumstances<'_>, outcomes: Vec<Outcome>, series: Vec<Point>) -> Self {
        let scenario = circumstances.scenario;
        let users = outcomes.iter().take(scenario.requests.len());
        let (done, failed) = users.fold((0, 0), |(done, failed), outcome| {
            (done + outcome.transactions, failed + outcome.failed)
        });
        let seconds = scenario.duration.as_secs().max(1);
        let rate = done as f64 / seconds as f64;
        let troubles = verdict::troubles(scenario.rate, rate, &outcomes, &circumstances.broken_off);
        Self {
            scenario: scenario.name.clone(),
            description: scenario.description.clone(),
            scale: circumstances.patients as f64 / 1000.0,
            server_version: circumstances.server_version,
            users: scenario.users,
            asked_rate: scenario.rate,
            rate,
            duration_seconds: scenario.duration.as_secs(),
            warm_up_seconds: scenario.warm_up.as_secs(),
            transactions: done,
            failed: failed + circumstances.sessions_lost,
            passed: troubles.is_empty(),
            troubles,
            slower: Vec::new(),
            requests: outcomes,
            series,
            last: None,
        }
    }

    /// Puts the last run beside this one.
    pub fn compare(&mut self, last: LastRun) {
        for outcome in &mut self.requests {
            let same = last
                .requests
                .iter()
                .find(|(request, _)| *request == outcome.request);
            outcome.last = same.map(|(_, last)| *last);
        }
        self.slower = verdict::slower(&self.requests);
        self.last = Some(last);
    }
}

/// What came of one request.
pub(crate) fn outcome(request: &Request, observed: &Observed, seconds: u64) -> Outcome {
    let quantiles = observed.quantiles();
    let p99_ms = milliseconds(quantiles.p99_us);
    Outcome {
        request: request.name.clone(),
        class: request.class.clone(),
        threshold_ms: request.threshold.as_secs_f64() * 1000.0,
        transactions: observed.done(),
        failed: observed.failed,
        rate: observed.done() as f64 / seconds.max(1) as f64,
        p50_ms: milliseconds(quantiles.p50_us),
        p95_ms: milliseconds(quantiles.p95_us),
        p99_ms,
        maximum_ms: milliseconds(quantiles.maximum_us),
        mean_wait_ms: observed.mean_wait_us() / 1000.0,
        level: verdict::level(p99_ms, request.threshold),
        last: None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::verdict::tests::outcome;
    use super::*;

    /// A report of an ordinary day in which all requests took so long.
    pub(crate) fn report(p95_ms: f64, broken_off: &[&str]) -> Report {
        let scenario = Scenario::named("timelines").unwrap();
        let outcomes = scenario
            .requests
            .iter()
            .map(|share| outcome(&share.request.name, p95_ms));
        let series = (0..scenario.duration.as_secs()).map(|second| Point {
            second,
            rate: 50.0,
            p50_ms: p95_ms / 2.0,
            p95_ms,
            p99_ms: p95_ms * 2.0,
            failed: 0,
        });
        let circumstances = Circumstances {
            scenario: &scenario,
            server_version: 180_004,
            patients: 1_000,
            broken_off: broken_off.iter().map(|error| (*error).to_owned()).collect(),
            sessions_lost: broken_off.len() as u64,
        };
        Report::new(&circumstances, outcomes.collect(), series.collect())
    }

    /// The run before it, in which all requests took so long.
    pub(crate) fn last_run(report: &Report, p95_ms: f64) -> LastRun {
        let last = Last {
            transactions: 1_000,
            p50_ms: p95_ms / 2.0,
            p95_ms,
            p99_ms: p95_ms * 2.0,
        };
        LastRun {
            load_run_id: 41,
            recorded_at: DateTime::UNIX_EPOCH,
            server_version: 180_004,
            requests: report
                .requests
                .iter()
                .map(|outcome| (outcome.request.clone(), last))
                .collect(),
        }
    }

    #[test]
    fn a_run_passes_without_trouble_and_is_compared_with_the_last() {
        let mut report = report(10.0, &[]);
        assert!(report.passed, "{:?}", report.troubles);
        assert_eq!(
            (report.scale, report.transactions, report.failed),
            (1.0, 4_000, 0)
        );
        assert!((report.rate - 4_000.0 / 60.0).abs() < 1e-9);
        let last = last_run(&report, 5.0);
        report.compare(last);
        assert_eq!(report.slower.len(), 4);
        assert!(report.passed, "becoming slower is told, and breaks no promise");
        assert_eq!(report.requests[0].change_percent(), Some(100.0));
    }

    #[test]
    fn a_session_that_broke_off_is_a_failure() {
        let report = report(10.0, &["deadlock detected"]);
        assert!(!report.passed);
        assert_eq!(report.failed, 1);
        assert_eq!(report.troubles, ["a session broke off: deadlock detected"]);
    }
}
