//! `pgvitals channels`: where alerts go.

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;
use store::channels::{self, Address};
use url::Url;
use vitals::level::Level;

use crate::arguments::{AddChannel, AlertLevel, ChannelKind, Channels, Remove};
use crate::failure::Failure;
use crate::monitoring;
use crate::output::{Listing, Output};
use crate::project::Project;
use crate::secrets::CHANNEL_URLS;
use crate::settings::Settings;
use crate::state::State;
use crate::targets::{confirmed, refused};

/// What notifications may be sent to.
const WEBHOOK_HOSTS: &str = "SPIN_VARIABLE_WEBHOOK_HOSTS";

pub(crate) async fn run(command: &Channels, project: &Project, output: &Output) -> Result<()> {
    let mut settings = Settings::load(project)?;
    match command {
        Channels::Add(arguments) => add(arguments, project, &mut settings, output).await,
        Channels::List => list(&settings, output).await,
        Channels::Remove(arguments) => remove(arguments, &settings, output).await,
    }
}

impl ChannelKind {
    fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
        }
    }
}

impl From<AlertLevel> for Level {
    fn from(level: AlertLevel) -> Self {
        match level {
            AlertLevel::Warning => Self::Warning,
            AlertLevel::Critical => Self::Critical,
            AlertLevel::Emergency => Self::Emergency,
        }
    }
}

async fn add(
    arguments: &AddChannel,
    project: &Project,
    settings: &mut Settings,
    output: &Output,
) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let address = address(arguments, settings)?;
    channels::add(
        &client,
        &arguments.name,
        arguments.kind.word(),
        &address,
        arguments.minimum_level.into(),
    )
    .await
    .map_err(|error| refused(error, "channel"))?;
    let kept = match (&address, &arguments.url) {
        (Address::Secret(secret), Some(url)) => {
            settings.keep_named_secret(CHANNEL_URLS, secret, url)?;
            true
        }
        _ => false,
    };
    let restart = kept && State::load(project).is_some_and(|state| state.up.is_alive());
    let shown = shown(&address);
    output.result(
        &json!({ "name": arguments.name, "address": shown, "restart_needed": restart }),
        || format!("alerts go to {} ({shown})", arguments.name),
    )?;
    if let Some(url) = arguments.url.as_deref().filter(|url| url.starts_with("http:")) {
        output.say(&format!(
            "note: only https is allowed by default: the application sends to {} when {WEBHOOK_HOSTS} allows it",
            host_of(url)
        ));
    }
    if restart {
        output
            .say("note: the running application learns the new address when `pgvitals up` is started again");
    }
    Ok(())
}

/// In the row, or, with --secret, among the secrets.
fn address(arguments: &AddChannel, settings: &Settings) -> Result<Address> {
    let url = arguments.url.as_deref().map(check_url).transpose()?;
    match (url, &arguments.secret) {
        (Some(_), None) if arguments.kind == ChannelKind::Slack => Err(Failure::new(
            "whoever has the address of a Slack webhook can write to it, so it does not belong in a table",
            format!(
                "give --secret {}: the address is kept in .pgvitals/secrets.env then",
                arguments.name
            ),
        )
        .into()),
        (Some(url), None) => Ok(Address::Url(url.to_string())),
        (Some(_), Some(secret)) => {
            settings.check_may_keep(CHANNEL_URLS, secret)?;
            Ok(Address::Secret(secret.clone()))
        }
        (None, Some(secret))
            if settings.channel_urls()?.contains_key(secret) || !settings.is_set_up_here() =>
        {
            Ok(Address::Secret(secret.clone()))
        }
        (None, Some(secret)) => Err(Failure::new(
            format!("no address is known under the secret `{secret}`"),
            format!("give the address too, or add {secret:?} to the JSON object in {CHANNEL_URLS}"),
        )
        .into()),
        (None, None) => Err(Failure::new(
            "a channel needs an address",
            "give its URL, or --secret with the name of one in channel_urls",
        )
        .into()),
    }
}

fn check_url(text: &str) -> Result<Url> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    url.ok_or_else(|| {
        Failure::new(
            "the address is not a URL of the form https://host/path",
            "write it as https://HOST/PATH",
        )
        .into()
    })
}

/// `http://127.0.0.1:8080` of an address whose path may be a secret.
fn host_of(url: &str) -> String {
    Url::parse(url)
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default()
}

fn shown(address: &Address) -> String {
    match address {
        Address::Url(url) => url.clone(),
        Address::Secret(secret) => format!("secret {secret}"),
    }
}

#[derive(Serialize)]
struct Item {
    name: String,
    kind: String,
    minimum_level: String,
    enabled: bool,
    url: Option<String>,
    secret: Option<String>,
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
        let cells = [
            channel.name.clone(),
            channel.kind.clone(),
            channel.minimum_level.as_str().to_owned(),
            if channel.enabled { "on" } else { "off" }.to_owned(),
            shown(&channel.address),
        ];
        let (url, secret) = match channel.address {
            Address::Url(url) => (Some(url), None),
            Address::Secret(secret) => (None, Some(secret)),
        };
        let item = Item {
            name: channel.name,
            kind: channel.kind,
            minimum_level: channel.minimum_level.as_str().to_owned(),
            enabled: channel.enabled,
            url,
            secret,
        };
        listing.row(cells, &item)?;
    }
    output.listing(listing)
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
        return Err(Failure::new(
            format!("there is no channel `{name}`"),
            "see `pgvitals channels list`",
        )
        .into());
    }
    output.result(&json!({ "removed": name }), || {
        format!("no more alerts go to {name}")
    })
}
