//! The requests that tell a message, one after the other, and what the answers mean.

use std::time::Duration;

use super::destination::Destination;
use super::kind::Kind;
use super::message::Message;
use super::request::{Answer, Request};
use super::{
    alertmanager, discord, github, ntfy, opsgenie, pagerduty, postmark, resend, sendgrid, sentry, slack,
    teams, telegram, webhook,
};
use crate::delivery::{LONGEST_RETRY_AFTER, Verdict};

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it arrived.
    pub verdict: Verdict,
    /// What the receiver calls what it made of it, for the messages that follow.
    pub reference: Option<String>,
}

/// A message on its way. Send [`Exchange::request`], hand the answer to [`Exchange::answered`], and go on until there is
/// an outcome. To send everything once more from the beginning does no harm beyond a second copy of a text.
///
/// ```
/// use vitals::channel::{Answer, Destination, Exchange, Kind, Message, Settings};
///
/// let destination = Destination::new(Kind::Slack, Some("https://hooks.slack.com/x"), None, Settings::default())?;
/// let at = chrono::DateTime::UNIX_EPOCH;
/// let message = Message { key: "3f0c", at, notifications: &[], reference: None };
/// let mut exchange = Exchange::new(&destination, &message)?;
/// let request = exchange.request()?;
/// assert_eq!(request.url, "https://hooks.slack.com/x");
/// let answer = Answer { status: 200, headers: Vec::new(), body: "ok".to_owned() };
/// assert!(exchange.answered(&answer).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Exchange<'a> {
    destination: &'a Destination,
    message: &'a Message<'a>,
    course: Course,
}

#[derive(Debug)]
enum Course {
    /// These requests, whatever the answers say, as long as they are good.
    Straight { requests: Vec<Request>, place: usize },
    /// What comes next depends on the last answer.
    GitHub(github::Step),
}

impl<'a> Exchange<'a> {
    /// Begins to tell a message.
    ///
    /// # Errors
    ///
    /// None that is known of: the payloads are made of text and finite numbers.
    pub fn new(destination: &'a Destination, message: &'a Message<'a>) -> Result<Self, serde_json::Error> {
        let course = match straight(destination, message)? {
            Some(requests) => Course::Straight { requests, place: 0 },
            None => Course::GitHub(github::Step::first(message)),
        };
        Ok(Self {
            destination,
            message,
            course,
        })
    }

    /// The request to send next.
    ///
    /// # Errors
    ///
    /// None that is known of: the payloads are made of text and finite numbers.
    pub fn request(&self) -> Result<Request, serde_json::Error> {
        match &self.course {
            Course::Straight { requests, place } => match requests.get(*place) {
                Some(request) => Ok(request.clone()),
                // An exchange that has its outcome is asked no more; what it sent last is as good an answer as any.
                None => Ok(requests
                    .last()
                    .cloned()
                    .unwrap_or_else(|| Request::get(self.destination.address()))),
            },
            Course::GitHub(step) => step.request(self.destination, self.message),
        }
    }

    /// What the answer to that request means; `None` if there is more to send.
    pub fn answered(&mut self, answer: &Answer) -> Option<Outcome> {
        let verdict = verdict(self.destination.kind(), answer, self.message);
        if verdict != Verdict::Delivered {
            return Some(Outcome {
                verdict,
                reference: None,
            });
        }
        match &mut self.course {
            Course::Straight { requests, place } => {
                *place += 1;
                (*place >= requests.len()).then(|| Outcome {
                    verdict,
                    reference: reference(self.destination.kind(), answer),
                })
            }
            Course::GitHub(step) => match step.next(self.message, answer) {
                github::Next::Step(next) => {
                    *step = next;
                    None
                }
                github::Next::Done(reference) => Some(Outcome { verdict, reference }),
            },
        }
    }
}

/// The one request that tells a receiver of a kind that needs nothing but an address; `None` of other kinds. It is beside
/// [`Exchange`] for a component that is to stay small: no other kind becomes part of it.
///
/// # Errors
///
/// None that is known of: the payloads are made of text and finite numbers.
pub fn plain_request(
    destination: &Destination,
    message: &Message<'_>,
) -> Result<Option<Request>, serde_json::Error> {
    let request = match destination.kind() {
        Kind::Webhook => webhook::request(destination, message),
        Kind::Slack => slack::request(destination, message),
        Kind::Discord => discord::request(destination, message),
        Kind::Teams => teams::request(destination, message),
        Kind::Alertmanager => alertmanager::request(destination, message),
        _ => return Ok(None),
    };
    request.map(Some)
}

/// The requests of a kind that needs no answer to know the next.
fn straight(
    destination: &Destination,
    message: &Message<'_>,
) -> Result<Option<Vec<Request>>, serde_json::Error> {
    if let Some(request) = plain_request(destination, message)? {
        return Ok(Some(vec![request]));
    }
    let one = match destination.kind() {
        Kind::Resend => resend::request(destination, message),
        Kind::SendGrid => sendgrid::request(destination, message),
        Kind::Postmark => postmark::request(destination, message),
        Kind::Telegram => telegram::request(destination, message),
        Kind::Ntfy => ntfy::request(destination, message),
        Kind::PagerDuty => return pagerduty::requests(destination, message).map(Some),
        Kind::Opsgenie => return opsgenie::requests(destination, message).map(Some),
        Kind::Sentry => return sentry::requests(destination, message).map(Some),
        _ => return Ok(None),
    };
    Ok(Some(vec![one?]))
}

/// What an answer means, where a service says more than HTTP has words for.
fn verdict(kind: Kind, answer: &Answer, message: &Message<'_>) -> Verdict {
    let verdict = Verdict::of_status(answer.status, answer.header("retry-after"), message.at);
    match (kind, verdict) {
        (Kind::Discord, Verdict::Retry { after }) => Verdict::Retry {
            after: seconds(&answer.json()["retry_after"]).or(after),
        },
        (Kind::Telegram, Verdict::Retry { after }) => Verdict::Retry {
            after: seconds(&answer.json()["parameters"]["retry_after"]).or(after),
        },
        (Kind::GitHub, _) => github::verdict(verdict, answer, message.at),
        // Postmark refuses some messages with a good status.
        (Kind::Postmark, Verdict::Delivered)
            if answer.json()["ErrorCode"].as_i64().is_some_and(|code| code != 0) =>
        {
            Verdict::Refused
        }
        _ => verdict,
    }
}

fn seconds(value: &serde_json::Value) -> Option<Duration> {
    let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0)?;
    let longest = LONGEST_RETRY_AFTER.as_secs_f64();
    Duration::try_from_secs_f64(seconds.min(longest)).ok()
}

/// What the receiver calls the message, where later ones can refer to it.
fn reference(kind: Kind, answer: &Answer) -> Option<String> {
    match kind {
        Kind::Telegram => answer.json()["result"]["message_id"]
            .as_i64()
            .map(|number| number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[track_caller]
    fn judged(kind: Kind, status: u16, headers: &[(&str, &str)], body: &str) -> Verdict {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let answer = Answer {
            status,
            headers: headers.iter().map(owned).collect(),
            body: body.to_owned(),
        };
        let message = Message {
            key: "",
            at: DateTime::from_timestamp(1_000, 0).unwrap(),
            notifications: &[],
            reference: None,
        };
        verdict(kind, &answer, &message)
    }

    #[test]
    fn a_wait_is_read_where_the_service_writes_it() {
        let after = |milliseconds| Verdict::Retry {
            after: Some(Duration::from_millis(milliseconds)),
        };
        let header = [("retry-after", "3")];
        assert_eq!(
            judged(Kind::Discord, 429, &header, r#"{"retry_after": 0.25}"#),
            after(250)
        );
        assert_eq!(judged(Kind::Discord, 429, &header, "cut off"), after(3_000));
        assert_eq!(
            judged(Kind::Discord, 429, &[], r#"{"retry_after": -1}"#),
            Verdict::Retry { after: None }
        );
        assert_eq!(
            judged(Kind::Discord, 429, &[], r#"{"retry_after": 1e300}"#),
            after(86_400_000)
        );
        let body = r#"{"ok": false, "error_code": 429, "parameters": {"retry_after": 7}}"#;
        assert_eq!(judged(Kind::Telegram, 429, &[], body), after(7_000));
        assert_eq!(judged(Kind::Slack, 429, &header, body), after(3_000));
    }

    #[test]
    fn a_good_status_may_be_a_refusal() {
        let refused = r#"{"ErrorCode": 406, "Message": "inactive recipient"}"#;
        assert_eq!(judged(Kind::Postmark, 200, &[], refused), Verdict::Refused);
        assert_eq!(
            judged(Kind::Postmark, 200, &[], r#"{"ErrorCode": 0}"#),
            Verdict::Delivered
        );
        assert_eq!(judged(Kind::Webhook, 200, &[], refused), Verdict::Delivered);
    }

    #[test]
    fn github_says_by_its_headers_that_it_is_asked_too_often() {
        let limited = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1060")];
        assert_eq!(
            judged(Kind::GitHub, 403, &limited, ""),
            Verdict::Retry {
                after: Some(Duration::from_secs(60))
            }
        );
        assert_eq!(
            judged(Kind::GitHub, 403, &[("retry-after", "9")], ""),
            Verdict::Retry {
                after: Some(Duration::from_secs(9))
            }
        );
        assert_eq!(judged(Kind::GitHub, 403, &[], ""), Verdict::Refused);
        assert_eq!(judged(Kind::GitHub, 410, &[], ""), Verdict::Refused);
        assert_eq!(judged(Kind::Webhook, 410, &[], ""), Verdict::Gone);
    }
}
