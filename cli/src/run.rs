//! `pgvitals run`: runs one function now.

use anyhow::{Context, Result};
use hyper::StatusCode;
use serde_json::Value;

use crate::arguments::Run;
use crate::failure::Failure;
use crate::http;
use crate::output::Output;
use crate::project::Project;
use crate::settings::Settings;
use crate::state::State;

pub(crate) async fn run(arguments: &Run, project: &Project, output: &Output) -> Result<()> {
    let function = arguments.function.trim_matches('/');
    if !store::FUNCTIONS.contains(&function) {
        return Err(Failure::new(
            format!("there is no function `{function}` that can be run"),
            format!("those are {}", store::FUNCTIONS.join(", ")),
        )
        .into());
    }
    let settings = Settings::load(project)?;
    let application = match &arguments.url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => State::running_application(project)?,
    };
    let answer = {
        let _step = output.step(&format!("running {function}"));
        http::post(&format!("{application}/{function}"), &settings.api_token()?).await?
    };
    if answer.status == StatusCode::UNAUTHORIZED {
        return Err(Failure::new(
            format!("{application} does not take the token that is known here"),
            "set SPIN_VARIABLE_API_TOKEN to the token of that application",
        )
        .into());
    }
    let report: Value = serde_json::from_str(&answer.body).with_context(|| {
        format!(
            "{application} answered {} and no report:\n{}",
            answer.status, answer.body
        )
    })?;
    output.result(&report, || lines(&report, 0))?;
    if answer.status.is_success() {
        return Ok(());
    }
    Err(Failure::new(
        format!("{function} failed"),
        "see the report above, and the log of the application",
    )
    .into())
}

/// A report as indented lines: whatever is in it is shown, nothing has to be known of it.
fn lines(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    let entry = |(name, value): (String, &Value)| match value {
        Value::Object(inner) if inner.is_empty() => None,
        Value::Array(inner) if inner.is_empty() => None,
        Value::Null => None,
        Value::Object(_) | Value::Array(_) => Some(format!("{indent}{name}:\n{}", lines(value, depth + 1))),
        Value::String(text) => Some(format!("{indent}{name}: {text}")),
        other => Some(format!("{indent}{name}: {other}")),
    };
    let entries: Vec<String> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), value))
            .filter_map(entry)
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(number, item)| ((number + 1).to_string(), item))
            .filter_map(entry)
            .collect(),
        Value::String(text) => vec![format!("{indent}{text}")],
        other => vec![format!("{indent}{other}")],
    };
    entries.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_is_shown_without_knowing_what_is_in_it() {
        let report = json!({
            "function": "collect-stats", "outcome": "partial", "error": null, "skipped": [],
            "targets": [{ "name": "local", "rows": 3 }, { "name": "other", "error": "cannot connect" }],
        });
        insta::assert_snapshot!(lines(&report, 0), @r"
        function: collect-stats
        outcome: partial
        targets:
          1:
            name: local
            rows: 3
          2:
            error: cannot connect
            name: other
        ");
    }
}
