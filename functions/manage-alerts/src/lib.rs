//! Lets programs see alerts and what decides who is told of them, and change it.
//!
//! Triggers: HTTP, for whoever bears the token; JSON in and out.
//!
//! ```text
//! GET    /api/alerts[?resolved_within_seconds=N]     what is wrong at present
//! GET    /api/alerts/ID                              one alert, and what happened to it
//! POST   /api/alerts/ID/acknowledge                  {"by": "ada", "note": "on it"}
//! GET    /api/silences
//! POST   /api/silences                               {"matchers": ["target=shop"], "lasts_seconds": 7200, "reason": "…", "by": "ada"}
//! DELETE /api/silences/ID
//! GET    /api/rules, /api/rules/ID
//! PUT    /api/rules/ID                               {"warning": 300}, or a new one: {"metric": "…", "warning": 300}
//! DELETE /api/rules/ID
//! GET    /api/routes, /api/windows
//! ```
//!
//! - `alerts`, `silences`, `rules`: what there is below each path
//! - `answer`: answers that all of them give

mod alerts;
mod answer;
mod rules;
mod silences;

use function::{Context, Host, Method, Order, Response, http};

use crate::answer::Problem;

function::export! {
    name: "manage-alerts",
    obey: handle,
}

/// Answers a request to any path below `/api`, whatever the application is mounted at.
///
/// # Errors
///
/// What kept the monitoring database from being read or written.
pub async fn handle(context: &Context<impl Host>, order: &Order) -> anyhow::Result<Response> {
    let path = order.uri().path().trim_end_matches('/');
    let Some((_, below)) = path.split_once("/api/") else {
        return Ok(http::not_found(path));
    };
    let segments: Vec<&str> = below.split('/').collect();
    match answer(context, order, path, &segments).await {
        Ok(response) => Ok(response),
        Err(problem) => problem.answer(),
    }
}

/// Does what a request asks of what lies below `/api`.
async fn answer<H: Host>(
    context: &Context<H>,
    order: &Order,
    path: &str,
    segments: &[&str],
) -> Result<Response, Problem> {
    let method = order.method();
    match (method.as_str(), segments) {
        ("GET", ["alerts"]) => alerts::list(context, order).await,
        ("GET", ["alerts", alert_id]) => alerts::show(context, alert_id).await,
        ("POST", ["alerts", alert_id, "acknowledge"]) => alerts::acknowledge(context, alert_id, order).await,
        ("GET", ["silences"]) => silences::list(context).await,
        ("POST", ["silences"]) => silences::add(context, order).await,
        ("DELETE", ["silences", silence_id]) => silences::remove(context, silence_id).await,
        ("GET", ["rules"]) => rules::list(context).await,
        ("GET", ["rules", rule_id]) => rules::show(context, rule_id).await,
        ("PUT", ["rules", rule_id]) => rules::save(context, rule_id, order).await,
        ("DELETE", ["rules", rule_id]) => rules::remove(context, rule_id).await,
        ("GET", ["routes"]) => {
            answer::rows(context, "routes", async |client| store::routes::all(client).await).await
        }
        ("GET", ["windows"]) => {
            answer::rows(context, "windows", async |client| {
                store::windows::all(client).await
            })
            .await
        }
        _ => Ok(not_there(method, segments, path)),
    }
}

/// The answer to a path or a method that does not exist.
fn not_there(method: &Method, segments: &[&str], path: &str) -> Response {
    match segments {
        ["alerts" | "rules" | "routes" | "windows"] | ["alerts", _] => {
            http::method_not_allowed(method, "GET")
        }
        ["rules", _] => http::method_not_allowed(method, "GET, PUT, DELETE"),
        ["alerts", _, "acknowledge"] => http::method_not_allowed(method, "POST"),
        ["silences"] => http::method_not_allowed(method, "GET, POST"),
        ["silences", _] => http::method_not_allowed(method, "DELETE"),
        _ => http::not_found(path),
    }
}

#[cfg(test)]
mod tests;
