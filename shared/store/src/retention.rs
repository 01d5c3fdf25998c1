//! What keeps the schema from growing for ever.

use db::{Client, DbError};

/// Makes partitions ahead; gives how many. Returns at once when that was done within the hour, so that every run may
/// call it.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn maintain(client: &impl Client) -> Result<i64, DbError> {
    client
        .query(include_str!("../sql/retention/maintain.sql"), &[])
        .await?
        .one()?
        .get("made")
}

/// Drops the partitions of which nothing is kept any more and everything is rolled up; gives how many.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn drop_partitions(client: &impl Client) -> Result<i64, DbError> {
    client
        .query(include_str!("../sql/retention/drop_partitions.sql"), &[])
        .await?
        .one()?
        .get("dropped")
}

/// Removes messages, alerts, statements and subjects that have had their day, so many at most; gives how many.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn remove_rows(client: &impl Client) -> Result<i64, DbError> {
    client
        .query(include_str!("../sql/retention/remove_rows.sql"), &[])
        .await?
        .one()?
        .get("removed")
}

/// Removes samples of collectors that are kept for a shorter time than the others, so many at most; gives how many, and
/// 0 when there are none left.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn remove_samples(client: &impl Client) -> Result<i64, DbError> {
    client
        .query(include_str!("../sql/retention/remove_samples.sql"), &[])
        .await?
        .one()?
        .get("removed")
}
