//! Sessions that wait for locks.

use db::{Client, DbError, Value};

/// A session of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its process; 0 for a prepared transaction.
    pub pid: i64,
    /// What it is doing, in the words of `pg_stat_activity`, or `prepared transaction`.
    pub state: Option<String>,
    /// The name of the user.
    pub user_name: Option<String>,
    /// The name that the application gave itself.
    pub application: Option<String>,
    /// The name of the database.
    pub database: Option<String>,
    /// How long ago its last statement began.
    pub statement_ms: Option<i64>,
    /// How long its transaction has been open.
    pub transaction_ms: Option<i64>,
    /// The server's hash of the statement.
    pub query_id: Option<i64>,
    /// The normalised text of the statement; none for utility statements.
    pub query: Option<String>,
}

/// A session that waits for a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedSession {
    /// Who waits.
    pub session: Session,
    /// What kind of thing the lock is of, in the words of `pg_locks`.
    pub lock_type: Option<String>,
    /// The mode that is asked for.
    pub lock_mode: Option<String>,
    /// The table or index, with its schema.
    pub relation: Option<String>,
    /// How long it has been waiting.
    pub waiting_ms: Option<i64>,
    /// Whom it waits for directly.
    pub blocker_pids: Vec<i64>,
    /// How far away the root is.
    pub depth: Option<i64>,
    /// The session at the end of the chain, which waits for no lock; none in a circle.
    pub root: Option<Session>,
}

/// Writes the sessions of a target that wait at this moment, and answers how many.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn write(client: &impl Client, target_id: i32, blocked: &[BlockedSession]) -> Result<i64, DbError> {
    let numbers = |value: fn(&BlockedSession) -> Option<i64>| -> Value {
        blocked.iter().map(value).collect::<Vec<_>>().into()
    };
    let texts = |value: fn(&BlockedSession) -> Option<String>| -> Value {
        blocked.iter().map(value).collect::<Vec<_>>().into()
    };
    let parameters = [
        target_id.into(),
        numbers(|one| Some(one.session.pid)),
        texts(|one| one.session.user_name.clone()),
        texts(|one| one.session.application.clone()),
        texts(|one| one.session.database.clone()),
        numbers(|one| one.waiting_ms),
        numbers(|one| one.session.statement_ms),
        texts(|one| one.lock_type.clone()),
        texts(|one| one.lock_mode.clone()),
        texts(|one| one.relation.clone()),
        texts(|one| Some(literal(&one.blocker_pids))),
        numbers(|one| one.depth),
        numbers(|one| Some(one.root.as_ref()?.pid)),
        texts(|one| one.root.as_ref()?.state.clone()),
        texts(|one| one.root.as_ref()?.user_name.clone()),
        texts(|one| one.root.as_ref()?.application.clone()),
        numbers(|one| one.root.as_ref()?.transaction_ms),
        numbers(|one| one.session.query_id),
        texts(|one| one.session.query.clone()),
        numbers(|one| one.root.as_ref()?.query_id),
        texts(|one| one.root.as_ref()?.query.clone()),
    ];
    let rows = client
        .query(include_str!("../sql/blocking/write.sql"), &parameters)
        .await?;
    rows.one()?.get("written")
}

/// Numbers as PostgreSQL writes an array: rows of arrays cannot be a parameter, as arrays of arrays have one length.
fn literal(numbers: &[i64]) -> String {
    let words: Vec<String> = numbers.iter().map(i64::to_string).collect();
    format!("{{{}}}", words.join(","))
}
