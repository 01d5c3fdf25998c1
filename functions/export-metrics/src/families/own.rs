//! The names of all numbers that nobody else has a name for: `pgvitals_COLLECTOR_COLUMN`, in base units.

use std::collections::HashSet;

use store::collectors::{self, Collector, ColumnKind, Scope};
use vitals::exposition::Kind;

use super::{DATABASE, Metric, Source};
use crate::page::Page;
use crate::readings::Reading;

/// Collectors that others show: the connections by [`crate::targets`], what the server is likewise.
const SHOWN_ELSEWHERE: [&str; 3] = ["activity", "server", "settings"];

/// Columns that are exposed by [`crate::extras`].
const TAKEN: [(&str, &str); 2] = [
    ("connections", "sessions"),
    ("connections", "oldest_transaction_ms"),
];

/// What the names of columns are called as labels, so that series of ours can be joined with the exporter's.
const LABELS: [(&str, &str); 8] = [
    ("database", "datname"),
    ("schema", "schemaname"),
    ("table", "relname"),
    ("index", "indexrelname"),
    ("user_name", "usename"),
    ("application", "application_name"),
    ("role", "rolname"),
    ("slot", "slot_name"),
];

/// Gauges of which a sum over several subjects would mean nothing, by how their names end.
const NOT_ADDED: [&str; 7] = [
    "_at_seconds",
    "_ms",
    "_us",
    "_xids",
    "_mxids",
    "_permille",
    "position_bytes",
];

/// Adds what no source exposes of a reading.
pub(crate) fn expose(page: &mut Page, reading: &Reading, sources: &[&'static Source]) {
    let Some(collector) = collectors::find(&reading.shown.collector) else {
        return;
    };
    if SHOWN_ELSEWHERE.contains(&collector.name) {
        return;
    }
    let sources: Vec<_> = sources
        .iter()
        .filter(|source| source.collector == collector.name)
        .collect();
    let taken: HashSet<&str> = sources
        .iter()
        .flat_map(|source| source.metrics)
        .flat_map(Metric::columns)
        .collect();
    let (labels, other) = match sources.first() {
        Some(source) => (source.labels.to_vec(), source.other),
        None => labels(collector),
    };
    for column in collector.columns {
        let kind = match column.kind {
            ColumnKind::Counter => Kind::Counter,
            ColumnKind::Gauge => Kind::Gauge,
            _ => continue,
        };
        if taken.contains(column.name) || TAKEN.contains(&(collector.name, column.name)) {
            continue;
        }
        let (name, divisor) = name(collector.name, column.name, kind);
        let help = format!("{} ({}).", collector.reads, column.name);
        let metric = Metric {
            column: column.name,
            name: &name,
            kind,
            help: &help,
            divisor,
            adds: kind == Kind::Counter || !is_not_added(column.name),
            unknown: None,
            alias: None,
        };
        super::expose(page, reading, &labels, other, std::iter::once(metric));
    }
}

fn is_not_added(column: &str) -> bool {
    column.starts_with("is_") || NOT_ADDED.iter().any(|ending| column.ends_with(ending))
}

/// The labels of a collector that nobody knows: its keys. The last of them is what `other` takes the place of.
fn labels(collector: &Collector) -> (Vec<(&'static str, &'static str)>, &'static str) {
    let database = (collector.scope == Scope::Database).then_some(("datname", DATABASE));
    let keys = collector.columns_of(&[ColumnKind::Key]);
    let keys = keys.map(|key| {
        let known = LABELS.iter().find(|(column, _)| *column == key);
        (known.map_or(key, |(_, label)| label), key)
    });
    let labels: Vec<_> = database.into_iter().chain(keys).collect();
    let other = labels.last().filter(|(_, name)| *name != DATABASE);
    let other = other.map_or("", |(label, _)| label);
    (labels, other)
}

/// The name of a number, and what it is divided by to be in the base unit of that name.
fn name(collector: &str, column: &str, kind: Kind) -> (String, f64) {
    let converted = [
        ("_at_seconds", "_timestamp_seconds", 1.0),
        ("_us", "_seconds", 1e6),
        ("_ms", "_seconds", 1e3),
        ("_permille", "_ratio", 1e3),
    ];
    let converted = converted.into_iter().find_map(|(ending, unit, divisor)| {
        Some((format!("{}{unit}", column.strip_suffix(ending)?), divisor))
    });
    let (stem, divisor) = converted.unwrap_or_else(|| (column.to_owned(), 1.0));
    let name = format!("pgvitals_{collector}_{stem}");
    match kind {
        Kind::Counter if name.ends_with("_total") => (name, divisor),
        Kind::Counter => (format!("{name}_total"), divisor),
        // Only counters may end so.
        _ => match name.strip_suffix("_total") {
            Some(name) => (format!("{name}_whole"), divisor),
            None => (name, divisor),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_base_units() {
        let name = |column, kind| name("io", column, kind);
        assert_eq!(
            name("read_us", Kind::Counter),
            ("pgvitals_io_read_seconds_total".to_owned(), 1e6)
        );
        assert_eq!(
            name("reads", Kind::Counter),
            ("pgvitals_io_reads_total".to_owned(), 1.0)
        );
        assert_eq!(
            name("oldest_ms", Kind::Gauge),
            ("pgvitals_io_oldest_seconds".to_owned(), 1e3)
        );
        assert_eq!(
            name("begun_at_seconds", Kind::Gauge),
            ("pgvitals_io_begun_timestamp_seconds".to_owned(), 1.0)
        );
        assert_eq!(
            name("usage_permille", Kind::Gauge),
            ("pgvitals_io_usage_ratio".to_owned(), 1e3)
        );
        assert_eq!(name("total", Kind::Gauge), ("pgvitals_io_whole".to_owned(), 1.0));
    }
}
