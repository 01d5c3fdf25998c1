//! `pgvitals migrate`: brings the monitoring schema up to date.

use anyhow::{Error, Result};
use db::connect;
use serde_json::json;
use store::logins;
use store::migrations::{self, MigrationError};

use crate::failure::Failure;
use crate::output::Output;
use crate::project::Project;
use crate::settings::Settings;
use crate::up;

pub(crate) async fn run(project: &Project, output: &Output) -> Result<()> {
    let settings = Settings::load(project)?;
    let administrator = up::administrator(project, &settings)?.with_application_name("pgvitals/migrate");
    let client = connect(&administrator).await?;
    // The roles own and use the schema; their passwords are the affair of `up`.
    logins::ensure(&client, &[]).await?;
    let applied = migrations::migrate(&client).await.map_err(migration_failure)?;
    let names: Vec<_> = applied
        .migrations
        .iter()
        .map(|migration| format!("{:04}_{}", migration.version, migration.name))
        .collect();
    output.result(
        &json!({ "version": applied.version, "applied": names }),
        || match names.as_slice() {
            [] => format!(
                "the monitoring schema is up to date (version {})",
                applied.version
            ),
            names => format!("applied {} (version {})", names.join(", "), applied.version),
        },
    )
}

/// Keeps the hint of a migration that was not applied.
pub(crate) fn migration_failure(error: MigrationError) -> Error {
    match error.hint().map(str::to_owned) {
        Some(hint) => Failure::new("cannot bring the monitoring schema up to date", hint)
            .because(error)
            .into(),
        None => error.into(),
    }
}
