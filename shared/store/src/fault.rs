//! Rows that cannot be used.

/// A row that cannot be used as it is. Whoever reads goes on with the others and reports it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {what}: {problem}")]
pub struct Fault {
    /// Which row: `route nights`, `silence 3`.
    pub what: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Fault {
    pub(crate) fn new(what: String, error: &dyn std::error::Error) -> Fault {
        let mut problem = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            problem = format!("{problem}: {cause}");
            source = cause.source();
        }
        Fault { what, problem }
    }
}
