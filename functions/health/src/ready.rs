//! `GET /health/ready`: can the monitor work?

use function::{Context, Host, Response, StatusCode, http};
use serde_json::json;

use crate::check;

/// Ready when the monitoring database answers and has the schema. Whether it does its work is another question: what
/// is late today is no reason to take the monitor out of service.
pub(crate) async fn answer<H: Host>(context: &Context<H>) -> Response {
    match check::within_deadline(context, async |client| store::health::read(client, &[]).await).await {
        Ok(health) => {
            let body = json!({"status": "ready", "schema_version": health.schema_version});
            http::json(StatusCode::OK, &body)
        }
        Err(error) => check::not_ready(context, &error),
    }
}
