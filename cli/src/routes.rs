//! `pgvitals routes`: which channels are told of which alerts.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use store::routes::{self, NewRoute, NewStep, StoredRoute};
use vitals::matcher::Matcher;
use vitals::unit::format_duration;

use crate::arguments::{AddRoute, Named, Recipient, Remove, Routes};
use crate::failure::Failure;
use crate::monitoring;
use crate::output::{Listing, Output};
use crate::settings::Settings;
use crate::targets::{confirmed, refused};

pub(crate) async fn run(command: &Routes, settings: &Settings, output: &Output) -> Result<()> {
    match command {
        Routes::Add(arguments) => add(arguments, settings, output).await,
        Routes::List => list(settings, output).await,
        Routes::Remove(arguments) => remove(arguments, settings, output).await,
        Routes::Enable(arguments) => set_enabled(arguments, true, settings, output).await,
        Routes::Disable(arguments) => set_enabled(arguments, false, settings, output).await,
    }
}

async fn add(arguments: &AddRoute, settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let name = &arguments.name;
    let route = NewRoute {
        name: name.clone(),
        matchers: arguments.matchers.clone(),
        continues: arguments.continues,
        reminder: arguments.remind,
        position: arguments.position,
        steps: steps(&arguments.recipients),
    };
    let unknown = routes::add(&client, &route)
        .await
        .map_err(|error| refused(error, "route"))?;
    if !unknown.is_empty() {
        return Err(Failure::new(
            format!("there is no channel {}", unknown.join(", ")),
            "add it first: pgvitals channels add NAME URL",
        )
        .into());
    }
    output.result(&json!({ "name": name, "steps": route.steps }), || {
        let to = match arguments.recipients.as_slice() {
            [] => "nobody".to_owned(),
            recipients => recipients
                .iter()
                .map(recipient_words)
                .collect::<Vec<_>>()
                .join(", "),
        };
        format!("{} go to {to}", words(&arguments.matchers))
    })
}

/// Channels that wait for the same time are told in the same step.
fn steps(recipients: &[Recipient]) -> Vec<NewStep> {
    let mut recipients: Vec<&Recipient> = recipients.iter().collect();
    recipients.sort_by_key(|recipient| recipient.after);
    let groups = recipients.chunk_by(|a, b| a.after == b.after);
    let step = |(group, step): (&[&Recipient], i32)| -> Vec<NewStep> {
        let member = |recipient: &&Recipient| NewStep {
            step,
            after_seconds: i64::try_from(recipient.after.as_secs()).unwrap_or(i64::MAX),
            channel: recipient.channel.clone(),
        };
        group.iter().map(member).collect()
    };
    groups.zip(1..).flat_map(step).collect()
}

async fn list(settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let mut listing = Listing::new(
        &["route", "alerts", "told", "reminder", "then", "state"],
        "there are no routes: every channel is told of every alert",
    );
    for route in routes::all(&client).await.context("cannot list the routes")? {
        let reminder = route
            .reminder_seconds
            .map(|seconds| format_duration(Duration::from_secs(seconds.unsigned_abs())));
        let cells = [
            route.name.clone(),
            words(&route.matchers),
            told(&route),
            reminder.unwrap_or_else(|| "-".to_owned()),
            if route.continues { "go on" } else { "stop" }.to_owned(),
            if route.enabled { "on" } else { "off" }.to_owned(),
        ];
        listing.row(cells, &route)?;
    }
    output.listing(listing)
}

fn told(route: &StoredRoute) -> String {
    if route.steps.is_empty() {
        return "nobody".to_owned();
    }
    let words = route.steps.iter().map(|step| {
        recipient_words(&Recipient {
            channel: step.channel.clone(),
            after: Duration::from_secs(step.after_seconds.unsigned_abs()),
        })
    });
    words.collect::<Vec<_>>().join(", ")
}

fn recipient_words(recipient: &Recipient) -> String {
    if recipient.after.is_zero() {
        return recipient.channel.clone();
    }
    format!("{} after {}", recipient.channel, format_duration(recipient.after))
}

async fn remove(arguments: &Remove, settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let name = &arguments.name;
    if !confirmed(arguments, &format!("forget the route `{name}`?"), output)? {
        return Ok(());
    }
    let removed = routes::remove(&client, name)
        .await
        .context("cannot remove the route")?;
    known(removed, "route", name)?;
    output.result(&json!({ "removed": name }), || format!("route {name} is gone"))
}

async fn set_enabled(arguments: &Named, enabled: bool, settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let name = &arguments.name;
    let done = routes::set_enabled(&client, name, enabled)
        .await
        .context("cannot switch the route")?;
    known(done, "route", name)?;
    output.result(&json!({ "name": name, "enabled": enabled }), || {
        format!("route {name} is {}", if enabled { "on" } else { "off" })
    })
}

/// Says that there is no such thing.
pub(crate) fn known(found: bool, subject: &str, name: &str) -> Result<()> {
    if found {
        return Ok(());
    }
    Err(Failure::new(
        format!("there is no {subject} `{name}`"),
        format!("see `pgvitals {subject}s list`"),
    )
    .into())
}

/// Which alerts are meant.
pub(crate) fn words(matchers: &[Matcher]) -> String {
    if matchers.is_empty() {
        return "all alerts".to_owned();
    }
    let words: Vec<_> = matchers.iter().map(ToString::to_string).collect();
    format!("alerts with {}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_the_same_time_is_told_together() {
        let recipient = |channel: &str, minutes: u64| Recipient {
            channel: channel.to_owned(),
            after: Duration::from_secs(60 * minutes),
        };
        let steps = steps(&[
            recipient("boss", 30),
            recipient("chat", 0),
            recipient("pager", 30),
        ]);
        let shown: Vec<_> = steps
            .iter()
            .map(|step| (step.step, step.after_seconds, step.channel.as_str()))
            .collect();
        assert_eq!(shown, [(1, 0, "chat"), (2, 1_800, "boss"), (2, 1_800, "pager")]);
    }
}
