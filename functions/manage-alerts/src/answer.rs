//! Answers that all parts of the interface give, and what keeps them from doing what is asked.

use anyhow::Context as _;
use db::{DbError, unit_of_work};
use function::{Context, Host, Order, Response, StatusCode, http};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// What the server says of a row that a constraint refuses: it violates a check, is out of range, or is no value at all.
const REFUSALS: [&str; 4] = ["23514", "22003", "22023", "22008"];

/// What keeps a request from being done.
#[derive(Debug)]
pub(crate) enum Problem {
    /// There is nothing of that kind under that name.
    Missing {
        /// What it would be.
        kind: &'static str,
        /// What it was called.
        id: String,
    },
    /// It cannot be done as it was said.
    Refused {
        /// Why not.
        error: String,
        /// What to say instead.
        hint: Option<String>,
    },
    /// The monitoring database could not be read or written.
    Failed(anyhow::Error),
}

impl Problem {
    /// There is no such thing.
    pub(crate) fn missing(kind: &'static str, id: &str) -> Problem {
        Problem::Missing {
            kind,
            id: id.to_owned(),
        }
    }

    /// It cannot be done as it was said.
    pub(crate) fn refused(error: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem::Refused {
            error: error.into(),
            hint: Some(hint.into()),
        }
    }

    /// The answer to whom it may concern.
    ///
    /// # Errors
    ///
    /// What is no fault of the request.
    pub(crate) fn answer(self) -> anyhow::Result<Response> {
        match self {
            Problem::Missing { kind, id } => Ok(http::problem(
                StatusCode::NOT_FOUND,
                "not_found",
                &format!("there is no {kind} {id}"),
                None,
            )),
            Problem::Refused { error, hint } => Ok(http::problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                "refused",
                &error,
                hint.as_deref(),
            )),
            Problem::Failed(error) => Err(error),
        }
    }
}

/// What is asked of the monitoring database, in one transaction.
pub(crate) async fn ask<H: Host, T>(
    context: &Context<H>,
    purpose: &'static str,
    work: impl AsyncFnOnce(&H::Client) -> Result<T, DbError>,
) -> Result<T, Problem> {
    let monitoring = context
        .monitoring()
        .await
        .context("cannot open the monitoring database")
        .map_err(Problem::Failed)?;
    unit_of_work(&monitoring, &context.preamble(), work)
        .await
        .map_err(|error| {
            let state = error.sqlstate.as_deref();
            if state.is_some_and(|state| REFUSALS.contains(&state)) {
                Problem::Refused {
                    error: error.message,
                    hint: error.hint,
                }
            } else {
                Problem::Failed(anyhow::Error::new(error).context(purpose))
            }
        })
}

/// An answer with all rows of something, under its name.
pub(crate) async fn rows<H: Host, T: Serialize>(
    context: &Context<H>,
    name: &'static str,
    work: impl AsyncFnOnce(&H::Client) -> Result<Vec<T>, DbError>,
) -> Result<Response, Problem> {
    let rows = ask(context, "cannot read what is asked for", work).await?;
    Ok(http::json(StatusCode::OK, &json!({ name: rows })))
}

/// The body of a request, as what it should be.
pub(crate) fn body<T: DeserializeOwned>(order: &Order, example: &str) -> Result<T, Problem> {
    serde_json::from_str(order.body()).map_err(|error| {
        Problem::refused(
            format!("the body cannot be used: {error}"),
            format!("send JSON such as {example}"),
        )
    })
}

/// A number in a path. What is none is not there.
pub(crate) fn number(text: &str, kind: &'static str) -> Result<i64, Problem> {
    text.parse().map_err(|_| Problem::missing(kind, text))
}

/// The answer to what was done.
pub(crate) fn done(status: StatusCode, value: &Value) -> Response {
    http::json(status, value)
}
