//! How a collector or a run went.

use crate::name::names;

/// How one collector did on one target.
///
/// "Nothing to say" and "not possible here" are no failures: a missing extension or privilege costs a row in
/// `monitoring.collector_status` and a line in `pgvitals doctor`, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It collected.
    Ok,
    /// It worked, and there was nothing to collect (a first reading, an idle server).
    NoData,
    /// It cannot work here, for this reason, such as `missing extension pg_stat_statements`.
    Skipped(String),
    /// It failed, with this code of a bounded set, such as `statement_timeout`.
    Failed(String),
}

impl Outcome {
    /// The name as it stands in `monitoring.collector_status`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoData => "no_data",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "failed",
        }
    }

    /// Why it was skipped, or the code it failed with.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ok | Self::NoData => None,
            Self::Skipped(reason) | Self::Failed(reason) => Some(reason),
        }
    }

    /// Whether the collector did what it was asked to.
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Ok | Self::NoData)
    }

    /// Whether something broke. A skip has not.
    pub const fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.reason() {
            None => formatter.write_str(self.name()),
            Some(reason) => write!(formatter, "{} ({reason})", self.name()),
        }
    }
}

names! {
    /// How a whole run of a function went.
    "run outcome" pub enum RunOutcome {
        /// All of it was done.
        Ok = "ok",
        /// Some of it was done, some failed.
        Partial = "partial",
        /// Nothing was done.
        Failed = "failed",
    }
}

impl RunOutcome {
    /// The outcome of a run from the number of its parts that succeeded and that failed.
    ///
    /// A run with nothing to do is a good run.
    pub const fn of(succeeded: usize, failed: usize) -> Self {
        match (succeeded, failed) {
            (_, 0) => Self::Ok,
            (0, _) => Self::Failed,
            _ => Self::Partial,
        }
    }

    /// The outcome of a run over several collectors. Skipped ones count as neither.
    pub fn from_outcomes<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
        let (mut succeeded, mut failed) = (0, 0);
        for outcome in outcomes {
            succeeded += usize::from(outcome.is_success());
            failed += usize::from(outcome.is_failure());
        }
        Self::of(succeeded, failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_is_told_and_is_no_failure() {
        let skipped = Outcome::Skipped("missing extension pg_stat_statements".to_owned());
        assert_eq!(
            skipped.to_string(),
            "skipped (missing extension pg_stat_statements)"
        );
        assert!(!skipped.is_failure() && !skipped.is_success());
        assert_eq!(
            RunOutcome::from_outcomes([&Outcome::Ok, &skipped]),
            RunOutcome::Ok
        );
    }

    #[test]
    fn a_run_is_as_good_as_its_parts() {
        let failed = Outcome::Failed("statement_timeout".to_owned());
        assert_eq!(RunOutcome::from_outcomes([]), RunOutcome::Ok);
        assert_eq!(
            RunOutcome::from_outcomes([&Outcome::NoData, &failed]),
            RunOutcome::Partial
        );
        assert_eq!(RunOutcome::from_outcomes([&failed, &failed]), RunOutcome::Failed);
    }
}
