//! `pgvitals notifications`: messages to channels, what waits and what was given up.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use store::outbox::{self, Letter, LetterState};

use crate::arguments::{ListNotifications, NotificationState, Notifications, RetryNotifications};
use crate::monitoring;
use crate::output::{Listing, Output};
use crate::settings::Settings;

pub(crate) async fn run(command: &Notifications, settings: &Settings, output: &Output) -> Result<()> {
    match command {
        Notifications::List(arguments) => list(arguments, settings, output).await,
        Notifications::Retry(arguments) => retry(arguments, settings, output).await,
    }
}

impl From<NotificationState> for LetterState {
    fn from(state: NotificationState) -> Self {
        match state {
            NotificationState::Waiting => Self::Waiting,
            NotificationState::Dead => Self::Dead,
            NotificationState::Delivered => Self::Delivered,
        }
    }
}

#[derive(Serialize)]
struct Item {
    message_id: String,
    channel: String,
    kind: String,
    alert_id: Option<i64>,
    event: String,
    target: Option<String>,
    rule: Option<String>,
    subject: Option<String>,
    created_at: DateTime<Utc>,
    attempts: i64,
    next_attempt_at: Option<DateTime<Utc>>,
    delivered_at: Option<DateTime<Utc>>,
    dead_at: Option<DateTime<Utc>>,
    last_error: Option<String>,
}

impl From<Letter> for Item {
    fn from(letter: Letter) -> Self {
        Self {
            message_id: letter.message_id,
            channel: letter.channel,
            kind: letter.kind,
            alert_id: letter.alert_id,
            event: letter.event,
            target: letter.target,
            rule: letter.rule_id,
            subject: letter.subject_label,
            created_at: letter.created_at,
            attempts: letter.attempts,
            next_attempt_at: letter.next_attempt_at,
            delivered_at: letter.delivered_at,
            dead_at: letter.dead_at,
            last_error: letter.last_error,
        }
    }
}

async fn list(arguments: &ListNotifications, settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let letters = outbox::list(
        &client,
        arguments.state.into(),
        arguments.channel.as_deref(),
        arguments.limit,
    )
    .await
    .context("cannot list the messages")?;
    let mut listing = Listing::new(
        &[
            "message",
            "channel",
            "news",
            "of",
            "written",
            "attempts",
            "last error",
        ],
        match arguments.state {
            NotificationState::Waiting => "nothing waits to be sent",
            NotificationState::Dead => "no message was given up",
            NotificationState::Delivered => "nothing was delivered",
        },
    );
    for letter in letters {
        let item = Item::from(letter);
        let cells = [
            item.message_id.clone(),
            item.channel.clone(),
            item.event.clone(),
            [item.target.as_deref(), item.rule.as_deref()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" "),
            item.created_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            item.attempts.to_string(),
            item.last_error.clone().unwrap_or_default(),
        ];
        listing.row(cells, &item)?;
    }
    output.listing(listing)
}

async fn retry(arguments: &RetryNotifications, settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let due = outbox::retry(&client, &arguments.messages, arguments.channel.as_deref())
        .await
        .context("cannot make the messages due")?;
    output.result(&json!({ "due": due }), || match due {
        0 => "nothing to send again; what was overtaken by later news stays as it is".to_owned(),
        1 => "1 message is sent again at the next run of deliver-notifications".to_owned(),
        _ => format!("{due} messages are sent again at the next run of deliver-notifications"),
    })
}
