//! Processes of the monitor that ended by themselves and were started again.

use std::time::Duration;

use db::{Client, DbError};

/// A process that `pgvitals up` looks after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// The runner with the components.
    Application,
    /// The default PostgreSQL.
    Database,
}

impl Process {
    /// The word in the table and in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Process::Application => "application",
            Process::Database => "database",
        }
    }
}

/// Records that a process ended by itself some time ago. `reason` is its exit status or signal. The rule
/// `process_restarts` watches these rows.
///
/// # Errors
///
/// The error of the server or the connection.
pub async fn record(
    client: &impl Client,
    process: Process,
    ago: Duration,
    reason: &str,
) -> Result<(), DbError> {
    let parameters = [process.as_str().into(), ago.as_secs_f64().into(), reason.into()];
    client
        .execute(include_str!("../sql/restarts/record.sql"), &parameters)
        .await?;
    Ok(())
}
