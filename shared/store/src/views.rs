//! The derived views: what the samples say, with a severity, what to do, and the figures behind it.
//!
//! A view is a function in the schema `monitoring` with the parameters `target` (null: all) and `at` (a past moment gives
//! what it would have said then, as far as samples and roll-ups are kept). Each is a file in `sql/views/`; those in
//! `sql/views/sources/` are what they read the samples by. `pgvitals migrate` makes them anew every time.

use db::{Client, DbError};
use serde_json::{Map, Value};

use crate::migrations::run_script;

/// One file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The name of the file and of the function.
    pub name: &'static str,
    /// The statement that makes it, after a header that begins with what it shows.
    pub sql: &'static str,
}

impl View {
    /// What it shows, in one line.
    pub fn shows(&self) -> &'static str {
        let first = self.sql.lines().next().unwrap_or_default();
        first.trim_start_matches("-- shows: ")
    }

    /// The view of a name.
    pub fn named(name: &str) -> Option<&'static View> {
        ALL.iter().find(|view| view.name == name)
    }
}

macro_rules! views {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(View { name: $name, sql: include_str!(concat!("../../../sql/views/", $folder, $name, ".sql")) }),+]
    };
}

/// Every view, by name.
pub const ALL: &[View] = views!["":
    "bloat",
    "blocking",
    "connection_health",
    "connection_leaks",
    "growth",
    "index_usage",
    "new_sequential_scans",
    "replica_candidates",
    "replicas",
    "resource_use",
    "sequences_near_end",
    "slow_statements",
    "temp_file_use",
    "vacuum_needs",
    "wait_profile",
    "wraparound_forecast",
];

/// What the views read the samples by, each after those that it calls.
pub const SOURCES: &[View] = views!["sources/":
    "raw_from",
    "number_of",
    "statement_hours_between",
    "statement_hours_of",
    "statement_days_between",
    "activity_hours_between",
    "database_hours_between",
    "sample_hours_between",
    "sample_days_between",
    "last_samples",
];

/// The rows of a view.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The columns, in their order.
    pub columns: Vec<Column>,
    /// The rows, by the names of the columns, worst first.
    pub rows: Vec<Map<String, Value>>,
}

/// A column of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, as PostgreSQL calls it.
    pub sql_type: String,
}

/// Makes all views anew. For [`migrate`](crate::migrations::migrate), within its transaction.
pub(crate) async fn create(client: &impl Client) -> Result<(), DbError> {
    run_script(client, include_str!("../sql/views/drop.sql")).await?;
    // Metrics are made of the same sources.
    let sources = SOURCES
        .iter()
        .map(|view| (view, "pgvitals_operator, pgvitals_alerter"));
    let views = ALL.iter().map(|view| (view, "pgvitals_operator"));
    for (view, readers) in sources.chain(views) {
        run_script(client, view.sql).await?;
        run_script(client, &publication(view, readers)).await?;
    }
    Ok(())
}

/// The statements that let these roles read a view, and make the comment that it is known by.
fn publication(view: &View, readers: &str) -> String {
    let name = view.name;
    let shows = view.shows().replace('\'', "''");
    format!(
        "comment on function monitoring.{name} is 'derived view: {shows}';
         revoke all on function monitoring.{name} from public;
         grant execute on function monitoring.{name} to {readers};"
    )
}

/// What a view says of one target or of all of them, now or at a moment in the past, written as PostgreSQL reads it.
///
/// # Errors
///
/// What the server or the connection said; SQLSTATE 22007 or 22008 when the moment is none.
pub async fn read(
    client: &impl Client,
    view: &View,
    target: Option<&str>,
    at: Option<&str>,
) -> Result<Shown, DbError> {
    let columns = client
        .query(include_str!("../sql/views/columns.sql"), &[view.name.into()])
        .await?
        .iter()
        .map(|row| {
            Ok(Column {
                name: row.get("name")?,
                sql_type: row.get("type")?,
            })
        })
        .collect::<Result<_, DbError>>()?;
    let statement = format!(
        "select pg_catalog.to_jsonb(v) as shown
           from monitoring.{}(target => $1::text, at => coalesce($2::text::timestamptz, now())) as v",
        view.name
    );
    let rows = client
        .query(&statement, &[target.into(), at.into()])
        .await?
        .iter()
        .map(|row| match row.get("shown")? {
            Value::Object(shown) => Ok(shown),
            other => Err(DbError::decode(format!("a row of {} is {other}", view.name))),
        })
        .collect::<Result<_, DbError>>()?;
    Ok(Shown { columns, rows })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn files(folder: &str) -> BTreeSet<String> {
        let folder = format!("{}/../../sql/views{folder}", env!("CARGO_MANIFEST_DIR"));
        let names = std::fs::read_dir(folder).unwrap();
        names
            .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(".sql").map(str::to_owned))
            .collect()
    }

    #[test]
    fn the_lists_are_what_is_in_the_folders() {
        let names = |views: &[View]| views.iter().map(|view| view.name.to_owned()).collect();
        assert_eq!(files(""), names(ALL));
        assert_eq!(files("/sources"), names(SOURCES));
        assert!(ALL.is_sorted_by_key(|view| view.name));
    }

    #[test]
    fn every_file_says_what_it_shows_and_makes_what_it_is_named_after() {
        for view in SOURCES.iter().chain(ALL) {
            assert!(view.sql.starts_with("-- shows: "), "{}", view.name);
            let makes = format!("\ncreate function monitoring.{}(\n", view.name);
            assert_eq!(view.sql.matches(&makes).count(), 1, "{}", view.name);
            assert!(!view.sql.contains("$pgvitals"), "{}", view.name);
        }
    }

    /// What stands in quotes after each occurrence of a text.
    fn quoted_after<'a>(sql: &'a str, text: &str) -> Vec<&'a str> {
        let parts = sql.split(text).skip(1);
        parts.filter_map(|part| part.split('\'').next()).collect()
    }

    #[test]
    fn every_number_and_name_that_is_read_is_a_column_of_a_collector_that_the_view_reads() {
        for view in ALL {
            let read = crate::collectors::ALL
                .iter()
                .filter(|collector| view.sql.contains(&format!("'{}'", collector.name)));
            let columns: BTreeSet<&str> = read
                .flat_map(|collector| collector.columns.iter().map(|column| column.name))
                .collect();
            for before in ["number_of(l.numbers, l.columns, '", "labels ->> '", "texts ->> '"] {
                for name in quoted_after(view.sql, before) {
                    assert!(columns.contains(name), "{} reads {name}", view.name);
                }
            }
        }
    }

    #[test]
    fn every_view_is_stable_and_has_a_search_path_of_its_own() {
        for view in ALL {
            let path = "\n  set search_path = pg_catalog, pg_temp\n";
            assert!(view.sql.contains(path), "{}", view.name);
            assert!(view.sql.contains("\n  stable\n"), "{}", view.name);
            assert!(!view.sql.contains("security definer"), "{}", view.name);
        }
    }
}
