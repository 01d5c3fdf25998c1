//! `pgvitals channels`: where alerts go.
//!
//! - `add`: a channel with all that its kind needs
//! - `test`: a message through the running application

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use store::channels::{self, Address};

use crate::arguments::{Channels, Remove};
use crate::failure::Failure;
use crate::monitoring;
use crate::output::{Listing, Output};
use crate::project::Project;
use crate::settings::Settings;
use crate::targets::confirmed;

mod add;
mod test;

pub(crate) async fn run(command: &Channels, project: &Project, output: &Output) -> Result<()> {
    let mut settings = Settings::load(project)?;
    match command {
        Channels::Add(arguments) => add::run(arguments, project, &mut settings, output).await,
        Channels::List => list(&settings, output).await,
        Channels::Test(arguments) => test::run(arguments, project, &settings, output).await,
        Channels::Enable(channel) => switch(&channel.name, true, &settings, output).await,
        Channels::Disable(channel) => switch(&channel.name, false, &settings, output).await,
        Channels::Remove(arguments) => remove(arguments, &settings, output).await,
    }
}

fn shown(address: &Address) -> String {
    match address {
        Address::Url(url) => url.clone(),
        Address::Secret(secret) => format!("secret {secret}"),
        Address::Usual => "the usual address".to_owned(),
    }
}

fn unknown(name: &str) -> anyhow::Error {
    Failure::new(
        format!("there is no channel `{name}`"),
        "see `pgvitals channels list`",
    )
    .into()
}

async fn switch(name: &str, enabled: bool, settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let known = channels::set_enabled(&client, name, enabled)
        .await
        .context("cannot switch the channel")?;
    if !known {
        return Err(unknown(name));
    }
    output.result(&json!({ "name": name, "enabled": enabled }), || match enabled {
        true => format!("alerts go to {name}"),
        false => format!("what is for {name} waits, for a week at most"),
    })
}

#[derive(Serialize)]
struct Item {
    name: String,
    kind: String,
    minimum_level: String,
    enabled: bool,
    url: Option<String>,
    secret: Option<String>,
    key: Option<String>,
    settings: Value,
    timeout_seconds: u64,
    state: &'static str,
    consecutive_failures: i64,
    open_until: Option<DateTime<Utc>>,
    last_error: Option<String>,
    last_error_at: Option<DateTime<Utc>>,
    last_success_at: Option<DateTime<Utc>>,
    waiting: i64,
    dead: i64,
}

async fn list(settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let mut listing = Listing::new(
        &["name", "kind", "from level", "state", "address"],
        "alerts go to nobody: pgvitals channels add NAME URL",
    );
    for channel in channels::list(&client)
        .await
        .context("cannot list the channels")?
    {
        let state = state(&channel);
        let cells = [
            channel.name.clone(),
            channel.kind.clone(),
            channel.minimum_level.as_str().to_owned(),
            state.to_owned(),
            shown(&channel.address),
        ];
        let (url, secret) = match channel.address {
            Address::Url(url) => (Some(url), None),
            Address::Secret(secret) => (None, Some(secret)),
            Address::Usual => (None, None),
        };
        let health = channel.health;
        let item = Item {
            name: channel.name,
            kind: channel.kind,
            minimum_level: channel.minimum_level.as_str().to_owned(),
            enabled: channel.enabled,
            url,
            secret,
            key: channel.key,
            settings: channel.settings,
            timeout_seconds: channel.timeout.as_secs(),
            state,
            consecutive_failures: health.consecutive_failures,
            open_until: health.open_until,
            last_error: health.last_error,
            last_error_at: health.last_error_at,
            last_success_at: health.last_success_at,
            waiting: health.waiting,
            dead: health.dead,
        };
        listing.row(cells, &item)?;
    }
    output.listing(listing)
}

/// The state of a channel in a word: why nothing reaches it is in the JSON, and in `pgvitals notifications list`.
fn state(channel: &channels::Channel) -> &'static str {
    match channel.enabled {
        false => "off",
        true if channel.health.open_until.is_some() => "paused",
        true if channel.health.consecutive_failures > 0 => "failing",
        true => "on",
    }
}

async fn remove(arguments: &Remove, settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let name = &arguments.name;
    if !confirmed(
        arguments,
        &format!("send no more alerts to `{name}`, and drop what waits for it?"),
        output,
    )? {
        return Ok(());
    }
    if !channels::remove(&client, name)
        .await
        .context("cannot remove the channel")?
    {
        return Err(unknown(name));
    }
    output.result(&json!({ "removed": name }), || {
        format!("no more alerts go to {name}")
    })
}
