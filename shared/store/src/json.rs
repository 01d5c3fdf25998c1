//! Batches travel as one JSON value where they are small and their columns many.

use db::DbError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// A batch as the parameter of a statement.
pub(crate) fn encode<T: Serialize + ?Sized>(batch: &T) -> Result<Json, DbError> {
    serde_json::to_value(batch)
        .map_err(|error| DbError::decode("a value cannot be written as JSON").with_cause(error.to_string()))
}

/// A column of a result that holds a list of objects.
pub(crate) fn decode<T: DeserializeOwned>(column: &str, value: Json) -> Result<T, DbError> {
    serde_json::from_value(value).map_err(|error| {
        DbError::decode(format!("column {column} holds JSON of another shape")).with_cause(error.to_string())
    })
}
