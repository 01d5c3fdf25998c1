//! `pgvitals responses`: what is done about alerts without asking anybody.

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::responses::{self, Assigned, Entry};
use vitals::response::{ActionName, COMMON_ARGUMENTS, Response};

use crate::arguments::{Responses, SetResponse, UnsetResponse};
use crate::failure::Failure;
use crate::monitoring;
use crate::output::{Listing, Output};
use crate::project::Project;
use crate::settings::Settings;

pub(crate) async fn run(command: &Responses, project: &Project, output: &Output) -> Result<()> {
    let settings = Settings::load(project)?;
    match command {
        Responses::Actions => actions(output),
        Responses::List => list(&settings, output).await,
        Responses::Set(arguments) => set(arguments, &settings, output).await,
        Responses::Unset(arguments) => unset(arguments, &settings, output).await,
        Responses::Journal(arguments) => journal(arguments.limit, &settings, output).await,
    }
}

#[derive(Serialize)]
struct ActionItem {
    action: ActionName,
    does: &'static str,
    needs: &'static str,
    arguments: Map<String, Value>,
}

fn actions(output: &Output) -> Result<()> {
    let mut listing = Listing::new(&["action", "does", "needs", "arguments"], "nothing can be done");
    for action in ActionName::ALL {
        let arguments = action.arguments().iter().chain(&COMMON_ARGUMENTS);
        let names: Vec<&str> = arguments.clone().map(|(name, _)| *name).collect();
        let cells = [
            action.to_string(),
            action.summary().to_owned(),
            action.rights().to_owned(),
            names.join(" "),
        ];
        let item = ActionItem {
            action: *action,
            does: action.summary(),
            needs: action.rights(),
            arguments: arguments
                .map(|(name, meaning)| ((*name).to_owned(), (*meaning).into()))
                .collect(),
        };
        listing.row(cells, &item)?;
    }
    output.listing(listing)
}

#[derive(Serialize)]
struct AssignedItem {
    rule: String,
    enabled: bool,
    from_level: &'static str,
    action: String,
    arguments: Value,
}

async fn list(settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let mut listing = Listing::new(
        &["rule", "state", "from level", "action", "arguments"],
        "no rule responds: pgvitals responses set RULE ACTION",
    );
    for assigned in responses::assigned(&client)
        .await
        .context("cannot list the responses")?
    {
        let Assigned {
            rule_id,
            enabled,
            action,
            arguments,
            level,
        } = assigned;
        let cells = [
            rule_id.clone(),
            if enabled { "on" } else { "off" }.to_owned(),
            level.to_string(),
            action.clone(),
            words(&arguments),
        ];
        let item = AssignedItem {
            rule: rule_id,
            enabled,
            from_level: level.as_str(),
            action,
            arguments,
        };
        listing.row(cells, &item)?;
    }
    output.listing(listing)
}

async fn set(arguments: &SetResponse, settings: &Settings, output: &Output) -> Result<()> {
    let mut given: Map<String, Value> = arguments
        .arguments
        .iter()
        .map(|(name, value)| (name.clone(), typed(value)))
        .collect();
    if arguments.dry_run {
        given.insert("dry_run".to_owned(), true.into());
    }
    let given = Value::Object(given);
    Response::parse(&arguments.action, &given)
        .map_err(|error| Failure::new(error.to_string(), "see `pgvitals responses actions`"))?;
    let client = monitoring::open(settings).await?;
    let rule = &arguments.rule;
    let level = arguments.from_level.into();
    let known = responses::assign(&client, rule, Some(&arguments.action), given.clone(), level)
        .await
        .with_context(|| format!("cannot have rule {rule} respond"))?;
    if !known {
        return Err(no_rule(rule));
    }
    let value = json!({ "rule": rule, "action": arguments.action, "arguments": given });
    output.result(&value, || {
        format!("{rule} responds with {} {}", arguments.action, words(&given))
            .trim_end()
            .to_owned()
    })
}

async fn unset(arguments: &UnsetResponse, settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let rule = &arguments.rule;
    let level = vitals::level::Level::Critical;
    let known = responses::assign(&client, rule, None, json!({}), level)
        .await
        .with_context(|| format!("cannot take the response from rule {rule}"))?;
    if !known {
        return Err(no_rule(rule));
    }
    output.result(&json!({ "rule": rule, "action": null }), || {
        format!("{rule} responds with nothing")
    })
}

fn no_rule(rule: &str) -> anyhow::Error {
    Failure::new(format!("there is no rule `{rule}`"), "see `pgvitals rules list`").into()
}

#[derive(Serialize)]
struct EntryItem {
    run_id: i64,
    rule: String,
    target: String,
    subject: String,
    action: String,
    arguments: Value,
    dry_run: bool,
    state: &'static str,
    queued_at: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    affected: Option<i64>,
    result: Option<String>,
}

async fn journal(limit: i64, settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let mut listing = Listing::new(
        &["queued", "rule", "target", "action", "state", "result"],
        "nothing was done yet",
    );
    for entry in responses::journal(&client, limit)
        .await
        .context("cannot read the journal of responses")?
    {
        let state = match entry.dry_run {
            true => format!("{} (dry run)", entry.state),
            false => entry.state.to_string(),
        };
        let cells = [
            entry.queued_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            entry.rule_id.clone(),
            entry.target.clone(),
            entry.action.clone(),
            state,
            entry.result.clone().unwrap_or_default(),
        ];
        listing.row(cells, &EntryItem::new(entry))?;
    }
    output.listing(listing)
}

impl EntryItem {
    fn new(entry: Entry) -> Self {
        Self {
            run_id: entry.run_id,
            rule: entry.rule_id,
            target: entry.target,
            subject: entry.subject_label,
            action: entry.action,
            arguments: entry.arguments,
            dry_run: entry.dry_run,
            state: entry.state.as_str(),
            queued_at: entry.queued_at.to_rfc3339(),
            started_at: entry.started_at.map(|at| at.to_rfc3339()),
            ended_at: entry.ended_at.map(|at| at.to_rfc3339()),
            affected: entry.affected,
            result: entry.result,
        }
    }
}

/// What was typed as what it looks like: a number, a truth, or else a text.
fn typed(text: &str) -> Value {
    match text {
        "true" => true.into(),
        "false" => false.into(),
        _ => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
    }
}

/// Arguments as they were typed.
fn words(arguments: &Value) -> String {
    let arguments = arguments.as_object().into_iter().flatten();
    let words = arguments.map(|(name, value)| match value.as_str() {
        Some(text) => format!("{name}={text}"),
        None => format!("{name}={value}"),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_shown_as_they_were_typed() {
        let typed: Map<String, Value> = [
            ("dry_run", "true"),
            ("older_than_seconds", "300"),
            ("table", "orders"),
        ]
        .map(|(name, value)| (name.to_owned(), typed(value)))
        .into_iter()
        .collect();
        assert_eq!(typed["older_than_seconds"], 300);
        assert_eq!(typed["dry_run"], true);
        assert_eq!(
            words(&Value::Object(typed)),
            "dry_run=true older_than_seconds=300 table=orders"
        );
    }
}
