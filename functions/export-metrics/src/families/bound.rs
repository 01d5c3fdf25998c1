//! From the rows of a reading to series.

use std::collections::HashSet;

use super::{DATABASE, Metric, ONE};
use crate::page::Page;
use crate::readings::{Place, Reading, Row};

/// Adds some numbers of a reading, with the same labels each.
pub(crate) fn expose<'a>(
    page: &mut Page,
    reading: &Reading,
    labels: &[(&str, &str)],
    other: &str,
    metrics: impl Iterator<Item = Metric<'a>>,
) {
    // All of a partitioned table or of the others has nothing to say where a name is the point.
    let rows = reading
        .rows
        .iter()
        .filter(|row| !row.is_other() || !other.is_empty());
    let rows: Vec<(&Row, Vec<(&str, &str)>)> = rows
        .map(|row| (row, labels_of(reading, row, labels, other)))
        .collect();
    for metric in metrics {
        let places: Vec<Place<'_>> = metric
            .columns()
            .filter_map(|column| reading.place(column))
            .collect();
        let rows = rows.iter().filter(|(row, _)| metric.adds || row.is_one());
        let series = rows.filter_map(|(row, labels)| {
            let numbers = places.iter().filter_map(|place| reading.number(row, *place));
            let sum = numbers.reduce(|sum, number| sum + number);
            let value = sum.map(|sum| sum / metric.divisor);
            let unknown = metric.unknown.filter(|_| !places.is_empty());
            Some((labels.as_slice(), value.or(unknown)?))
        });
        // What is there for its labels alone may be there for several rows: a statement in several databases.
        let mut seen = HashSet::new();
        let series = series.filter(|(labels, _)| metric.column != ONE || seen.insert(*labels));
        let series: Vec<_> = series.collect();
        page.add_all(metric.name, metric.kind, metric.help, &series);
        if let Some(alias) = metric.alias {
            page.add_all(alias, metric.alias_kind(), metric.help, &series);
        }
    }
}

fn labels_of<'a>(
    reading: &'a Reading,
    row: &'a Row,
    labels: &[(&'a str, &str)],
    other: &'a str,
) -> Vec<(&'a str, &'a str)> {
    let mut written = vec![("target", reading.shown.target.as_str())];
    for (label, name) in labels {
        let text = match *name {
            DATABASE => Some(reading.database.as_str()),
            _ if row.is_other() => (*label == other).then_some("other"),
            name => row.name(name),
        };
        written.extend(text.filter(|text| !text.is_empty()).map(|text| (*label, text)));
    }
    written
}
