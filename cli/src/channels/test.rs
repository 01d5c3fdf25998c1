//! `pgvitals channels test`: a message that goes the way of all others: through the outbox, by the running application,
//! with its secrets and the hosts that it may reach.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use db::{Client, Connection};
use serde_json::json;
use store::channels;
use store::outbox::{self, LetterState, Progress};
use vitals::channel::Kind;
use vitals::level::Level;
use vitals::notification::{Event, Notification};
use vitals::unit::Unit;

use super::unknown;
use crate::arguments::TestChannel;
use crate::failure::Failure;
use crate::http;
use crate::monitoring;
use crate::output::Output;
use crate::project::Project;
use crate::settings::Settings;
use crate::state::State;

pub(super) async fn run(
    arguments: &TestChannel,
    project: &Project,
    settings: &Settings,
    output: &Output,
) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let name = &arguments.name;
    let channel = channels::list(&client)
        .await
        .context("cannot read the channels")?
        .into_iter()
        .find(|channel| channel.name == *name)
        .ok_or_else(|| unknown(name))?;
    if !channel.enabled {
        return Err(Failure::new(
            format!("{name} is switched off"),
            format!("pgvitals channels enable {name}"),
        )
        .into());
    }
    let application = match &arguments.url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => State::running_application(project)?,
    };
    // Whoever tests a channel has mended it, and does not want to wait until it is tried again.
    channels::set_enabled(&client, name, true)
        .await
        .context("cannot ready the channel")?;
    let now = now(&client).await?;
    let test = Test {
        client: &client,
        name,
        application: &application,
        token: settings.api_token()?,
    };
    let _step = output.step(&format!("sending a message to {name}"));
    let sent = test.tell(1, &notification(now, Event::Firing), None).await?;
    let keeps = channel.kind.parse().is_ok_and(Kind::keeps_incidents);
    if keeps {
        let over = notification(now, Event::Resolved);
        test.tell(2, &over, sent.reference.as_deref()).await?;
    }
    output.result(&json!({ "name": name, "delivered": true }), || match keeps {
        true => format!("{name} took a test alert, and its end"),
        false => format!("{name} took a test message"),
    })
}

struct Test<'a> {
    client: &'a Connection,
    name: &'a str,
    application: &'a str,
    token: String,
}

impl Test<'_> {
    /// Queues a message, lets the application deliver what is due, and looks what became of it.
    async fn tell(
        &self,
        sequence: i32,
        notification: &Notification,
        reference: Option<&str>,
    ) -> Result<Progress> {
        let payload = serde_json::to_value(notification)?;
        let event = notification.event.as_str();
        let message_id = outbox::queue_test(self.client, self.name, sequence, event, payload, reference)
            .await
            .context("cannot queue the message")?
            .ok_or_else(|| unknown(self.name))?;
        let answer = http::post(
            &format!("{}/deliver-notifications", self.application),
            &self.token,
        )
        .await?;
        let progress = outbox::outcome(self.client, &message_id)
            .await
            .context("cannot read what became of the message")?;
        match progress {
            Some(progress) if progress.state == LetterState::Delivered => Ok(progress),
            Some(progress) => Err(self.failure(&progress)),
            None => Err(Failure::new(
                format!(
                    "the application answered {} and the message is gone",
                    answer.status
                ),
                "see the log of the application",
            )
            .into()),
        }
    }

    fn failure(&self, progress: &Progress) -> anyhow::Error {
        let error = progress
            .last_error
            .as_deref()
            .unwrap_or("the application did not try");
        let hint = match progress.state {
            LetterState::Waiting => format!(
                "mend it and wait, or `pgvitals notifications retry --channel {}`; the message is tried again by itself",
                self.name
            ),
            _ => format!("mend it, then `pgvitals channels test {}` once more", self.name),
        };
        Failure::new(format!("{} did not take the message: {error}", self.name), hint).into()
    }
}

async fn now(client: &impl Client) -> Result<DateTime<Utc>> {
    let rows = client
        .query(
            "select (pg_catalog.now() at time zone 'UTC')::timestamp as now",
            &[],
        )
        .await
        .context("cannot read the time of the database")?;
    Ok(rows.one()?.get("now")?)
}

/// A message that nobody takes for an alert.
fn notification(at: DateTime<Utc>, event: Event) -> Notification {
    let summary = match event {
        Event::Resolved => "the test of this channel by pgvitals is over",
        _ => "this is a test of this channel by pgvitals: alerts arrive here, and nothing is wrong",
    };
    Notification {
        incident: format!("test/{}", at.timestamp_millis()),
        alert_id: None,
        sequence: 1,
        event,
        rule_id: "test".to_owned(),
        level: Level::Warning,
        previous_level: None,
        target: "pgvitals".to_owned(),
        subject: String::new(),
        subject_label: String::new(),
        summary: summary.to_owned(),
        value: Some(1.0),
        threshold: 1.0,
        unit: Unit::Count,
        ratio: Some(1.0),
        since: at,
        at,
        trend: vec![0.0, 1.0],
        runbook_url: None,
        dashboard_url: None,
        labels: std::collections::BTreeMap::new(),
        advice: None,
        acknowledged: None,
        responses: Vec::new(),
        no_data_since: None,
        flapping: false,
    }
}
