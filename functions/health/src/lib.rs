//! Says whether the monitor is alive, whether it can work, and whether it does.
//!
//! Triggers: HTTP, `GET` and `HEAD`, open to everyone. Every answer comes within 100 ms, also when PostgreSQL hangs
//! or is stopped. On a schedule, which `spin.toml` does not give it, it journals and logs what `/health/targets` says, for
//! those who watch logs.
//!
//! ```text
//! curl localhost:3000/health            alive: the component runs; nothing else is asked
//! curl localhost:3000/health/ready      the monitoring database answers and has its schema
//! curl localhost:3000/health/targets    the state of each target, and whether the functions still run
//! ```
//!
//! The answers name neither addresses nor error texts, because everyone may read them: those are in the log.

mod check;
mod ready;
mod targets;

use std::time::Duration;

use function::{Access, Context, Host, Report, Request, Response, StatusCode, http};
use serde_json::json;

function::export! {
    name: "health",
    access: Access::Open,
    read: handle,
    deadline: Duration::from_secs(10),
    run: run,
}

/// Journals the state of the monitor; partial when a target is down or a function is late.
///
/// # Errors
///
/// What kept the monitoring database from being read.
pub async fn run(context: &Context<impl Host>) -> anyhow::Result<Report> {
    targets::report(context).await
}

/// Answers a request to any path below `/health`, whatever the application is mounted at.
///
/// # Errors
///
/// None; what fails is an answer.
pub async fn handle(context: &Context<impl Host>, request: &Request) -> anyhow::Result<Response> {
    let path = request.uri().path().trim_end_matches('/');
    Ok(match path {
        path if path.ends_with("/health") => alive(),
        path if path.ends_with("/health/ready") => ready::answer(context).await?,
        path if path.ends_with("/health/targets") => targets::answer(context).await,
        path => http::not_found(path),
    })
}

/// An orchestrator restarts what is not alive, so this must depend on nothing that a restart would not mend.
fn alive() -> Response {
    http::json(
        StatusCode::OK,
        &json!({"status": "alive", "version": env!("CARGO_PKG_VERSION")}),
    )
}

#[cfg(test)]
mod tests {
    use function::native::NativeHost;

    use super::*;

    async fn get(host: NativeHost, path: &str) -> (StatusCode, serde_json::Value) {
        let context = Context::new("health", host);
        let mut request = Request::new(());
        *request.uri_mut() = path.parse().unwrap();
        let response = handle(&context, &request).await.unwrap();
        (response.status(), serde_json::from_str(response.body()).unwrap())
    }

    #[tokio::test]
    async fn alive_needs_no_configuration() {
        let (status, body) = get(NativeHost::default(), "/health").await;
        assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("alive")));
    }

    #[tokio::test]
    async fn unknown_paths_are_not_found() {
        for path in ["/", "/healthy", "/health/other", "/health/ready/now"] {
            assert_eq!(
                get(NativeHost::default(), path).await.0,
                StatusCode::NOT_FOUND,
                "{path}"
            );
        }
    }

    #[tokio::test]
    async fn a_missing_variable_is_named_with_its_mend() {
        for path in ["/health/ready", "/health/targets/"] {
            let (status, body) = get(NativeHost::default(), path).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
            let expected = json!({
                "status": "not_ready",
                "reason": "configuration",
                "what": "variable monitoring_url is not set",
                "mend": "set it as SPIN_VARIABLE_MONITORING_URL in the environment or with --variable",
            });
            assert_eq!(body, expected);
        }
    }

    #[tokio::test]
    async fn a_refused_connection_is_told_without_its_address() {
        // Port 1 is reserved, so that nothing listens there.
        let url = "postgres://collector:hunter2@127.0.0.1:1/postgres?sslmode=disable";
        for path in ["/health/ready", "/health/targets"] {
            let (status, body) = get(NativeHost::default().monitoring(url), path).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(body["reason"], "connect_failed");
            assert_eq!(body["what"], "the monitoring database cannot be reached");
            let text = body.to_string();
            assert!(!text.contains("hunter2") && !text.contains("127.0.0.1"), "{text}");
        }
    }
}
