//! GitHub: an issue for each incident, commented on as it goes on and closed when it is over.
//!
//! The number of the issue is the reference that later messages have. A message without one looks for an open issue of
//! the incident first, by a mark that cannot be seen in the text: so that an issue that was made by an attempt whose
//! answer got lost is found again. It looks among the newest with the label `pgvitals`; GitHub drops labels that are set
//! by somebody who may not, so the token must be allowed to write issues.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::card::{Card, headline};
use super::destination::Destination;
use super::incident;
use super::message::Message;
use super::request::{Answer, Method, Request};
use super::untrusted::Markup;
use crate::delivery::{LONGEST_RETRY_AFTER, Verdict};
use crate::notification::Event;

/// The label by which issues are found again.
const LABEL: &str = "pgvitals";

/// How many of the newest open issues are looked through.
const LOOKED_THROUGH: u32 = 50;

const LONGEST_TITLE: usize = 256;
const LONGEST_TEXT: usize = 8_000;

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Look for an open issue of the incident.
    Find,
    /// Open an issue.
    Open,
    /// Say in its title how bad it is, and close it if it is over.
    Update {
        /// The number of the issue.
        number: i64,
    },
    /// Tell what happened.
    Comment {
        /// The number of the issue.
        number: i64,
    },
}

/// What follows from an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Step(Step),
    /// It is told; with the number of the issue if there is one.
    Done(Option<String>),
}

/// A new issue.
#[derive(Clone, Debug, Serialize)]
pub struct Issue {
    /// One line.
    pub title: String,
    /// What happened, in Markdown.
    pub body: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// Who is to look after it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assignees: Vec<String>,
}

/// What changes of an issue.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// One line.
    pub title: String,
    /// `open` or `closed`.
    pub state: &'static str,
    /// Why it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_reason: Option<&'static str>,
}

/// A comment.
#[derive(Clone, Debug, Serialize)]
pub struct Comment {
    /// What happened, in Markdown.
    pub body: String,
}

impl Step {
    /// What is done first.
    pub(super) fn first(message: &Message<'_>) -> Self {
        match message.reference.and_then(|reference| reference.parse().ok()) {
            Some(number) => Self::Update { number },
            None => Self::Find,
        }
    }

    pub(super) fn request(
        self,
        destination: &Destination,
        message: &Message<'_>,
    ) -> Result<Request, serde_json::Error> {
        let settings = destination.settings();
        let repository = settings.repository.as_deref().unwrap_or_default();
        let issues = destination.below(&format!("/repos/{repository}/issues"));
        let title = title(message);
        let request = match self {
            Self::Find => Request::get(format!(
                "{issues}?state=open&labels={LABEL}&sort=created&direction=desc&per_page={LOOKED_THROUGH}"
            )),
            Self::Open => {
                let labels = std::iter::once(LABEL.to_owned()).chain(settings.labels.clone());
                let issue = Issue {
                    title,
                    body: format!("{}\n\n{}", text(message), mark(message)),
                    labels: labels.collect(),
                    assignees: settings.assignees.clone(),
                };
                Request::json(Method::Post, issues, &issue)?
            }
            Self::Update { number } => {
                let is_over = is_over(message);
                let change = Change {
                    title,
                    state: if is_over { "closed" } else { "open" },
                    state_reason: is_over.then_some("completed"),
                };
                Request::json(Method::Patch, format!("{issues}/{number}"), &change)?
            }
            Self::Comment { number } => {
                let comment = Comment { body: text(message) };
                Request::json(Method::Post, format!("{issues}/{number}/comments"), &comment)?
            }
        };
        Ok(request
            .header("authorization", format!("Bearer {}", destination.key()))
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28"))
    }

    /// What follows from a good answer.
    pub(super) fn next(self, message: &Message<'_>, answer: &Answer) -> Next {
        match self {
            Self::Find => match find(message, answer) {
                Some((number, true)) => Next::Done(Some(number.to_string())),
                Some((number, false)) => Next::Step(Self::Update { number }),
                // There is nothing to close, and nobody wants to hear of the end of what they never heard of.
                None if is_over(message) => Next::Done(None),
                None => Next::Step(Self::Open),
            },
            Self::Open => Next::Done(answer.json()["number"].as_i64().map(|number| number.to_string())),
            // The comment comes last: an attempt that fails before it has told nothing twice.
            Self::Update { number } => Next::Step(Self::Comment { number }),
            Self::Comment { number } => Next::Done(Some(number.to_string())),
        }
    }
}

/// What an answer means. GitHub says 403 to who asks too often, and 410 of an issue that somebody deleted.
pub(super) fn verdict(verdict: Verdict, answer: &Answer, now: DateTime<Utc>) -> Verdict {
    match (verdict, answer.status) {
        (Verdict::Gone, _) => Verdict::Refused,
        (Verdict::Refused | Verdict::Retry { .. }, 403 | 429) => {
            let asked = answer
                .header("retry-after")
                .and_then(|header| crate::delivery::parse_retry_after(header, now));
            match asked.or_else(|| limit_ends(answer, now)) {
                Some(after) => Verdict::Retry { after: Some(after) },
                None => verdict,
            }
        }
        _ => verdict,
    }
}

fn limit_ends(answer: &Answer, now: DateTime<Utc>) -> Option<Duration> {
    if answer.header("x-ratelimit-remaining") != Some("0") {
        return None;
    }
    let reset: i64 = answer.header("x-ratelimit-reset")?.parse().ok()?;
    let wait = DateTime::from_timestamp(reset, 0)? - now;
    Some(wait.to_std().unwrap_or_default().min(LONGEST_RETRY_AFTER))
}

/// The newest open issue of the incident, and whether it was made by this very message.
fn find(message: &Message<'_>, answer: &Answer) -> Option<(i64, bool)> {
    let issues = answer.json();
    let (mark, incident) = (mark(message), incident_mark(message));
    issues.as_array()?.iter().find_map(|issue| {
        let body = issue["body"].as_str()?;
        let is_ours = body.contains(&incident);
        Some((
            issue["number"].as_i64().filter(|_| is_ours)?,
            body.contains(&mark),
        ))
    })
}

fn incident_mark(message: &Message<'_>) -> String {
    let incident = message
        .notifications
        .first()
        .map(|notification| notification.incident.as_str());
    format!(
        "<!-- pgvitals incident {}",
        incident::short_hash(incident.unwrap_or_default())
    )
}

fn mark(message: &Message<'_>) -> String {
    format!("{} message {} -->", incident_mark(message), message.key)
}

fn is_over(message: &Message<'_>) -> bool {
    message
        .notifications
        .iter()
        .all(|notification| notification.event == Event::Resolved)
}

fn title(message: &Message<'_>) -> String {
    let headline = message.notifications.first().map(headline);
    headline
        .map(|headline| headline.written(Markup::Plain, LONGEST_TITLE))
        .unwrap_or_default()
}

fn text(message: &Message<'_>) -> String {
    let card = Card::new(message.notifications);
    let mut text = format!("{}\n", card.text(Markup::GitHub, LONGEST_TEXT));
    if !card.facts.is_empty() {
        text.push_str("\n| | |\n|--|--|\n");
        for (name, fact) in &card.facts {
            let fact = fact.written(Markup::GitHub, LONGEST_TEXT);
            text.push_str(&format!("| {name} | {fact} |\n"));
        }
    }
    for (label, url) in &card.links {
        text.push_str(&format!("\n[{label}](<{url}>)"));
    }
    text.push_str(&format!(
        "\n\n<sub>{}</sub>",
        card.footer.written(Markup::GitHub, LONGEST_TEXT)
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notification::tests::story;

    fn answer(body: &serde_json::Value) -> Answer {
        Answer {
            status: 200,
            headers: Vec::new(),
            body: body.to_string(),
        }
    }

    #[test]
    fn an_issue_is_found_by_its_mark_and_only_a_lost_answer_is_not_repeated() {
        let [firing, _, resolved] = story();
        let message = |key, notifications| Message {
            key,
            at: DateTime::UNIX_EPOCH,
            notifications,
            reference: None,
        };
        let first = [firing];
        let made = message("one", &first);
        let body = text(&made) + &mark(&made);
        let other = serde_json::json!({"number": 8, "body": "an issue of somebody else"});
        let found = answer(&serde_json::json!([other, {"number": 7, "body": body}]));
        assert_eq!(Step::Find.next(&made, &found), Next::Done(Some("7".to_owned())));
        let over = [resolved];
        let later = message("two", &over);
        assert_eq!(
            Step::Find.next(&later, &found),
            Next::Step(Step::Update { number: 7 })
        );
        let nothing = answer(&serde_json::json!([other]));
        assert_eq!(Step::Find.next(&made, &nothing), Next::Step(Step::Open));
        assert_eq!(Step::Find.next(&later, &nothing), Next::Done(None));
        assert_eq!(
            Step::Update { number: 7 }.next(&later, &found),
            Next::Step(Step::Comment { number: 7 })
        );
    }
}
