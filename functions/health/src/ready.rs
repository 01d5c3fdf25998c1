//! `GET /health/ready`: can the monitor work?

use std::time::Duration;

use function::{Context, Host, Response, SharedAnswer, StatusCode, http, shared_answer};
use serde_json::json;

use crate::check;

/// For how long an answer serves those who ask right after: short enough that a database which stops is missed by
/// nobody, long enough that hundreds of questions a second do not become as many looks. Who asks while somebody looks waits
/// for that: looks that are late on a busy machine would make it busier, and those after them later still.
const SHARED: Duration = Duration::from_millis(20);

thread_local! {
    /// The last answer of this instance.
    static LAST: SharedAnswer = const { SharedAnswer::new(SHARED) };
}

/// Ready when the monitoring database answers and has the schema. Whether it does its work is another question: what
/// is late today is no reason to take the monitor out of service.
pub(crate) async fn answer<H: Host>(context: &Context<H>) -> anyhow::Result<Response> {
    shared_answer(&LAST, "ready", async || Ok(look(context).await)).await
}

async fn look<H: Host>(context: &Context<H>) -> Response {
    match check::within_deadline(context, async |client| store::health::read(client, &[]).await).await {
        Ok(health) => {
            let body = json!({"status": "ready", "schema_version": health.schema_version});
            http::json(StatusCode::OK, &body)
        }
        Err(error) => check::not_ready(context, &error),
    }
}
