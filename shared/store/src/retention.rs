//! What keeps the schema from growing for ever.

use db::{Client, DbError};

/// Makes partitions ahead, drops those past their retention and removes old rows; gives the number of changes. Returns
/// at once when that was done within the hour, so that every run may call it.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn maintain(client: &impl Client) -> Result<i64, DbError> {
    client
        .query(include_str!("../sql/retention/maintain.sql"), &[])
        .await?
        .one()?
        .get("changes")
}
