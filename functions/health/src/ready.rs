//! `GET /health/ready`: can the monitor work?

use std::cell::RefCell;
use std::time::{Duration, Instant};

use function::{Context, Host, Response, StatusCode, http};
use serde_json::json;

use crate::check;

/// For how long an answer serves those who ask right after: short enough that a database which stops is missed by
/// nobody, long enough that hundreds of questions a second do not become as many looks. Without it, looks that are late
/// on a busy machine make the machine busier, and those after them later still.
const SHARED: Duration = Duration::from_millis(20);

thread_local! {
    /// The last answer of this instance. An instance has one thread and serves several requests at once.
    static LAST: RefCell<Option<(Instant, Response)>> = const { RefCell::new(None) };
}

/// Ready when the monitoring database answers and has the schema. Whether it does its work is another question: what
/// is late today is no reason to take the monitor out of service.
pub(crate) async fn answer<H: Host>(context: &Context<H>) -> Response {
    let recent = LAST.with_borrow(|last| {
        let recent = last.as_ref().filter(|(at, _)| at.elapsed() < SHARED);
        recent.map(|(_, response)| response.clone())
    });
    if let Some(response) = recent {
        return response;
    }
    let response = look(context).await;
    LAST.with_borrow_mut(|last| *last = Some((Instant::now(), response.clone())));
    response
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
