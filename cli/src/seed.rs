//! `pgvitals seed`: fills a database with the reference workload.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Error, Result};
use db::{Client, Connection, SafeUrl, connect};
use guardian::generate::Plan;
use guardian::schema::{self, SchemaError};
use guardian::seed::{self, Progress, SeedError};
use serde::Serialize;

use crate::arguments::{GuardianDatabase, Seed};
use crate::failure::Failure;
use crate::output::{Meter, Output};
use crate::project::Project;
use crate::settings::Settings;
use crate::targets::DEFAULT_SECRET;
use crate::up;

/// The database of the reference workload, where no other is named.
const DATABASE: &str = "guardian";

pub(crate) async fn run(arguments: &Seed, project: &Project, output: &Output) -> Result<()> {
    let settings = Settings::load(project)?;
    if arguments.database.database.is_none() {
        ensure_database(&up::administrator(project, &settings)?).await?;
    }
    let url = address(&arguments.database, project, &settings)?;
    let client = connect(&url.clone().with_application_name("pgvitals/seed")).await?;
    let began = Instant::now();
    install(&client, arguments.replace).await?;
    let plan = Plan {
        seed: arguments.seed,
        until: arguments.until,
    };
    let seeded = {
        let mut meter = output.meter("making patients");
        let mut progress = |progress| show(&mut meter, progress);
        let seeded = seed::seed(&client, plan, arguments.scale, &mut progress).await;
        seeded.map_err(seed_failure)?
    };
    let report = Report {
        database: url.address().to_owned(),
        scale: arguments.scale,
        seed: plan.seed,
        until: plan.until.to_string(),
        cohorts_added: seeded.cohorts.len(),
        rows_added: seeded.rows,
        orphans: seeded.orphans,
        seconds: began.elapsed().as_secs_f64(),
    };
    output.result(&report, || report.to_text())
}

/// What was done, for programs.
#[derive(Debug, Serialize)]
struct Report {
    database: String,
    scale: u32,
    seed: u32,
    until: String,
    cohorts_added: usize,
    rows_added: BTreeMap<&'static str, u64>,
    orphans: u64,
    seconds: f64,
}

impl Report {
    fn to_text(&self) -> String {
        let place = format!("scale {} is in {}", self.scale, self.database);
        if self.cohorts_added == 0 {
            return format!("{place}; nothing was missing");
        }
        let mut lines = vec![place, String::new()];
        for (table, rows) in &self.rows_added {
            lines.push(format!("  {table:<24} {rows:>12} rows added"));
        }
        lines.push(String::new());
        lines.push(format!("in {:.1} s", self.seconds));
        lines.join("\n")
    }
}

fn show(meter: &mut Meter, progress: Progress) {
    match progress {
        Progress::Expected(rows) => meter.expect(rows),
        Progress::Filling(cohort, table) => meter.now(&format!("cohort {cohort}: {table}")),
        Progress::Sent(rows) => meter.advance(rows),
        Progress::Finishing(step) => meter.now(step),
    }
}

fn seed_failure(error: SeedError) -> Error {
    let hint = match &error {
        SeedError::OtherPlan { seed, until } => {
            format!("add to it by --seed {seed} --until {until}, or begin anew by --replace")
        }
        SeedError::Larger { scale } => {
            format!("add to it by --scale {scale} or more, or begin anew by --replace")
        }
        SeedError::Busy { .. } => {
            "wait until it has ended, and run this again to add what is missing".to_owned()
        }
        SeedError::Fill { .. } | SeedError::NotMade { .. } => {
            "whole cohorts stay; run this again to go on after them, or begin anew by --replace".to_owned()
        }
        SeedError::Database(_) => return error.into(),
    };
    let message = error.to_string();
    let failure = Failure::new(message, hint);
    match error {
        SeedError::Fill { source, .. } => failure.because(source).into(),
        _ => failure.into(),
    }
}

/// Where the reference workload is, for the owner of its tables.
pub(crate) fn address(
    database: &GuardianDatabase,
    project: &Project,
    settings: &Settings,
) -> Result<SafeUrl> {
    match &database.database {
        Some(url) => {
            let url: SafeUrl = url
                .parse()
                .context("--database is not the address of a database")?;
            settings.secured(url, DEFAULT_SECRET)
        }
        None => Ok(up::administrator(project, settings)?.with_database(DATABASE)),
    }
}

async fn ensure_database(administrator: &SafeUrl) -> Result<()> {
    let client = connect(administrator).await?;
    let exists = "select exists (select from pg_catalog.pg_database where datname = $1)::bool as found";
    let found: bool = client
        .query(exists, &[DATABASE.into()])
        .await?
        .one()?
        .get("found")?;
    if !found {
        client
            .execute(&format!("create database {DATABASE}"), &[])
            .await
            .context("cannot create the database of the reference workload")?;
    }
    Ok(())
}

async fn install(client: &Connection, replace: bool) -> Result<()> {
    let installed = schema::install(client, replace).await;
    installed.map(drop).map_err(|error| match error {
        SchemaError::Foreign | SchemaError::Untrusted(_) => Failure::new(
            error.to_string(),
            "name another database by --database URL, or drop that schema and all in it by --replace",
        )
        .into(),
        SchemaError::OtherVersion => Failure::new(error.to_string(), "make it anew by --replace").into(),
        other => Error::new(other),
    })
}
