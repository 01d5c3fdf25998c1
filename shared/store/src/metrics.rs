//! What rules can watch: the files in `sql/metrics/`, and every column that collectors store, as `COLLECTOR.COLUMN`.
//!
//! A file is the part of a question that is its own (see `sql/observations/asked.sql` for what it can read); adding a
//! metric is adding a file.

use db::{Client, DbError};
use serde::Serialize;

use crate::collectors::{self, Collector, ColumnKind, Keeps};

/// A metric with a statement of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricFile {
    /// Its name, and that of its file.
    pub name: &'static str,
    /// What its values are measured in: a name of [`vitals::unit::Unit`].
    pub unit: &'static str,
    /// What one alert is about; none where it is the target itself.
    pub subject: Option<&'static str>,
    /// What a value says, for the middle of a sentence.
    pub phrase: &'static str,
    /// What it is, in one line.
    pub describes: &'static str,
    /// How a rule may take the values of its window together, the usual way first.
    pub aggregates: &'static [&'static str],
    /// The collector whose readings it is made of.
    pub collector: Option<&'static str>,
    /// The select that answers it.
    pub sql: &'static str,
}

/// Every metric with a statement of its own, by name.
pub const ALL: &[MetricFile] = include!(concat!(env!("OUT_DIR"), "/metrics.rs"));

/// What rules can watch, as `pgvitals rules metrics` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MetricSummary {
    /// Its name.
    pub metric: String,
    /// What its values are measured in.
    pub unit: String,
    /// What one alert is about; none where it is the target itself.
    pub subject_kind: Option<String>,
    /// What it is, in one line.
    pub description: String,
    /// How a rule may take the values of its window together, the usual way first.
    pub aggregates: Vec<String>,
}

/// Everything that rules can watch: the metrics with names of their own, then the columns of the collectors.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn list(client: &impl Client) -> Result<Vec<MetricSummary>, DbError> {
    let rows = client.query(include_str!("../sql/metrics/list.sql"), &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(MetricSummary {
                metric: row.get("metric")?,
                unit: row.get("unit")?,
                subject_kind: row.get("subject_kind")?,
                description: row.get("description")?,
                aggregates: row.get("aggregates")?,
            })
        })
        .collect()
}

/// Writes the metrics of this release. Part of every migration, after the collectors.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn register(client: &impl Client) -> Result<(), DbError> {
    let files = ALL.iter().map(Registration::from);
    let columns = collectors::ALL.iter().flat_map(columns_of);
    let registrations: Vec<Registration> = files.chain(columns).collect();
    client
        .execute(
            include_str!("../sql/metrics/register.sql"),
            &[crate::json::encode(&registrations)?.into()],
        )
        .await?;
    Ok(())
}

/// A row of `monitoring.metrics`.
#[derive(Serialize)]
struct Registration {
    metric: String,
    unit: &'static str,
    subject_kind: Option<String>,
    phrase: String,
    description: String,
    aggregates: &'static [&'static str],
    collector: Option<&'static str>,
    is_generic: bool,
}

impl From<&MetricFile> for Registration {
    fn from(file: &MetricFile) -> Registration {
        Registration {
            metric: file.name.to_owned(),
            unit: file.unit,
            subject_kind: file.subject.map(str::to_owned),
            phrase: file.phrase.to_owned(),
            description: file.describes.to_owned(),
            aggregates: file.aggregates,
            collector: file.collector,
            is_generic: false,
        }
    }
}

/// Of a counter what is counted is told per second, unless a rule wants the sum.
const OF_COUNTERS: &[&str] = &["rate", "sum", "max", "avg"];
const OF_GAUGES: &[&str] = &["last", "avg", "min", "max", "rate", "p50", "p95", "p99"];

/// The columns of a collector that stores samples.
fn columns_of(collector: &'static Collector) -> Vec<Registration> {
    if collector.keeps == Keeps::Own {
        return Vec::new();
    }
    let keys: Vec<&str> = collector.columns_of(&[ColumnKind::Key]).collect();
    let subject_kind = (!keys.is_empty()).then(|| collector.name.trim_end_matches('s').replace('_', " "));
    let register = |column: &str, aggregates| Registration {
        metric: format!("{}.{column}", collector.name),
        unit: unit_of(column),
        subject_kind: subject_kind.clone(),
        phrase: phrase_of(column),
        description: format!("{column} of {}", collector.reads),
        aggregates,
        collector: Some(collector.name),
        is_generic: true,
    };
    let counters = collector.columns_of(&[ColumnKind::Counter]);
    let gauges = collector.columns_of(&[ColumnKind::Gauge]);
    counters
        .map(|column| register(column, OF_COUNTERS))
        .chain(gauges.map(|column| register(column, OF_GAUGES)))
        .collect()
}

/// The unit that the name of a column says.
fn unit_of(column: &str) -> &'static str {
    match column.rsplit('_').next() {
        Some("us") => "us",
        Some("ms") => "ms",
        Some("seconds" | "maxwait") => "s",
        Some("bytes") => "bytes",
        Some("permille") => "permille",
        Some("percent") => "percent",
        _ => "count",
    }
}

/// The name of a column as words, without its unit: `replay lag` of `replay_lag_bytes`.
fn phrase_of(column: &str) -> String {
    let unit = column.rsplit('_').next().filter(|_| unit_of(column) != "count");
    let name = unit
        .and_then(|unit| column.strip_suffix(unit))
        .map_or(column, |name| name.trim_end_matches('_'));
    let name = if name.is_empty() { column } else { name };
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use vitals::rule::Aggregate;
    use vitals::unit::Unit;

    use super::*;

    fn all() -> Vec<Registration> {
        let files = ALL.iter().map(Registration::from);
        files.chain(collectors::ALL.iter().flat_map(columns_of)).collect()
    }

    #[test]
    fn every_metric_is_one_that_a_rule_can_read() {
        for metric in all() {
            assert!(metric.unit.parse::<Unit>().is_ok(), "{}", metric.metric);
            for aggregate in metric.aggregates {
                assert!(
                    aggregate.parse::<Aggregate>().is_ok(),
                    "{} {aggregate}",
                    metric.metric
                );
            }
            let collector = metric
                .collector
                .is_none_or(|name| collectors::find(name).is_some());
            assert!(collector, "{} is read by no collector", metric.metric);
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<String> = all().into_iter().map(|metric| metric.metric).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_column_says_what_it_is_measured_in() {
        let cases = [
            ("replay_lag_bytes", "bytes", "replay lag"),
            ("lag_ms", "ms", "lag"),
            ("maxwait", "s", "maxwait"),
            ("vacuum_pressure_permille", "permille", "vacuum pressure"),
            ("cl_waiting", "count", "cl waiting"),
            ("bytes", "bytes", "bytes"),
        ];
        for (column, unit, phrase) in cases {
            assert_eq!(unit_of(column), unit, "{column}");
            assert_eq!(phrase_of(column), phrase, "{column}");
        }
    }
}
