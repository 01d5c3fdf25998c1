//! Which number of which collector is exposed under which name.
//!
//! The tables in the modules below say it for the names that `postgres_exporter`, `pgbouncer_exporter` and the dashboards
//! made for them know; all other numbers have names of their own, made by rule in [`own`], so that a new collector is
//! exposed without a line here.

mod bound;
mod databases;
mod objects;
pub(crate) mod own;
pub(crate) mod pgbouncer;
mod replication;
mod server;
mod supabase;

use vitals::exposition::Kind;

pub(crate) use bound::expose;
pub(crate) use server::{BACKEND_SYNCS, BACKEND_WRITES};

/// What is exposed of a collector with one set of labels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    /// The collector.
    pub(crate) collector: &'static str,
    /// The labels by their exposed names, and the names that the collector has for them; [`DATABASE`] is the database of
    /// the target.
    pub(crate) labels: &'static [(&'static str, &'static str)],
    /// The label that says `other` in the series of all that are not shown by name. The other labels are left out there,
    /// so that nothing can be called the same.
    pub(crate) other: &'static str,
    /// The metrics.
    pub(crate) metrics: &'static [Metric<'static>],
}

/// Stands for the database of the target, which the rows of a collector of scope `database` do not repeat.
pub(crate) const DATABASE: &str = "@database";
/// Stands for the constant 1, the value of a series that is there for its labels.
pub(crate) const ONE: &str = "@one";
/// Stands for the time of the last reset of all counters of the collector.
pub(crate) const RESET: &str = "@reset";
/// Stands for when the counters of a row began.
pub(crate) const SINCE: &str = vitals::delta::SINCE_COLUMN;

/// A number of a collector, and how it is exposed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metric<'a> {
    /// The column; several joined by `+` are added, and `#NAME` is the number that a label is.
    pub(crate) column: &'a str,
    /// The name of the metric.
    pub(crate) name: &'a str,
    /// Its kind.
    pub(crate) kind: Kind,
    /// What it is, for people.
    pub(crate) help: &'a str,
    /// What the stored number is divided by.
    pub(crate) divisor: f64,
    /// Whether the numbers of several subjects may be added.
    pub(crate) adds: bool,
    /// What is said of one subject of which the number is not known; nothing if none.
    pub(crate) unknown: Option<f64>,
    /// Another name that dashboards know it by.
    pub(crate) alias: Option<&'a str>,
}

const fn metric(column: &'static str, name: &'static str, kind: Kind, help: &'static str) -> Metric<'static> {
    Metric {
        column,
        name,
        kind,
        help,
        divisor: 1.0,
        adds: true,
        unknown: None,
        alias: None,
    }
}

/// What only grows, under a name that ends in `_total`.
const fn counter(column: &'static str, name: &'static str, help: &'static str) -> Metric<'static> {
    metric(column, name, Kind::Counter, help)
}

/// What goes up and down.
const fn gauge(column: &'static str, name: &'static str, help: &'static str) -> Metric<'static> {
    metric(column, name, Kind::Gauge, help)
}

/// What the exporter named against the rules of naming: its type cannot be told, and its name has to stay.
const fn untyped(column: &'static str, name: &'static str, help: &'static str) -> Metric<'static> {
    metric(column, name, Kind::Untyped, help)
}

impl<'a> Metric<'a> {
    /// The stored number is divided by this.
    const fn per(mut self, divisor: f64) -> Self {
        self.divisor = divisor;
        self
    }

    /// The sum over several subjects would mean nothing.
    const fn alone(mut self) -> Self {
        self.adds = false;
        self
    }

    /// What is exposed of a subject of which the number is not known, as the exporter does it: 0 for what never was, -1
    /// for no limit.
    const fn or(mut self, unknown: f64) -> Self {
        self.unknown = Some(unknown);
        self
    }

    /// It is exposed a second time under another name.
    const fn also(mut self, alias: &'a str) -> Self {
        self.alias = Some(alias);
        self
    }

    /// The kind under its other name, which does not end in `_total`.
    const fn alias_kind(&self) -> Kind {
        match self.kind {
            Kind::Counter => Kind::Untyped,
            kind => kind,
        }
    }

    /// The columns that it is made of.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.column.split('+')
    }
}

/// What is exposed under the names of others; those of Supabase's dashboards only on demand.
pub(crate) fn sources(with_supabase: bool) -> impl Iterator<Item = &'static Source> {
    let supabase = if with_supabase { supabase::SOURCES } else { &[] };
    [
        databases::SOURCES,
        server::SOURCES,
        replication::SOURCES,
        objects::SOURCES,
        pgbouncer::SOURCES,
        supabase,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests;
