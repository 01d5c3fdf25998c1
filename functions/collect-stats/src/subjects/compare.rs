//! What is new in a reading.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use db::DbError;
use serde_json::Value as Json;
use store::collectors::{Collector, ColumnKind, Keeps};
use store::samples::{Described, LastReading, Sample, UNKNOWN};
use vitals::delta::{self, Deltas, NewRows, Snapshot};

use super::rows::{NO_COUNTER, Table};
use crate::counters;

/// A reading beside the last one.
pub(crate) struct Comparison<'a> {
    collector: &'a Collector,
    table: &'a Table,
    last: Option<&'a LastReading>,
    /// The place of each key in the last reading.
    places: HashMap<&'a str, usize>,
    deltas: Deltas,
    /// Counters that are null in one of the readings, by key and column.
    unknown: HashSet<(String, String)>,
}

impl<'a> Comparison<'a> {
    pub(crate) fn new(
        collector: &'a Collector,
        table: &'a Table,
        last: Option<&'a LastReading>,
    ) -> Result<Comparison<'a>, DbError> {
        let keys = last.map_or(&[][..], |last| last.stored.snapshot.keys());
        let (deltas, unknown) = deltas(table, last)?;
        Ok(Comparison {
            collector,
            table,
            last,
            places: keys.iter().map(String::as_str).zip(0..).collect(),
            deltas,
            unknown,
        })
    }

    /// What was counted.
    pub(crate) fn deltas(&self) -> &Deltas {
        &self.deltas
    }

    /// The time that the counters were counted for.
    pub(crate) fn measured(&self) -> Option<Duration> {
        self.deltas.measured()
    }

    /// Whether there are counters and nothing to compare them with.
    pub(crate) fn is_gap(&self) -> bool {
        self.has_counters() && self.measured().is_none()
    }

    fn has_counters(&self) -> bool {
        self.collector.columns_of(&[ColumnKind::Counter]).next().is_some()
    }

    /// The names of the gauges.
    pub(crate) fn gauge_columns(&self) -> Vec<String> {
        let names = self.table.gauge_columns.iter();
        names.map(|name| (*name).to_owned()).collect()
    }

    /// Most readings have no counter that is null, and the check of each cell costs nothing then.
    fn is_unknown(&self, key: &str, column: &str) -> bool {
        !self.unknown.is_empty() && self.unknown.contains(&(key.to_owned(), column.to_owned()))
    }

    /// The subjects whose names or texts are new.
    pub(crate) fn described(&self) -> Vec<Described> {
        let keys = self.table.snapshot.keys().iter().enumerate();
        keys.filter(|(index, key)| self.last_fingerprint(key) != self.table.fingerprints.get(*index).copied())
            .filter_map(|(index, key)| {
                let written = |names: &[serde_json::Map<String, Json>]| {
                    names
                        .get(index)
                        .map(|names| Json::Object(names.clone()).to_string())
                };
                Some(Described {
                    key: key.clone(),
                    labels: written(&self.table.labels)?,
                    texts: written(&self.table.texts)?,
                })
            })
            .collect()
    }

    fn last_fingerprint(&self, key: &str) -> Option<i64> {
        let place = *self.places.get(key)?;
        self.last?.fingerprints.get(place).copied()
    }

    /// The keys that are not there any more.
    pub(crate) fn gone(&self) -> Vec<String> {
        let now: HashSet<&str> = self.table.snapshot.keys().iter().map(String::as_str).collect();
        let before = self.places.keys().filter(|key| !now.contains(*key));
        before.map(|key| (*key).to_owned()).collect()
    }

    /// The samples, with the values in the order of `stored`.
    pub(crate) fn samples(&self, stored: &[String]) -> Vec<Sample> {
        let counted: HashMap<&str, &[i64]> = self
            .deltas
            .rows
            .iter()
            .map(|row| (row.key.as_str(), row.values.as_slice()))
            .collect();
        let untold: HashSet<&str> = self.deltas.untold.iter().map(String::as_str).collect();
        let sources: Vec<Source> = stored.iter().map(|column| self.source(column)).collect();
        let keys = self.table.snapshot.keys().iter().enumerate();
        keys.filter(|(index, key)| self.is_kept(*index, key, &counted))
            .map(|(index, key)| {
                let counted = (!untold.contains(key.as_str()))
                    .then(|| counted.get(key.as_str()).copied().unwrap_or_default());
                let value = |source: &Source| match source {
                    Source::Gauge(place) => self.gauge(index, *place),
                    Source::Counter(place, column) => counted
                        .filter(|_| !self.is_unknown(key, column))
                        .map(|values| values.get(*place).copied().unwrap_or_default()),
                    Source::Missing => None,
                };
                Sample {
                    key: key.clone(),
                    values: sources.iter().map(value).collect(),
                }
            })
            // Of a new subject with counters only, nothing is known yet.
            .filter(|sample| sample.values.iter().any(Option::is_some))
            .collect()
    }

    /// Where the stored value of a column comes from.
    fn source(&self, column: &str) -> Source {
        if let Some(place) = self.table.gauge_columns.iter().position(|name| *name == column) {
            return Source::Gauge(place);
        }
        match self.deltas.column(column) {
            Some(place) => Source::Counter(place, column.to_owned()),
            None => Source::Missing,
        }
    }

    fn gauge(&self, row: usize, place: usize) -> Option<i64> {
        let width = self.table.gauge_columns.len();
        let value = self.table.gauges.get(row * width + place).copied()?;
        (value != UNKNOWN).then_some(value)
    }

    /// Whether a row is worth a sample.
    fn is_kept(&self, index: usize, key: &str, counted: &HashMap<&str, &[i64]>) -> bool {
        self.collector.keeps == Keeps::All
            || self.is_first_of_the_day()
            || counted.contains_key(key)
            || self.gauges_changed(index, key)
    }

    /// Once a day all subjects have a sample, so that the latest is never far away.
    fn is_first_of_the_day(&self) -> bool {
        let day = |snapshot: &Snapshot| snapshot.taken_at().date_naive();
        self.last
            .is_none_or(|last| day(&last.stored.snapshot) != day(&self.table.snapshot))
    }

    fn gauges_changed(&self, index: usize, key: &str) -> bool {
        let (Some(last), Some(place)) = (self.last, self.places.get(key)) else {
            return true;
        };
        let columns = &self.table.gauge_columns;
        if last.gauge_columns != *columns {
            return true;
        }
        let width = columns.len();
        let before = last.gauges.get(place * width..(place + 1) * width);
        before != self.table.gauges.get(index * width..(index + 1) * width)
    }
}

/// Where a stored value comes from.
enum Source {
    /// The place among the gauges.
    Gauge(usize),
    /// The place among the deltas, and the name of the column.
    Counter(usize, String),
    /// This reading does not have it, or the last one did not.
    Missing,
}

/// The deltas, with the counters that are null in one of the readings. Those are taken out of the comparison, as a null is
/// no number that something could have been added to.
fn deltas(table: &Table, last: Option<&LastReading>) -> Result<(Deltas, HashSet<(String, String)>), DbError> {
    let previous = last.map(|last| &last.stored.snapshot);
    let mut unknown = nulls(&table.snapshot);
    unknown.extend(previous.map(nulls).unwrap_or_default());
    if unknown.is_empty() {
        return Ok((delta::between(previous, &table.snapshot, NewRows::Skip), unknown));
    }
    let current = without(&table.snapshot, &unknown)?;
    let previous = previous.map(|previous| without(previous, &unknown)).transpose()?;
    Ok((
        delta::between(previous.as_ref(), &current, NewRows::Skip),
        unknown,
    ))
}

fn nulls(snapshot: &Snapshot) -> HashSet<(String, String)> {
    let mut nulls = HashSet::new();
    if snapshot.counters().contains(&NO_COUNTER) {
        for column in snapshot.columns() {
            let missing = snapshot
                .counters_of(column)
                .filter(|(_, value)| *value == NO_COUNTER);
            nulls.extend(missing.map(|(key, _)| (key.to_owned(), column.clone())));
        }
    }
    nulls
}

/// The snapshot with zero for the unknown counters, so that nothing happened to them.
fn without(snapshot: &Snapshot, unknown: &HashSet<(String, String)>) -> Result<Snapshot, DbError> {
    let keys = snapshot.keys().iter();
    let cells = keys.flat_map(|key| {
        snapshot
            .columns()
            .iter()
            .map(move |column| (key.clone(), column.clone()))
    });
    let counters = cells
        .zip(snapshot.counters())
        .map(|(cell, value)| if unknown.contains(&cell) { 0 } else { *value })
        .collect();
    counters::same_time(snapshot, counters)
}
