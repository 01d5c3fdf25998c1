//! What happens between a trigger and a function: authorisation, the journal, deadlines, on a real server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::cell::Cell;
use std::time::Duration;

use anyhow::{Result, bail};
use db::Client;
use function::native::NativeHost;
use function::{
    Access, Context, Failure, Host, Method, Report, Request, Response, RunOutcome, StatusCode, Trigger,
    entry, header,
};
use integration_tests::{Database, Server};
use serde_json::{Value, json};

const TOKEN: &str = "open sesame";
const DEADLINE: Duration = Duration::from_secs(10);

/// What follows a run of a function that has nothing to do then.
async fn nothing(_: &Context<NativeHost>, _: &Result<Report, Failure>) {}

/// A migrated database, and the world around a function that keeps its journal there.
struct Monitoring {
    database: Database,
    client: db::Connection,
}

impl Monitoring {
    async fn new(test: &str) -> Result<Monitoring> {
        let server = Server::shared(embedded_postgres::NEWEST).await?;
        let database = Database::new(&server, &format!("function::{test}")).await?;
        let client = db::connect(&database.url().parse()?).await?;
        store::logins::ensure(&client, &[]).await?;
        store::migrations::migrate(&client).await?;
        Ok(Monitoring { database, client })
    }

    fn host(&self) -> NativeHost {
        NativeHost::default()
            .monitoring(&self.database.url())
            .variable("api_token", TOKEN)
    }

    fn context(&self) -> Context<NativeHost> {
        Context::new("collect-stats", self.host())
    }

    /// Outcome, trigger, report and error of every run, the oldest first.
    async fn journal(&self) -> Result<Vec<(String, String, Value, Option<String>)>> {
        let sql = "select outcome::text as outcome, trigger::text as trigger, coalesce(report, 'null')::jsonb as report,
                          error::text as error
                   from monitoring.function_runs where function = 'collect-stats' order by run_id";
        let rows = self.client.query(sql, &[]).await?;
        rows.iter()
            .map(|row| {
                Ok((
                    row.get("outcome")?,
                    row.get("trigger")?,
                    row.get("report")?,
                    row.get("error")?,
                ))
            })
            .collect()
    }
}

fn request(method: Method, path: &str, token: Option<&str>) -> Request {
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap();
    if let Some(token) = token {
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    }
    request
}

fn body(response: &Response) -> Value {
    serde_json::from_str(response.body()).unwrap()
}

async fn count(context: &Context<impl Host>) -> Result<Report> {
    context.touched("targets", 2);
    Ok(Report::partial().with("rows", 7))
}

async fn break_down(context: &Context<impl Host>) -> Result<Report> {
    context.touched("targets", 1);
    let client = context.monitoring().await?;
    client.query("select * from monitoring.nothing", &[]).await?;
    bail!("the query of a missing table must fail")
}

async fn hang(context: &Context<impl Host>) -> Result<Report> {
    context.touched("targets", 1);
    std::future::pending().await
}

#[tokio::test]
async fn a_post_runs_the_function_journals_it_and_answers_its_report() -> Result<()> {
    let monitoring = Monitoring::new("post").await?;
    let context = monitoring.context();
    let post = request(Method::POST, "/collect-stats", Some(TOKEN));
    let response = entry::answer_run(&context, DEADLINE, &post, count, nothing).await;
    assert_eq!(response.status(), StatusCode::OK);
    let expected = json!({
        "function": "collect-stats",
        "run_id": context.run_id(),
        "outcome": "partial",
        "report": {"targets": 2, "rows": 7},
    });
    assert_eq!(body(&response), expected);
    let journal = monitoring.journal().await?;
    let expected = (
        "partial".to_owned(),
        "http".to_owned(),
        json!({"targets": 2, "rows": 7}),
        None,
    );
    assert_eq!(journal, [expected]);
    Ok(())
}

#[tokio::test]
async fn a_run_of_which_nothing_succeeded_is_a_failure_with_a_report() -> Result<()> {
    let monitoring = Monitoring::new("nothing").await?;
    let post = request(Method::POST, "/collect-stats", Some(TOKEN));
    let run = async |_: &Context<NativeHost>| Ok(Report::new(RunOutcome::Failed).with("failed", 2));
    let response = entry::answer_run(&monitoring.context(), DEADLINE, &post, run, nothing).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let answered = body(&response);
    assert_eq!(
        (&answered["code"], &answered["report"]),
        (&json!("nothing_succeeded"), &json!({"failed": 2}))
    );
    let error = Some("no part of the run succeeded".to_owned());
    assert_eq!(
        monitoring.journal().await?,
        [(
            "failed".to_owned(),
            "http".to_owned(),
            json!({"failed": 2}),
            error
        )]
    );
    Ok(())
}

#[tokio::test]
async fn a_request_that_is_refused_runs_nothing() -> Result<()> {
    let monitoring = Monitoring::new("refused").await?;
    let cases = [
        (
            Method::GET,
            "/collect-stats",
            Some(TOKEN),
            StatusCode::METHOD_NOT_ALLOWED,
        ),
        (Method::POST, "/collect-stats", None, StatusCode::UNAUTHORIZED),
        (
            Method::POST,
            "/collect-stats",
            Some("open sesam"),
            StatusCode::UNAUTHORIZED,
        ),
        (
            Method::POST,
            "/collect-stats/more",
            Some(TOKEN),
            StatusCode::NOT_FOUND,
        ),
    ];
    for (method, path, token, status) in cases {
        let response = entry::answer_run(
            &monitoring.context(),
            DEADLINE,
            &request(method, path, token),
            count,
            nothing,
        )
        .await;
        assert_eq!(response.status(), status, "{path} {token:?}");
        assert_eq!(
            response.headers().contains_key(header::ALLOW),
            status == StatusCode::METHOD_NOT_ALLOWED
        );
        assert_eq!(
            response.headers().contains_key(header::WWW_AUTHENTICATE),
            status == StatusCode::UNAUTHORIZED
        );
    }
    assert_eq!(monitoring.journal().await?, []);
    Ok(())
}

#[tokio::test]
async fn a_run_that_fails_half_way_is_journaled_with_what_it_touched() -> Result<()> {
    let monitoring = Monitoring::new("half_way").await?;
    let post = request(Method::POST, "/collect-stats", Some(TOKEN));
    let response = entry::answer_run(&monitoring.context(), DEADLINE, &post, break_down, nothing).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let answered = body(&response);
    assert_eq!(answered["code"], "missing_object");
    assert_eq!(
        answered["error"],
        "relation \"monitoring.nothing\" does not exist"
    );
    assert_eq!(answered["hint"], "run pgvitals migrate");
    let journal = monitoring.journal().await?;
    let [(outcome, _, report, error)] = journal.as_slice() else {
        bail!("one entry was expected: {journal:?}")
    };
    assert_eq!(outcome, "failed");
    assert_eq!(
        report,
        &json!({"targets": 1, "code": "missing_object", "hint": "run pgvitals migrate"})
    );
    assert_eq!(
        error.as_deref(),
        Some("relation \"monitoring.nothing\" does not exist")
    );
    Ok(())
}

#[tokio::test]
async fn a_run_is_cut_off_at_its_deadline_and_says_so() -> Result<()> {
    let monitoring = Monitoring::new("deadline").await?;
    let limit = Duration::from_millis(50);
    let failure = entry::perform(&monitoring.context(), Trigger::Cron, limit, hang)
        .await
        .unwrap_err();
    assert_eq!(failure.code, "deadline_exceeded");
    assert_eq!(failure.error, "the run did not end within 50 ms");
    let journal = monitoring.journal().await?;
    let report = json!({"targets": 1, "code": "deadline_exceeded"});
    let expected = (
        "failed".to_owned(),
        "cron".to_owned(),
        report,
        Some(failure.error),
    );
    assert_eq!(journal, [expected]);
    Ok(())
}

#[tokio::test]
async fn a_run_whose_host_cut_it_off_is_given_up_by_the_next() -> Result<()> {
    let monitoring = Monitoring::new("given_up").await?;
    // What an instance that was dropped leaves behind: an entry that nobody will end.
    let sql = "insert into monitoring.function_runs (function, trigger, started_at, deadline_at)
               values ('collect-stats', 'cron', now() - interval '2 minutes', now() - interval '1 minute')";
    monitoring.client.execute(sql, &[]).await?;
    entry::perform(&monitoring.context(), Trigger::Cron, DEADLINE, count)
        .await
        .unwrap();
    let outcomes: Vec<String> = monitoring
        .journal()
        .await?
        .into_iter()
        .map(|(outcome, ..)| outcome)
        .collect();
    assert_eq!(outcomes, ["abandoned", "partial"]);
    Ok(())
}

#[tokio::test]
async fn a_run_that_cannot_be_journaled_is_not_begun() -> Result<()> {
    let host = NativeHost::default()
        .monitoring("postgres://collector:hunter2@127.0.0.1:1/postgres?sslmode=disable")
        .variable("api_token", TOKEN);
    let context = Context::new("collect-stats", host);
    let post = request(Method::POST, "/collect-stats", Some(TOKEN));
    let after = Cell::new(false);
    let response = entry::answer_run(
        &context,
        DEADLINE,
        &post,
        async |_| bail!("it was begun"),
        async |_, outcome| after.set(outcome.is_err()),
    )
    .await;
    assert!(after.get(), "what follows a run was not told that it failed");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let answered = body(&response);
    assert_eq!(answered["code"], "connect_failed");
    let error = answered["error"].as_str().unwrap_or_default();
    assert!(
        error.starts_with("the run cannot be journaled and was not begun: cannot connect to 127.0.0.1:1"),
        "{error}"
    );
    assert!(!response.body().contains("hunter2"));
    Ok(())
}

#[tokio::test]
async fn a_reading_function_answers_get_and_head_and_asks_for_the_token_where_it_should() -> Result<()> {
    let closed = NativeHost::default()
        .monitoring("postgres://collector@127.0.0.1:1/postgres")
        .variable("metrics_open", "false")
        .variable("api_token", TOKEN);
    let context = Context::new("export-metrics", closed);
    let cases = [
        (Access::Open, Method::GET, None, StatusCode::OK, "text"),
        (Access::Open, Method::HEAD, None, StatusCode::OK, ""),
        (
            Access::MetricsOpen,
            Method::GET,
            Some(TOKEN),
            StatusCode::OK,
            "text",
        ),
        (Access::Token, Method::GET, Some(TOKEN), StatusCode::OK, "text"),
    ];
    let read = async |_: &Context<NativeHost>, _: &Request| {
        Ok(function::http::text(
            StatusCode::OK,
            "text/plain",
            "text".to_owned(),
        ))
    };
    for (access, method, token, status, text) in cases {
        let response = entry::answer_read(&context, access, request(method, "/metrics", token), read).await;
        assert_eq!(
            (response.status(), response.body().as_str()),
            (status, text),
            "{access:?}"
        );
    }
    for access in [Access::MetricsOpen, Access::Token] {
        let response =
            entry::answer_read(&context, access, request(Method::GET, "/metrics", None), read).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    let response = entry::answer_read(
        &context,
        Access::Open,
        request(Method::POST, "/metrics", None),
        read,
    )
    .await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[header::ALLOW], "GET, HEAD");
    Ok(())
}
