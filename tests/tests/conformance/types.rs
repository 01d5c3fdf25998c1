//! Holds a host to a table of the types of PostgreSQL: what a column of each arrives as, and which values a parameter of
//! each takes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hyper::Method;
use integration_tests::http;
use serde::Deserialize;

/// The types of a server that a value of a table can have: all but arrays, which stand with their elements.
const KNOWN_TO_SERVER: &str = "(select string_agg(typname::text, ' ') from pg_type \
     where typtype in ('b', 'r', 'm') and typelem = 0 and typnamespace = 'pg_catalog'::regnamespace)";

/// The table, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// Statements that come first, such as those that make types.
    #[serde(default)]
    setup: Vec<String>,
    #[serde(rename = "type")]
    types: Vec<SqlType>,
}

/// One type.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SqlType {
    /// Its name in SQL.
    name: String,
    /// The first major version of PostgreSQL that has it.
    #[serde(default)]
    since: u32,
    /// An expression that has a value of it; a null without one.
    expression: Option<String>,
    #[serde(flatten)]
    expected: Expected,
    /// The same of arrays of it; a type that has none, such as a pseudo-type, leaves it out.
    array: Option<Expected>,
}

/// What becomes of values of a type.
#[derive(Debug, Deserialize)]
struct Expected {
    /// What a guest is told about a column; empty where it is told nothing, because there is no row.
    column: String,
    /// What a guest gets, or the beginning of that.
    value: Option<String>,
    /// A part of the error that a guest gets instead.
    error: Option<String>,
    /// The kinds of values that a parameter takes beside a null. Left out where there can be no such parameter.
    parameters: Option<Vec<String>>,
    /// A part of the server's error where not even a null can be sent.
    no_parameters: Option<String>,
}

/// Compares all types with what the host at `address` does, and lists every difference.
pub(crate) async fn check(address: &str, path: &Path) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let table: Table = toml::from_str(&text).with_context(|| format!("cannot read {}", path.display()))?;
    let guest = Guest { address };
    for statement in &table.setup {
        guest
            .ask("execute", statement)
            .await
            .with_context(|| statement.clone())?;
    }
    let version = guest
        .number("current_setting('server_version_num')::int4 / 10000")
        .await?;
    let mut differences = unlisted(&guest.ask("column", KNOWN_TO_SERVER).await?, &table);
    for sql_type in table.types.iter().filter(|sql_type| sql_type.since <= version) {
        differences.extend(sql_type.differences(&guest).await?);
    }
    ensure!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
    Ok(())
}

/// The types of the server that the table leaves out.
fn unlisted(answer: &str, table: &Table) -> Vec<String> {
    let listed: BTreeSet<&str> = table
        .types
        .iter()
        .map(|sql_type| sql_type.name.trim_matches('"'))
        .collect();
    answer
        .split_once("Str(\"")
        .map_or(answer, |(_, names)| names)
        .trim_end_matches("\")")
        .split(' ')
        .filter(|name| !listed.contains(name))
        .map(|name| format!("{name} is not in the table"))
        .collect()
}

impl SqlType {
    async fn differences(&self, guest: &Guest<'_>) -> Result<Vec<String>> {
        let value = match &self.expression {
            Some(expression) => expression.clone(),
            None => format!("null::{}", self.name),
        };
        let mut found = self.expected.differences(guest, &self.name, &value).await?;
        if let Some(array) = &self.array {
            let name = format!("{}[]", self.name);
            found.extend(
                array
                    .differences(guest, &name, &format!("array[{value}]"))
                    .await?,
            );
        }
        Ok(found)
    }
}

impl Expected {
    async fn differences(&self, guest: &Guest<'_>, name: &str, value: &str) -> Result<Vec<String>> {
        let mut differences = Vec::new();
        let found = guest.ask("column", value).await?;
        if !self.arrives_as(&found) {
            differences.push(format!("a column of {name} ({value}) arrived as {found:?}"));
        }
        if let Some(expected) = self.parameter() {
            let found = guest.ask("parameter", name).await?;
            let is_right = match found.strip_prefix("! ") {
                Some(error) => self
                    .no_parameters
                    .as_ref()
                    .is_some_and(|part| error.contains(part)),
                None => self.no_parameters.is_none() && found == expected,
            };
            if !is_right {
                differences.push(format!("a parameter of {name} takes {found:?}"));
            }
        }
        Ok(differences)
    }

    fn arrives_as(&self, found: &str) -> bool {
        let Some((column, outcome)) = found.split_once('\n') else {
            return false;
        };
        let is_outcome = match (&self.value, &self.error) {
            (Some(value), None) => outcome
                .strip_prefix("= ")
                .is_some_and(|found| found.starts_with(value)),
            (None, Some(error)) => outcome.starts_with('!') && outcome.contains(error),
            _ => false,
        };
        column == self.column && is_outcome
    }

    /// What a guest is to answer about a parameter.
    fn parameter(&self) -> Option<String> {
        match (&self.parameters, &self.no_parameters) {
            (Some(kinds), None) => Some(kinds.join(" ")),
            (None, Some(_)) => Some(String::new()),
            _ => None,
        }
    }
}

/// The guest that asks the host.
struct Guest<'a> {
    address: &'a str,
}

impl Guest<'_> {
    async fn ask(&self, path: &str, about: &str) -> Result<String> {
        let url = format!("http://{}/{path}", self.address);
        let answer = http::send(Method::POST, &url, &[], about).await?;
        ensure!(answer.status == 200, "{path} {about}: {}", answer.body);
        Ok(answer.body)
    }

    async fn number(&self, expression: &str) -> Result<u32> {
        let answer = self.ask("column", expression).await?;
        answer
            .split_once("Int32(")
            .and_then(|(_, rest)| rest.trim_end_matches(')').parse().ok())
            .with_context(|| format!("{expression} gave {answer:?}"))
    }
}
