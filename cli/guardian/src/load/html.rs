//! The report as one HTML file that needs nothing else: styles and charts are in it.

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use super::chart::{Logarithmic, Tick, TimeChart, over_time};
use super::report::Report;
use super::verdict::Outcome;

/// The name tells minijinja that texts are to be escaped for HTML.
const TEMPLATE: &str = "report.html";
/// How wide the ranges of the requests are drawn.
const RANGE_WIDTH: f64 = 420.0;

/// Where the marks of a request stand on the common axis.
#[derive(Debug, Serialize)]
struct Range {
    p50: f64,
    p95: f64,
    p99: f64,
    maximum: f64,
    threshold: f64,
    /// The 95th percentile of the last run.
    last_p95: Option<f64>,
}

/// A line of the table.
#[derive(Debug, Serialize)]
struct Row<'a> {
    outcome: &'a Outcome,
    verdict: &'static str,
    change: Option<String>,
    range: Range,
}

/// Everything that the template shows.
#[derive(Debug, Serialize)]
struct Page<'a> {
    report: &'a Report,
    server: String,
    rows: Vec<Row<'a>>,
    ticks: Vec<Tick>,
    range_width: f64,
    latency: TimeChart,
    throughput: TimeChart,
}

/// Writes the report.
///
/// # Errors
///
/// Where the template and the report do not fit, which a test rules out.
pub fn render(report: &Report) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.add_template(TEMPLATE, include_str!("report.html"))?;
    let axis = axis(report);
    let page = Page {
        report,
        server: server(report.server_version),
        rows: report
            .requests
            .iter()
            .map(|outcome| row(outcome, &axis))
            .collect(),
        ticks: axis.ticks(),
        range_width: RANGE_WIDTH,
        latency: latency(report),
        throughput: throughput(report),
    };
    environment.get_template(TEMPLATE)?.render(Serde(&page))
}

/// The version of a server as people write it: `18.4` for 180004.
pub fn server(version: i64) -> String {
    format!("{}.{}", version / 10_000, version % 10_000)
}

fn axis(report: &Report) -> Logarithmic {
    let values = report.requests.iter().flat_map(|outcome| {
        let last = outcome.last.map_or(0.0, |last| last.p95_ms);
        [outcome.p50_ms, outcome.maximum_ms, outcome.threshold_ms, last]
    });
    Logarithmic::over(values, RANGE_WIDTH)
}

fn row<'a>(outcome: &'a Outcome, axis: &Logarithmic) -> Row<'a> {
    Row {
        verdict: verdict(outcome),
        change: outcome.change_percent().map(|change| format!("{change:+.0} %")),
        range: Range {
            p50: axis.at(outcome.p50_ms),
            p95: axis.at(outcome.p95_ms),
            p99: axis.at(outcome.p99_ms),
            maximum: axis.at(outcome.maximum_ms),
            threshold: axis.at(outcome.threshold_ms),
            last_p95: outcome.last.map(|last| axis.at(last.p95_ms)),
        },
        outcome,
    }
}

/// The verdict on a request in a word, as people and the style sheet know it.
pub fn verdict(outcome: &Outcome) -> &'static str {
    if outcome.failed > 0 || outcome.transactions == 0 {
        return "failed";
    }
    outcome.level.map_or("kept", |level| level.as_str())
}

fn latency(report: &Report) -> TimeChart {
    let of = |value: fn(&super::Point) -> f64| report.series.iter().map(value).collect::<Vec<_>>();
    over_time(
        &seconds(report),
        &[
            ("p50", of(|point| point.p50_ms)),
            ("p95", of(|point| point.p95_ms)),
            ("p99", of(|point| point.p99_ms)),
        ],
    )
}

fn throughput(report: &Report) -> TimeChart {
    let asked = vec![report.asked_rate; report.series.len()];
    let done = report.series.iter().map(|point| point.rate).collect();
    over_time(&seconds(report), &[("asked", asked), ("done", done)])
}

fn seconds(report: &Report) -> Vec<u64> {
    report.series.iter().map(|point| point.second).collect()
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::{last_run, report};
    use super::*;

    #[test]
    fn the_report_has_everything_and_asks_nobody_for_more() {
        let mut report = report(10.0, &[]);
        let last = last_run(&report, 5.0);
        report.compare(last);
        let html = render(&report).unwrap();
        for text in [
            "timelines",
            "timeline_deep_page",
            "PostgreSQL 18.4",
            "passed",
            "+100 %",
            "polyline",
            "warning",
            "p95 is 10.0 ms, 100 % more than the 5.0 ms of the last run",
        ] {
            assert!(html.contains(text), "{text} is missing in\n{html}");
        }
        for outside in ["src=", "href=", "url(", "@import", "<script"] {
            assert!(!html.contains(outside), "{outside}");
        }
        assert_eq!(html.matches("<polyline").count(), 5);
        assert!(
            !html.contains("NaN") && !html.contains("inf"),
            "every mark has a place"
        );
    }

    #[test]
    fn what_a_server_says_is_text_and_no_markup() {
        let report = report(10.0, &["column \"<script>\" does not exist"]);
        let html = render(&report).unwrap();
        assert!(
            html.contains("&lt;script&gt;") && !html.contains("<script"),
            "{html}"
        );
        assert!(html.contains("not passed"));
    }

    #[test]
    fn versions_are_written_as_people_do() {
        assert_eq!([server(180_004), server(130_023)], ["18.4", "13.23"]);
    }
}
