//! The statements that are sent to targets, one file each in `sql/collectors/`.
//!
//! A file begins with a header that names the collector, its interval, timeout, privileges and what each column is. The
//! build reads the headers, and fails where one is malformed; adding a collector is adding a file. Where columns differ
//! between versions a collector has variants, `NAME@TAG.sql`; which one fits is found by looking at the columns that are
//! there (`needs`), never by the version of the server, which says nothing of an extension that was not updated with it.

use std::time::Duration;

mod look;
mod register;

pub use look::{Fitting, Look, Unfit, UnfitKind};
pub use register::register;

/// What is asked of targets, and what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collector {
    /// Its name.
    pub name: &'static str,
    /// What it reads, in words.
    pub reads: &'static str,
    /// Which kind of target it asks.
    pub target: TargetKind,
    /// Whether every target is asked, or one per server.
    pub scope: Scope,
    /// What is stored of a reading.
    pub keeps: Keeps,
    /// How often; none for what is asked for on demand.
    pub interval: Option<Duration>,
    /// The gauges of which percentiles can be told.
    pub percentiles: &'static [&'static str],
    /// The columns of the result, in order.
    pub columns: &'static [Column],
    /// The statements, the most demanding first.
    pub variants: &'static [Variant],
}

/// A kind of target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    /// A database of a PostgreSQL server.
    Postgres,
    /// The administration console of a PgBouncer.
    PgBouncer,
}

impl TargetKind {
    /// Its name in `monitoring.targets` and `monitoring.collectors`.
    pub const fn as_str(self) -> &'static str {
        match self {
            TargetKind::Postgres => "postgres",
            TargetKind::PgBouncer => "pgbouncer",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<TargetKind> {
        [TargetKind::Postgres, TargetKind::PgBouncer]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

/// What a collector is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole server: read once, however many of its databases are targets.
    Instance,
    /// The database that the target's address names.
    Database,
}

impl Scope {
    /// Its name in `monitoring.collectors`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Instance => "instance",
            Scope::Database => "database",
        }
    }
}

/// What is stored of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// A sample of every subject.
    All,
    /// A sample of the subjects of which something changed, and of all once a day.
    Changes,
    /// What the code makes of it, in tables of its own.
    Own,
}

impl Keeps {
    /// Its name in `monitoring.collectors`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Keeps::All => "all",
            Keeps::Changes => "changes",
            Keeps::Own => "own",
        }
    }
}

/// A column of a collector's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: ColumnKind,
}

/// What a column of a collector is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Part of what tells one subject from another, over time.
    Key,
    /// A name that goes with the subject.
    Label,
    /// A property of which every change is kept.
    Text,
    /// The text of a statement, which is normalised before it is stored.
    Statement,
    /// A piece of SQL from the catalog, such as the definition of an index, of which literals are masked before it is stored.
    Expression,
    /// The value of the setting that the key names, which is hidden unless it is harmless.
    Setting,
    /// A number that only grows, unless it is reset.
    Counter,
    /// A number that says how things are now.
    Gauge,
    /// When counters began: `since_us` of the row, in microseconds since 1970 (0 if unknown), or `stats_reset` of all.
    Epoch,
}

/// A statement with what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// The name of its file without `.sql`.
    pub file: &'static str,
    /// The versions that it was tried on.
    pub versions: &'static str,
    /// How long it may take.
    pub timeout: Duration,
    /// The roles that the login must have.
    pub privileges: &'static [&'static str],
    /// The extension that it reads.
    pub extension: Option<&'static str>,
    /// The columns that must be there, as `view.column`.
    pub needs: &'static [&'static str],
    /// The statement. `extension_schema.` stands for the schema of the extension.
    pub sql: &'static str,
}

/// Every collector, by name.
pub const ALL: &[Collector] = include!(concat!(env!("OUT_DIR"), "/collectors.rs"));

impl Collector {
    /// The longest that any of its statements may take.
    pub fn timeout(&self) -> Duration {
        let timeouts = self.variants.iter().map(|variant| variant.timeout);
        timeouts.max().unwrap_or_default()
    }

    /// The names of its columns of some kinds, in order.
    pub fn columns_of(&self, kinds: &'static [ColumnKind]) -> impl Iterator<Item = &'static str> {
        self.columns
            .iter()
            .filter(move |column| kinds.contains(&column.kind))
            .map(|column| column.name)
    }
}

/// The collector of that name.
pub fn find(name: &str) -> Option<&'static Collector> {
    ALL.iter().find(|collector| collector.name == name)
}

#[cfg(test)]
#[path = "../build/header.rs"]
mod header;
#[cfg(test)]
#[path = "../build/lines.rs"]
mod lines;

#[cfg(test)]
mod tests;
