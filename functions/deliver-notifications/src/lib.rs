//! Sends queued notifications to their channels, at least once.
//!
//! Triggers: cron, and `curl -X POST -H "authorization: Bearer $TOKEN" localhost:3000/deliver-notifications`.
//!
//! - `message`: one message, from its channel's format to what the answer means
//! - `lib`: claiming, sending at once, writing down

mod message;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use db::{Client, DbError, Preamble, unit_of_work};
use function::{Context, Host, Report, concurrently};
use store::outbox::{self, Delivery, Message};

/// How long a run may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// After this long no more messages are claimed: what is claimed can then still be sent and written down in time.
const LAST_CLAIM: Duration = Duration::from_secs(30);

/// How many messages of each channel are claimed, and sent, at once: one whose receiver hangs takes no turn from others.
const OF_EACH_CHANNEL: i64 = 8;

/// How long a claim holds: longer than sending and writing down can take, so that no other run sends the same message
/// meanwhile.
const LEASE: Duration = Duration::from_secs(40);

function::export! {
    name: "deliver-notifications",
    deadline: DEADLINE,
    run: run,
}

/// Sends what is due, batch after batch, as the next message of an alert is due once the one before it was delivered.
///
/// # Errors
///
/// What kept the outbox from being read or written. A receiver that does not take a message is no error of the run: the
/// message waits, or is given up, with the reason.
pub async fn run<H: Host>(context: &Context<H>) -> anyhow::Result<Report> {
    let begin = Instant::now();
    let monitoring = context
        .monitoring()
        .await
        .context("cannot open the monitoring database")?;
    let preamble = context.preamble();
    let mut counts = Counts::default();
    while begin.elapsed() < LAST_CLAIM {
        let (messages, now) = claim(context, &monitoring)
            .await
            .context("cannot claim messages")?;
        if messages.is_empty() {
            break;
        }
        let done = concurrently(messages.len(), messages, async |message| {
            let delivery = message::deliver(context, &message, now).await;
            (message, delivery)
        })
        .await;
        for (message, delivery) in &done {
            counts.add(delivery);
            log(context, message, delivery);
        }
        complete(&monitoring, &preamble, &done)
            .await
            .context("cannot write down what was delivered")?;
        counts.note(context);
    }
    counts.note(context);
    Ok(if counts.retried + counts.dead == 0 {
        Report::ok()
    } else {
        Report::partial()
    })
}

async fn claim<H: Host>(
    context: &Context<H>,
    client: &impl Client,
) -> Result<(Vec<Message>, DateTime<Utc>), DbError> {
    unit_of_work(client, &context.preamble(), async |client| {
        let messages = outbox::claim_due(client, OF_EACH_CHANNEL, LEASE).await?;
        let now = context.now(client).await?;
        Ok((messages, now))
    })
    .await
}

async fn complete(
    client: &impl Client,
    preamble: &Preamble,
    done: &[(Message, Delivery)],
) -> Result<(), DbError> {
    unit_of_work(client, preamble, async |client| {
        outbox::complete(client, done).await.map(|_| ())
    })
    .await
}

/// What became of the messages of a run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    delivered: u64,
    retried: u64,
    dead: u64,
}

impl Counts {
    fn add(&mut self, delivery: &Delivery) {
        match delivery {
            Delivery::Delivered => self.delivered += 1,
            Delivery::Retry { .. } => self.retried += 1,
            Delivery::Dead { .. } => self.dead += 1,
        }
    }

    fn note<H: Host>(self, context: &Context<H>) {
        context.touched("delivered", self.delivered);
        context.touched("retried", self.retried);
        context.touched("dead", self.dead);
    }
}

/// Says what went wrong, by the name of the channel; its address may be a secret.
fn log<H: Host>(context: &Context<H>, message: &Message, delivery: &Delivery) {
    let fields = |error: &str| {
        serde_json::json!({
            "channel": message.channel,
            "message_id": message.message_id,
            "attempts": message.attempts,
            "error": error,
        })
    };
    match delivery {
        Delivery::Delivered => {}
        Delivery::Retry { error, .. } => {
            context.log().warn(
                "A notification was not delivered and will be tried again",
                fields(error),
            );
        }
        Delivery::Dead { error } => {
            context.log().error("A notification was given up", fields(error));
        }
    }
}
