//! The monitor itself: its collectors, functions, alerts and outbox.

use std::collections::BTreeMap;

use anyhow::Result;
use db::Client;
use store::{exposition, outbox, runs};

use crate::page::{Page, flag, float};

/// Adds what is known of the monitor.
pub(crate) async fn add(page: &mut Page, client: &impl Client, now: f64) -> Result<()> {
    page.gauge(
        "process_start_time_seconds",
        "When the instance that made this page was started, which is one for each scrape.",
        &[],
        now,
    );
    page.gauge(
        "pgvitals_build_info",
        "The version of pgvitals, as a label of the constant 1.",
        &[("version", env!("CARGO_PKG_VERSION"))],
        1.0,
    );
    add_collectors(page, client).await?;
    add_functions(page, client).await?;
    for alerts in exposition::open_alerts(client).await? {
        page.gauge(
            "pgvitals_alerts_firing",
            "Alerts that are firing.",
            &[
                ("target", &alerts.target),
                ("rule", &alerts.rule_id),
                ("level", &alerts.level),
            ],
            float(alerts.alerts),
        );
    }
    let outbox = outbox::counts(client).await?;
    for (state, count) in [
        ("waiting", outbox.waiting),
        ("retrying", outbox.retrying),
        ("dead", outbox.dead),
    ] {
        page.gauge(
            "pgvitals_outbox_messages",
            "Notifications by state; those that are retrying are also waiting.",
            &[("state", state)],
            float(count),
        );
    }
    page.gauge(
        "pgvitals_outbox_oldest_waiting_seconds",
        "How long the oldest notification has been waiting.",
        &[],
        outbox.oldest_waiting_seconds,
    );
    Ok(())
}

async fn add_collectors(page: &mut Page, client: &impl Client) -> Result<()> {
    let mut durations: BTreeMap<String, f64> = BTreeMap::new();
    for collector in exposition::collectors(client).await? {
        let labels = [
            ("target", collector.target.as_str()),
            ("collector", collector.collector.as_str()),
        ];
        let worked = flag(matches!(collector.outcome.as_str(), "ok" | "no_data"));
        let seconds = collector.duration_ms / 1000.0;
        *durations.entry(collector.target.clone()).or_default() += seconds;
        for name in ["pgvitals_collector_success", "pg_scrape_collector_success"] {
            let help = "Whether the last run of a collector worked; 0 also where it was skipped.";
            page.gauge(name, help, &labels, worked);
        }
        for name in [
            "pgvitals_collector_duration_seconds",
            "pg_scrape_collector_duration_seconds",
        ] {
            page.gauge(
                name,
                "How long the last run of a collector took.",
                &labels,
                seconds,
            );
        }
        page.gauge(
            "pgvitals_collector_skipped",
            "Whether a collector cannot work on a target as the target is; pgvitals doctor tells why.",
            &labels,
            flag(collector.outcome == "skipped"),
        );
        page.gauge(
            "pgvitals_collector_rows",
            "How many samples the last run of a collector stored.",
            &labels,
            float(collector.rows),
        );
    }
    for (target, seconds) in &durations {
        page.gauge(
            "pg_exporter_last_scrape_duration_seconds",
            "How long the last runs of all collectors took together.",
            &[("target", target)],
            *seconds,
        );
    }
    Ok(())
}

async fn add_functions(page: &mut Page, client: &impl Client) -> Result<()> {
    for run in runs::latest(client, &store::FUNCTIONS).await? {
        let labels = [("function", run.function.as_str())];
        if let Some(age) = run.success_age_seconds {
            page.gauge(
                "pgvitals_function_success_age_seconds",
                "How long ago a function last ran to its end.",
                &labels,
                age,
            );
        }
        if let Some(outcome) = &run.outcome {
            page.gauge(
                "pgvitals_function_failed",
                "Whether the last run of a function failed.",
                &labels,
                flag(matches!(outcome.as_str(), "failed" | "abandoned")),
            );
        }
        if let Some(duration) = run.duration_ms {
            page.gauge(
                "pgvitals_function_duration_seconds",
                "How long the last run of a function took.",
                &labels,
                duration / 1000.0,
            );
        }
    }
    Ok(())
}
