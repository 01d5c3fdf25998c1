//! What a rule can watch.

use serde::{Deserialize, Serialize};

use crate::name::names;
use crate::unit::Unit;

names! {
    /// How the values of a window become one.
    "aggregate" pub enum Aggregate {
        /// The newest one.
        Last = "last",
        /// Their mean.
        Avg = "avg",
        /// The least one.
        Min = "min",
        /// The greatest one.
        Max = "max",
        /// All of them together.
        Sum = "sum",
        /// How much is counted, or how far the value moves, per second.
        Rate = "rate",
        /// The one that half of them do not pass.
        P50 = "p50",
        /// The one that 95 of 100 do not pass.
        P95 = "p95",
        /// The one that 99 of 100 do not pass.
        P99 = "p99",
    }
}

/// A metric: a row of `monitoring.metrics`, which `pgvitals migrate` writes from the files in `sql/metrics/` and from the
/// columns of the collectors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    name: String,
    unit: Unit,
    phrase: String,
    subject: Option<String>,
    aggregates: Vec<Aggregate>,
    collector: Option<String>,
    generic: bool,
}

impl Metric {
    /// A metric of a name, with values in a unit, which say `phrase` (for the middle of a sentence).
    pub fn new(name: impl Into<String>, unit: Unit, phrase: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            unit,
            phrase: phrase.into(),
            subject: None,
            aggregates: vec![Aggregate::Last],
            collector: None,
            generic: false,
        }
    }

    /// The same, where each alert is about one of many: a statement, a table.
    #[must_use]
    pub fn about(self, subject: impl Into<String>) -> Self {
        Self {
            subject: Some(subject.into()),
            ..self
        }
    }

    /// The same, with the aggregates that a rule may name; the first is what is taken where it names none.
    #[must_use]
    pub fn with_aggregates(self, aggregates: Vec<Aggregate>) -> Self {
        Self { aggregates, ..self }
    }

    /// The same, made of what a collector reads. While that is not read the metric is not known.
    #[must_use]
    pub fn read_by(self, collector: impl Into<String>) -> Self {
        Self {
            collector: Some(collector.into()),
            ..self
        }
    }

    /// The same, as `COLLECTOR.COLUMN`: a column that one statement answers for all collectors.
    #[must_use]
    pub fn generic(self) -> Self {
        Self {
            generic: true,
            ..self
        }
    }

    /// Its name: `statement_mean_ms`, or `wraparound.left_xids`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its values are measured in.
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// What its values say, for the middle of a sentence.
    pub fn phrase(&self) -> &str {
        &self.phrase
    }

    /// What one alert of such a rule is about, or `None` where it is about the target itself.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// How the values of a window may be taken together.
    pub fn aggregates(&self) -> &[Aggregate] {
        &self.aggregates
    }

    /// The collector without whose readings nothing is known of it.
    pub fn collector(&self) -> Option<&str> {
        self.collector.as_deref()
    }

    /// Whether it is a column of a collector, and not a file of its own.
    pub const fn is_generic(&self) -> bool {
        self.generic
    }

    /// The same, when its values are taken per second.
    pub(super) fn per_second(self) -> Self {
        Self {
            phrase: format!("{} per second", self.phrase),
            ..self
        }
    }
}
