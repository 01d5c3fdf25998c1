//! What an answer means for what was claimed.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use chrono::{DateTime, Utc};
use function::{Context, Host};
use store::channels::AttemptOutcome;
use store::outbox::{Delivery, Parcel};
use vitals::channel::{Kind, Outcome, alertmanager};
use vitals::delivery::{Backoff, Verdict};
use vitals::notification::Event;

use crate::telling::{TellError, Told, tell};

/// A parcel that was sent, or could not be.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) parcel: Parcel,
    /// What becomes of its messages; nothing if they were delivered before and only sent again.
    pub(crate) delivery: Option<Delivery>,
    /// What it says about the receiver.
    pub(crate) attempt: AttemptOutcome,
}

impl Sent {
    /// What went wrong.
    pub(crate) fn error(&self) -> Option<&str> {
        match &self.attempt {
            AttemptOutcome::Delivered => None,
            AttemptOutcome::Failed { error, .. }
            | AttemptOutcome::Refused { error }
            | AttemptOutcome::Gone { error } => Some(error),
        }
    }
}

/// Sends a parcel once and says what became of it.
pub(crate) async fn deliver<H: Host>(context: &Context<H>, parcel: Parcel, now: DateTime<Utc>) -> Sent {
    let told = tell(context, &parcel, now).await;
    let (delivery, attempt) = judge(&parcel, told, chance());
    Sent {
        parcel,
        delivery: Some(delivery),
        attempt,
    }
}

/// Sends again what was delivered before, so that the receiver does not take its alerts for over.
pub(crate) async fn keep_alive<H: Host>(context: &Context<H>, parcel: Parcel, now: DateTime<Utc>) -> Sent {
    let told = tell(context, &parcel, now).await;
    let (_, attempt) = judge(&parcel, told, chance());
    Sent {
        parcel,
        delivery: None,
        attempt,
    }
}

/// What the end of an exchange means for the messages and for their receiver. `random` is a number in `0..1`.
fn judge(parcel: &Parcel, told: Result<Told, TellError>, random: f64) -> (Delivery, AttemptOutcome) {
    let Told {
        outcome: Outcome { verdict, reference },
        answer,
    } = match told {
        Ok(told) => told,
        Err(error) => {
            let text = explained(&error);
            let attempt = AttemptOutcome::Failed {
                rest: None,
                error: text.clone(),
            };
            let delivery = match error.may_pass() {
                true => retry(parcel, None, text, random),
                false => Delivery::Dead { error: text },
            };
            return (delivery, attempt);
        }
    };
    match verdict {
        Verdict::Delivered => {
            let refresh = refresh(parcel);
            (
                Delivery::Delivered { reference, refresh },
                AttemptOutcome::Delivered,
            )
        }
        Verdict::Retry { after } => {
            let attempt = AttemptOutcome::Failed {
                rest: after,
                error: answer.clone(),
            };
            (retry(parcel, after, answer, random), attempt)
        }
        Verdict::Refused => {
            let error = answer.clone();
            (
                Delivery::Dead { error: answer },
                AttemptOutcome::Refused { error },
            )
        }
        Verdict::Gone => {
            let error = format!("{answer}; the channel was switched off");
            let attempt = AttemptOutcome::Gone { error: error.clone() };
            (Delivery::Dead { error }, attempt)
        }
    }
}

/// When to send it again, for receivers that take an alert for over if they hear nothing of it.
fn refresh(parcel: &Parcel) -> Option<Duration> {
    let is_over = parcel
        .messages
        .iter()
        .all(|message| message.event == Event::Resolved.as_str());
    let forgets = parcel.recipient.kind == Kind::Alertmanager.as_str();
    (forgets && !is_over).then_some(alertmanager::KEEP_ALIVE)
}

/// Another attempt, or none when that was the last.
fn retry(parcel: &Parcel, after: Option<Duration>, error: String, random: f64) -> Delivery {
    let attempt = u32::try_from(parcel.attempts()).unwrap_or(u32::MAX);
    match Backoff::default().delay(attempt, after, random) {
        Some(delay) => Delivery::Retry { delay, error },
        None => Delivery::Dead {
            error: format!("{error} (attempt {attempt} was the last)"),
        },
    }
}

/// A number in 0..1 that differs from run to run: the keys of the standard library's hash maps come from the host's
/// source of randomness.
fn chance() -> f64 {
    // 53 bits are what a float holds exactly.
    (RandomState::new().hash_one(0) >> 11) as f64 / (1_u64 << 53) as f64
}

/// An error with its causes and what to do, in one line.
fn explained(error: &TellError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    match error {
        TellError::Send(error) if error.code == "not_permitted" => {
            format!("{text}; allow it in variable webhook_hosts and restart")
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests;
