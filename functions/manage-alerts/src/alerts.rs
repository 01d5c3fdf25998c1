//! `/api/alerts`

use std::time::Duration;

use function::{Context, Host, Order, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use store::alerts;

use crate::answer::{self, Problem};

/// What acknowledging an alert takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acknowledge {
    by: String,
    note: Option<String>,
}

/// The alerts that are open, and those that were over within the time that the request names.
pub(crate) async fn list<H: Host>(context: &Context<H>, order: &Order) -> Result<Response, Problem> {
    let query = order.uri().query().unwrap_or_default();
    let seconds = match query.strip_prefix("resolved_within_seconds=") {
        None if query.is_empty() => Some(0),
        None => None,
        Some(seconds) => seconds.parse().ok(),
    };
    let within = seconds.map(Duration::from_secs).ok_or_else(|| {
        Problem::refused(
            "the query cannot be understood",
            "ask for ?resolved_within_seconds=86400, or for nothing",
        )
    })?;
    answer::rows(context, "alerts", async |client| {
        alerts::list(client, within).await
    })
    .await
}

/// One alert, and what happened to it.
pub(crate) async fn show<H: Host>(context: &Context<H>, alert_id: &str) -> Result<Response, Problem> {
    let id = answer::number(alert_id, "alert")?;
    let found = answer::ask(context, "cannot read the alert", async |client| {
        let alert = alerts::one(client, id).await?;
        let history = alerts::history(client, id).await?;
        Ok(alert.map(|alert| json!({ "alert": alert, "history": history })))
    })
    .await?;
    let alert = found.ok_or_else(|| Problem::missing("alert", alert_id))?;
    Ok(answer::done(StatusCode::OK, &alert))
}

/// Writes down that somebody takes an alert up.
pub(crate) async fn acknowledge<H: Host>(
    context: &Context<H>,
    alert_id: &str,
    order: &Order,
) -> Result<Response, Problem> {
    let id = answer::number(alert_id, "open alert")?;
    let Acknowledge { by, note } = answer::body(order, r#"{"by": "ada", "note": "on it"}"#)?;
    if by.trim().is_empty() {
        return Err(Problem::refused(
            "nobody is named who takes the alert up",
            "say who in by",
        ));
    }
    let written = answer::ask(context, "cannot acknowledge the alert", async |client| {
        alerts::acknowledge(client, id, &by, note.as_deref()).await
    })
    .await?;
    if !written {
        return Err(Problem::missing("open alert", alert_id));
    }
    let fields = json!({ "alert_id": id, "by": by });
    context.log().info("An alert was acknowledged", fields.clone());
    Ok(answer::done(StatusCode::OK, &fields))
}
