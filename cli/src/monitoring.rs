//! The way to the monitoring database.

use anyhow::Result;
use db::{Connection, connect};
use store::migrations;

use crate::failure::Failure;
use crate::migrate::migration_failure;
use crate::settings::Settings;

/// A connection as the collector, to a schema that this program knows.
pub(crate) async fn open(settings: &Settings) -> Result<Connection> {
    let url = settings
        .monitoring_url()?
        .with_application_name("pgvitals/command");
    let client = connect(&url).await.map_err(|error| {
        let hint = error
            .hint
            .clone()
            .unwrap_or_else(|| "is it running? `pgvitals up` starts the default one".to_owned());
        Failure::new(format!("cannot reach the monitoring database {url}"), hint).because(error)
    })?;
    if migrations::outstanding(&client)
        .await
        .map_err(migration_failure)?
        .is_empty()
    {
        return Ok(client);
    }
    Err(Failure::new(
        "the monitoring schema is not up to date",
        "run `pgvitals migrate`",
    )
    .into())
}
