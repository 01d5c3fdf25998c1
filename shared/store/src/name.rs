//! Names of a closed set, as they stand in tables.

use std::str::FromStr;

use db::{DbError, Row};
use vitals::UnknownName;

/// Reads a column that holds one of the names.
pub(crate) fn read<T: FromStr<Err = UnknownName>>(row: &Row, column: &str) -> Result<T, DbError> {
    let name: String = row.get(column)?;
    name.parse().map_err(|error: UnknownName| {
        DbError::decode(format!("column {column} cannot be read")).with_cause(error.to_string())
    })
}
