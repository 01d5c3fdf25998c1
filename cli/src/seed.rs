//! `pgvitals seed`: fills a database with the reference workload.

use anyhow::{Context, Error, Result};
use db::{Client, Connection, SafeUrl, connect};
use guardian::schema::{self, Installed, SchemaError};
use serde_json::json;

use crate::arguments::{GuardianDatabase, Seed};
use crate::failure::Failure;
use crate::output::Output;
use crate::project::Project;
use crate::settings::Settings;
use crate::up;

/// The database of the reference workload, where no other is named.
const DATABASE: &str = "guardian";

pub(crate) async fn run(arguments: &Seed, project: &Project, output: &Output) -> Result<()> {
    let settings = Settings::load(project)?;
    if arguments.database.database.is_none() {
        ensure_database(&up::administrator(project, &settings)?).await?;
    }
    let url = address(&arguments.database, project, &settings)?.with_application_name("pgvitals/seed");
    let client = connect(&url).await?;
    let installed = install(&client, arguments.replace).await?;
    output.result(&json!({ "installed": installed == Installed::Now }), || {
        format!("the reference workload is in {url}")
    })
}

/// Where the reference workload is, for the owner of its tables.
pub(crate) fn address(
    database: &GuardianDatabase,
    project: &Project,
    settings: &Settings,
) -> Result<SafeUrl> {
    match &database.database {
        Some(url) => url.parse().context("--database is not the address of a database"),
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

async fn install(client: &Connection, replace: bool) -> Result<Installed> {
    schema::install(client, replace)
        .await
        .map_err(|error| match error {
            SchemaError::Foreign => Failure::new(
                error.to_string(),
                "name another database by --database URL, or drop that schema and all in it by --replace",
            )
            .into(),
            SchemaError::OtherVersion => Failure::new(error.to_string(), "make it anew by --replace").into(),
            other => Error::new(other),
        })
}
