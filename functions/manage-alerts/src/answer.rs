//! Answers that all parts of the interface give.

use anyhow::Context as _;
use db::{DbError, unit_of_work};
use function::{Context, Host, Order, Response, StatusCode, http};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// What the server says of a row that a constraint refuses: it violates a check, is out of range, or is no value at all.
const REFUSALS: [&str; 4] = ["23514", "22003", "22023", "22008"];

/// What is asked of the monitoring database, in one transaction. A row that it refuses is an answer of its own.
pub(crate) async fn ask<H: Host, T>(
    context: &Context<H>,
    purpose: &'static str,
    work: impl AsyncFnOnce(&H::Client) -> Result<T, DbError>,
) -> anyhow::Result<Result<T, Response>> {
    let monitoring = context
        .monitoring()
        .await
        .context("cannot open the monitoring database")?;
    match unit_of_work(&monitoring, &context.preamble(), work).await {
        Ok(found) => Ok(Ok(found)),
        Err(error)
            if error
                .sqlstate
                .as_deref()
                .is_some_and(|state| REFUSALS.contains(&state)) =>
        {
            Ok(Err(refused(&error.message, error.hint.as_deref())))
        }
        Err(error) => Err(error).context(purpose),
    }
}

/// An answer with all rows of something, under its name.
pub(crate) async fn rows<H: Host, T: Serialize>(
    context: &Context<H>,
    name: &'static str,
    work: impl AsyncFnOnce(&H::Client) -> Result<Vec<T>, DbError>,
) -> anyhow::Result<Response> {
    Ok(match ask(context, "cannot read what is asked for", work).await? {
        Ok(rows) => http::json(StatusCode::OK, &json!({ name: rows })),
        Err(refused) => refused,
    })
}

/// The body of a request, as what it should be.
pub(crate) fn body<T: DeserializeOwned>(order: &Order, example: &str) -> Result<T, Response> {
    serde_json::from_str(order.body()).map_err(|error| {
        refused(
            &format!("the body cannot be used: {error}"),
            Some(&format!("send JSON such as {example}")),
        )
    })
}

/// A number in a path. What is none is not there.
pub(crate) fn number(text: &str, kind: &str) -> Result<i64, Response> {
    text.parse().map_err(|_| missing(kind, text))
}

/// The answer to what there is not.
pub(crate) fn missing(kind: &str, id: &str) -> Response {
    http::problem(
        StatusCode::NOT_FOUND,
        "not_found",
        &format!("there is no {kind} {id}"),
        None,
    )
}

/// The answer to what cannot be done as it was said.
pub(crate) fn refused(error: &str, hint: Option<&str>) -> Response {
    http::problem(StatusCode::UNPROCESSABLE_ENTITY, "refused", error, hint)
}

/// The answer to what was done.
pub(crate) fn done(status: StatusCode, value: Value) -> Response {
    http::json(status, &value)
}
