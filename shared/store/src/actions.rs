//! What may be done to a target: the statements of automatic responses. Beside these nothing is ever changed there.

use std::time::Duration;

use db::{Client, DbError, Row};

/// What the login may do about sessions of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRights {
    /// Whether it sees what they do.
    pub sees: bool,
    /// Whether it may end them.
    pub ends: bool,
}

/// A session that held a transaction open and did nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct IdleSession {
    /// Its process.
    pub pid: i64,
    /// Who it belonged to.
    pub user_name: String,
    /// Its database.
    pub database: String,
    /// How long it had been idle, in seconds.
    pub idle_seconds: f64,
    /// Whether it was ended now.
    pub ended: bool,
}

/// A table that can be analyzed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The statement for it, its name quoted by the server.
    pub statement: String,
    /// Whether the login may.
    pub may_analyze: bool,
}

/// How a table is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableName<'a> {
    /// By its schema and its name.
    Parts(&'a str, &'a str),
    /// As `SCHEMA.TABLE`, in which nothing is quoted.
    Dotted(&'a str),
}

/// The function by which an application refreshes caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheQueue {
    /// Whether the database has it.
    pub is_there: bool,
    /// Whether the login may call it.
    pub may_call: bool,
}

/// What the login may do about sessions of others.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn session_rights(client: &impl Client) -> Result<SessionRights, DbError> {
    let rows = client
        .query(include_str!("../sql/actions/may_terminate.sql"), &[])
        .await?;
    let row = rows.one()?;
    Ok(SessionRights {
        sees: row.get("sees_sessions")?,
        ends: row.get("ends_sessions")?,
    })
}

/// Ends sessions that have been idle in a transaction for so long, the longest first, `limit` at most; or only says which.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn terminate_idle_in_transaction(
    client: &impl Client,
    older_than: Duration,
    limit: i64,
    all_databases: bool,
    dry_run: bool,
) -> Result<Vec<IdleSession>, DbError> {
    let parameters = [
        older_than.as_secs_f64().into(),
        limit.into(),
        all_databases.into(),
        dry_run.into(),
    ];
    let sql = include_str!("../sql/actions/terminate_idle_in_transaction.sql");
    let rows = client.query(sql, &parameters).await?;
    let read = |row: &Row| {
        Ok(IdleSession {
            pid: row.get("pid")?,
            user_name: row.get("user_name")?,
            database: row.get("database")?,
            idle_seconds: row.get("idle_seconds")?,
            ended: row.get("ended")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Finds a table; nothing when there is none of that name, or when a dotted name fits more than one.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn find_table(client: &impl Client, name: TableName<'_>) -> Result<Option<Table>, DbError> {
    let (schema, table, dotted) = match name {
        TableName::Parts(schema, table) => (Some(schema), Some(table), None),
        TableName::Dotted(dotted) => (None, None, Some(dotted)),
    };
    let parameters = [schema.into(), table.into(), dotted.into()];
    let rows = client
        .query(include_str!("../sql/actions/find_table.sql"), &parameters)
        .await?;
    match rows.iter().as_slice() {
        [row] => Ok(Some(Table {
            statement: row.get("statement")?,
            may_analyze: row.get("may_analyze")?,
        })),
        _ => Ok(None),
    }
}

/// Makes the planner's statistics of a table anew.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn analyze(client: &impl Client, table: &Table) -> Result<(), DbError> {
    client.execute(&table.statement, &[]).await?;
    Ok(())
}

/// Looks for the function by which the application refreshes caches.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn cache_queue(client: &impl Client) -> Result<CacheQueue, DbError> {
    let rows = client
        .query(include_str!("../sql/actions/cache_queue.sql"), &[])
        .await?;
    let row = rows.one()?;
    Ok(CacheQueue {
        is_there: row.get("is_there")?,
        may_call: row.get("may_call")?,
    })
}

/// Has the application refresh caches for so long; gives how many it refreshed.
///
/// # Errors
///
/// What the server or the connection said, or the function.
pub async fn refresh_cache_queue(client: &impl Client, budget: Duration) -> Result<i64, DbError> {
    let milliseconds = i64::try_from(budget.as_millis()).unwrap_or(i64::MAX);
    client
        .query(
            include_str!("../sql/actions/refresh_cache_queue.sql"),
            &[milliseconds.into()],
        )
        .await?
        .one()?
        .get("refreshed")
}
