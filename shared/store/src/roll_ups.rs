//! Samples by the hour and by the day.
//!
//! A roll-up is made bucket by bucket, each in one transaction with the progress that it is to be made no more. So a run
//! that is cut off is as if it had not begun its last bucket, and two at once share the work.

use chrono::{DateTime, Utc};
use db::{Client, DbError, Row};

/// A target with a bucket that is complete and not rolled up yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The target.
    pub target_id: i32,
    /// Its name.
    pub target: String,
    /// The table of samples.
    pub sample_table: String,
    /// `hourly` or `daily`.
    pub resolution: String,
    /// The start of the bucket.
    pub rolled_to: DateTime<Utc>,
}

/// Begins to roll up the targets that are new; gives how much there was to begin.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn begin(client: &impl Client) -> Result<i64, DbError> {
    client
        .query(include_str!("../sql/roll_ups/begin.sql"), &[])
        .await?
        .one()?
        .get("begun")
}

/// What can be rolled up now, oldest first; the first bucket only of each target, table and resolution.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn due(client: &impl Client) -> Result<Vec<Due>, DbError> {
    client
        .query(include_str!("../sql/roll_ups/due.sql"), &[])
        .await?
        .iter()
        .map(read_due)
        .collect()
}

/// Rolls up one bucket and gives the number of its rows; nothing when it is done already or somebody else is at it. It is
/// made whole from its source and replaces what is there.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn roll_up(client: &impl Client, due: &Due) -> Result<Option<i64>, DbError> {
    let parameters = [
        due.target_id.into(),
        (&due.sample_table).into(),
        (&due.resolution).into(),
    ];
    client
        .query(include_str!("../sql/roll_ups/roll_up.sql"), &parameters)
        .await?
        .one()?
        .get("rows")
}

fn read_due(row: &Row) -> Result<Due, DbError> {
    Ok(Due {
        target_id: row.get("target_id")?,
        target: row.get("target")?,
        sample_table: row.get("sample_table")?,
        resolution: row.get("resolution")?,
        rolled_to: row.get("rolled_to")?,
    })
}
