//! Who owns what stands where something of ours is to be.
//!
//! An administrator who writes into a table of somebody else's runs the triggers of that table with an administrator's
//! rights. So a schema is looked at before anything in it is touched.

use std::fmt;

use crate::client::Client;
use crate::error::DbError;

/// An object, or a right to make one, that a schema has and its owner has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Kind of the object: `schema`, `table`, `function`, `right to create in the schema`, ...
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The role that owns it or has the right.
    pub role: String,
}

impl fmt::Display for Foreign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Foreign { kind, name, role } = self;
        write!(formatter, "{kind} {name:?} of role {role:?}")
    }
}

/// Returns what in a schema does not belong to `owner`, the schema itself first; nothing when there is no such schema.
/// At most 100 are returned. Nothing that is found is run.
///
/// # Errors
///
/// The error of the server or the connection.
pub async fn foreign_objects(
    client: &impl Client,
    schema: &str,
    owner: &str,
) -> Result<Vec<Foreign>, DbError> {
    let rows = client
        .query(
            include_str!("../sql/foreign_objects.sql"),
            &[schema.into(), owner.into()],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Foreign {
                kind: row.get("kind")?,
                name: row.get("name")?,
                role: row.get("role")?,
            })
        })
        .collect()
}
