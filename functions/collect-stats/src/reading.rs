//! Statements sent to a target: in a read-only transaction, each within the limits of its collector, and all of them
//! together within what the target may take.

use std::cell::Cell;
use std::time::{Duration, Instant};

use db::{Client, DbError, ErrorKind, Preamble, Rows, Series, Value};
use function::with_deadline;

/// How long a target keeps the transaction of a collection that sends nothing: between two statements the monitoring
/// database is written to, and a run that waits for that must not lose its target. No run lives longer.
const IDLE_TIMEOUT: Duration = crate::DEADLINE;

/// The time that one target may still take. Only what is spent with the target counts: waiting for the monitoring
/// database is not its fault.
#[derive(Debug)]
pub(crate) struct Budget {
    application_name: String,
    whole: Duration,
    left: Cell<Duration>,
}

impl Budget {
    /// The budget of a target, before anything is spent.
    pub(crate) fn new(application_name: String, whole: Duration) -> Budget {
        Budget {
            application_name,
            whole,
            left: Cell::new(whole),
        }
    }

    /// Waits for something of the target, within what is left.
    pub(crate) async fn spend<T, E: From<DbError>>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let begin = Instant::now();
        let outcome = with_deadline(operation, self.left.get(), work).await;
        self.left.set(self.left.get().saturating_sub(begin.elapsed()));
        outcome.unwrap_or_else(|exceeded| {
            let message = format!(
                "the target did not answer within its {} ms",
                self.whole.as_millis()
            );
            Err(DbError::new(ErrorKind::StatementTimeout, message)
                .with_cause(exceeded.to_string())
                .into())
        })
    }

    /// Whether there is nothing left: the target hangs, and every further statement would.
    pub(crate) fn is_spent(&self) -> bool {
        self.left.get().is_zero()
    }

    /// The statements of one collection, in a transaction that they share.
    pub(crate) fn series<'client, C: Client>(&self, client: &'client C) -> Series<'client, C> {
        let preamble = Preamble::new(self.application_name.as_str())
            .read_only()
            .with_idle_timeout(IDLE_TIMEOUT);
        Series::new(client, preamble)
    }

    /// Sends a statement and reads its rows, within what it and the target may take.
    pub(crate) async fn read<C: Client>(
        &self,
        series: &Series<'_, C>,
        operation: &'static str,
        timeout: Duration,
        sql: &str,
        parameters: &[Value],
    ) -> Result<Rows, DbError> {
        let reading = series.query(timeout.min(self.left.get()), sql, parameters);
        self.spend(operation, reading).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_target_that_hangs_spends_its_budget_and_no_more() {
        let budget = Budget::new("pgvitals/test".to_owned(), Duration::from_millis(30));
        let hanging = std::future::pending::<Result<(), DbError>>();
        let error = budget.spend("hanging", hanging).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::StatementTimeout);
        assert!(budget.is_spent());
    }
}
