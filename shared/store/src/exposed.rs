//! What the metrics endpoint shows of the last readings. Who is shown by name, and why, is told by [`vitals::exposed`].

use std::collections::{HashMap, HashSet};

use db::{Client, DbError, Row};
use serde_json::{Map, Value as Json};
use vitals::exposed::{Budget, Exposed, ExposedRow, Reading, Subject};

use crate::samples::UNKNOWN;

/// How many subjects of a collector on a target are shown by name, unless [`budget`] says otherwise.
const PLACES: usize = 100;

/// By what the subjects of a collector are ranked. Where nothing is said, by their names, which is as good as any choice
/// that stays the same.
const RANKED_BY: &[(&str, &[&str])] = &[
    ("statements", &["exec_us"]),
    ("databases", &["commits", "rollbacks"]),
    ("connections", &["sessions"]),
    (
        "tables",
        &[
            "seq_rows_read",
            "idx_rows_fetched",
            "rows_inserted",
            "rows_updated",
            "rows_deleted",
        ],
    ),
    ("table_io", &["heap_blocks_read", "heap_blocks_hit"]),
    ("relation_sizes", &["table_bytes", "index_bytes"]),
    ("indexes", &["rows_read", "scans"]),
    ("index_io", &["blocks_read", "blocks_hit"]),
    ("vacuum", &["dead_rows"]),
];

/// Collectors whose subjects are bounded by what PostgreSQL is, so that all are shown.
const WHOLE: &[&str] = &["settings", "io", "slru"];

/// How many subjects of a collector are shown by name, and which.
pub fn budget(collector: &str) -> Budget<'static> {
    let by = RANKED_BY.iter().find(|(name, _)| *name == collector);
    Budget {
        places: if WHOLE.contains(&collector) {
            usize::MAX / 2
        } else {
            PLACES
        },
        by: by.map_or(&[], |(_, by)| by),
    }
}

/// Whether a reading has more than can be shown by name, or what is shown as something else.
pub fn is_bounded(collector: &str, reading: &Reading<'_>) -> bool {
    reading.keys.len() > budget(collector).places || reading.roots.iter().any(Option::is_some)
}

/// The last reading of a collector on a target, as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The number of the target.
    pub target_id: i32,
    /// Its name.
    pub target: String,
    /// Its address, without the password.
    pub address: String,
    /// The collector.
    pub collector: String,
    /// What makes all counters start again: when the server was started and, after a slash, when they were reset, both
    /// in microseconds since 1970.
    pub epoch: String,
    /// How long ago it was read.
    pub age_seconds: f64,
    /// The rows.
    pub exposed: Exposed,
    /// The names and texts of the subjects, by their keys.
    pub names: HashMap<String, Map<String, Json>>,
}

/// What was shown of a collector on a target after its last reading.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn load(client: &impl Client, target_id: i32, collector: &str) -> Result<Option<Exposed>, DbError> {
    let rows = client
        .query(
            include_str!("../sql/exposed/load.sql"),
            &[target_id.into(), collector.into()],
        )
        .await?;
    rows.first().map(read_exposed).transpose()
}

/// Replaces what is shown of a collector on a target; `version` is that of the reading.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn write(
    client: &impl Client,
    target_id: i32,
    collector: &str,
    version: i64,
    exposed: &Exposed,
) -> Result<(), DbError> {
    let rows = &exposed.rows;
    let gauges = rows.iter().flat_map(|row| &row.gauges);
    let parameters = [
        target_id.into(),
        collector.into(),
        version.into(),
        exposed.counter_columns.clone().into(),
        exposed.gauge_columns.clone().into(),
        rows.iter()
            .map(|row| subject_text(&row.subject))
            .collect::<Vec<_>>()
            .into(),
        rows.iter()
            .map(|row| i64::from(row.shown))
            .collect::<Vec<_>>()
            .into(),
        rows.iter()
            .map(|row| i64::try_from(row.subjects).unwrap_or(i64::MAX))
            .collect::<Vec<_>>()
            .into(),
        rows.iter()
            .flat_map(|row| row.counters.clone())
            .collect::<Vec<_>>()
            .into(),
        gauges
            .map(|value| value.unwrap_or(UNKNOWN))
            .collect::<Vec<_>>()
            .into(),
    ];
    client
        .execute(include_str!("../sql/exposed/write.sql"), &parameters)
        .await?;
    Ok(())
}

/// The last readings of some collectors on the enabled targets that answer, as they are shown, unless they are older than
/// `most_age_seconds` and five intervals of the collector.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn readings(
    client: &impl Client,
    collectors: Vec<String>,
    most_age_seconds: i64,
) -> Result<Vec<Shown>, DbError> {
    let rows = client
        .query(
            include_str!("../sql/exposed/readings.sql"),
            &[collectors.into(), most_age_seconds.into()],
        )
        .await?;
    rows.iter().map(read_shown).collect()
}

fn read_shown(row: &Row) -> Result<Shown, DbError> {
    let collector: String = row.get("collector")?;
    let keys: Vec<String> = row.get("named_keys")?;
    let names: Vec<Map<String, Json>> = crate::json::decode("names", row.get("names")?)?;
    let names: HashMap<_, _> = keys.into_iter().zip(names).collect();
    let exposed = if row.get("is_bounded")? {
        read_exposed(row)?
    } else {
        whole(&collector, row, &names)?
    };
    Ok(Shown {
        target_id: row.get("target_id")?,
        target: row.get("target")?,
        address: row.get("address")?,
        epoch: row.get("epoch")?,
        age_seconds: row.get("age_seconds")?,
        collector,
        exposed,
        names,
    })
}

/// A reading of which all is shown. One that is too large for that, of which nobody has said yet who is shown, is bounded
/// as its first would be.
fn whole(collector: &str, row: &Row, names: &HashMap<String, Map<String, Json>>) -> Result<Exposed, DbError> {
    let keys: Vec<String> = row.get("subjects")?;
    let roots = roots(keys.iter().map(|key| names.get(key)));
    let counter_columns: Vec<String> = row.get("counter_columns")?;
    let gauge_columns: Vec<String> = row.get("gauge_columns")?;
    let reading = Reading {
        keys: &keys,
        roots: &roots,
        counter_columns: &counter_columns,
        counters: &row.get::<Vec<i64>>("counters")?,
        gauge_columns: &gauge_columns,
        gauges: &known(&row.get::<Vec<i64>>("gauges")?),
    };
    Ok(Exposed::first(&reading, budget(collector)))
}

/// Of which partitioned table or index each subject is a part, by their labels. A partitioned table that has a row of its
/// own (in `pg_stat_user_tables` since PostgreSQL 14) goes with its partitions.
pub fn roots<'a>(labels: impl Iterator<Item = Option<&'a Map<String, Json>>>) -> Vec<Option<String>> {
    let labels: Vec<_> = labels.collect();
    let text = |labels: &Map<String, Json>, name: &str| labels.get(name)?.as_str().map(str::to_owned);
    let own = |labels: &Map<String, Json>| {
        if labels.contains_key("index") {
            "index"
        } else {
            "table"
        }
    };
    let mut roots: Vec<Option<String>> = labels
        .iter()
        .map(|labels| match own((*labels)?) {
            "index" => text((*labels)?, "root_index"),
            _ => text((*labels)?, "root"),
        })
        .collect();
    let known: HashSet<String> = roots.iter().flatten().cloned().collect();
    if !known.is_empty() {
        for (root, labels) in roots.iter_mut().zip(&labels) {
            let name = labels.and_then(|labels| {
                Some(format!(
                    "{}.{}",
                    text(labels, "schema")?,
                    text(labels, own(labels))?
                ))
            });
            *root = root.take().or_else(|| name.filter(|name| known.contains(name)));
        }
    }
    roots
}

/// Gauges as they are kept, where they are known.
pub fn known(gauges: &[i64]) -> Vec<Option<i64>> {
    let gauges = gauges.iter();
    gauges
        .map(|value| (*value != UNKNOWN).then_some(*value))
        .collect()
}

fn subject_text(subject: &Subject) -> String {
    match subject {
        Subject::One(key) => format!("={key}"),
        Subject::Root(root) => format!("*{root}"),
        Subject::Other => String::new(),
    }
}

fn read_subject(text: &str) -> Subject {
    match (text.strip_prefix('='), text.strip_prefix('*')) {
        (Some(key), _) => Subject::One(key.to_owned()),
        (None, Some(root)) => Subject::Root(root.to_owned()),
        (None, None) => Subject::Other,
    }
}

fn read_exposed(row: &Row) -> Result<Exposed, DbError> {
    let counter_columns: Vec<String> = row.get("counter_columns")?;
    let gauge_columns: Vec<String> = row.get("gauge_columns")?;
    let subjects: Vec<String> = row.get("subjects")?;
    let shown: Vec<i64> = row.get("shown")?;
    let sizes: Vec<i64> = row.get("sizes")?;
    let counters: Vec<i64> = row.get("counters")?;
    let gauges = known(&row.get::<Vec<i64>>("gauges")?);
    let rows = subjects.iter().zip(shown.iter().zip(&sizes)).enumerate();
    let rows = rows.map(|(index, (subject, (shown, size)))| {
        let (counted, measured) = (counter_columns.len(), gauge_columns.len());
        ExposedRow {
            subject: read_subject(subject),
            shown: *shown == 1,
            subjects: usize::try_from(*size).unwrap_or_default(),
            counters: counters
                .get(index * counted..(index + 1) * counted)
                .unwrap_or_default()
                .to_vec(),
            gauges: gauges
                .get(index * measured..(index + 1) * measured)
                .unwrap_or_default()
                .to_vec(),
        }
    });
    Ok(Exposed {
        rows: rows.collect(),
        counter_columns,
        gauge_columns,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_partitioned_table_goes_with_its_partitions() {
        let labels = [
            json!({"schema": "public", "table": "sales_1", "root": "public.sales"}),
            json!({"schema": "public", "table": "sales"}),
            json!({"schema": "other", "table": "sales"}),
        ];
        let roots = roots(labels.iter().map(Json::as_object));
        let sales = Some("public.sales".to_owned());
        assert_eq!(roots, [sales.clone(), sales, None]);
    }

    #[test]
    fn an_index_of_one_partition_alone_is_no_part() {
        let labels = [
            json!({"schema": "public", "index": "a", "table": "sales_1", "root": "public.sales", "root_index": "public.b"}),
            json!({"schema": "public", "index": "c", "table": "sales_1", "root": "public.sales"}),
        ];
        let roots = roots(labels.iter().map(Json::as_object));
        assert_eq!(roots, [Some("public.b".to_owned()), None]);
    }

    #[test]
    fn subjects_are_read_back_as_they_are_written() {
        for subject in [
            Subject::One("a/b=*".to_owned()),
            Subject::One(String::new()),
            Subject::Root("public.*".to_owned()),
            Subject::Other,
        ] {
            assert_eq!(read_subject(&subject_text(&subject)), subject);
        }
    }
}
