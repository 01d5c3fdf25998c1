//! The rows of a collector by what its header says they are.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, Utc};
use db::{DbError, Row, Rows, Value};
use serde_json::{Map, Value as Json};
use store::collectors::{Collector, Column, ColumnKind, Look};
use store::samples::UNKNOWN;
use vitals::delta::{SINCE_COLUMN, Snapshot};
use vitals::setting;
use vitals::statement::{self, Text};

use crate::counters;

/// What stands for a counter that is null, in the last reading.
pub(crate) const NO_COUNTER: i64 = -1;

/// A reading, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// The counters by key, with when they began; [`NO_COUNTER`] where one is null.
    pub(crate) snapshot: Snapshot,
    /// The names of the gauges.
    pub(crate) gauge_columns: Vec<&'static str>,
    /// The gauges, row by row; [`UNKNOWN`] where one is null.
    pub(crate) gauges: Vec<i64>,
    /// The names of each row.
    pub(crate) labels: Vec<Map<String, Json>>,
    /// The texts of each row.
    pub(crate) texts: Vec<Map<String, Json>>,
    /// A fingerprint of both. Of one program only: another one may write all names anew, once.
    pub(crate) fingerprints: Vec<i64>,
}

impl Table {
    /// Takes the rows apart.
    pub(crate) fn read(collector: &Collector, rows: &Rows, look: &Look) -> Result<Table, DbError> {
        let places = Places::find(collector, rows)?;
        let mut keys = Vec::with_capacity(rows.len());
        let mut counters = Vec::with_capacity(rows.len() * places.counters.len());
        let mut gauges = Vec::with_capacity(rows.len() * places.gauges.len());
        let (mut labels, mut texts, mut fingerprints) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            keys.push(key(row, &places.keys)?);
            for (_, place) in &places.counters {
                counters.push(row.at::<Option<i64>>(*place)?.unwrap_or(NO_COUNTER));
            }
            for (_, place) in &places.gauges {
                gauges.push(row.at::<Option<i64>>(*place)?.unwrap_or(UNKNOWN));
            }
            labels.push(named(row, &places.labels, Some)?);
            let mut properties = named(row, &places.texts, Some)?;
            properties.extend(named(row, &places.statements, storable)?);
            properties.extend(named(row, &places.expressions, |text| {
                Some(statement::mask(&text))
            })?);
            let setting = places.keys.last().map(|(_, place)| row.at::<String>(*place));
            let setting = setting.transpose()?.unwrap_or_default();
            properties.extend(named(row, &places.settings, |value| {
                Some(setting::told(&setting, value))
            })?);
            texts.push(properties);
        }
        for (labels, texts) in labels.iter().zip(&texts) {
            fingerprints.push(fingerprint(labels, texts));
        }
        let names =
            |columns: &[(&'static str, usize)]| columns.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        let columns = names(&places.counters).into_iter().map(str::to_owned).collect();
        Ok(Table {
            snapshot: counters::build(look, &places.reset(rows)?, columns, keys, counters)?,
            gauge_columns: names(&places.gauges),
            gauges,
            labels,
            texts,
            fingerprints,
        })
    }
}

/// Where the columns of each kind stand in the rows.
struct Places {
    keys: Vec<(&'static str, usize)>,
    labels: Vec<(&'static str, usize)>,
    texts: Vec<(&'static str, usize)>,
    statements: Vec<(&'static str, usize)>,
    expressions: Vec<(&'static str, usize)>,
    settings: Vec<(&'static str, usize)>,
    counters: Vec<(&'static str, usize)>,
    gauges: Vec<(&'static str, usize)>,
    reset: Option<usize>,
}

impl Places {
    fn find(collector: &Collector, rows: &Rows) -> Result<Places, DbError> {
        let place = |column: &Column| {
            // A host may leave the names out where there is no row to read.
            let found = rows.columns.iter().position(|name| name == column.name);
            match found {
                Some(place) => Ok((column.name, place)),
                None if rows.is_empty() => Ok((column.name, 0)),
                None => Err(DbError::decode(format!(
                    "the collector {} gave no column {}",
                    collector.name, column.name
                ))),
            }
        };
        let of = |wanted: fn(&Column) -> bool| {
            let columns = collector.columns.iter().filter(|column| wanted(column));
            columns.map(place).collect::<Result<Vec<_>, _>>()
        };
        let is_null = |place: usize| {
            rows.iter()
                .all(|row| matches!(row.values().get(place), None | Some(Value::Null)))
        };
        let mut counters = of(|column| column.kind == ColumnKind::Counter || column.name == SINCE_COLUMN)?;
        // A version that does not have a counter gives null in every row.
        counters.retain(|(_, place)| !is_null(*place));
        Ok(Places {
            keys: of(|column| column.kind == ColumnKind::Key)?,
            labels: of(|column| matches!(column.kind, ColumnKind::Key | ColumnKind::Label))?,
            texts: of(|column| column.kind == ColumnKind::Text)?,
            statements: of(|column| column.kind == ColumnKind::Statement)?,
            expressions: of(|column| column.kind == ColumnKind::Expression)?,
            settings: of(|column| column.kind == ColumnKind::Setting)?,
            counters,
            gauges: of(|column| column.kind == ColumnKind::Gauge)?,
            reset: of(|column| column.kind == ColumnKind::Epoch && column.name != SINCE_COLUMN)?
                .first()
                .map(|(_, place)| *place),
        })
    }

    /// When all counters were reset last, as part of the epoch. The same in every row.
    fn reset(&self, rows: &Rows) -> Result<String, DbError> {
        let (Some(place), Some(row)) = (self.reset, rows.first()) else {
            return Ok(String::new());
        };
        let reset: Option<DateTime<Utc>> = row.at(place)?;
        Ok(reset
            .map(|at| at.timestamp_micros().to_string())
            .unwrap_or_default())
    }
}

/// The key columns of a row as one text. A slash keeps them apart, and is told from one within a name.
fn key(row: &Row, keys: &[(&'static str, usize)]) -> Result<String, DbError> {
    let mut parts = Vec::with_capacity(keys.len());
    for (_, place) in keys {
        let part: String = row.at(*place)?;
        parts.push(part.replace('\\', "\\\\").replace('/', "\\/"));
    }
    Ok(parts.join("/"))
}

/// Texts of a row by the names of their columns, without those that are null.
fn named(
    row: &Row,
    columns: &[(&'static str, usize)],
    keep: impl Fn(String) -> Option<String>,
) -> Result<Map<String, Json>, DbError> {
    let mut named = Map::new();
    for (name, place) in columns {
        let text = match row.values().get(*place) {
            Some(Value::Bool(truth)) => Some(truth.to_string()),
            Some(Value::Int(number)) => Some(number.to_string()),
            _ => row.at::<Option<String>>(*place)?,
        };
        if let Some(text) = text.and_then(&keep) {
            named.insert((*name).to_owned(), text.into());
        }
    }
    Ok(named)
}

/// As much of the text of a statement as may be stored.
fn storable(text: String) -> Option<String> {
    match statement::classify(&text) {
        Text::Normalised(text) => Some(text),
        Text::Utility | Text::Hidden => None,
    }
}

fn fingerprint(labels: &Map<String, Json>, texts: &Map<String, Json>) -> i64 {
    let mut hasher = DefaultHasher::new();
    for named in [labels, texts] {
        named.len().hash(&mut hasher);
        for (name, text) in named {
            name.hash(&mut hasher);
            text.as_str().hash(&mut hasher);
        }
    }
    hasher.finish().cast_signed()
}
