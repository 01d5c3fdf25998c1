//! `pgvitals windows`: times that come again, in which nobody is told of some alerts.

use std::time::Duration;

use anyhow::{Context, Result};
use chrono::DateTime;
use serde_json::json;
use store::windows::{self, NewWindow, StoredWindow};
use vitals::unit::format_duration;

use crate::arguments::{AddWindow, Named, Remove, Windows};
use crate::failure::Failure;
use crate::monitoring;
use crate::output::{Listing, Output};
use crate::routes::{known, words};
use crate::settings::Settings;
use crate::targets::{confirmed, refused};

pub(crate) async fn run(command: &Windows, settings: &Settings, output: &Output) -> Result<()> {
    match command {
        Windows::Add(arguments) => add(arguments, settings, output).await,
        Windows::List => list(settings, output).await,
        Windows::Remove(arguments) => remove(arguments, settings, output).await,
        Windows::Enable(arguments) => set_enabled(arguments, true, settings, output).await,
        Windows::Disable(arguments) => set_enabled(arguments, false, settings, output).await,
    }
}

async fn add(arguments: &AddWindow, settings: &Settings, output: &Output) -> Result<()> {
    let duration_seconds = i64::try_from(arguments.lasts.as_secs()).unwrap_or(i64::MAX);
    let window = NewWindow {
        name: arguments.name.clone(),
        matchers: arguments.matchers.clone(),
        schedule: arguments
            .schedule
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
        time_zone: arguments.time_zone.clone(),
        duration_seconds,
        reason: arguments.reason.clone(),
    };
    check(&window)?;
    let client = monitoring::open(settings).await?;
    windows::add(&client, &window)
        .await
        .map_err(|error| refused(error, "maintenance window"))?;
    let NewWindow { name, schedule, .. } = &window;
    output.result(&json!({ "name": name, "schedule": schedule }), || {
        format!(
            "nobody is told of {} for {} from `{schedule}` ({})",
            words(&window.matchers),
            format_duration(arguments.lasts),
            window.time_zone
        )
    })
}

/// What only the program knows of a schedule; the rest is refused by the table.
fn check(window: &NewWindow) -> Result<()> {
    let usable = vitals::quiet::Window::new(
        window.name.clone(),
        vitals::matcher::Matchers::default(),
        &window.schedule,
        window.duration_seconds,
        // Any time will do to see whether the schedule can be read.
        DateTime::UNIX_EPOCH.naive_utc(),
    );
    match usable {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::new(
            "cannot add the maintenance window",
            "give --schedule 'MINUTE HOUR DAY MONTH WEEKDAY' and --lasts of a minute to a week",
        )
        .because(error)
        .into()),
    }
}

async fn list(settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let mut listing = Listing::new(
        &[
            "window",
            "state",
            "alerts",
            "begins",
            "time zone",
            "lasts",
            "reason",
        ],
        "there are no maintenance windows",
    );
    for window in windows::all(&client)
        .await
        .context("cannot list the maintenance windows")?
    {
        let cells = [
            window.name.clone(),
            state(&window),
            words(&window.matchers),
            window.schedule.clone(),
            window.time_zone.clone(),
            format_duration(Duration::from_secs(window.duration_seconds.unsigned_abs())),
            window.reason.clone(),
        ];
        listing.row(cells, &window)?;
    }
    output.listing(listing)
}

fn state(window: &StoredWindow) -> String {
    match window.usable() {
        _ if !window.enabled => "off".to_owned(),
        Ok(usable) if usable.is_open() => "open".to_owned(),
        Ok(_) => "closed".to_owned(),
        Err(fault) => fault.to_string(),
    }
}

async fn remove(arguments: &Remove, settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let name = &arguments.name;
    if !confirmed(
        arguments,
        &format!("forget the maintenance window `{name}`?"),
        output,
    )? {
        return Ok(());
    }
    let removed = windows::remove(&client, name)
        .await
        .context("cannot remove the maintenance window")?;
    known(removed, "window", name)?;
    output.result(&json!({ "removed": name }), || format!("window {name} is gone"))
}

async fn set_enabled(arguments: &Named, enabled: bool, settings: &Settings, output: &Output) -> Result<()> {
    let client = monitoring::open(settings).await?;
    let name = &arguments.name;
    let done = windows::set_enabled(&client, name, enabled)
        .await
        .context("cannot switch the maintenance window")?;
    known(done, "window", name)?;
    output.result(&json!({ "name": name, "enabled": enabled }), || {
        format!("window {name} is {}", if enabled { "on" } else { "off" })
    })
}
