//! What every statement of a target did since the last reading.
//!
//! All statements are read, without texts, and compared before anything is left out: a limit before the comparison
//! would make a statement that comes into view look as if all its history had just happened.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use db::{Client, DbError, Row, Rows};
use store::collectors::{self, Fitting};
use store::samples::Planned;
use store::snapshots::{self, StatementSample, Swap};
use store::statements::{self, SeenStatement};
use vitals::delta::{self, Deltas, Distribution, NewRows};
use vitals::exposed::Reading;
use vitals::statement::{self, Text};

use crate::counters;
use crate::exposed::Showing;
use crate::target::{Collecting, Sampled, StepError};

const COLLECTOR: &str = "statements";

/// What tells executions of one statement from each other.
const EXECUTIONS: Distribution<'_> = Distribution {
    count: "calls",
    sum: "exec_us",
    squares: "exec_squares",
    shortest: "shortest_us",
    longest: "longest_us",
};

/// What is measured only while a setting is on, with the gauge that says whether it is. While it is off PostgreSQL shows
/// a zero, which is no measurement.
const MEASURED_WHILE: [(&str, &[&str]); 2] = [
    (
        "io_timed",
        &[
            "read_us",
            "write_us",
            "local_read_us",
            "local_write_us",
            "temp_read_us",
            "temp_write_us",
        ],
    ),
    ("planning_timed", &["plans", "plan_us"]),
];

/// Reads the counters, and stores what happened since the last reading.
pub(crate) async fn collect<C: Client>(
    collecting: &Collecting<'_, C>,
    planned: &Planned,
    fitting: &Fitting,
) -> Result<Sampled, StepError> {
    let last = planned.last.as_ref().map(|last| &last.stored);
    let rows = match collecting.read(fitting, &[]).await {
        Ok(rows) => rows,
        Err(error) if is_not_loaded(&error) => {
            return Ok(Sampled::Skipped(
                "missing_extension: pg_stat_statements is not in shared_preload_libraries; add it and restart the server"
                    .to_owned(),
            ));
        }
        Err(error) => return Err(error.into()),
    };
    let reset = stats_reset(&rows)?;
    let columns = measured_columns(&rows)?;
    let snapshot = counters::snapshot(&rows, "statement_key", &columns, collecting.look, &reset)?;
    // Every reading is complete, so that a statement that was not there has begun since.
    let deltas = delta::between_executions(
        last.map(|last| &last.snapshot),
        &snapshot,
        NewRows::Count,
        &EXECUTIONS,
    );
    let measured = deltas.measured();
    let samples = samples(deltas.clone(), &rows)?;
    name_unknown(collecting, &rows, &samples).await?;
    let swap = Swap {
        target_id: collecting.target.target_id,
        collector: COLLECTOR,
        expected: last.map(|last| last.version),
        snapshot: &snapshot,
        interval_ms: measured.map_or(1, counters::milliseconds),
    };
    let showing = Showing {
        target_id: swap.target_id,
        collector: COLLECTOR,
        expected: swap.expected,
        reading: Reading {
            keys: snapshot.keys(),
            roots: &[],
            counter_columns: snapshot.columns(),
            counters: snapshot.counters(),
            gauge_columns: &[],
            gauges: &[],
        },
        deltas: &deltas,
    };
    let write = collecting
        .monitoring
        .unit(async |client| {
            let write = snapshots::write_statements(client, &swap, &samples).await?;
            showing.keep(client, write).await?;
            Ok(write)
        })
        .await
        .map_err(StepError::Store)?;
    Ok(Sampled::of(measured, write))
}

/// The counters that this version of the extension has: those of the others are null in every row.
fn measured_columns(rows: &Rows) -> Result<Vec<&'static str>, DbError> {
    let mut columns = vec![EXECUTIONS.shortest, EXECUTIONS.longest];
    for column in StatementSample::COLUMNS {
        let first: Option<Option<i64>> = rows.first().map(|row| row.get(column)).transpose()?;
        if first.is_none_or(|value| value.is_some()) {
            columns.push(column);
        }
    }
    Ok(columns)
}

/// What each statement did, without the zeros that nobody measured.
fn samples(deltas: Deltas, rows: &Rows) -> Result<Vec<StatementSample>, DbError> {
    let mut unmeasured = Vec::new();
    for (setting, columns) in MEASURED_WHILE {
        let on: Option<Option<i64>> = rows.first().map(|row| row.get(setting)).transpose()?;
        if on.flatten() != Some(1) {
            unmeasured.extend(columns);
        }
    }
    let samples = counters::in_order(deltas, StatementSample::COLUMNS);
    let samples = samples.into_iter().map(|(statement_key, mut deltas)| {
        for (column, delta) in StatementSample::COLUMNS.iter().zip(&mut deltas) {
            *delta = delta.filter(|delta| *delta != 0 || !unmeasured.contains(&column));
        }
        StatementSample {
            statement_key,
            deltas,
        }
    });
    Ok(samples.collect())
}

/// Whether the extension is there but its library was not loaded at the start of the server (`55000`).
fn is_not_loaded(error: &DbError) -> bool {
    error.sqlstate.as_deref() == Some("55000")
}

/// When all statements were reset last, as part of the epoch. The same in every row; nothing before PostgreSQL 14.
fn stats_reset(rows: &Rows) -> Result<String, DbError> {
    let Some(row) = rows.first() else {
        return Ok(String::new());
    };
    let reset: Option<DateTime<Utc>> = row.get("stats_reset")?;
    Ok(reset
        .map(|reset| reset.timestamp_micros().to_string())
        .unwrap_or_default())
}

/// Fetches and stores the texts of statements that ran and are not known yet. Only theirs: reading texts makes the
/// server load a file that may be large.
async fn name_unknown<C: Client>(
    collecting: &Collecting<'_, C>,
    rows: &Rows,
    samples: &[StatementSample],
) -> Result<(), StepError> {
    let target_id = collecting.target.target_id;
    let keys: Vec<String> = samples
        .iter()
        .map(|sample| sample.statement_key.clone())
        .collect();
    let unknown = collecting
        .monitoring
        .unit(async |client| statements::unknown(client, target_id, keys).await)
        .await
        .map_err(StepError::Store)?;
    if unknown.is_empty() {
        return Ok(());
    }
    let mut texts = texts(collecting, unknown.clone()).await?;
    let unknown: HashSet<String> = unknown.into_iter().collect();
    let mut seen = Vec::with_capacity(unknown.len());
    for row in rows {
        let key: String = row.get("statement_key")?;
        if unknown.contains(&key) {
            let text = texts.remove(&key);
            seen.push(seen_statement(row, key, text.as_deref())?);
        }
    }
    collecting
        .monitoring
        .unit(async |client| statements::upsert(client, target_id, seen).await)
        .await
        .map_err(StepError::Store)
}

/// The texts of some statements, by key.
async fn texts<C: Client>(
    collecting: &Collecting<'_, C>,
    keys: Vec<String>,
) -> Result<HashMap<String, String>, StepError> {
    let fitting = collectors::find("statement_texts").and_then(|texts| collecting.look.fit(texts).ok());
    let Some(fitting) = fitting else {
        return Ok(HashMap::new());
    };
    let rows = collecting.read(&fitting, &[keys.into()]).await?;
    let texts = rows
        .iter()
        .map(|row| Ok((row.get("statement_key")?, row.get::<Option<String>>("query")?)));
    let texts = texts.collect::<Result<Vec<(String, Option<String>)>, DbError>>()?;
    Ok(texts
        .into_iter()
        .filter_map(|(key, text)| Some((key, text?)))
        .collect())
}

/// A statement with its names, and with as much of its text as may be stored.
fn seen_statement(row: &Row, statement_key: String, text: Option<&str>) -> Result<SeenStatement, DbError> {
    let (query, utility) = match text.map(statement::classify) {
        Some(Text::Normalised(query)) => (Some(query), false),
        Some(Text::Utility) => (None, true),
        Some(Text::Hidden) | None => (None, false),
    };
    Ok(SeenStatement {
        statement_key,
        database: row.get("database")?,
        user_name: row.get("user_name")?,
        query_id: row.get("query_id")?,
        top_level: row.get("top_level")?,
        query,
        utility,
    })
}
