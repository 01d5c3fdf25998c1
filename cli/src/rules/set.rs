//! `pgvitals rules set`.

use anyhow::Result;
use db::{Connection, DbError};
use serde_json::{Map, Value, json};
use store::rules;
use vitals::rule::{Rule, RuleDefinition};

use crate::arguments::{SetRule, Thresholds};
use crate::failure::Failure;
use crate::output::Output;

pub(super) async fn run(client: &Connection, arguments: &SetRule, output: &Output) -> Result<()> {
    let known = rules::all(client).await?;
    let known = known.find(&arguments.name);
    let fields = fields(arguments, known);
    if fields.is_empty() {
        return Err(Failure::new(
            "nothing is to be changed",
            "`pgvitals rules set --help` says what can be",
        )
        .into());
    }
    let is_new = rules::save(client, &arguments.name, &fields)
        .await
        .map_err(|error| refused(error, &arguments.name))?;
    output.result(
        &json!({ "rule": arguments.name, "new": is_new, "set": fields }),
        || {
            let how = if is_new { "made" } else { "changed" };
            let advice = format!(
                "`pgvitals rules test {}` tells what it would have told",
                arguments.name
            );
            format!("{} is {how}: {advice}", arguments.name)
        },
    )
}

/// The columns that change.
fn fields(arguments: &SetRule, known: Option<&Rule>) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    let text = |text: &Option<String>| text.as_ref().map(|text| json!(text));
    let object = |pairs: &[(String, Value)]| {
        (!pairs.is_empty()).then(|| Value::Object(pairs.iter().cloned().collect()))
    };
    set("metric", text(&arguments.metric));
    set("aggregate", text(&arguments.aggregate));
    set("labels", object(&arguments.labels));
    set("comparison", text(&arguments.comparison));
    set("cooldown_seconds", arguments.cooldown_seconds.map(Value::from));
    set("no_data", text(&arguments.no_data));
    set("inhibited_by", arguments.inhibited_by.as_deref().map(names));
    set("tags", object(&arguments.tags));
    set("summary", text(&arguments.summary));
    set("advice", text(&arguments.advice));
    set("runbook", text(&arguments.runbook));
    fields.extend(thresholds(&arguments.thresholds, known));
    fields
}

/// The thresholds that change, with `resolve` at the same share of the mildest one as before.
pub(super) fn thresholds(given: &Thresholds, known: Option<&Rule>) -> Map<String, Value> {
    let mut fields = Map::new();
    let levels = [
        ("warning", &given.warning),
        ("critical", &given.critical),
        ("emergency", &given.emergency),
    ];
    for (name, value) in levels {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value.clone());
            fields.insert("threshold".to_owned(), Value::Null);
        }
    }
    if let Some(threshold) = &given.threshold {
        fields.insert("threshold".to_owned(), threshold.clone());
        for (name, _) in levels {
            fields.insert(name.to_owned(), Value::Null);
        }
    }
    if let Some(rule) = known.filter(|rule| rule.mildest() != 0.0)
        && let Some(mildest) = mildest(&fields, rule.definition())
        && !fields.is_empty()
    {
        fields.insert(
            "resolve".to_owned(),
            json!(mildest * (rule.resolve() / rule.mildest())),
        );
    }
    let numbers = [
        ("resolve", given.resolve.map(Value::from)),
        ("for_seconds", given.for_seconds.map(Value::from)),
        ("window_seconds", given.window_seconds.map(Value::from)),
        ("minimum_traffic", given.minimum_traffic.map(Value::from)),
    ];
    for (name, value) in numbers {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    }
    fields
}

/// Where the mildest level begins once the fields are set.
fn mildest(fields: &Map<String, Value>, before: &RuleDefinition) -> Option<f64> {
    if let Some(threshold) = fields.get("threshold").and_then(Value::as_f64) {
        return Some(threshold / 2.0);
    }
    let level = |name: &str, before: Option<f64>| match fields.get(name) {
        Some(value) => value.as_f64(),
        None => before,
    };
    level("warning", before.warning)
        .or_else(|| level("critical", before.critical))
        .or_else(|| level("emergency", before.emergency))
}

fn names(text: &str) -> Value {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(|name| json!(name)).collect()
}

/// The constraints of the table have names that say what is wrong.
fn refused(error: DbError, name: &str) -> anyhow::Error {
    let hints = [
        (
            "rules_metric_is_known",
            "`pgvitals rules metrics` lists what can be watched",
        ),
        (
            "there is no such metric",
            "`pgvitals rules metrics` lists what can be watched",
        ),
        (
            "has no metric",
            "a new rule needs --metric: `pgvitals rules metrics` lists what can be watched",
        ),
        (
            "rules_have_a_threshold",
            "give --warning, --critical or --emergency; or --threshold alone",
        ),
        (
            "rules_thresholds_are_in_order",
            "each level begins beyond the milder one, and --resolve is on the good side of the mildest",
        ),
        (
            "rules_name_is_plain",
            "begin with a small letter; then small letters, digits and `_`",
        ),
        (
            "rules_labels_are_a_filter",
            r#"a condition is a text, {"like": "…"} or {"not": "…"}"#,
        ),
    ];
    let hint = hints
        .iter()
        .find(|(part, _)| error.message.contains(part))
        .map(|(_, hint)| (*hint).to_owned())
        .or_else(|| error.hint.clone())
        .unwrap_or_else(|| "`pgvitals rules set --help` says what can be given".to_owned());
    Failure::new(format!("cannot set the rule {name}"), hint)
        .because(error)
        .into()
}
