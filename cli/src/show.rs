//! `pgvitals show`: what the derived views say.

use anyhow::{Context, Result};
use db::{Connection, DbError};
use serde_json::{Value, json};
use store::status;
use store::views::{self, Column, Shown, View};

use crate::arguments::Show;
use crate::failure::Failure;
use crate::monitoring;
use crate::output::{Listing, Output};
use crate::settings::Settings;

/// The longest statement text in a table; the whole of it is in the JSON.
const LONGEST_QUERY: usize = 60;

pub(crate) async fn run(arguments: &Show, settings: &Settings, output: &Output) -> Result<()> {
    let Some(name) = &arguments.view else {
        return output.listing(all()?);
    };
    let view = View::named(name)
        .ok_or_else(|| Failure::new(format!("there is no view `{name}`"), "`pgvitals show` lists them"))?;
    let client = monitoring::open(settings).await?;
    if let Some(target) = &arguments.target {
        check_target(&client, target).await?;
    }
    let shown = views::read(
        &client,
        view,
        arguments.target.as_deref(),
        arguments.at.as_deref(),
    )
    .await
    .map_err(|error| unreadable(error, arguments))
    .with_context(|| format!("cannot read the view {name}"))?;
    let left_out = shown.rows.len().saturating_sub(arguments.limit);
    output.listing(listing(&shown, arguments.limit)?)?;
    if left_out > 0 && !output.is_json() {
        output.say(&format!("and {left_out} more: --limit N or --json shows them"));
    }
    Ok(())
}

fn all() -> Result<Listing> {
    let mut listing = Listing::new(&["view", "shows"], "there are no views");
    for view in views::ALL {
        let item = json!({ "view": view.name, "shows": view.shows() });
        listing.row([view.name.to_owned(), view.shows().to_owned()], &item)?;
    }
    Ok(listing)
}

async fn check_target(client: &Connection, target: &str) -> Result<()> {
    let known = status::targets(client).await.context("cannot read the targets")?;
    if known.iter().any(|known| known.target == target) {
        return Ok(());
    }
    Err(Failure::new(
        format!("there is no target `{target}`"),
        "see `pgvitals targets list`",
    )
    .into())
}

/// The server reads the moment: only it can tell that it is none.
fn unreadable(error: DbError, arguments: &Show) -> anyhow::Error {
    let sqlstate = error.sqlstate.clone().unwrap_or_default();
    match &arguments.at {
        Some(at) if ["22007", "22008"].contains(&sqlstate.as_str()) => Failure::new(
            format!("`{at}` is no moment"),
            "write it as '2026-11-20 14:00', '2026-11-20T14:00:00Z' or 'yesterday'",
        )
        .because(error)
        .into(),
        _ => error.into(),
    }
}

/// As a table: the first rows as people read them, all of them for programs.
fn listing(shown: &Shown, limit: usize) -> Result<Listing> {
    // A column that is empty everywhere tells nothing and makes the others hard to read.
    let columns: Vec<&Column> = shown
        .columns
        .iter()
        .filter(|column| shown.rows.iter().any(|row| !row[&column.name].is_null()))
        .collect();
    let names: Vec<String> = columns
        .iter()
        .map(|column| column.name.replace('_', " "))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut listing = Listing::new(&names, "nothing to show");
    for (index, row) in shown.rows.iter().enumerate() {
        if index < limit {
            let cells = columns.iter().map(|column| cell(column, &row[&column.name]));
            listing.row(cells, row)?;
        } else {
            listing.item(row)?;
        }
    }
    Ok(listing)
}

/// A value as people read it. The unit is in the name of its column.
fn cell(column: &Column, value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if column.sql_type.starts_with("timestamp") => moment(text),
        Value::String(text) if column.name == "query" => shortened(text),
        Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(bytes), _) if column.name.ends_with("bytes") => size(bytes as f64),
            (None, Some(bytes)) if column.name.contains("bytes") => size(bytes),
            (Some(whole), _) => whole.to_string(),
            (None, Some(fraction)) => rounded(fraction),
            (None, None) => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// `2026-11-20 14:00` of `2026-11-20T14:00:00.123+00:00`.
fn moment(text: &str) -> String {
    text.chars().take(16).collect::<String>().replace('T', " ")
}

fn shortened(query: &str) -> String {
    let line = query.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST_QUERY {
        return line;
    }
    line.chars().take(LONGEST_QUERY - 1).chain(['…']).collect()
}

fn rounded(number: f64) -> String {
    match number.abs() {
        large if large >= 100.0 => format!("{number:.0}"),
        middle if middle >= 1.0 => format!("{number:.1}"),
        _ => format!("{number:.3}"),
    }
}

fn size(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut unit = 0;
    let mut amount = bytes;
    while amount.abs() >= 1024.0 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    if unit == 0 || amount.abs() >= 100.0 {
        format!("{amount:.0} {}", UNITS[unit])
    } else {
        format!("{amount:.1} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, sql_type: &str) -> Column {
        Column {
            name: name.to_owned(),
            sql_type: sql_type.to_owned(),
        }
    }

    #[test]
    fn values_are_shown_as_people_read_them() {
        let number = |name, value| cell(&column(name, "bigint"), &value);
        assert_eq!(number("calls", json!(1234)), "1234");
        assert_eq!(number("size_bytes", json!(5_368_709_120_i64)), "5.0 GB");
        assert_eq!(number("bytes_per_day", json!(1500.5)), "1.5 kB");
        assert_eq!(number("mean_ms", json!(0.12345)), "0.123");
        assert_eq!(number("mean_ms", json!(1234.5)), "1234");
        assert_eq!(number("size_bytes", Value::Null), "-");
        let moment = json!("2026-11-20T14:00:07.25+00:00");
        let since = column("since", "timestamp with time zone");
        assert_eq!(cell(&since, &moment), "2026-11-20 14:00");
        assert_eq!(cell(&column("query", "text"), &json!("select\n  1")), "select 1");
    }

    #[test]
    fn a_column_without_values_is_left_out_and_rows_past_the_limit_only_of_the_text() -> Result<()> {
        let row = |name: &str| match json!({ "target": name, "since": null }) {
            Value::Object(row) => row,
            _ => serde_json::Map::new(),
        };
        let shown = Shown {
            columns: vec![
                column("target", "text"),
                column("since", "timestamp with time zone"),
            ],
            rows: vec![row("first"), row("second")],
        };
        let listing = listing(&shown, 1)?;
        assert_eq!(listing.to_text(), "TARGET\nfirst");
        assert_eq!(listing.into_items().len(), 2);
        Ok(())
    }
}
