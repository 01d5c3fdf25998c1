//! A failure as the journal, the log and the caller are told: the chain of causes in one line, a code of a bounded
//! list, and what to do.

use db::{DbError, ErrorKind};
use serde_json::{Value, json};

use crate::SendError;
use crate::config::{ConfigError, TargetError};
use crate::deadlines::DeadlineExceeded;

/// A run that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What failed and why, from the outermost cause to the innermost.
    pub error: String,
    /// A code of a bounded list: those of [`ErrorKind`], `configuration`, `deadline_exceeded`, those of [`SendError`].
    pub code: &'static str,
    /// What the operator can do.
    pub hint: Option<String>,
}

impl Failure {
    /// Reads the code and the hint off the first link of the chain that has them.
    pub fn of(error: &anyhow::Error) -> Failure {
        let mut failure = Failure {
            error: format!("{error:#}"),
            code: ErrorKind::Other.code(),
            hint: None,
        };
        for link in error.chain() {
            if let Some(link) = link.downcast_ref::<DbError>() {
                (failure.code, failure.hint) = (link.code(), link.hint.clone());
            } else if let Some(link) = link.downcast_ref::<ConfigError>() {
                (failure.code, failure.hint) = ("configuration", Some(link.hint.clone()));
            } else if link.is::<TargetError>() {
                failure.code = "configuration";
            } else if link.is::<DeadlineExceeded>() {
                failure.code = "deadline_exceeded";
            } else if let Some(link) = link.downcast_ref::<SendError>() {
                failure.code = link.code;
            } else {
                continue;
            }
            break;
        }
        failure
    }

    /// The failure as JSON.
    pub fn to_json(&self) -> Value {
        json!({"error": self.error, "code": self.code, "hint": self.hint})
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn the_chain_is_told_in_one_line_with_code_and_hint() {
        let error = DbError::server("42501", "permission denied for function pg_ls_waldir", None);
        let error = Err::<(), _>(error)
            .context("cannot collect stat_wal")
            .context("target orders")
            .unwrap_err();
        let failure = Failure::of(&error);
        assert_eq!(
            failure.error,
            "target orders: cannot collect stat_wal: permission denied for function pg_ls_waldir"
        );
        assert_eq!(failure.code, "missing_privilege");
        assert!(failure.hint.unwrap().starts_with("grant pg_monitor"));
    }

    #[test]
    fn what_has_no_code_is_other() {
        let failure = Failure::of(&anyhow::anyhow!("no rules"));
        assert_eq!(
            failure.to_json(),
            json!({"error": "no rules", "code": "other", "hint": null})
        );
    }
}
