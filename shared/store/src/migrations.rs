//! How the schema `monitoring` comes to be and moves on. Forward only.
//!
//! All that is pending is applied in one transaction: a migration that fails leaves the schema as it was. The journal
//! keeps a checksum of each, so that a file which was edited after its release is noticed, and so is a database that is
//! newer than the program.

use std::time::Duration;

use db::{Client, DbError, Foreign, Preamble, unit_of_work};

use crate::logins::OWNER;
use crate::views;

/// One step of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Its number, from 1 without gaps.
    pub version: i32,
    /// What it is about.
    pub name: &'static str,
    /// The statements.
    pub sql: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal, $file:literal) => {
        Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../../sql/migrations/", $file)),
        }
    };
}

/// Every migration, in order.
pub const ALL: &[Migration] = &[
    migration!(1, "targets", "0001_targets.sql"),
    migration!(2, "samples", "0002_samples.sql"),
    migration!(3, "alerts", "0003_alerts.sql"),
    migration!(4, "partitions", "0004_partitions.sql"),
    migration!(5, "default_rules", "0005_default_rules.sql"),
    migration!(6, "collectors", "0006_collectors.sql"),
    migration!(7, "statement_details", "0007_statement_details.sql"),
    migration!(8, "blocked_sessions", "0008_blocked_sessions.sql"),
    migration!(9, "roll_up_tables", "0009_roll_up_tables.sql"),
    migration!(10, "roll_ups", "0010_roll_ups.sql"),
    migration!(11, "retention", "0011_retention.sql"),
    migration!(12, "exposed", "0012_exposed.sql"),
    migration!(13, "pgbouncer", "0013_pgbouncer.sql"),
    migration!(14, "rules", "0014_rules.sql"),
    migration!(15, "routes", "0015_routes.sql"),
    migration!(16, "receivers", "0016_receivers.sql"),
    migration!(17, "responses", "0017_responses.sql"),
    migration!(18, "load_runs", "0018_load_runs.sql"),
    migration!(19, "process_restarts", "0019_process_restarts.sql"),
    migration!(20, "hidden_texts", "0020_hidden_texts.sql"),
];

/// What a call of [`migrate`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The migrations that were applied now; none when the schema was up to date.
    pub migrations: Vec<Migration>,
    /// The version of the schema afterwards.
    pub version: i32,
}

/// Why the schema was left as it was.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database was migrated by a later release.
    #[error("the schema is at version {found}, this program knows versions up to {known}")]
    TooNew {
        /// The version of the database.
        found: i64,
        /// The last version of this program.
        known: i32,
    },
    /// A migration is not what it was when it was applied.
    #[error("migration {version} ({name}) differs from the one that was applied")]
    Changed {
        /// Its number.
        version: i64,
        /// Its name.
        name: String,
    },
    /// The roles must be there first.
    #[error("role {0} does not exist")]
    MissingRole(String),
    /// Something in the schema, or the schema itself, belongs to somebody else, who could have it run code of theirs.
    #[error("the schema monitoring cannot be trusted: {0}")]
    Foreign(Foreign),
    /// A role that is no administrator can act as the owner of the schema.
    #[error("role {0:?} is a member of pgvitals_owner, so that it can change the schema monitoring")]
    ForeignMember(String),
    /// A migration failed.
    #[error("cannot apply migration {version} ({name})")]
    Failed {
        /// Its number.
        version: i32,
        /// Its name.
        name: &'static str,
        /// Why.
        #[source]
        source: DbError,
    },
    /// The server could not be talked to, or refused something around the migrations.
    #[error("cannot migrate the schema monitoring")]
    Database(#[from] DbError),
}

impl MigrationError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            MigrationError::Foreign(foreign) if foreign.kind == "schema" => Some(
                "nothing was changed. pgvitals makes this schema itself: look at what is in it, then rename it \
                 (alter schema monitoring rename to ...) or drop it",
            ),
            MigrationError::Foreign(_) => Some(
                "nothing was changed. Everything in it has to belong to pgvitals_owner, and nobody else may add to it: \
                 find out who made this, then drop it or revoke the right",
            ),
            MigrationError::ForeignMember(_) => {
                Some("nothing was changed. Find out why, then: revoke pgvitals_owner from that role")
            }
            MigrationError::TooNew { .. } => Some("use a program at least as new as the one that migrated"),
            MigrationError::Changed { .. } => {
                Some("restore the released file; put the change into a new migration")
            }
            MigrationError::MissingRole(_) => {
                Some("create the roles first: run pgvitals migrate as a role that may")
            }
            MigrationError::Failed { source, .. } | MigrationError::Database(source) => {
                source.hint.as_deref()
            }
        }
    }
}

/// Looks whether the schema can be trusted, and makes it where there is none. All that needs an administrator once the
/// roles are there: [`migrate`] does the rest as their owner.
///
/// # Errors
///
/// The reason why the schema was left as it was.
pub async fn prepare(client: &impl Client) -> Result<(), MigrationError> {
    unit_of_work(client, &preamble(), async |client| ensure_schema(client).await).await
}

/// Makes the schema where there is none; refuses one that belongs to somebody else, in whole or in part. No migrator
/// comes between, and nobody else may add to a schema that passed.
async fn ensure_schema(client: &impl Client) -> Result<(), MigrationError> {
    client
        .query(include_str!("../sql/migrations/lock.sql"), &[])
        .await?;
    if let Some(role) = first(client, include_str!("../sql/migrations/missing_roles.sql")).await? {
        return Err(MigrationError::MissingRole(role));
    }
    if let Some(role) = first(client, include_str!("../sql/migrations/foreign_members.sql")).await? {
        return Err(MigrationError::ForeignMember(role));
    }
    let foreign = db::foreign_objects(client, "monitoring", OWNER).await?;
    if let Some(foreign) = foreign.into_iter().next() {
        return Err(MigrationError::Foreign(foreign));
    }
    Ok(run_script(client, include_str!("../sql/migrations/create_schema.sql")).await?)
}

/// The first name that a statement gives.
async fn first(client: &impl Client, sql: &str) -> Result<Option<String>, DbError> {
    let rows = client.query(sql, &[]).await?;
    rows.first().map(|row| row.get("name")).transpose()
}

fn preamble() -> Preamble {
    Preamble {
        lock_timeout: Duration::from_secs(60),
        ..Preamble::new("pgvitals/migrate").with_statement_timeout(Duration::from_secs(300))
    }
}

/// Brings the schema to the version of this program, and its grants to what they should be. The roles must be there
/// (see [`logins::ensure`](crate::logins::ensure)). The caller is `pgvitals_owner`, let in by
/// [`logins::lend_owner`](crate::logins::lend_owner) after [`prepare`], so that nothing here is done with an
/// administrator's rights; a member of that role will do where the database is one's own. Callers at the same time wait for
/// each other.
///
/// # Errors
///
/// Why the schema was left as it was.
pub async fn migrate(client: &impl Client) -> Result<Applied, MigrationError> {
    unit_of_work(client, &preamble(), async |client| {
        ensure_schema(client).await?;
        run_script(client, include_str!("../sql/migrations/bootstrap.sql")).await?;
        let pending = pending(client, ALL).await?;
        for migration in &pending {
            apply(client, migration).await?;
        }
        crate::collectors::register(client).await?;
        crate::metrics::register(client).await?;
        run_script(client, include_str!("../../../sql/grants.sql")).await?;
        run_script(client, include_str!("../../../sql/search_paths.sql")).await?;
        views::create(client).await?;
        Ok(Applied {
            migrations: pending,
            version: newest(ALL),
        })
    })
    .await
}

/// The migrations that a database lacks, without applying them; all of them where there is no schema.
///
/// # Errors
///
/// As [`migrate`], short of what only applying shows.
pub async fn outstanding(client: &impl Client) -> Result<Vec<Migration>, MigrationError> {
    let rows = client
        .query(include_str!("../sql/migrations/status.sql"), &[])
        .await?;
    if rows.one()?.get("present")? {
        pending(client, ALL).await
    } else {
        Ok(ALL.to_vec())
    }
}

fn newest(known: &[Migration]) -> i32 {
    known.last().map_or(0, |migration| migration.version)
}

async fn pending(client: &impl Client, known: &[Migration]) -> Result<Vec<Migration>, MigrationError> {
    let names: Vec<String> = known.iter().map(|migration| migration.name.to_owned()).collect();
    let scripts: Vec<String> = known.iter().map(|migration| migration.sql.to_owned()).collect();
    let rows = client
        .query(
            include_str!("../sql/migrations/journal.sql"),
            &[names.into(), scripts.into()],
        )
        .await?;
    let mut pending = Vec::new();
    for row in &rows {
        let version: i64 = row.get("version")?;
        if !row.get::<bool>("known")? {
            return Err(MigrationError::TooNew {
                found: version,
                known: newest(known),
            });
        }
        if !row.get::<bool>("unchanged")? {
            return Err(MigrationError::Changed {
                version,
                name: row.get("name")?,
            });
        }
        if !row.get::<bool>("applied")? {
            pending.extend(
                known
                    .iter()
                    .find(|migration| i64::from(migration.version) == version),
            );
        }
    }
    Ok(pending)
}

async fn apply(client: &impl Client, migration: &Migration) -> Result<(), MigrationError> {
    let failed = |source| MigrationError::Failed {
        version: migration.version,
        name: migration.name,
        source,
    };
    run_script(client, migration.sql).await.map_err(failed)?;
    let parameters = [
        migration.version.into(),
        migration.name.into(),
        migration.sql.into(),
    ];
    client
        .execute(include_str!("../sql/migrations/record.sql"), &parameters)
        .await
        .map_err(failed)?;
    Ok(())
}

/// The quotes around a script. No script may hold it; a test sees to that.
const SCRIPT_QUOTE: &str = "$pgvitals_script$";

/// Runs several statements. The door to PostgreSQL takes one statement at a time, on a host as well as natively, so that
/// the server is asked to run the script from within a single `do`.
pub(crate) async fn run_script(client: &impl Client, script: &str) -> Result<(), DbError> {
    let statement =
        format!("do $pgvitals$ begin execute {SCRIPT_QUOTE}{script}{SCRIPT_QUOTE}; end $pgvitals$");
    client.execute(&statement, &[]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files beside the list.
    fn files() -> Vec<(String, String)> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sql/migrations");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let text = std::fs::read_to_string(entry.path()).unwrap();
                (entry.file_name().into_string().unwrap(), text)
            })
            .collect();
        files.sort();
        files
    }

    #[test]
    fn the_list_is_what_is_in_the_folder_in_order_and_without_gaps() {
        let listed: Vec<(String, String)> = ALL
            .iter()
            .map(|migration| {
                (
                    format!("{:04}_{}.sql", migration.version, migration.name),
                    migration.sql.to_owned(),
                )
            })
            .collect();
        assert_eq!(listed, files());
        let versions: Vec<i32> = ALL.iter().map(|migration| migration.version).collect();
        assert_eq!(versions, (1..=newest(ALL)).collect::<Vec<_>>());
    }

    #[test]
    fn every_script_says_what_it_is_for_and_can_be_quoted() {
        let others = [
            include_str!("../../../sql/logins.sql"),
            include_str!("../../../sql/grants.sql"),
            include_str!("../../../sql/search_paths.sql"),
        ];
        for script in ALL.iter().map(|migration| migration.sql).chain(others) {
            assert!(script.starts_with("-- "), "{script}");
            assert!(!script.contains("$pgvitals"), "{script}");
            assert!(script.ends_with('\n'), "{script}");
        }
    }
}
