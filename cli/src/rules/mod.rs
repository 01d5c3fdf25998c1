//! `pgvitals rules`: what is watched, and where alarming begins.
//!
//! - here: reading and switching them; `set.rs`: changing them
//! - `history.rs`: a rule on stored samples, for `test` and `suggest`

mod history;
mod set;

use anyhow::{Context, Result};
use db::Connection;
use serde_json::{Map, Value, json};
use store::rules;
use vitals::level::Level;
use vitals::rule::Rule;
use vitals::unit::format_duration;

use crate::arguments::{RuleName, Rules};
use crate::failure::Failure;
use crate::monitoring;
use crate::output::{Listing, Output};
use crate::settings::Settings;
use crate::targets::confirmed;

pub(crate) async fn run(command: &Rules, settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    match command {
        Rules::List => list(&client, output).await,
        Rules::Show(arguments) => show(&client, arguments, output).await,
        Rules::Set(arguments) => set::run(&client, arguments, output).await,
        Rules::Enable(arguments) => switch(&client, arguments, true, output).await,
        Rules::Disable(arguments) => switch(&client, arguments, false, output).await,
        Rules::Remove(arguments) => {
            if !confirmed(arguments, "remove the rule with its alerts?", output)? {
                return Ok(());
            }
            let removed = rules::remove(&client, &arguments.name)
                .await
                .context("cannot remove the rule")?;
            if !removed {
                return Err(no_rule(&arguments.name));
            }
            output.result(&json!({ "removed": arguments.name }), || {
                format!("{} is no rule any more", arguments.name)
            })
        }
        Rules::Test(arguments) => history::test(&client, arguments, output).await,
        Rules::Suggest(arguments) => history::suggest(&client, arguments, output).await,
        Rules::Metrics => metrics(&client, output).await,
    }
}

fn no_rule(name: &str) -> anyhow::Error {
    Failure::new(format!("there is no rule `{name}`"), "see `pgvitals rules list`").into()
}

/// A rule by its name, or what is wrong with it.
async fn find(client: &Connection, name: &str) -> Result<Rule> {
    let rules = rules::all(client).await.context("cannot read the rules")?;
    if let Some(rule) = rules.find(name) {
        return Ok(rule.clone());
    }
    let fault = rules
        .faults
        .into_iter()
        .find(|fault| fault.to_string().starts_with(&format!("cannot use rule {name}")));
    Err(fault.map_or_else(|| no_rule(name), Into::into))
}

async fn list(client: &Connection, output: &Output) -> Result<()> {
    let rules = rules::all(client).await.context("cannot read the rules")?;
    let mut listing = Listing::new(
        &[
            "rule",
            "state",
            "metric",
            "warning",
            "critical",
            "emergency",
            "over",
            "for",
            "about",
        ],
        "there are no rules: pgvitals rules set NAME --metric METRIC --warning N",
    );
    for rule in &rules.valid {
        let level = |level| {
            let threshold = rule.threshold(level);
            threshold.map_or_else(|| "-".to_owned(), |value| rule.metric().unit().format(value))
        };
        let about = match rule.labels().to_string() {
            text if text.is_empty() => "-".to_owned(),
            text => text,
        };
        let cells = [
            rule.rule_id().to_owned(),
            if rule.is_enabled() { "on" } else { "off" }.to_owned(),
            rule.metric().name().to_owned(),
            level(Level::Warning),
            level(Level::Critical),
            level(Level::Emergency),
            format_duration(rule.window()),
            format_duration(rule.hold()),
            about,
        ];
        listing.row(cells, &rules::fields(rule))?;
    }
    output.listing(listing)?;
    for fault in &rules.faults {
        output.say(&format!("note: {fault}, and it is not evaluated"));
    }
    Ok(())
}

async fn show(client: &Connection, arguments: &RuleName, output: &Output) -> Result<()> {
    let rule = find(client, &arguments.name).await?;
    let item = rules::fields(&rule);
    output.result(&item, || {
        let fields = item.as_object().into_iter().flatten();
        let lines = fields
            .filter(|(_, value)| !is_empty(value))
            .map(|(name, value)| format!("{name:<19}{}", text(value)));
        lines.collect::<Vec<_>>().join("\n")
    })
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

async fn switch(client: &Connection, arguments: &RuleName, enabled: bool, output: &Output) -> Result<()> {
    let rule = find(client, &arguments.name).await?;
    let fields = Map::from_iter([("enabled".to_owned(), json!(enabled))]);
    rules::save(client, rule.rule_id(), &fields)
        .await
        .context("cannot switch the rule")?;
    output.result(&json!({ "rule": arguments.name, "enabled": enabled }), || {
        if enabled {
            format!("{} is evaluated", arguments.name)
        } else {
            format!("{} is not evaluated any more", arguments.name)
        }
    })
}

async fn metrics(client: &Connection, output: &Output) -> Result<()> {
    let metrics = store::metrics::list(client)
        .await
        .context("cannot read the metrics")?;
    let mut listing = Listing::new(
        &["metric", "unit", "one alert per", "measures"],
        "there are no metrics: pgvitals migrate",
    );
    for metric in metrics {
        let subject = metric.subject_kind.clone().unwrap_or_else(|| "target".to_owned());
        let cells = [
            metric.metric.clone(),
            metric.unit.clone(),
            subject,
            metric.description.clone(),
        ];
        listing.row(cells, &metric)?;
    }
    output.listing(listing)
}
