//! The roles of pgvitals, and how they are let in.

use std::time::Duration;

use db::{Client, DbError, Preamble, Value, unit_of_work};

use crate::migrations::run_script;

/// The role that owns the schema `monitoring`. It is let in for the time of a migration only.
pub const OWNER: &str = "pgvitals_owner";

/// A role that logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// Writes samples: `collect-stats` and `run-maintenance`.
    Writer,
    /// Writes alerts and messages: `check-alerts`, `deliver-notifications` and `run-responses`.
    Alerter,
    /// Changes rules and silences and acknowledges alerts: `manage-alerts`.
    Manager,
    /// Reads the schema `monitoring`: `health` and `export-metrics`.
    Viewer,
    /// Changes whatever people set, targets and channels included: the command.
    Operator,
    /// Reads the statistics of watched servers, and nothing in the schema `monitoring`.
    Collector,
    /// Acts on watched servers, and calls the retention of the schema `monitoring`.
    Maintenance,
}

impl Login {
    /// All logins.
    pub const ALL: [Login; 7] = [
        Login::Writer,
        Login::Alerter,
        Login::Manager,
        Login::Viewer,
        Login::Operator,
        Login::Collector,
        Login::Maintenance,
    ];

    /// The logins of the functions in the monitoring database.
    pub const OF_FUNCTIONS: [Login; 4] = [Login::Writer, Login::Alerter, Login::Manager, Login::Viewer];

    /// The name of the role.
    pub fn role(self) -> &'static str {
        match self {
            Login::Writer => "pgvitals_writer",
            Login::Alerter => "pgvitals_alerter",
            Login::Manager => "pgvitals_manager",
            Login::Viewer => "pgvitals_viewer",
            Login::Operator => "pgvitals_operator",
            Login::Collector => "pgvitals_collector",
            Login::Maintenance => "pgvitals_maintenance",
        }
    }
}

/// A password in the form in which the server keeps it: `SCRAM-SHA-256$4096:salt$key:key`. The password itself cannot be
/// told from it, so that nothing is given away when a server logs the statement that sets it.
#[derive(Clone)]
pub struct Verifier(String);

/// The text is no SCRAM verifier. It is not shown: it may well be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is no SCRAM-SHA-256 verifier")]
pub struct NoVerifier;

impl Verifier {
    /// Takes a verifier, as `postgres_protocol::password::scram_sha_256` makes it of a password.
    ///
    /// # Errors
    ///
    /// [`NoVerifier`] for anything else, so that no password is sent by mistake.
    pub fn new(text: impl Into<String>) -> Result<Verifier, NoVerifier> {
        let text = text.into();
        if text.starts_with("SCRAM-SHA-256$") {
            Ok(Verifier(text))
        } else {
            Err(NoVerifier)
        }
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Verifier(…)")
    }
}

/// Makes the roles that are missing, and lets some of them log in. Needs the right to create roles, not superuser.
///
/// # Errors
///
/// What the server said; without the right to grant `pg_monitor`, with the statement that somebody else has to run.
pub async fn ensure(client: &impl Client, logins: &[(Login, Verifier)]) -> Result<(), DbError> {
    // Roles are shared by all databases of a server, advisory locks are not: another database that is set up at the same
    // moment makes the server give up one of the two, which then only has to look again.
    for _ in 0..ATTEMPTS {
        match try_ensure(client, logins).await {
            Err(error) if is_collision(&error) => {}
            outcome => return outcome,
        }
    }
    try_ensure(client, logins).await
}

/// How often a collision is tried again before it is told.
const ATTEMPTS: usize = 5;

/// `tuple concurrently updated` comes as an internal error; two new roles of one name as a duplicate key.
fn is_collision(error: &DbError) -> bool {
    error.sqlstate.as_deref() == Some("XX000") || error.sqlstate.as_deref() == Some("23505")
}

async fn try_ensure(client: &impl Client, logins: &[(Login, Verifier)]) -> Result<(), DbError> {
    let preamble = Preamble::new("pgvitals/migrate").with_statement_timeout(Duration::from_secs(30));
    unit_of_work(client, &preamble, async |client| {
        run_script(client, include_str!("../../../sql/logins.sql")).await?;
        for (login, verifier) in logins {
            set_verifier(client, *login, verifier).await?;
        }
        Ok(())
    })
    .await
}

/// Lets the owner of the schema in with a password, for ten minutes at most. Another migration on the same server may
/// give it another password at any moment, so that a refused login is worth another try.
///
/// # Errors
///
/// The error of the server or the connection.
pub async fn lend_owner(client: &impl Client, verifier: &Verifier) -> Result<(), DbError> {
    run_statement_of(
        client,
        include_str!("../sql/logins/lend_owner.sql"),
        &[verifier.0.as_str().into()],
    )
    .await
}

/// Lets the owner of the schema in no longer.
///
/// # Errors
///
/// The error of the server or the connection.
pub async fn take_back_owner(client: &impl Client) -> Result<(), DbError> {
    run_statement_of(client, include_str!("../sql/logins/take_back_owner.sql"), &[]).await
}

/// Runs the statement that another one gives, in a unit of work.
async fn run_statement_of(client: &impl Client, sql: &str, parameters: &[Value]) -> Result<(), DbError> {
    let preamble = Preamble::new("pgvitals/migrate").with_statement_timeout(Duration::from_secs(30));
    unit_of_work(client, &preamble, async |client| {
        let rows = client.query(sql, parameters).await?;
        let statement: String = rows.one()?.get("statement")?;
        client.execute(&statement, &[]).await.map(drop)
    })
    .await
}

async fn set_verifier(client: &impl Client, login: Login, verifier: &Verifier) -> Result<(), DbError> {
    let parameters = [login.role().into(), verifier.0.as_str().into()];
    let rows = client
        .query(include_str!("../sql/logins/statement.sql"), &parameters)
        .await?;
    let statement: String = rows.one()?.get("statement")?;
    client.execute(&statement, &[]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_taken_for_a_verifier_and_a_verifier_is_not_shown() {
        assert_eq!(Verifier::new("secret").unwrap_err(), NoVerifier);
        let verifier = Verifier::new("SCRAM-SHA-256$4096:salt$key:key").unwrap();
        assert_eq!(format!("{verifier:?}"), "Verifier(…)");
    }
}
