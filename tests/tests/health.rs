//! What `health` answers on the runner while its database is well, stands still, is gone, and never answers.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use db::Client as _;
use integration_tests::monitored::{COLLECTOR_PASSWORD, logins};
use integration_tests::{Application, Blackhole, DedicatedServer, http};
use serde_json::{Value, json};
use store::logins::Login;

/// Status, and the word of the answer that says why.
async fn ask(application: &Application, path: &str) -> Result<(u16, Value)> {
    let response = application.get(path).await?;
    let body = response.json()?;
    let word = body.get("reason").unwrap_or(&body["status"]).clone();
    Ok((response.status.as_u16(), word))
}

/// Asks until the answer is as expected: on a busy machine even a well database misses the deadline now and then.
async fn ask_until(application: &Application, path: &str, expected: (u16, Value)) -> Result<()> {
    let mut answer = ask(application, path).await?;
    for _ in 0..100 {
        if answer == expected {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer = ask(application, path).await?;
    }
    bail!("{path} answers {answer:?} and not {expected:?}")
}

/// A server with the schema, and an application that keeps it there.
async fn watched() -> Result<(DedicatedServer, Application)> {
    let server = DedicatedServer::start(embedded_postgres::NEWEST).await?;
    let url = server.url("postgres");
    let client = db::connect(&url.parse()?).await?;
    store::logins::ensure(&client, &logins(COLLECTOR_PASSWORD)?).await?;
    store::migrations::migrate(&client).await?;
    let viewer = server.url_as(Login::Viewer.role(), COLLECTOR_PASSWORD, "postgres");
    let application = Application::builder(&viewer)
        .without_other_schedules()
        .start()
        .await?;
    Ok((server, application))
}

#[tokio::test]
async fn readiness_follows_the_database_and_liveness_does_not() -> Result<()> {
    let (mut server, application) = watched().await?;
    let well = [
        ("/health", 200, "alive"),
        ("/health/ready", 200, "ready"),
        // Its functions had no turn yet, and none is missed so soon after the installation.
        ("/health/targets", 200, "running"),
    ];
    let standing_still = [
        ("/health", 200, "alive"),
        ("/health/ready", 503, "deadline_exceeded"),
        ("/health/targets", 503, "deadline_exceeded"),
    ];
    let gone = [
        ("/health", 200, "alive"),
        ("/health/ready", 503, "connect_failed"),
        ("/health/targets", 503, "connect_failed"),
    ];
    let check = async |state: &str, expected: &[(&str, u16, &str)]| -> Result<()> {
        for (path, status, word) in expected {
            ask_until(&application, path, (*status, json!(word)))
                .await
                .with_context(|| format!("database {state}"))?;
        }
        Ok(())
    };
    check("well", &well).await?;
    server.pause()?;
    check("paused", &standing_still).await?;
    server.resume()?;
    check("resumed", &well).await?;
    server.stop().await?;
    check("stopped", &gone).await?;
    server.start_again().await?;
    check("started again", &well).await?;
    Ok(())
}

#[tokio::test]
async fn the_loop_is_running_once_every_function_had_a_success() -> Result<()> {
    let (server, application) = watched().await?;
    let client = db::connect(&server.url("postgres").parse()?).await?;
    let installed = "update monitoring.schema_migrations set applied_at = applied_at - interval '1 hour'";
    client.execute(installed, &[]).await?;
    ask_until(&application, "/health/targets", (503, json!("stale"))).await?;
    for function in store::FUNCTIONS {
        let response = application.post(&format!("/{function}")).await?;
        assert_eq!(response.status.as_u16(), 200, "{function}: {}", response.body);
    }
    let response = application.get("/health/targets").await?;
    assert_eq!(
        (response.status.as_u16(), &response.json()?["status"]),
        (200, &json!("running")),
        "{}",
        response.body
    );
    Ok(())
}

#[tokio::test]
async fn a_server_that_never_answers_does_not_use_up_what_is_needed_to_answer() -> Result<()> {
    let blackhole = Blackhole::start().await?;
    let application = Application::builder(&blackhole.postgres_url())
        .without_other_schedules()
        .start()
        .await?;
    // More than the host's pool has places, so that a place which is not given back would be missed.
    let asked: Vec<_> = (0..100)
        .map(|_| {
            let url = application.url("/health/ready");
            tokio::spawn(async move { http::get(&url).await })
        })
        .collect();
    for answer in asked {
        let answer = answer.await??;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()?["reason"]),
            (503, &json!("deadline_exceeded"))
        );
        assert!(
            !answer.body.contains("nothing") && !answer.body.contains("127.0.0.1"),
            "{}",
            answer.body
        );
    }
    assert_eq!(
        ask(&application, "/health/ready").await?,
        (503, json!("deadline_exceeded"))
    );
    assert_eq!(ask(&application, "/health").await?, (200, json!("alive")));
    Ok(())
}

#[tokio::test]
async fn only_get_and_head_are_answered() -> Result<()> {
    let (_server, application) = watched().await?;
    for path in ["/health", "/health/ready"] {
        ask_until(
            &application,
            path,
            (200, json!(if path == "/health" { "alive" } else { "ready" })),
        )
        .await?;
        let head = http::send(hyper::Method::HEAD, &application.url(path), &[], "").await?;
        assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
        let post = application.post(path).await?;
        assert_eq!((post.status.as_u16(), post.header("allow")), (405, "GET, HEAD"));
    }
    assert_eq!(application.get("/health/other").await?.status.as_u16(), 404);
    Ok(())
}
