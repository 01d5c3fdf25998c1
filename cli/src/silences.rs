//! `pgvitals silences`: alerts that nobody is to be told of for a while.

use anyhow::{Context, Result};
use serde_json::json;
use store::silences::{self, NewSilence};

use crate::arguments::{AddSilence, SilenceId, Silences};
use crate::failure::Failure;
use crate::monitoring;
use crate::output::{Listing, Output};
use crate::routes::words;
use crate::settings::Settings;

pub(crate) async fn run(command: &Silences, settings: &Settings, output: &Output) -> Result<()> {
    match command {
        Silences::Add(arguments) => add(arguments, settings, output).await,
        Silences::List => list(settings, output).await,
        Silences::Remove(arguments) => remove(arguments, settings, output).await,
    }
}

async fn add(arguments: &AddSilence, settings: &Settings, output: &Output) -> Result<()> {
    if arguments.lasts.is_zero() {
        return Err(Failure::new("a silence of no time silences nothing", "give --for 2h").into());
    }
    let client = monitoring::open(settings).await?;
    let silence = NewSilence {
        matchers: arguments.matchers.clone(),
        starts_in: arguments.starts_in,
        lasts: arguments.lasts,
        reason: arguments.reason.clone(),
        created_by: arguments.by.clone(),
    };
    let (silence_id, ends_at) = silences::add(&client, &silence)
        .await
        .context("cannot add the silence")?;
    output.result(&json!({ "silence_id": silence_id, "ends_at": ends_at }), || {
        format!(
            "silence {silence_id}: nobody is told of {} until {}",
            words(&arguments.matchers),
            ends_at.format("%Y-%m-%d %H:%M UTC")
        )
    })
}

async fn list(settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let mut listing = Listing::new(
        &["silence", "state", "alerts", "until", "by", "reason"],
        "nothing is silenced",
    );
    for silence in silences::list(&client)
        .await
        .context("cannot list the silences")?
    {
        let cells = [
            silence.silence_id.to_string(),
            if silence.is_active { "active" } else { "to come" }.to_owned(),
            words(&silence.matchers),
            silence.ends_at.format("%Y-%m-%d %H:%M UTC").to_string(),
            silence.created_by.clone(),
            silence.reason.clone(),
        ];
        listing.row(cells, &silence)?;
    }
    output.listing(listing)
}

async fn remove(arguments: &SilenceId, settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let silence_id = arguments.silence_id;
    if !silences::remove(&client, silence_id)
        .await
        .context("cannot end the silence")?
    {
        return Err(Failure::new(
            format!("there is no silence {silence_id} that is not over"),
            "see `pgvitals silences list`",
        )
        .into());
    }
    output.result(&json!({ "removed": silence_id }), || {
        format!("silence {silence_id} is over: what still fires is told")
    })
}
