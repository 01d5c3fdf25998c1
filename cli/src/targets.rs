//! `pgvitals targets`: who is watched.

mod certificate;
mod databases;

use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use db::{Client, Console, DbError, Preamble, SafeUrl, connect, unit_of_work};
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::collectors::TargetKind;
use store::targets::{self, NewTarget};

use crate::arguments::{AddTarget, Remove, Targets};
use crate::failure::Failure;
use crate::monitoring;
use crate::output::{Listing, Output};
use crate::project::Project;
use crate::secrets::{TARGET_CERTIFICATES, TARGET_PASSWORDS, read_secret};
use crate::settings::Settings;
use crate::state::State;

/// The secret of targets on the server of the monitoring database.
pub(crate) const DEFAULT_SECRET: &str = "default";
/// How long the check of a new target may take.
const CHECK_DEADLINE: Duration = Duration::from_secs(10);
/// As what the check shows up on a target.
const APPLICATION_NAME: &str = "pgvitals/command";

pub(crate) async fn run(command: &Targets, project: &Project, output: &Output) -> Result<()> {
    let mut settings = Settings::load(project)?;
    match command {
        Targets::Add(arguments) => add(arguments, project, &mut settings, output).await,
        Targets::List => list(&settings, output).await,
        Targets::Remove(arguments) => remove(arguments, &settings, output).await,
    }
}

async fn add(
    arguments: &AddTarget,
    project: &Project,
    settings: &mut Settings,
    output: &Output,
) -> Result<()> {
    let url: SafeUrl = arguments.url.parse().map_err(|error: db::UrlError| {
        Failure::new(
            "cannot use the address of the target",
            "write it as postgres://USER@HOST:PORT/DATABASE",
        )
        .because(error)
    })?;
    let url = match &arguments.password_file {
        Some(file) => url.with_password(&read_secret(file)?),
        None => url,
    };
    let client = monitoring::open(settings).await?;
    let password = url.expose_password().map(str::to_owned);
    let secret = choose_secret(arguments, password.is_some(), settings)?;
    if password.is_some() {
        settings.check_may_keep(TARGET_PASSWORDS, &secret)?;
    }
    if arguments.certificate.is_some() {
        settings.check_may_keep(TARGET_CERTIFICATES, &secret)?;
    }
    let certificates = match &arguments.certificate {
        Some(file) => Some(certificate::read(file, Some(&url).filter(|_| !arguments.no_check)).await?),
        None => None,
    };
    let known = || {
        let url = match &password {
            Some(_) => settings.secured(url.clone(), &secret)?,
            None => with_known_password(&url, &secret, settings)?,
        };
        anyhow::Ok(match &certificates {
            Some(certificates) => url.with_certificates(certificates.clone()),
            None => url,
        })
    };
    let mut found = Vec::new();
    if arguments.all_databases {
        if arguments.kind == TargetKind::PgBouncer {
            return Err(Failure::new(
                "a PgBouncer is one target, whatever databases it leads to",
                "leave out --all-databases",
            )
            .into());
        }
        found = databases::find(&arguments.name, &known()?, output).await?;
    } else {
        if !arguments.no_check {
            check(&known()?, arguments.kind, output).await?;
        }
        found.push(databases::Found {
            name: arguments.name.clone(),
            url: url.clone(),
        });
    }
    let labels: Map<String, Value> = arguments
        .labels
        .iter()
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    for found in &found {
        let target = NewTarget {
            secret: secret.clone(),
            labels: Value::Object(labels.clone()),
            interval: Duration::from_secs(u64::try_from(arguments.interval)?),
            kind: arguments.kind,
            ..NewTarget::new(&found.name, found.url.address())
        };
        targets::add(&client, &target)
            .await
            .map_err(|error| refused(error, "target"))?;
    }
    if let Some(password) = &password {
        settings.keep_password(TARGET_PASSWORDS, &secret, password, &url)?;
    }
    if let Some(certificates) = &certificates {
        settings.keep_named_secret(TARGET_CERTIFICATES, &secret, &certificates.to_pem())?;
    }

    let learns = password.is_some() || certificates.is_some();
    let restart = learns && State::load(project).is_some_and(|state| state.up.is_alive());
    told(&found, &secret, restart, arguments.all_databases, output)
}

/// Says what is watched from now on: one target, or a list of them.
fn told(found: &[databases::Found], secret: &str, restart: bool, all: bool, output: &Output) -> Result<()> {
    let items: Vec<_> = found
        .iter()
        .map(|found| {
            json!({
                "name": found.name, "address": found.url.address(), "secret": secret, "restart_needed": restart,
            })
        })
        .collect();
    let answer = match items.as_slice() {
        [one] if !all => one.clone(),
        items => Value::Array(items.to_vec()),
    };
    output.result(&answer, || {
        let lines: Vec<_> = found
            .iter()
            .map(|found| format!("watching {} ({})", found.name, found.url.address()))
            .collect();
        lines.join("\n")
    })?;
    if restart {
        output.say(
            "note: the running application learns the new password or certificate when `pgvitals up` is started again",
        );
    }
    Ok(())
}

/// The secret that was named; else the target's own when there is a password for it; else the collector's.
fn choose_secret(arguments: &AddTarget, has_password: bool, settings: &Settings) -> Result<String> {
    if let Some(secret) = &arguments.secret {
        return Ok(secret.clone());
    }
    let known = has_password || settings.target_passwords()?.get(&arguments.name).is_some();
    Ok(if known {
        arguments.name.clone()
    } else {
        DEFAULT_SECRET.to_owned()
    })
}

/// The address as the collector will use it: a function finds the password in the same way.
pub(crate) fn with_known_password(url: &SafeUrl, secret: &str, settings: &Settings) -> Result<SafeUrl> {
    let passwords = settings.target_passwords()?;
    let known = passwords.get(secret);
    match known.map(|password| password.expose_to(url)) {
        Some(Some(password)) => settings.secured(url.clone().with_password(password), secret),
        Some(None) => Err(Failure::new(
            format!(
                "the secret `{secret}` is bound to other hosts than {}",
                url.server()
            ),
            format!(
                "give the target a secret of its own, with the password in the address; or, if it is for this one too, add \
                 {:?} to the hosts of {secret:?} in {TARGET_PASSWORDS}",
                url.server()
            ),
        )
        .into()),
        None => Err(Failure::new(
            format!("no password is known under the secret `{secret}`"),
            format!(
                "give the password in the address, or add {secret:?} to the JSON object in {TARGET_PASSWORDS}"
            ),
        )
        .into()),
    }
}

/// Sees whether the target can be reached and answers.
async fn check(url: &SafeUrl, kind: TargetKind, output: &Output) -> Result<()> {
    let _step = output.step(&format!("connecting to {url}"));
    let looking = async {
        match kind {
            TargetKind::Postgres => look(url).await,
            TargetKind::PgBouncer => look_at_console(url).await,
        }
    };
    let answered = tokio::time::timeout(CHECK_DEADLINE, looking).await;
    let hint = "mend it, or give --no-check to add the target all the same";
    match answered {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            let hint = error.hint.clone().unwrap_or_else(|| hint.to_owned());
            Err(Failure::new("the target cannot be watched as it is", hint)
                .because(error)
                .into())
        }
        Err(_) => {
            let seconds = CHECK_DEADLINE.as_secs();
            Err(Failure::new(
                format!("{} does not answer within {seconds} s", url.server()),
                hint,
            )
            .into())
        }
    }
}

/// Connects and asks for an answer.
async fn look(url: &SafeUrl) -> Result<(), DbError> {
    let client = connect(&url.clone().with_application_name(APPLICATION_NAME)).await?;
    let preamble = Preamble::new(APPLICATION_NAME).read_only();
    unit_of_work(&client, &preamble, async |client| {
        client.query("select 1::int8 as one", &[]).await.map(drop)
    })
    .await
}

/// Connects to the console of a PgBouncer and asks for an answer.
async fn look_at_console(url: &SafeUrl) -> Result<(), DbError> {
    let url = url.clone().with_application_name(APPLICATION_NAME);
    Console::open(&url).await?.show("show pools").await.map(drop)
}

/// The constraints of the tables have names that say what is wrong.
pub(crate) fn refused(error: DbError, subject: &str) -> anyhow::Error {
    const NAME: &str =
        "begin with a small letter or a digit; then small letters, digits, `_`, `.` and `-`, 63 in all";
    let hint = [("name_is_plain", NAME), ("secret_is_a_name", NAME)]
        .iter()
        .find(|(constraint, _)| error.message.contains(constraint))
        .map(|(_, hint)| (*hint).to_owned());
    match hint.or_else(|| error.hint.clone()) {
        Some(hint) => Failure::new(format!("cannot add the {subject}"), hint)
            .because(error)
            .into(),
        None => anyhow::Error::new(error).context(format!("cannot add the {subject}")),
    }
}

#[derive(Serialize)]
struct Item {
    name: String,
    kind: &'static str,
    address: String,
    secret: String,
    enabled: bool,
    labels: Map<String, Value>,
    interval_seconds: u64,
    up: Option<bool>,
    last_success_at: Option<DateTime<Utc>>,
}

async fn list(settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let targets = targets::list(&client).await.context("cannot list the targets")?;
    let states = store::status::targets(&client)
        .await
        .context("cannot read the state of the targets")?;
    let mut listing = Listing::new(
        &["name", "state", "every", "secret", "labels", "address"],
        "no target is watched: pgvitals targets add NAME URL",
    );
    for target in targets {
        let state = states.iter().find(|state| state.target == target.name);
        let labels = target.labels.as_object().cloned().unwrap_or_default();
        let item = Item {
            interval_seconds: target.interval.as_secs(),
            up: state.and_then(|state| state.up),
            last_success_at: state.and_then(|state| state.last_success_at),
            name: target.name,
            kind: target.kind.as_str(),
            address: target.address,
            secret: target.secret,
            enabled: target.enabled,
            labels,
        };
        let cells = [
            item.name.clone(),
            state_word(item.enabled, item.up).to_owned(),
            format!("{} s", item.interval_seconds),
            item.secret.clone(),
            label_words(&item.labels),
            item.address.clone(),
        ];
        listing.row(cells, &item)?;
    }
    output.listing(listing)
}

/// The state of a target in a word.
pub(crate) fn state_word(enabled: bool, up: Option<bool>) -> &'static str {
    match (enabled, up) {
        (false, _) => "off",
        (true, None) => "new",
        (true, Some(true)) => "up",
        (true, Some(false)) => "down",
    }
}

fn label_words(labels: &Map<String, Value>) -> String {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let words: Vec<_> = labels
        .iter()
        .map(|(key, value)| format!("{key}={}", word(value)))
        .collect();
    words.join(" ")
}

async fn remove(arguments: &Remove, settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let name = &arguments.name;
    let question = format!("stop watching `{name}` and forget all that was seen of it?");
    if !confirmed(arguments, &question, output)? {
        return Ok(());
    }
    if !targets::remove(&client, name)
        .await
        .context("cannot remove the target")?
    {
        return Err(Failure::new(
            format!("there is no target `{name}`"),
            "see `pgvitals targets list`",
        )
        .into());
    }
    output.result(&json!({ "removed": name }), || {
        format!("{name} is no longer watched")
    })
}

/// Whether to go on; asked unless --yes was given, and refused where there is nobody to ask.
pub(crate) fn confirmed(arguments: &Remove, question: &str, output: &Output) -> Result<bool> {
    if arguments.yes {
        return Ok(true);
    }
    output
        .confirm(question)?
        .ok_or_else(|| Failure::new("there is nobody to ask whether that is meant", "give --yes").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_shown_as_they_were_typed() {
        let labels = json!({ "team": "shop", "tier": 1 });
        assert_eq!(label_words(labels.as_object().unwrap()), "team=shop tier=1");
    }
}
