//! `/api/alerts`

use std::time::Duration;

use function::{Context, Host, Order, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use store::alerts;

use crate::answer;

/// What acknowledging an alert takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acknowledge {
    by: String,
    note: Option<String>,
}

/// The alerts that are open, and those that were over within the time that the request names.
pub(crate) async fn list<H: Host>(context: &Context<H>, order: &Order) -> anyhow::Result<Response> {
    let query = order.uri().query().unwrap_or_default();
    let seconds = match query.strip_prefix("resolved_within_seconds=") {
        None if query.is_empty() => Some(0),
        None => None,
        Some(seconds) => seconds.parse().ok(),
    };
    let Some(seconds) = seconds else {
        let hint = "ask for ?resolved_within_seconds=86400, or for nothing";
        return Ok(answer::refused("the query cannot be understood", Some(hint)));
    };
    let within = Duration::from_secs(seconds);
    answer::rows(context, "alerts", async |client| {
        alerts::list(client, within).await
    })
    .await
}

/// One alert, and what happened to it.
pub(crate) async fn show<H: Host>(context: &Context<H>, alert_id: &str) -> anyhow::Result<Response> {
    let id = match answer::number(alert_id, "alert") {
        Ok(id) => id,
        Err(missing) => return Ok(missing),
    };
    let found = answer::ask(context, "cannot read the alert", async |client| {
        let alert = alerts::one(client, id).await?;
        let history = alerts::history(client, id).await?;
        Ok(alert.map(|alert| json!({ "alert": alert, "history": history })))
    })
    .await?;
    Ok(match found {
        Ok(Some(alert)) => answer::done(StatusCode::OK, alert),
        Ok(None) => answer::missing("alert", alert_id),
        Err(refused) => refused,
    })
}

/// Writes down that somebody takes an alert up.
pub(crate) async fn acknowledge<H: Host>(
    context: &Context<H>,
    alert_id: &str,
    order: &Order,
) -> anyhow::Result<Response> {
    let asked = answer::number(alert_id, "open alert")
        .and_then(|id| Ok((id, answer::body(order, r#"{"by": "ada", "note": "on it"}"#)?)));
    let (id, Acknowledge { by, note }) = match asked {
        Ok(asked) => asked,
        Err(refused) => return Ok(refused),
    };
    if by.trim().is_empty() {
        return Ok(answer::refused(
            "nobody is named who takes the alert up",
            Some("say who in by"),
        ));
    }
    let written = answer::ask(context, "cannot acknowledge the alert", async |client| {
        alerts::acknowledge(client, id, &by, note.as_deref()).await
    })
    .await?;
    Ok(match written {
        Ok(true) => {
            let fields = json!({ "alert_id": id, "by": by });
            context.log().info("An alert was acknowledged", fields.clone());
            answer::done(StatusCode::OK, fields)
        }
        Ok(false) => answer::missing("open alert", alert_id),
        Err(refused) => refused,
    })
}
