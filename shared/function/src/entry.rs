//! What happens between a trigger and a function, the same for every function.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use store::runs::Trigger;
use vitals::outcome::RunOutcome;

use crate::context::Context;
use crate::deadlines::with_deadline;
use crate::failure::Failure;
use crate::host::Host;
use crate::http::{self as web, Order, Request, Response};
use crate::journal;
use crate::report::Report;

/// Who may read what a reading function answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everyone: health is asked by load balancers that have no token.
    Open,
    /// Everyone, unless variable `metrics_open` is false; then whoever bears the token.
    MetricsOpen,
    /// Whoever bears the token.
    Token,
}

/// What is said of a run that came to its end but of which no part succeeded.
const NOTHING_SUCCEEDED: &str = "no part of the run succeeded";

/// Answers a request to a function that runs on POST. `after` follows the run, whatever became of it.
pub async fn answer_run<H: Host>(
    context: &Context<H>,
    deadline: Duration,
    request: &Request,
    run: impl AsyncFnOnce(&Context<H>) -> anyhow::Result<Report>,
    after: impl AsyncFnOnce(&Context<H>, &Result<Report, Failure>),
) -> Response {
    if !web::names(request.uri().path(), context.function()) {
        return web::not_found(request.uri().path());
    }
    if let Some(refused) = web::check_method(request, &[Method::POST], "POST") {
        return refused;
    }
    match check_access(context, Access::Token, request).await {
        Ok(None) => {}
        Ok(Some(refused)) => return refused,
        Err(error) => return web::failed(&told(context, &error)),
    }
    if request.uri().query() == Some("due") {
        context.ask_for_due();
    }
    let outcome = perform(context, Trigger::Http, deadline, run).await;
    after(context, &outcome).await;
    match outcome {
        Ok(report) => {
            let mut body = json!({
                "function": context.function(),
                "run_id": context.run_id(),
                "outcome": report.outcome.as_str(),
                "report": report.fields,
            });
            if report.outcome != RunOutcome::Failed {
                return web::json(StatusCode::OK, &body);
            }
            body["error"] = NOTHING_SUCCEEDED.into();
            body["code"] = "nothing_succeeded".into();
            body["hint"] = "the report says what failed".into();
            web::json(StatusCode::INTERNAL_SERVER_ERROR, &body)
        }
        Err(failure) => {
            let mut body = failure.to_json();
            body["function"] = context.function().into();
            body["run_id"] = context.run_id().into();
            let mut response = web::failed(&failure);
            *response.body_mut() = format!("{body}\n");
            response
        }
    }
}

/// Answers a request to a function that reads.
pub async fn answer_read<H: Host>(
    context: &Context<H>,
    access: Access,
    request: Request,
    read: impl AsyncFnOnce(&Context<H>, &Request) -> anyhow::Result<Response>,
) -> Response {
    if let Some(refused) = web::check_method(&request, &[Method::GET, Method::HEAD], "GET, HEAD") {
        return refused;
    }
    let head = *request.method() == Method::HEAD;
    let outcome = match check_access(context, access, &request).await {
        Ok(None) => read(context, &request).await,
        Ok(Some(refused)) => Ok(refused),
        Err(error) => Err(error),
    };
    let mut response = outcome.unwrap_or_else(|error| web::failed(&told(context, &error)));
    if head {
        response.body_mut().clear();
    }
    response
}

/// Answers a request to a function that does what callers say. Only those who bear the token may say anything.
pub async fn answer_order<H: Host>(
    context: &Context<H>,
    order: Order,
    obey: impl AsyncFnOnce(&Context<H>, &Order) -> anyhow::Result<Response>,
) -> Response {
    let outcome = match check_access(context, Access::Token, &order).await {
        Ok(None) => obey(context, &order).await,
        Ok(Some(refused)) => Ok(refused),
        Err(error) => Err(error),
    };
    outcome.unwrap_or_else(|error| web::failed(&told(context, &error)))
}

async fn check_access<H: Host, B>(
    context: &Context<H>,
    access: Access,
    request: &http::Request<B>,
) -> anyhow::Result<Option<Response>> {
    if access == Access::Open {
        return Ok(None);
    }
    let config = context.config().await?;
    if access == Access::MetricsOpen && config.metrics_open {
        return Ok(None);
    }
    Ok(web::check_token(request, config.token()?))
}

/// Runs a function once, on whichever trigger, and journals it.
///
/// # Errors
///
/// Why the run failed, or why it could not be journaled.
pub async fn perform<H: Host>(
    context: &Context<H>,
    trigger: Trigger,
    deadline: Duration,
    run: impl AsyncFnOnce(&Context<H>) -> anyhow::Result<Report>,
) -> Result<Report, Failure> {
    let entry = match journal::start(context, trigger, deadline).await {
        Ok(entry) => entry,
        Err(error) => {
            return Err(told(
                context,
                &error.context("the run cannot be journaled and was not begun"),
            ));
        }
    };
    context.begin_run(entry.run_id, trigger);
    let outcome = match with_deadline("the run", deadline, run(context)).await {
        Ok(Ok(report)) => Ok(report),
        Ok(Err(error)) => Err(told(context, &error)),
        Err(exceeded) => Err(told(context, &exceeded.into())),
    };
    let mut touched = context.take_touched();
    let (ended, error) = match &outcome {
        Ok(report) => {
            touched.extend(report.fields.clone());
            (
                report.outcome,
                (report.outcome == RunOutcome::Failed).then_some(NOTHING_SUCCEEDED),
            )
        }
        Err(failure) => {
            add_failure(&mut touched, failure);
            (RunOutcome::Failed, Some(failure.error.as_str()))
        }
    };
    let written = journal::finish(context, &entry, ended, Value::Object(touched.clone()), error).await;
    context.log().info(
        "The run ended",
        json!({"trigger": trigger.as_str(), "outcome": ended.as_str()}),
    );
    match (outcome, written) {
        (Ok(report), Ok(())) => Ok(Report {
            fields: touched,
            ..report
        }),
        // What failed first is the cause to tell; that it could not be written down stands in the log.
        (Err(failure), written) => {
            written.unwrap_or_else(|error| drop(unwritten(context, error)));
            Err(failure)
        }
        (Ok(_), Err(error)) => Err(unwritten(context, error)),
    }
}

fn unwritten<H: Host>(context: &Context<H>, error: anyhow::Error) -> Failure {
    told(context, &error.context("the end of the run cannot be journaled"))
}

/// The code and the hint go into the report, where metrics and the dashboard find them.
fn add_failure(touched: &mut Map<String, Value>, failure: &Failure) {
    touched.insert("code".to_owned(), failure.code.into());
    if let Some(hint) = &failure.hint {
        touched.insert("hint".to_owned(), hint.as_str().into());
    }
}

/// Logs a failure and gives it back in the form that is answered.
fn told<H: Host>(context: &Context<H>, error: &anyhow::Error) -> Failure {
    let failure = Failure::of(error);
    context.log().error("The function failed", failure.to_json());
    failure
}
