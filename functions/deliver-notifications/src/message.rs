//! One message, from its channel's format to what the answer means.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use chrono::{DateTime, Utc};
use function::{Context, Host};
use store::channels::Address;
use store::outbox::{Delivery, Message};
use vitals::channel::{Kind, webhook};
use vitals::delivery::{Backoff, Verdict};
use vitals::notification::Notification;

/// How many characters of a receiver's answer are kept as the reason.
const LONGEST_ANSWER: usize = 200;

/// Why a message cannot be sent as it is.
#[derive(Debug, thiserror::Error)]
enum MessageError {
    #[error("variable channel_urls has no address named {0}; add it and restart")]
    Secret(String),
    #[error("the channel is of an unknown kind")]
    Kind(#[from] vitals::UnknownName),
    #[error("the stored notification cannot be read")]
    Payload(#[from] serde_json::Error),
    #[error("the address of the channel cannot be used")]
    Address(#[from] http::Error),
}

/// Sends a message once and says what became of it.
pub(crate) async fn deliver<H: Host>(
    context: &Context<H>,
    message: &Message,
    now: DateTime<Utc>,
) -> Delivery {
    let request = match request(context, message, now).await {
        Ok(request) => request,
        // The operator may add the address; everything else stays as it is.
        Err(error @ MessageError::Secret(_)) => return retry(message, None, error.to_string()),
        Err(error) => return Delivery::Dead { error: told(&error) },
    };
    match context.send(request).await {
        Ok(answer) => judge(message, &answer, now),
        Err(error) if error.code == "not_permitted" => {
            let mend = "allow it in variable webhook_hosts and restart";
            retry(message, None, format!("{error}; {mend}"))
        }
        Err(error) => {
            let Verdict::Retry { after } = Verdict::of_no_answer() else {
                return Delivery::Dead {
                    error: error.to_string(),
                };
            };
            retry(message, after, format!("{}: {error}", error.code))
        }
    }
}

async fn request<H: Host>(
    context: &Context<H>,
    message: &Message,
    now: DateTime<Utc>,
) -> Result<http::Request<String>, MessageError> {
    let kind: Kind = message.kind.parse()?;
    let notification: Notification = serde_json::from_value(message.payload.clone())?;
    let url = match &message.address {
        Address::Url(url) => url.clone(),
        Address::Secret(name) => {
            // The configuration was read before anything was claimed.
            let secret = context
                .config()
                .await
                .ok()
                .and_then(|config| config.channel_urls.get(name));
            secret
                .ok_or_else(|| MessageError::Secret(name.clone()))?
                .expose()
                .to_owned()
        }
    };
    let body = kind.body(&notification)?;
    let request = http::Request::post(url)
        .header("content-type", "application/json")
        // Without it the body would be sent in chunks, which not every receiver of webhooks understands.
        .header("content-length", body.len())
        .header("user-agent", concat!("pgvitals/", env!("CARGO_PKG_VERSION")))
        .header(webhook::ID_HEADER, &message.message_id)
        .header(webhook::TIMESTAMP_HEADER, now.timestamp());
    Ok(request.body(body)?)
}

/// What a receiver said, as far as it may be kept. Many repeat the path they were asked for, and where the address is a
/// secret the path is what makes it one.
fn said<'a>(message: &Message, answer: &'a http::Response<String>) -> &'a str {
    match message.address {
        Address::Url(_) => answer.body(),
        Address::Secret(_) => "",
    }
}

/// What the answer of a receiver means for a message.
fn judge(message: &Message, answer: &http::Response<String>, now: DateTime<Utc>) -> Delivery {
    let retry_after = answer
        .headers()
        .get("retry-after")
        .and_then(|header| header.to_str().ok());
    let status = answer.status();
    match Verdict::of_status(status.as_u16(), retry_after, now) {
        Verdict::Delivered => Delivery::Delivered,
        Verdict::Retry { after } => retry(message, after, refusal(status, said(message, answer))),
        Verdict::Refused => Delivery::Dead {
            error: refusal(status, said(message, answer)),
        },
    }
}

fn refusal(status: http::StatusCode, body: &str) -> String {
    // PostgreSQL takes no NUL, and a log line no line break.
    let body: String = body
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let body = vitals::text::truncate(body.trim(), LONGEST_ANSWER);
    if body.is_empty() {
        format!("answered {status}")
    } else {
        format!("answered {status}: {body}")
    }
}

/// Another attempt, or none when that was the last.
fn retry(message: &Message, after: Option<Duration>, error: String) -> Delivery {
    let attempt = u32::try_from(message.attempts).unwrap_or(u32::MAX);
    match Backoff::default().delay(attempt, after, chance()) {
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

/// An error with its causes, in one line.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(attempts: i32) -> Message {
        Message {
            message_id: "3f0c".to_owned(),
            alert_id: 1,
            sequence: 1,
            event: "firing".to_owned(),
            payload: serde_json::Value::Null,
            attempts,
            created_at: DateTime::UNIX_EPOCH,
            channel_id: 1,
            channel: "oncall".to_owned(),
            kind: "webhook".to_owned(),
            address: Address::Url("https://example.com/hook".to_owned()),
        }
    }

    #[track_caller]
    fn check(attempts: i32, status: u16, expected: &str) {
        let answer = http::Response::builder()
            .status(status)
            .header("retry-after", "7")
            .body(" no\n".to_owned());
        let delivery = judge(&message(attempts), &answer.unwrap(), DateTime::UNIX_EPOCH);
        let told = match delivery {
            Delivery::Delivered => "delivered".to_owned(),
            Delivery::Retry { delay, error } => {
                assert!(
                    delay >= Duration::from_secs(7),
                    "Retry-After is the least: {delay:?}"
                );
                format!("retry: {error}")
            }
            Delivery::Dead { error } => format!("dead: {error}"),
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn an_answer_decides_what_becomes_of_a_message() {
        check(1, 204, "delivered");
        check(1, 429, "retry: answered 429 Too Many Requests: no");
        check(1, 503, "retry: answered 503 Service Unavailable: no");
        check(1, 404, "dead: answered 404 Not Found: no");
        check(1, 302, "dead: answered 302 Found: no");
        check(
            20,
            500,
            "dead: answered 500 Internal Server Error: no (attempt 20 was the last)",
        );
    }

    #[test]
    fn what_a_receiver_says_can_be_kept() {
        let answer = http::Response::builder()
            .status(500)
            .body("a\0b\nc /T0/SECRET".to_owned())
            .unwrap();
        let told = |message: &Message| match judge(message, &answer, DateTime::UNIX_EPOCH) {
            Delivery::Retry { error, .. } => error,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            told(&message(1)),
            "answered 500 Internal Server Error: a b c /T0/SECRET"
        );
        let secret = Message {
            address: Address::Secret("oncall".to_owned()),
            ..message(1)
        };
        assert_eq!(told(&secret), "answered 500 Internal Server Error");
    }

    #[test]
    fn chance_is_a_share() {
        let chances: Vec<f64> = (0..100).map(|_| chance()).collect();
        assert!(chances.iter().all(|chance| (0.0..1.0).contains(chance)));
        assert!(chances.iter().any(|chance| *chance != chances[0]));
    }
}
