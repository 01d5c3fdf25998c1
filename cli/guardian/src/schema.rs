//! Installs `sql/guardian/schema` into a database.

use db::{Client, Connection, DbError, Foreign, foreign_objects};

/// A file of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaFile {
    /// Its name in `sql/guardian/schema`, without the ending.
    pub name: &'static str,
    /// Its statements.
    pub statements: &'static str,
}

macro_rules! files {
    [$($name:literal),+ $(,)?] => {
        &[$(SchemaFile {
            name: $name,
            statements: include_str!(concat!("../../../sql/guardian/schema/", $name, ".sql")),
        }),+]
    };
}

/// The files, in the order in which they are run.
pub const FILES: &[SchemaFile] = files![
    "01_roles",
    "02_people",
    "03_records",
    "04_relationships",
    "05_jobs",
    "06_partitions",
    "07_caches",
    "08_access",
    "09_policies",
    "10_jobs",
    "11_dashboards",
    "12_bulk",
    "13_invalidation",
    "14_relationship_checks",
    "15_orphans",
    "16_audit",
    "17_documents",
    "18_views",
    "19_shards",
    "20_grants",
];

/// What begins the comment on a schema that was made here. What follows it tells which files it was made of.
const MARK: &str = "pgvitals reference workload ";

const CURRENT: &str = "
    select coalesce(pg_catalog.obj_description(oid, 'pg_namespace'), '')::text as mark
    from pg_catalog.pg_namespace
    where nspname = 'guardian'";

const CURRENT_USER: &str = "select current_user::text as name";

/// Why the schema was not installed.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// A schema `guardian` that was not made here.
    #[error("the database has a schema guardian that is not the reference workload")]
    Foreign,
    /// A schema `guardian` in which something belongs to somebody else, who could have it run code of theirs.
    #[error("the schema guardian cannot be trusted: {0}")]
    Untrusted(Foreign),
    /// A schema `guardian` that was made here, of other files.
    #[error("the database has the reference workload of another version of pgvitals")]
    OtherVersion,
    /// A file whose statements the server did not take.
    #[error("cannot run sql/guardian/schema/{name}.sql")]
    File {
        /// The file.
        name: &'static str,
        /// What the server said.
        source: DbError,
    },
    /// Anything else that the server said.
    #[error("cannot install the schema guardian")]
    Database(#[from] DbError),
}

/// What was found and done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    /// The schema was made now, and its tables are empty.
    Now,
    /// It was there before, made of the same files.
    Before,
}

/// Sees to it that the schema is there, in one transaction. With `replace` a schema `guardian` that is there is dropped
/// first, whoever made it.
///
/// # Errors
///
/// Without `replace`, that there is a schema `guardian` made elsewhere, of other files, or with something in it that is not
/// the caller's; and what the server said.
pub async fn install(client: &Connection, replace: bool) -> Result<Installed, SchemaError> {
    let rows = client.query(CURRENT, &[]).await?;
    let current = rows.first().map(|row| row.get::<String>("mark")).transpose()?;
    if let Some(mark) = current
        && !replace
    {
        let user: String = client.query(CURRENT_USER, &[]).await?.one()?.get("name")?;
        let foreign = foreign_objects(client, "guardian", &user)
            .await?
            .into_iter()
            .next();
        return match (mark.strip_prefix(MARK), foreign) {
            (None, _) => Err(SchemaError::Foreign),
            (_, Some(foreign)) => Err(SchemaError::Untrusted(foreign)),
            (Some(fingerprint), None) if fingerprint == self::fingerprint() => Ok(Installed::Before),
            (Some(_), None) => Err(SchemaError::OtherVersion),
        };
    }
    client
        .run_all("begin; drop schema if exists guardian cascade")
        .await?;
    let made = make(client).await;
    if made.is_err() {
        // The statement's own error is the one to tell; a broken connection rolls back by itself.
        let _ = client.run_all("rollback").await;
    }
    made?;
    Ok(Installed::Now)
}

async fn make(client: &Connection) -> Result<(), SchemaError> {
    for file in FILES {
        client
            .run_all(file.statements)
            .await
            .map_err(|source| SchemaError::File {
                name: file.name,
                source,
            })?;
    }
    let mark = format!("comment on schema guardian is '{MARK}{}'; commit", fingerprint());
    Ok(client.run_all(&mark).await?)
}

/// Tells the files of one version from those of another: their FNV-1a hash.
fn fingerprint() -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for file in FILES {
        for byte in file.statements.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_run_in_the_order_of_their_names() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sql/guardian/schema");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".sql").map(str::to_owned))
            .collect();
        names.sort();
        let run: Vec<&str> = FILES.iter().map(|file| file.name).collect();
        assert_eq!(run, names);
    }
}
