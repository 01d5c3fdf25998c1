//! `pgvitals channels add`: everything that a kind needs is checked before anything is written.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use store::channels::{self, Address, NewChannel};
use url::Url;
use vitals::address::is_private;
use vitals::channel::{Kind, Need, check_address, check_key, check_settings};
use vitals::level::Level;

use super::shown;
use crate::arguments::{AddChannel, AlertLevel};
use crate::failure::Failure;
use crate::monitoring;
use crate::output::Output;
use crate::project::Project;
use crate::secrets::{CHANNEL_SECRETS, CHANNEL_URLS, read_secret};
use crate::settings::Settings;
use crate::state::State;
use crate::targets::refused;

/// What notifications may be sent to.
const WEBHOOK_HOSTS: &str = "SPIN_VARIABLE_WEBHOOK_HOSTS";

/// What they may be sent to beside that.
const INTERNAL_WEBHOOK_HOSTS: &str = "SPIN_VARIABLE_INTERNAL_WEBHOOK_HOSTS";

/// A key by the name of its secret, and its value where it was given now.
struct Key {
    name: String,
    value: Option<String>,
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

pub(super) async fn run(
    arguments: &AddChannel,
    project: &Project,
    settings: &mut Settings,
    output: &Output,
) -> Result<()> {
    let channel_settings = channel_settings(arguments)?;
    let address = address(arguments, settings)?;
    let key = key(arguments, settings)?;
    let client = monitoring::open(settings).await?;
    let channel = NewChannel {
        name: arguments.name.clone(),
        kind: arguments.kind.as_str().to_owned(),
        address: address.clone(),
        key: key.as_ref().map(|key| key.name.clone()),
        settings: serde_json::to_value(&channel_settings)?,
        minimum_level: arguments.minimum_level.into(),
        timeout: Duration::from_secs(arguments.timeout),
    };
    channels::set_up(&client, &channel)
        .await
        .map_err(|error| refused(error, "channel"))?;
    let mut kept = false;
    if let (Address::Secret(secret), Some(url)) = (&address, &arguments.url) {
        settings.keep_named_secret(CHANNEL_URLS, secret, url)?;
        kept = true;
    }
    if let Some(Key {
        name,
        value: Some(value),
    }) = &key
    {
        settings.keep_named_secret(CHANNEL_SECRETS, name, value)?;
        kept = true;
    }
    let restart = kept && State::load(project).is_some_and(|state| state.up.is_alive());
    let shown = shown(&address);
    output.result(
        &json!({ "name": arguments.name, "address": shown, "restart_needed": restart }),
        || format!("alerts go to {} ({shown})", arguments.name),
    )?;
    if let Some(note) = arguments.url.as_deref().and_then(reach) {
        output.say(&note);
    }
    if restart {
        output.say("note: the running application learns the secret when `pgvitals up` is started again");
    }
    Ok(())
}

fn channel_settings(arguments: &AddChannel) -> Result<vitals::channel::Settings> {
    let kind = arguments.kind;
    let needs = kind.needs();
    let hint = match [needs.required, needs.optional].concat().as_slice() {
        [] => format!("a channel of kind {kind} has no settings"),
        names => format!("give --set NAME=VALUE; {kind} has {}", names.join(", ")),
    };
    let mut settings = vitals::channel::Settings::default();
    for (name, value) in &arguments.settings {
        settings
            .set(name, value)
            .map_err(|error| Failure::new(error.to_string(), hint.clone()))?;
    }
    check_settings(kind, &settings).map_err(|error| Failure::new(error.to_string(), hint))?;
    Ok(settings)
}

/// In the row, or, with --secret, among the secrets.
fn address(arguments: &AddChannel, settings: &Settings) -> Result<Address> {
    let kind = arguments.kind;
    let url = arguments
        .url
        .as_deref()
        .map(|url| check_url(kind, url))
        .transpose()?;
    match (url, &arguments.secret) {
        (Some(_), None) if kind.has_secret_address() => Err(Failure::new(
            format!("whoever has the address of a {kind} webhook can write to it, so it does not belong in a table"),
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
        (None, None) if kind.needs().address == Need::Required => Err(Failure::new(
            "a channel needs an address",
            "give its URL, or --secret with the name of one in channel_urls",
        )
        .into()),
        (None, None) => Ok(Address::Usual),
    }
}

/// The key by its name: given now, known already, or known to whoever deploys the application.
fn key(arguments: &AddChannel, settings: &Settings) -> Result<Option<Key>> {
    let kind = arguments.kind;
    let need = kind.needs().key;
    let is_given = arguments.key.is_some() || arguments.key_file.is_some();
    if need == Need::Unused && is_given {
        return Err(Failure::new(
            format!("a channel of kind {kind} has no key"),
            "leave --key and --key-file out; its address is its secret",
        )
        .into());
    }
    if need != Need::Required && !is_given {
        return Ok(None);
    }
    let name = arguments.key.clone().unwrap_or_else(|| arguments.name.clone());
    if let Some(file) = &arguments.key_file {
        settings.check_may_keep(CHANNEL_SECRETS, &name)?;
        let value = read_secret(file)?;
        check_key(kind, Some(&value)).map_err(|error| {
            Failure::new(error.to_string(), format!("check what is in {}", file.display()))
        })?;
        return Ok(Some(Key {
            name,
            value: Some(value),
        }));
    }
    match settings.channel_secrets()?.get(&name) {
        Some(value) => {
            let hint = format!("correct {name:?} in {CHANNEL_SECRETS}");
            check_key(kind, Some(value)).map_err(|error| Failure::new(error.to_string(), hint))?;
        }
        None if settings.is_set_up_here() => {
            return Err(Failure::new(
                format!("no key is known under the name `{name}`"),
                format!("give it by --key-file FILE (- reads the standard input), or add {name:?} to the JSON object in {CHANNEL_SECRETS}"),
            )
            .into());
        }
        None => {}
    }
    Ok(Some(Key { name, value: None }))
}

fn check_url(kind: Kind, text: &str) -> Result<Url> {
    check_address(kind, text)
        .map_err(|error| Failure::new(error.to_string(), "write it as https://HOST/PATH"))?;
    Url::parse(text).map_err(|_| {
        Failure::new(
            "the address is not a URL of the form https://host/path",
            "write it as https://HOST/PATH",
        )
        .into()
    })
}

/// What has to be allowed before the application sends there. Of the address only the host is shown: its path may be a
/// secret.
fn reach(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let origin = url.origin().ascii_serialization();
    if is_private(url.host_str()?) {
        return Some(format!(
            "note: {origin} is in a private network: the application sends there when {INTERNAL_WEBHOOK_HOSTS} or \
             {WEBHOOK_HOSTS} names it"
        ));
    }
    (url.scheme() == "http").then(|| {
        format!(
            "note: only https is allowed by default: the application sends to {origin} when {WEBHOOK_HOSTS} allows it"
        )
    })
}
