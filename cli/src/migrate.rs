//! `pgvitals migrate`: brings the monitoring schema up to date.

use std::time::Duration;

use anyhow::{Context, Error, Result};
use db::{Connection, ErrorKind, SafeUrl, connect};
use serde_json::json;
use store::logins::{self, Verifier};
use store::migrations::{self, Applied, MigrationError};

use crate::failure::Failure;
use crate::output::Output;
use crate::project::Project;
use crate::secrets::random;
use crate::settings::Settings;
use crate::up;

/// How often a refused login of the owner is tried.
const ATTEMPTS: u64 = 5;

pub(crate) async fn run(project: &Project, output: &Output) -> Result<()> {
    let mut settings = Settings::load(project)?;
    let administrator = up::administrator(project, &settings)?.with_application_name("pgvitals/migrate");
    let client = connect(&administrator).await?;
    // The roles own and use the schema; their passwords are made where they are kept.
    logins::ensure(&client, &[]).await?;
    let applied = as_owner(&administrator, &client).await?;
    if settings.keeps_secrets_of(&administrator) {
        let database = up::setup::Database::Administered(administrator);
        up::setup::ensure_logins(&database, &mut settings, false, output).await?;
    }
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

/// Brings the schema up to date as its owner: what is in the schema may be run meanwhile, and must not find the rights of
/// an administrator. The administrator makes the schema, and lets the owner in for as long as it takes.
pub(crate) async fn as_owner(administrator: &SafeUrl, client: &Connection) -> Result<Applied> {
    migrations::prepare(client).await.map_err(migration_failure)?;
    let owner = administrator.clone().with_user(logins::OWNER);
    let migrated = async {
        let session = let_in(&owner, client).await?;
        migrations::migrate(&session).await.map_err(migration_failure)
    }
    .await;
    let taken_back = logins::take_back_owner(client).await;
    let applied = migrated?;
    taken_back.context("cannot take the login of pgvitals_owner back")?;
    Ok(applied)
}

/// Lets the owner in and connects as it. A migration of another database of the server may change its password, or take
/// it away, in between.
async fn let_in(owner: &SafeUrl, client: &Connection) -> Result<Connection> {
    let mut attempt = 0;
    loop {
        let password = random()?;
        logins::lend_owner(client, &verifier(&password)?)
            .await
            .context("cannot let pgvitals_owner in for the migration")?;
        attempt += 1;
        match connect(&owner.clone().with_password(&password)).await {
            Ok(session) => return Ok(session),
            Err(error) if error.kind == ErrorKind::AuthenticationFailed && attempt < ATTEMPTS => {
                tokio::time::sleep(Duration::from_millis(100 * attempt)).await;
            }
            Err(error) => {
                return Err(Failure::new(
                    format!("cannot log in at {} as pgvitals_owner", owner.server()),
                    "the schema is made as its owner, who is let in for that time only: pg_hba.conf must let it in from here, \
                     by a password",
                )
                .because(error)
                .into());
            }
        }
    }
}

/// The form in which the server keeps a password.
pub(crate) fn verifier(password: &str) -> Result<Verifier> {
    Ok(Verifier::new(postgres_protocol::password::scram_sha_256(
        password.as_bytes(),
    ))?)
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
