//! `pgvitals alerts`: what is wrong, what happened to it, and that somebody takes care of it.

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use store::alerts::{self, Happening, Listed};
use vitals::alert::Phase;
use vitals::unit::{Unit, format_duration};

use crate::arguments::{Acknowledge, AlertId, Alerts, ListAlerts};
use crate::failure::Failure;
use crate::monitoring;
use crate::output::{Listing, Output};
use crate::settings::Settings;

pub(crate) async fn run(command: &Alerts, settings: &Settings, output: &Output) -> Result<()> {
    match command {
        Alerts::List(arguments) => list(arguments, settings, output).await,
        Alerts::Show(arguments) => show(arguments, settings, output).await,
        Alerts::Acknowledge(arguments) => acknowledge(arguments, settings, output).await,
    }
}

async fn list(arguments: &ListAlerts, settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let mut listing = Listing::new(
        &[
            "alert", "state", "level", "target", "rule", "subject", "value", "since", "note",
        ],
        "nothing is wrong",
    );
    let alerts = alerts::list(&client, arguments.resolved_within)
        .await
        .context("cannot list the alerts")?;
    for alert in alerts {
        if !arguments.all && matches!(alert.state, Phase::Pending | Phase::NoData) {
            continue;
        }
        let cells = [
            alert.alert_id.to_string(),
            alert.state.to_string(),
            alert.level.to_string(),
            alert.target.clone(),
            alert.rule_id.clone(),
            vitals::text::truncate(&alert.subject_label, 60),
            value(&alert),
            format!("{} ago", age(alert.pending_since, alert.now)),
            note(&alert),
        ];
        listing.row(cells, &alert)?;
    }
    output.listing(listing)
}

async fn show(arguments: &AlertId, settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let alert_id = arguments.alert_id;
    let alert = alerts::one(&client, alert_id)
        .await
        .context("cannot read the alert")?;
    let alert = alert.ok_or_else(|| missing(alert_id))?;
    let history = alerts::history(&client, alert_id)
        .await
        .context("cannot read what happened to the alert")?;
    output.result(&json!({ "alert": alert, "history": history }), || {
        let mut lines = vec![format!(
            "alert {alert_id}: {} on {}, {} ({})",
            alert.rule_id, alert.target, alert.state, alert.level
        )];
        lines.extend(alert.said.clone());
        lines.extend(facts(&alert));
        lines.push(String::new());
        lines.extend(history.iter().map(line));
        lines.join("\n")
    })
}

async fn acknowledge(arguments: &Acknowledge, settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let Acknowledge { alert_id, by, note } = arguments;
    let done = alerts::acknowledge(&client, *alert_id, by, note.as_deref())
        .await
        .context("cannot acknowledge the alert")?;
    if !done {
        return Err(Failure::new(
            format!("there is no open alert {alert_id}"),
            "see `pgvitals alerts list`",
        )
        .into());
    }
    output.result(&json!({ "acknowledged": alert_id, "by": by }), || {
        format!("{by} takes care of alert {alert_id}; it is escalated again if it gets worse")
    })
}

fn missing(alert_id: i64) -> Failure {
    Failure::new(
        format!("there is no alert {alert_id}"),
        "see `pgvitals alerts list --all --resolved-within 30d`",
    )
}

fn value(alert: &Listed) -> String {
    match alert.value {
        None => "unknown".to_owned(),
        Some(value) => alert.unit.unwrap_or(Unit::Count).format(value),
    }
}

fn age(since: DateTime<Utc>, now: DateTime<Utc>) -> String {
    format_duration((now - since).max(TimeDelta::zero()).to_std().unwrap_or_default())
}

/// What else there is to know, in a few words.
fn note(alert: &Listed) -> String {
    let words = [
        alert
            .suppressed_by
            .as_ref()
            .map(|reason| format!("not told: {reason}")),
        alert
            .acknowledged
            .as_ref()
            .map(|acknowledged| format!("taken up by {}", acknowledged.by)),
        alert
            .no_data_since
            .map(|since| format!("no data for {}", age(since, alert.now))),
        alert.flapping.then(|| "comes and goes".to_owned()),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn facts(alert: &Listed) -> Vec<String> {
    let labels: Vec<_> = alert
        .labels
        .iter()
        .map(|(label, value)| format!("{label}={value}"))
        .collect();
    let acknowledged = alert.acknowledged.as_ref().map(|acknowledged| {
        let note = acknowledged
            .note
            .as_ref()
            .map_or_else(String::new, |note| format!(": {note}"));
        format!("{} at {}{note}", acknowledged.by, time(acknowledged.at))
    });
    let facts = [
        ("value", Some(value(alert))),
        (
            "threshold",
            Some(alert.unit.unwrap_or(Unit::Count).format(alert.threshold)),
        ),
        (
            "subject",
            Some(alert.subject_label.clone()).filter(|label| !label.is_empty()),
        ),
        (
            "labels",
            Some(labels.join(" ")).filter(|labels| !labels.is_empty()),
        ),
        ("since", Some(time(alert.pending_since))),
        ("fired", alert.opened_at.map(time)),
        ("over", alert.resolved_at.map(time)),
        ("no data since", alert.no_data_since.map(time)),
        ("taken up by", acknowledged),
        ("not told", alert.suppressed_by.clone()),
        ("runbook", alert.runbook.clone()),
    ];
    facts
        .into_iter()
        .filter_map(|(name, fact)| Some(format!("  {name:<14} {}", fact?)))
        .collect()
}

fn line(happening: &Happening) -> String {
    let told = match (&happening.channel, &happening.outcome) {
        (Some(channel), Some(outcome)) => format!(" to {channel}: {outcome}"),
        _ => String::new(),
    };
    format!("  {}  {}{told}", time(happening.at), happening.what)
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
