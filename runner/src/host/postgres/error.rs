//! What went wrong, as a guest is told.

use std::fmt::Write as _;

use tokio_postgres::error::DbError as ServerError;

use super::bindings::{DbError, Error, QueryError};
use super::session::MOST_BUFFERED_BYTES;

/// The server could not be reached or refused the connection.
pub(crate) fn connection_failed(error: &anyhow::Error) -> Error {
    Error::ConnectionFailed(with_causes(error))
}

/// A statement failed.
pub(crate) fn query_failed(error: tokio_postgres::Error) -> Error {
    let text = format!("{error:?}");
    Error::QueryFailed(match error.as_db_error() {
        Some(server) => QueryError::DbError(db_error(server, text)),
        None => QueryError::Text(text),
    })
}

/// The server failed while it sent the rows. Told with its fields as well: a timeout is one of these.
pub(crate) fn row_failed(error: tokio_postgres::Error) -> Error {
    query_failed(error)
}

/// A row holds a value that the interface cannot carry, such as a numeric with more than 28 digits.
pub(crate) fn unreadable(error: &anyhow::Error) -> Error {
    Error::QueryFailed(QueryError::Text(with_causes(error)))
}

/// The failure of a row as the blocking query reports it: a text only, without the fields of the server's error, as on
/// Spin.
pub(crate) fn flattened(error: &Error) -> Error {
    Error::QueryFailed(QueryError::Text(error.to_string()))
}

/// A blocking query gave no rows. On Spin that call never returns, so that a component which makes it is wrong there.
pub(crate) fn without_rows() -> Error {
    Error::Other(
        "the result has no rows, and on Spin a blocking query without rows never returns: use the asynchronous query, or \
         execute"
            .to_owned(),
    )
}

/// A result is larger than the host is willing to hold.
pub(crate) fn too_large() -> Error {
    Error::QueryFailed(QueryError::Text(format!(
        "query result exceeds limit of {MOST_BUFFERED_BYTES} bytes"
    )))
}

fn db_error(server: &ServerError, as_text: String) -> DbError {
    DbError {
        as_text,
        severity: server.severity().to_owned(),
        code: server.code().code().to_owned(),
        message: server.message().to_owned(),
        detail: server.detail().map(ToOwned::to_owned),
        extras: extras(server),
    }
}

fn extras(server: &ServerError) -> Vec<(String, String)> {
    let line = server.line().map(|line| line.to_string());
    [
        ("column", server.column()),
        ("constraint", server.constraint()),
        ("routine", server.routine()),
        ("hint", server.hint()),
        ("table", server.table()),
        ("datatype", server.datatype()),
        ("schema", server.schema()),
        ("file", server.file()),
        ("line", line.as_deref()),
        ("where_", server.where_()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
    .collect()
}

/// The error and what caused it, in the form that Spin gives to guests.
pub(crate) fn with_causes(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
    if !causes.is_empty() {
        text.push_str("\n\nCaused by:");
    }
    for (number, cause) in causes.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = match causes.len() {
            1 => write!(text, "\n    {cause}"),
            _ => write!(text, "\n    {number}: {cause}"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flattened_error_keeps_its_text_only() {
        let error = flattened(&unreadable(&anyhow::anyhow!("no such type")));
        assert!(
            matches!(&error, Error::QueryFailed(QueryError::Text(text)) if text.contains("no such type")),
            "{error:?}"
        );
    }

    #[test]
    fn one_cause_is_not_numbered() {
        let error = anyhow::anyhow!("refused").context("connecting");
        assert_eq!(with_causes(&error), "connecting\n\nCaused by:\n    refused");
    }

    #[test]
    fn several_causes_are_numbered() {
        let error = anyhow::anyhow!("refused")
            .context("dialling")
            .context("connecting");
        assert_eq!(
            with_causes(&error),
            "connecting\n\nCaused by:\n    0: dialling\n    1: refused"
        );
    }

    #[test]
    fn an_error_without_cause_is_its_message() {
        assert_eq!(with_causes(&anyhow::anyhow!("invalid UUID x")), "invalid UUID x");
    }
}
