//! The names and texts of statements that were seen to run.

use db::{Client, DbError, Row};

/// A statement as it is first written, or written again with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenStatement {
    /// Database, user, query id and top level, as the collector writes them.
    pub statement_key: String,
    /// The name of the database.
    pub database: Option<String>,
    /// The name of the user.
    pub user_name: Option<String>,
    /// The server's hash of the statement.
    pub query_id: i64,
    /// Whether it was sent by a client rather than run within a function.
    pub top_level: bool,
    /// The normalised text; none when it could not be had, which is remembered for ten minutes.
    pub query: Option<String>,
    /// Whether it is no statement on data. Such a one gets no text, because the server does not normalise it, and no
    /// samples.
    pub utility: bool,
}

/// The names of a statement, for labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementNames {
    /// The key, as in the snapshot.
    pub statement_key: String,
    /// The name of the database.
    pub database: Option<String>,
    /// The name of the user.
    pub user_name: Option<String>,
    /// The server's hash of the statement.
    pub query_id: i64,
    /// Whether it was sent by a client.
    pub top_level: bool,
    /// The normalised text.
    pub query: Option<String>,
}

/// Those of some statements whose text is not known and was not asked for lately.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn unknown(
    client: &impl Client,
    target_id: i32,
    keys: Vec<String>,
) -> Result<Vec<String>, DbError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = client
        .query(
            include_str!("../sql/statements/unknown.sql"),
            &[target_id.into(), keys.into()],
        )
        .await?;
    rows.iter().map(|row| row.at(0)).collect()
}

/// Writes statements that were not known, or not with their text. Samples are written only for statements that are.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn upsert(
    client: &impl Client,
    target_id: i32,
    statements: Vec<SeenStatement>,
) -> Result<(), DbError> {
    if statements.is_empty() {
        return Ok(());
    }
    let (mut keys, mut databases, mut users) = (Vec::new(), Vec::new(), Vec::new());
    let (mut query_ids, mut top_levels) = (Vec::new(), Vec::new());
    let (mut queries, mut utilities) = (Vec::new(), Vec::new());
    for statement in statements {
        keys.push(statement.statement_key);
        databases.push(statement.database);
        users.push(statement.user_name);
        query_ids.push(statement.query_id);
        top_levels.push(statement.top_level.to_string());
        queries.push(statement.query);
        utilities.push(statement.utility.to_string());
    }
    let parameters = [
        target_id.into(),
        keys.into(),
        databases.into(),
        users.into(),
        query_ids.into(),
        top_levels.into(),
        queries.into(),
        utilities.into(),
    ];
    client
        .execute(include_str!("../sql/statements/upsert.sql"), &parameters)
        .await?;
    Ok(())
}

/// The names of some statements of a target. Statements that never ran while they were watched have none.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn names(
    client: &impl Client,
    target_id: i32,
    keys: Vec<String>,
) -> Result<Vec<StatementNames>, DbError> {
    let parameters = [target_id.into(), keys.into()];
    let rows = client
        .query(include_str!("../sql/statements/names.sql"), &parameters)
        .await?;
    rows.iter().map(read_names).collect()
}

fn read_names(row: &Row) -> Result<StatementNames, DbError> {
    Ok(StatementNames {
        statement_key: row.get("statement_key")?,
        database: row.get("database")?,
        user_name: row.get("user_name")?,
        query_id: row.get("query_id")?,
        top_level: row.get("top_level")?,
        query: row.get("query")?,
    })
}
