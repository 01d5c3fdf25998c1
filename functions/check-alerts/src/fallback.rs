//! What is said when alerts cannot be evaluated, past the database that is away: to a channel that a variable names, once
//! for each outage and once when it is over.
//!
//! What was said is remembered in the key-value store that the host offers, so that neither the next round nor the next
//! process says it again.

use std::time::SystemTime;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use function::config::Fallback;
use function::exchange::outgoing;
use function::{Context, Failure, Host, Report};
use serde_json::json;
use vitals::channel::{Destination, Message, Settings, plain_request};
use vitals::notification::{Event, Notification};
use vitals::outage::{self, Outage, Step, Trouble};

/// The key under which an outage is remembered.
const MEMORY: &str = "check-alerts/outage";

/// Says what is to be said after a round. That this fails is said in the log; there is no other place left.
pub(crate) async fn tell<H: Host>(context: &Context<H>, outcome: &Result<Report, Failure>) {
    let fallback = match context.config().await {
        Ok(config) => config.fallback.clone(),
        // It stands in the log already.
        Err(_) => return,
    };
    let Some(fallback) = fallback else { return };
    if let Err(error) = try_tell(context, &fallback, outcome).await {
        context.log().error(
            "The fallback channel could not be told",
            Failure::of(&error).to_json(),
        );
    }
}

async fn try_tell<H: Host>(
    context: &Context<H>,
    fallback: &Fallback,
    outcome: &Result<Report, Failure>,
) -> anyhow::Result<()> {
    let known: Option<Outage> = context.recall(MEMORY).await?;
    // The database's clock is not to be had.
    let now = DateTime::<Utc>::from(SystemTime::now());
    let step = match outcome {
        Ok(_) => Outage::after_success(known, now),
        Err(_) => Outage::after_failure(known, now),
    };
    match step {
        Step::Nothing => Ok(()),
        Step::Remember(outage) => context.remember(MEMORY, &outage).await,
        Step::Forget => context.forget(MEMORY).await,
        Step::Tell(outage) => {
            context.remember(MEMORY, &outage).await?;
            let trouble = outcome.as_ref().err().map(trouble);
            send(context, fallback, &outage, trouble, now).await?;
            context.remember(MEMORY, &outage.told(now)).await
        }
        Step::TellRecovery(outage) => {
            context.remember(MEMORY, &outage).await?;
            send(context, fallback, &outage, None, now).await?;
            context.forget(MEMORY).await
        }
    }
}

/// A failure in the words of a message.
fn trouble(failure: &Failure) -> Trouble<'_> {
    let what = match failure.code {
        "connect_failed" | "connect_timeout" | "tls" | "connection_lost" | "deadline_exceeded" => {
            "The monitoring database cannot be reached"
        }
        "authentication_failed" | "too_many_connections" => "The monitoring database lets nobody in",
        _ => "Alerts cannot be evaluated",
    };
    Trouble {
        what,
        error: &failure.error,
        advice: failure.hint.as_deref(),
    }
}

/// Sends the news of an outage, or of its end.
async fn send<H: Host>(
    context: &Context<H>,
    fallback: &Fallback,
    outage: &Outage,
    trouble: Option<Trouble<'_>>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let external_url = &context.config().await?.external_url;
    let news = outage::notification(outage, trouble, external_url, now);
    let event = news.event;
    deliver(context, fallback, &outage.key(event), &news, now)
        .await
        .context("cannot send to the fallback channel")?;
    let message = match event {
        Event::Resolved => "The fallback channel was told that alerts are evaluated again",
        _ => "The fallback channel was told that alerts are not evaluated",
    };
    context.log().warn(message, json!({ "since": outage.since }));
    Ok(())
}

async fn deliver<H: Host>(
    context: &Context<H>,
    fallback: &Fallback,
    key: &str,
    news: &Notification,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let destination = Destination::new(
        fallback.kind,
        Some(fallback.url.expose()),
        None,
        Settings::default(),
    )?;
    let message = Message {
        key,
        at: now,
        notifications: std::slice::from_ref(news),
        reference: None,
    };
    // The configuration took no other kind.
    let request = plain_request(&destination, &message)?.context("it needs more than an address")?;
    let answer = context.send(outgoing(request)?).await?;
    let status = answer.status();
    // What it said may repeat the address.
    anyhow::ensure!(status.is_success(), "it answered {status}");
    Ok(())
}
