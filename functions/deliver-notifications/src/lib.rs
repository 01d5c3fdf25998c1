//! Sends queued notifications to their channels, at least once.
//!
//! Triggers: cron, and `curl -X POST -H "authorization: Bearer $TOKEN" localhost:3000/deliver-notifications`.
//!
//! - `destination`: where a message may go, from the row of its channel and the secrets
//! - `telling`: one message told, request by request
//! - `parcel`: what an answer means for what was claimed
//! - `lib`: claiming, sending at once, writing down

mod destination;
mod parcel;
mod telling;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use db::{Client, DbError, Preamble, unit_of_work};
use function::{Context, Host, Report};
use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt as _};
use parcel::Sent;
use store::outbox::{self, Claim, Delivery, Parcel};
use store::{channels, channels::Attempt};
use vitals::channel::{Kind, alertmanager};

/// How long a run may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// After this long nothing more is claimed: what is claimed can then still be sent and written down in time, as no
/// receiver is waited for longer than 25 seconds.
const LAST_CLAIM: Duration = Duration::from_secs(30);

/// How many messages are sent at once.
const AT_ONCE: usize = 64;

/// How many messages of each channel are sent at once: one whose receiver hangs takes no turn from others.
const OF_EACH_CHANNEL: i64 = 8;

/// How long a claim holds: longer than sending and writing down can take, so that no other run sends the same message
/// meanwhile.
const LEASE: Duration = Duration::from_secs(40);

/// How many alerts are kept alive in a run; there is one every few seconds.
const REFRESHED: i64 = 1_000;

function::export! {
    name: "deliver-notifications",
    deadline: DEADLINE,
    run: run,
}

/// Sends what is due, and claims more as soon as something was answered: the next message of an alert is due once the one
/// before it was delivered.
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
    let mut under_way = FuturesUnordered::new();
    let (alive, now) = claim_refreshes(context, &monitoring)
        .await
        .context("cannot claim what is to be sent again")?;
    under_way.extend(
        alive
            .into_iter()
            .map(|parcel| parcel::keep_alive(context, parcel, now).left_future()),
    );
    loop {
        if begin.elapsed() < LAST_CLAIM && under_way.len() < AT_ONCE {
            let (parcels, now) = claim(context, &monitoring, AT_ONCE - under_way.len())
                .await
                .context("cannot claim messages")?;
            let sending = parcels
                .into_iter()
                .map(|parcel| parcel::deliver(context, parcel, now));
            under_way.extend(sending.map(FutureExt::right_future));
        }
        let Some(first) = under_way.next().await else {
            break;
        };
        let mut sent = vec![first];
        // What was answered meanwhile is written down along with it.
        while let Some(Some(next)) = under_way.next().now_or_never() {
            sent.push(next);
        }
        for sent in &sent {
            counts.add(sent);
            log(context, sent);
        }
        write_down(&monitoring, &preamble, sent)
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
    parcels: usize,
) -> Result<(Vec<Parcel>, DateTime<Utc>), DbError> {
    let grouped_kinds: Vec<&str> = Kind::ALL
        .iter()
        .filter(|kind| kind.takes_groups())
        .map(|kind| kind.as_str())
        .collect();
    let claim = Claim {
        of_each_channel: OF_EACH_CHANNEL,
        parcels: i64::try_from(parcels).unwrap_or(i64::MAX),
        lease: LEASE,
        grouped_kinds: &grouped_kinds,
    };
    unit_of_work(client, &context.preamble(), async |client| {
        let parcels = outbox::claim_due(client, &claim).await?;
        Ok((parcels, context.now(client).await?))
    })
    .await
}

async fn claim_refreshes<H: Host>(
    context: &Context<H>,
    client: &impl Client,
) -> Result<(Vec<Parcel>, DateTime<Utc>), DbError> {
    unit_of_work(client, &context.preamble(), async |client| {
        let parcels = outbox::claim_refreshes(client, REFRESHED, alertmanager::KEEP_ALIVE).await?;
        Ok((parcels, context.now(client).await?))
    })
    .await
}

/// What became of the messages and what it says of their receivers, in one transaction.
async fn write_down(client: &impl Client, preamble: &Preamble, sent: Vec<Sent>) -> Result<(), DbError> {
    let attempts: Vec<Attempt> = sent
        .iter()
        .map(|sent| Attempt {
            channel_id: sent.parcel.recipient.channel_id,
            outcome: sent.attempt.clone(),
        })
        .collect();
    let done: Vec<(Parcel, Delivery)> = sent
        .into_iter()
        .filter_map(|sent| Some((sent.parcel, sent.delivery?)))
        .collect();
    unit_of_work(client, preamble, async |client| {
        channels::record(client, &attempts).await?;
        outbox::complete(client, &done).await.map(|_| ())
    })
    .await
}

/// What became of the messages of a run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    delivered: u64,
    retried: u64,
    dead: u64,
    kept_alive: u64,
}

impl Counts {
    fn add(&mut self, sent: &Sent) {
        let count = match &sent.delivery {
            None => &mut self.kept_alive,
            Some(Delivery::Delivered { .. }) => &mut self.delivered,
            Some(Delivery::Retry { .. }) => &mut self.retried,
            Some(Delivery::Dead { .. }) => &mut self.dead,
        };
        *count += sent.parcel.messages.len() as u64;
    }

    fn note<H: Host>(self, context: &Context<H>) {
        context.touched("delivered", self.delivered);
        context.touched("retried", self.retried);
        context.touched("dead", self.dead);
        context.touched("kept_alive", self.kept_alive);
    }
}

/// Says what went wrong, by the name of the channel; its address may be a secret.
fn log<H: Host>(context: &Context<H>, sent: &Sent) {
    let Some(error) = sent.error() else { return };
    let fields = serde_json::json!({
        "channel": sent.parcel.recipient.name,
        "message_id": sent.parcel.key,
        "messages": sent.parcel.messages.len(),
        "attempts": sent.parcel.attempts(),
        "error": error,
    });
    match &sent.delivery {
        Some(Delivery::Dead { .. }) => context.log().error("A notification was given up", fields),
        Some(_) => context
            .log()
            .warn("A notification was not delivered and will be tried again", fields),
        None => context
            .log()
            .warn("A receiver could not be told that its alerts still fire", fields),
    }
}
