//! What a server is and has, and which variant of a collector fits it.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use db::{DbError, Row, Value};
use serde::Deserialize;

use super::{ALL, Collector, Variant, find};

/// What the collector `server` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// `server_version_num`.
    pub version: i32,
    /// When the server was started: what tells one server from another, by whatever address it was reached.
    pub started_at: DateTime<Utc>,
    /// Whether it is a replica.
    pub in_recovery: bool,
    /// Its clock.
    pub at: DateTime<Utc>,
    columns: HashSet<String>,
    extensions: Vec<Extension>,
    roles: Vec<String>,
}

/// An extension of the database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Extension {
    name: String,
    version: String,
    /// Quoted by the server, ready to be written into a statement.
    schema: String,
    usable: bool,
}

/// A variant that fits a server, with the statement as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitting {
    /// The variant.
    pub variant: &'static Variant,
    /// The statement.
    pub sql: String,
}

/// Why a collector cannot work on a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", kind.code())]
pub struct Unfit {
    /// What kind of reason.
    pub kind: UnfitKind,
    /// The reason, and what to do about it.
    pub message: String,
}

/// A kind of reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnfitKind {
    /// An extension was not created in the database.
    MissingExtension,
    /// The login lacks a role or may not use a schema.
    MissingPrivilege,
    /// No variant finds its columns. Nothing to mend.
    NotInThisVersion,
}

impl UnfitKind {
    /// The word that the reason begins with.
    pub const fn code(self) -> &'static str {
        match self {
            UnfitKind::MissingExtension => "missing_extension",
            UnfitKind::MissingPrivilege => "missing_privilege",
            UnfitKind::NotInThisVersion => "not_in_this_version",
        }
    }
}

impl Look {
    /// The statement that looks, and its parameter: the views that any collector needs.
    pub fn statement() -> (&'static str, Vec<Value>) {
        let views: BTreeSet<String> = ALL
            .iter()
            .flat_map(|collector| collector.variants)
            .flat_map(|variant| variant.needs)
            .filter_map(|need| need.split_once('.'))
            .map(|(view, _)| view.to_owned())
            .collect();
        let sql = find("server").map_or("", |server| server.variants[0].sql);
        (sql, vec![views.into_iter().collect::<Vec<_>>().into()])
    }

    /// Reads what the statement gave.
    ///
    /// # Errors
    ///
    /// A column that is missing or of another type.
    pub fn read(row: &Row) -> Result<Look, DbError> {
        let extensions = serde_json::from_value(row.get("extensions")?).map_err(|error| {
            DbError::decode("the extensions of the server cannot be read").with_cause(error.to_string())
        })?;
        Ok(Look {
            version: row.get("server_version")?,
            started_at: row.get("started_at")?,
            in_recovery: row.get("in_recovery")?,
            at: row.get("at")?,
            columns: row.get::<Vec<String>>("columns")?.into_iter().collect(),
            extensions,
            roles: row.get("roles")?,
        })
    }

    /// What is known of a PgBouncer, which has nothing to look at but its version (`1.18.0`); `at` is the time, as it has
    /// no clock either. When it was started it does not tell.
    pub fn of_pgbouncer(version: &str, at: DateTime<Utc>) -> Look {
        let mut parts = version
            .split('.')
            .map(|part| part.parse::<i32>().unwrap_or_default());
        let version = [10_000, 100, 1].map(|weight| weight * parts.next().unwrap_or_default().clamp(0, 99));
        Look {
            version: version.iter().sum(),
            started_at: DateTime::UNIX_EPOCH,
            in_recovery: false,
            at,
            columns: HashSet::new(),
            extensions: Vec::new(),
            roles: Vec::new(),
        }
    }

    /// The version of an extension, if it was created in the database.
    pub fn extension_version(&self, name: &str) -> Option<&str> {
        self.extension(name).map(|extension| extension.version.as_str())
    }

    fn extension(&self, name: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.name == name)
    }

    /// The variant of a collector that fits, or what keeps all of them from fitting.
    ///
    /// # Errors
    ///
    /// Of several reasons, that of the variant which comes closest.
    pub fn fit(&self, collector: &Collector) -> Result<Fitting, Unfit> {
        let mut unfit: Option<Unfit> = None;
        for variant in collector.variants {
            match self.fit_variant(variant) {
                Ok(fitting) => return Ok(fitting),
                // That a version lacks something says less than what could be mended.
                Err(reason) if reason.kind == UnfitKind::NotInThisVersion && unfit.is_some() => {}
                Err(reason) => unfit = Some(reason),
            }
        }
        Err(unfit.unwrap_or_else(|| Unfit {
            kind: UnfitKind::NotInThisVersion,
            message: format!("{} has no statement", collector.name),
        }))
    }

    fn fit_variant(&self, variant: &'static Variant) -> Result<Fitting, Unfit> {
        let unfit = |kind, message| Err(Unfit { kind, message });
        let mut sql = variant.sql.to_owned();
        if let Some(name) = variant.extension {
            let Some(extension) = self.extension(name) else {
                let message = format!("create extension {name} in this database");
                return unfit(UnfitKind::MissingExtension, message);
            };
            if !extension.usable {
                let message = format!(
                    "grant usage on schema {} to the login, for {name}",
                    extension.schema
                );
                return unfit(UnfitKind::MissingPrivilege, message);
            }
            sql = sql.replace("extension_schema.", &format!("{}.", extension.schema));
        }
        if let Some(missing) = variant.needs.iter().find(|need| !self.columns.contains(**need)) {
            let version = match variant.extension.and_then(|name| self.extension(name)) {
                Some(extension) => format!("{} {}", extension.name, extension.version),
                None => format!("PostgreSQL {}", self.version / 10_000),
            };
            return unfit(UnfitKind::NotInThisVersion, format!("{version} has no {missing}"));
        }
        if let Some(role) = variant
            .privileges
            .iter()
            .find(|role| !self.roles.iter().any(|has| has == *role))
        {
            let message = format!("grant pg_monitor to the login, which lacks {role}");
            return unfit(UnfitKind::MissingPrivilege, message);
        }
        Ok(Fitting { variant, sql })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn look(columns: &[&str], roles: &[&str]) -> Look {
        Look {
            version: 180_000,
            started_at: DateTime::UNIX_EPOCH,
            in_recovery: false,
            at: DateTime::UNIX_EPOCH,
            columns: columns
                .iter()
                .map(|column| format!("pg_stat_statements.{column}"))
                .collect(),
            extensions: vec![Extension {
                name: "pg_stat_statements".to_owned(),
                version: "1.11".to_owned(),
                schema: "\"My Extensions\"".to_owned(),
                usable: true,
            }],
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        }
    }

    fn statements(columns: &[&str]) -> Result<Fitting, Unfit> {
        look(columns, &["pg_read_all_stats"]).fit(find("statements").unwrap())
    }

    #[test]
    fn the_newest_variant_that_fits_is_taken() {
        let newest = [
            "toplevel",
            "total_exec_time",
            "shared_blk_read_time",
            "stats_since",
            "queryid",
        ];
        assert_eq!(statements(&newest).unwrap().variant.file, "statements@1.11");
        let middle = ["toplevel", "total_exec_time", "blk_read_time", "queryid"];
        assert_eq!(statements(&middle).unwrap().variant.file, "statements@1.9");
        let old = ["total_exec_time", "blk_read_time", "queryid"];
        assert_eq!(statements(&old).unwrap().variant.file, "statements@1.8");
        let oldest = ["total_time", "blk_read_time"];
        assert_eq!(statements(&oldest).unwrap().variant.file, "statements@1.4");
        assert_eq!(
            statements(&["calls"]).unwrap_err().kind,
            UnfitKind::NotInThisVersion
        );
    }

    #[test]
    fn the_schema_of_the_extension_is_written_into_the_statement() {
        let sql = statements(&["total_time", "blk_read_time"]).unwrap().sql;
        assert!(
            sql.contains("from \"My Extensions\".pg_stat_statements(false) as s"),
            "{sql}"
        );
        assert!(!sql.contains("extension_schema"));
    }

    #[test]
    fn the_version_of_a_pgbouncer_is_a_number_like_that_of_a_server() {
        let number = |version| Look::of_pgbouncer(version, DateTime::UNIX_EPOCH).version;
        assert_eq!(number("1.18.0"), 11_800);
        assert_eq!(number("1.24.1"), 12_401);
        assert_eq!(number("1.25.0dev"), 12_500);
        assert_eq!(number(""), 0);
    }

    #[test]
    fn what_is_missing_is_said_with_what_to_do() {
        let collector = find("statements").unwrap();
        let without_role = look(&["total_time", "blk_read_time"], &[]);
        assert_eq!(
            without_role.fit(collector).unwrap_err().to_string(),
            "missing_privilege: grant pg_monitor to the login, which lacks pg_read_all_stats"
        );
        let mut without_schema = look(&["total_time", "blk_read_time"], &["pg_read_all_stats"]);
        without_schema.extensions[0].usable = false;
        assert_eq!(
            without_schema.fit(collector).unwrap_err().to_string(),
            "missing_privilege: grant usage on schema \"My Extensions\" to the login, for pg_stat_statements"
        );
        without_schema.extensions.clear();
        assert_eq!(
            without_schema.fit(collector).unwrap_err().to_string(),
            "missing_extension: create extension pg_stat_statements in this database"
        );
    }
}
