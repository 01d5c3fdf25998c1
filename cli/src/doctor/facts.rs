//! What has to be known of a target.

use chrono::{DateTime, Utc};
use db::{Authentication, Client, Connection, DbError, Preamble, SafeUrl, unit_of_work};

/// What a target says of itself. A setting is None where it is hidden or does not exist.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) version_number: i64,
    pub(crate) version: String,
    pub(crate) database: String,
    /// Those that the login may connect to, the oldest first.
    pub(crate) databases: Vec<String>,
    /// When the server was started: targets with the same moment are of the same server.
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) login: String,
    /// Whether the server is on this machine.
    pub(crate) is_local: bool,
    /// Whether the connection is encrypted; then the server's certificate is verified.
    pub(crate) is_encrypted: bool,
    /// The version of TLS, as the server has it: with a pooler in between it is that of the pooler's own connection.
    pub(crate) tls_version: Option<String>,
    /// How the password was proved.
    pub(crate) authentication: Authentication,
    /// How new passwords are kept.
    pub(crate) password_encryption: Option<String>,
    pub(crate) is_superuser: bool,
    pub(crate) is_privileged: bool,
    pub(crate) has_pg_monitor: bool,
    pub(crate) extension_version: Option<String>,
    pub(crate) extension_available: Option<String>,
    pub(crate) preloaded: Option<String>,
    pub(crate) track: Option<String>,
    pub(crate) track_utility: Option<String>,
    pub(crate) track_io_timing: Option<String>,
    pub(crate) track_activities: Option<String>,
    pub(crate) compute_query_id: Option<String>,
    pub(crate) max_connections: i64,
    pub(crate) reserved_connections: i64,
    pub(crate) connections: i64,
}

impl Facts {
    /// Asks the target, and changes nothing there.
    pub(crate) async fn read(client: &Connection, url: &SafeUrl) -> Result<Self, DbError> {
        let link = client.link();
        let preamble = Preamble::new("pgvitals/doctor").read_only();
        unit_of_work(client, &preamble, async |client| {
            let rows = client
                .query(include_str!("../../sql/doctor_facts.sql"), &[])
                .await?;
            let row = rows.one()?;
            Ok(Self {
                version_number: row.get("version_number")?,
                version: row.get("version")?,
                database: row.get("database")?,
                databases: row.get("databases")?,
                started_at: row.get("started_at")?,
                login: row.get("login")?,
                is_local: url.is_loopback(),
                is_encrypted: link.is_some_and(|link| link.encrypted),
                tls_version: row.get("tls_version")?,
                authentication: link.map_or(Authentication::None, |link| link.authentication),
                password_encryption: row.get("password_encryption")?,
                is_superuser: row.get("is_superuser")?,
                is_privileged: row.get("is_privileged")?,
                has_pg_monitor: row.get("has_pg_monitor")?,
                extension_version: row.get("extension_version")?,
                extension_available: row.get("extension_available")?,
                preloaded: row.get("preloaded")?,
                track: row.get("track")?,
                track_utility: row.get("track_utility")?,
                track_io_timing: row.get("track_io_timing")?,
                track_activities: row.get("track_activities")?,
                compute_query_id: row.get("compute_query_id")?,
                max_connections: row.get("max_connections")?,
                reserved_connections: row.get("reserved_connections")?,
                connections: row.get("connections")?,
            })
        })
        .await
    }
}
