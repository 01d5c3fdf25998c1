//! One message told, request by request.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use function::config::Config;
use function::exchange::{answer, outgoing};
use function::{Context, Host, SendError};
use store::outbox::Parcel;
use vitals::channel::{Answer, Exchange, Message, Outcome, Request};
use vitals::notification::Notification;

use crate::destination::{Unreachable, check_place, destination};

/// How many characters of a receiver's answer are kept as the reason.
const LONGEST_ANSWER: usize = 200;

/// What became of a message, and what the receiver said last.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) outcome: Outcome,
    pub(crate) answer: String,
}

/// Why a message was not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TellError {
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error("the stored notification cannot be read")]
    Payload(#[source] serde_json::Error),
    // What happened follows as its source.
    #[error("{code}", code = .0.code)]
    Send(#[from] SendError),
}

impl TellError {
    /// Whether another attempt may do better.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(error) => error.may_pass(),
            Self::Payload(_) => false,
            Self::Send(_) => true,
        }
    }
}

/// Tells the receiver of a parcel what is in it, within the time that its channel gives it for all requests together.
pub(crate) async fn tell<H: Host>(
    context: &Context<H>,
    parcel: &Parcel,
    now: DateTime<Utc>,
) -> Result<Told, TellError> {
    // The configuration was read before anything was claimed.
    let Ok(config) = context.config().await else {
        return Err(SendError::new("configuration", "the variables cannot be read").into());
    };
    let destination = destination(config, &parcel.recipient)?;
    let notifications: Vec<Notification> = parcel
        .messages
        .iter()
        .map(|message| serde_json::from_value(message.payload.clone()))
        .collect::<Result<_, _>>()
        .map_err(TellError::Payload)?;
    let message = Message {
        key: &parcel.key,
        at: now,
        notifications: &notifications,
        // Of several messages each may refer to another one.
        reference: match parcel.messages.as_slice() {
            [one] => one.reference.as_deref(),
            _ => None,
        },
    };
    let mut exchange = Exchange::new(&destination, &message).map_err(TellError::Payload)?;
    let begin = Instant::now();
    loop {
        let request = exchange.request().map_err(TellError::Payload)?;
        let left = parcel.recipient.timeout.saturating_sub(begin.elapsed());
        let answer = send(context, config, request, left).await?;
        if let Some(outcome) = exchange.answered(&answer) {
            return Ok(Told {
                outcome,
                answer: reason(config, parcel, &answer),
            });
        }
    }
}

async fn send<H: Host>(
    context: &Context<H>,
    config: &Config,
    request: Request,
    limit: Duration,
) -> Result<Answer, TellError> {
    let request = outgoing(request).map_err(Unreachable::Address)?;
    check_place(config, request.uri())?;
    let response = context.send_within(limit, request).await?;
    Ok(answer(&response))
}

/// What a receiver said, as far as it may be kept. Many repeat the path they were asked for, and where the address is a
/// secret the path is what makes it one; a key that is repeated is masked.
fn reason(config: &Config, parcel: &Parcel, answer: &Answer) -> String {
    let status = http::StatusCode::from_u16(answer.status).map_or_else(
        |_| answer.status.to_string(),
        |status| {
            status
                .to_string()
                .trim_end_matches(" <unknown status code>")
                .to_owned()
        },
    );
    let recipient = &parcel.recipient;
    if matches!(recipient.address, store::channels::Address::Secret(_)) {
        return format!("answered {status}");
    }
    let key = recipient
        .key
        .as_ref()
        .and_then(|name| config.channel_secrets.get(name));
    let body = match key.map(function::Secret::expose).filter(|key| !key.is_empty()) {
        Some(key) => answer.body.replace(key, "***"),
        None => answer.body.clone(),
    };
    // PostgreSQL takes no NUL, and a log line no line break.
    let body: String = body
        .chars()
        .take(LONGEST_ANSWER * 2)
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    let body = vitals::text::truncate(body.trim(), LONGEST_ANSWER);
    match body.is_empty() {
        true => format!("answered {status}"),
        false => format!("answered {status}: {body}"),
    }
}
