//! What a run gives back.

use serde_json::{Map, Value};
use vitals::outcome::RunOutcome;

/// What a run did, as the journal and the caller are told.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// How it ended.
    pub outcome: RunOutcome,
    /// What it touched: counts and names, never query results.
    pub fields: Map<String, Value>,
}

impl Report {
    /// A report of an outcome.
    pub fn new(outcome: RunOutcome) -> Report {
        Report {
            outcome,
            fields: Map::new(),
        }
    }

    /// A run that did all of it.
    pub fn ok() -> Report {
        Report::new(RunOutcome::Ok)
    }

    /// A run that did some of it: a target was down, a collector failed. The fields say which.
    pub fn partial() -> Report {
        Report::new(RunOutcome::Partial)
    }

    /// Adds something that the run touched.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Report {
        self.fields.insert(name.to_owned(), value.into());
        self
    }
}
