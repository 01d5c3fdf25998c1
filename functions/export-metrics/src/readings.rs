//! The last readings, with the names of what their rows are about.

use std::collections::HashMap;

use anyhow::Result;
use db::{Client, SafeUrl};
use serde_json::Value as Json;
use store::collectors::{self, ColumnKind};
use store::exposed::{self, Shown};
use store::statements;
use vitals::exposed::{ExposedRow, Subject};

use crate::families::{ONE, RESET};

/// What is older than this, and than five intervals of its collector, is left out: a number that nobody reads any more is
/// no measurement.
const MOST_AGE_SECONDS: i64 = 120;

/// A reading of a collector on a target.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) shown: Shown,
    /// The database of the target.
    pub(crate) database: String,
    /// The rows that are shown.
    pub(crate) rows: Vec<Row>,
}

/// A row of a reading.
#[derive(Debug)]
pub(crate) struct Row {
    numbers: ExposedRow,
    names: HashMap<String, String>,
}

/// Where a number is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    Counter(usize),
    Gauge(usize),
    Label(&'a str),
    Reset,
    One,
}

/// Reads everything that is fresh.
pub(crate) async fn read(client: &impl Client) -> Result<Vec<Reading>> {
    let collectors = collectors::ALL.iter().map(|collector| collector.name.to_owned());
    let shown = exposed::readings(client, collectors.collect(), MOST_AGE_SECONDS).await?;
    let mut readings = Vec::with_capacity(shown.len());
    for shown in shown {
        let names = match shown.collector.as_str() {
            "statements" => statement_names(client, &shown).await?,
            "databases" => database_names(&shown),
            _ => subject_names(&shown),
        };
        readings.push(Reading::new(shown, names));
    }
    Ok(readings)
}

impl Reading {
    fn new(mut shown: Shown, mut names: HashMap<String, HashMap<String, String>>) -> Self {
        let rows = std::mem::take(&mut shown.exposed.rows);
        let rows = rows.into_iter().filter(|row| row.shown).map(|numbers| Row {
            names: match &numbers.subject {
                Subject::One(key) => names.remove(key).unwrap_or_default(),
                Subject::Root(root) => root_names(&shown.collector, root),
                Subject::Other => HashMap::new(),
            },
            numbers,
        });
        Self {
            rows: rows.collect(),
            database: shown
                .address
                .parse::<SafeUrl>()
                .map(|url| url.database())
                .unwrap_or_default(),
            shown,
        }
    }

    /// Where a column is found, if the reading has it.
    pub(crate) fn place<'a>(&self, column: &'a str) -> Option<Place<'a>> {
        let among = |columns: &[String]| columns.iter().position(|name| name == column);
        match column {
            ONE => Some(Place::One),
            RESET => Some(Place::Reset),
            _ => match column.strip_prefix('#') {
                Some(label) => Some(Place::Label(label)),
                None => among(&self.shown.exposed.counter_columns)
                    .map(Place::Counter)
                    .or_else(|| among(&self.shown.exposed.gauge_columns).map(Place::Gauge)),
            },
        }
    }

    /// A number of a row, if it is known.
    pub(crate) fn number(&self, row: &Row, place: Place<'_>) -> Option<f64> {
        let float = |number: i64| number as f64;
        match place {
            Place::One => Some(1.0),
            Place::Reset => self.shown.epoch.split_once('/')?.1.parse().ok(),
            Place::Label(label) => row.name(label)?.parse().ok(),
            Place::Counter(place) => {
                let counter = *row.numbers.counters.get(place)?;
                (counter >= 0).then(|| float(counter))
            }
            Place::Gauge(place) => row.numbers.gauges.get(place)?.map(float),
        }
    }

    /// A column of a row, if the reading has it and it is known.
    pub(crate) fn column(&self, row: &Row, column: &str) -> Option<f64> {
        self.number(row, self.place(column)?)
    }

    /// How many subjects are not shown by name.
    pub(crate) fn others(&self) -> Option<usize> {
        let other = self.rows.iter().find(|row| row.is_other())?;
        Some(other.numbers.subjects)
    }
}

impl Row {
    /// Whether it is of all that are not shown by name.
    pub(crate) fn is_other(&self) -> bool {
        self.numbers.subject == Subject::Other
    }

    /// Whether it is of one subject, not of several together.
    pub(crate) fn is_one(&self) -> bool {
        matches!(self.numbers.subject, Subject::One(_))
    }

    /// A name of what it is about.
    pub(crate) fn name(&self, name: &str) -> Option<&str> {
        self.names.get(name).map(String::as_str)
    }
}

/// The names of subjects as they are stored. Those of a relation in another database have the schema before them, which
/// the exporter's have not.
fn subject_names(shown: &Shown) -> HashMap<String, HashMap<String, String>> {
    let subjects = shown.names.iter();
    subjects
        .map(|(key, names)| {
            let texts = names
                .iter()
                .filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned())));
            let mut texts: HashMap<String, String> = texts.collect();
            if let Some(Json::String(relation)) = names.get("relation") {
                let bare = relation
                    .split_once('.')
                    .map_or(relation.as_str(), |(_, bare)| bare);
                texts.insert("relation_name".to_owned(), bare.to_owned());
            }
            (key.clone(), texts)
        })
        .collect()
}

/// A partitioned table or index has the names of a table or an index.
fn root_names(collector: &str, root: &str) -> HashMap<String, String> {
    let (schema, name) = root.split_once('.').unwrap_or(("", root));
    let keys = collectors::find(collector).into_iter();
    let mut keys = keys.flat_map(|collector| collector.columns_of(&[ColumnKind::Key]));
    let own = keys.find(|key| *key != "schema").unwrap_or("table");
    [("schema", schema), (own, name)]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect()
}

/// The key of a database is its number and its name.
fn database_names(shown: &Shown) -> HashMap<String, HashMap<String, String>> {
    let keys = keys(shown);
    keys.into_iter()
        .map(|key| {
            let (number, name) = key.split_once('/').unwrap_or(("", &key));
            let names = [("database_id", number), ("database", name)];
            let names = names.map(|(name, text)| (name.to_owned(), text.to_owned()));
            (key.clone(), HashMap::from(names))
        })
        .collect()
}

/// A statement that has not run since it is watched has no stored names: its numbers (database, user, query id) are in
/// its key.
async fn statement_names(
    client: &impl Client,
    shown: &Shown,
) -> Result<HashMap<String, HashMap<String, String>>> {
    let keys = keys(shown);
    let mut names: HashMap<String, HashMap<String, String>> = keys
        .iter()
        .map(|key| {
            let mut parts = key.split('/');
            let mut part = |name: &str| (name.to_owned(), parts.next().unwrap_or_default().to_owned());
            let mut names = HashMap::from([
                part("database"),
                part("user_name"),
                part("query_id"),
                part("top_level"),
            ]);
            names.insert("top_level".to_owned(), truth(key.ends_with("/t")));
            (key.clone(), names)
        })
        .collect();
    for known in statements::names(client, shown.target_id, keys).await? {
        let title = vitals::statement::title(known.query.as_deref().unwrap_or_default());
        let texts = [
            ("database", known.database.unwrap_or_default()),
            ("user_name", known.user_name.unwrap_or_default()),
            ("query_id", known.query_id.to_string()),
            ("top_level", truth(known.top_level)),
            ("query", title),
        ];
        let texts = texts.map(|(name, text)| (name.to_owned(), text));
        names.insert(known.statement_key, HashMap::from(texts));
    }
    Ok(names)
}

fn truth(truth: bool) -> String {
    truth.to_string()
}

/// The keys of the subjects that are shown by name.
fn keys(shown: &Shown) -> Vec<String> {
    let rows = shown.exposed.rows.iter().filter(|row| row.shown);
    rows.filter_map(|row| match &row.subject {
        Subject::One(key) => Some(key.clone()),
        Subject::Root(_) | Subject::Other => None,
    })
    .collect()
}
