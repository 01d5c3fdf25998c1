//! What a run gives back.

use serde_json::{Map, Value};

/// How a run that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was done.
    Ok,
    /// Some of it was done: a target was down, a collector failed. The report says which.
    Partial,
}

impl Outcome {
    /// The word for it in the journal and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Partial => "partial",
        }
    }
}

/// What a run did, as the journal and the caller are told.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// What it touched: counts and names, never query results.
    pub fields: Map<String, Value>,
}

impl Report {
    /// A run that did all of it.
    pub fn ok() -> Report {
        Report {
            outcome: Outcome::Ok,
            fields: Map::new(),
        }
    }

    /// A run that did some of it.
    pub fn partial() -> Report {
        Report {
            outcome: Outcome::Partial,
            fields: Map::new(),
        }
    }

    /// Adds something that the run touched.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Report {
        self.fields.insert(name.to_owned(), value.into());
        self
    }
}
