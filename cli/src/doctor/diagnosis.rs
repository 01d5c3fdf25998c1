//! From what is known of a target to what is to be done about it. No I/O.

use db::Authentication;
use embedded_postgres::{NEWEST, OLDEST};
use serde::Serialize;

use super::facts::Facts;

/// How much something matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// As it should be.
    Ok,
    /// Better mended, but the monitoring works.
    Should,
    /// Part of the monitoring does not work until it is mended.
    Must,
    /// Cannot be told, because something else is in the way.
    Unknown,
}

impl Verdict {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Should => "should",
            Self::Must => "must",
            Self::Unknown => "?",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) check: &'static str,
    /// How it is.
    pub(crate) verdict: Verdict,
    /// What was found.
    pub(crate) found: String,
    /// What to run or to write, exactly. Empty when there is nothing to be done.
    pub(crate) mend: Vec<String>,
}

impl Finding {
    pub(crate) fn new(check: &'static str, verdict: Verdict, found: impl Into<String>) -> Self {
        Self {
            check,
            verdict,
            found: found.into(),
            mend: Vec::new(),
        }
    }

    pub(crate) fn mend(mut self, line: impl Into<String>) -> Self {
        self.mend.push(line.into());
        self
    }
}

/// Share of the connections for ordinary logins from which on there is little room left, in percent.
const LITTLE_ROOM: i64 = 80;
const RELOAD: &str = "select pg_reload_conf();";
const RESTART: &str = "-- then restart the server";

/// Everything that is looked at, in the order in which one would mend it.
pub(crate) fn diagnose(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![
        encryption(facts),
        password(facts),
        version(facts),
        preload(facts),
        extension(facts),
        monitor_role(facts),
    ];
    findings.extend(track(facts));
    findings.extend(track_utility(facts));
    findings.extend(query_id(facts));
    findings.extend([
        activities(facts),
        io_timing(facts),
        connections(facts),
        privileges(facts),
    ]);
    findings
}

/// Whether others can read along.
fn encryption(facts: &Facts) -> Finding {
    const CHECK: &str = "encryption";
    let version = facts.tls_version.as_deref();
    match (facts.is_encrypted, facts.is_local) {
        (true, _) => Finding::new(
            CHECK,
            Verdict::Ok,
            format!("{}, and the server's certificate is verified", version.unwrap_or("TLS")),
        ),
        (false, true) => Finding::new(CHECK, Verdict::Ok, "none, on this machine"),
        (false, false) => Finding::new(
            CHECK,
            Verdict::Should,
            "none: whoever is between can read and change what is sent",
        )
        .mend("alter system set ssl = 'on'; -- with a certificate: ssl_cert_file, ssl_key_file")
        .mend(RELOAD)
        .mend("-- then write sslmode=verify-full in the address, with --certificate FILE where the authority is one's own"),
    }
}

/// How the password is proved. Over verified TLS nobody sees it, but the server keeps what an MD5 proof is made of.
fn password(facts: &Facts) -> Finding {
    const CHECK: &str = "password";
    let found = format!("proved by {}", facts.authentication);
    match facts.authentication {
        Authentication::Scram => Finding::new(CHECK, Verdict::Ok, found),
        Authentication::None => Finding::new(CHECK, Verdict::Ok, "none is asked for"),
        Authentication::Password if facts.is_encrypted => Finding::new(
            CHECK,
            Verdict::Ok,
            "sent in clear text within the encrypted connection",
        ),
        _ => {
            let finding = Finding::new(
                CHECK,
                Verdict::Should,
                format!("{found}, from which it can be found out"),
            );
            let finding = match facts.password_encryption.as_deref() {
                Some("scram-sha-256") => finding,
                _ => finding
                    .mend("alter system set password_encryption = 'scram-sha-256';")
                    .mend(RELOAD),
            };
            finding
                .mend(format!("alter role {} password '…';", identifier(&facts.login)))
                .mend("-- and scram-sha-256 in place of md5 or password in pg_hba.conf")
        }
    }
}

fn version(facts: &Facts) -> Finding {
    let major = facts.version_number / 10_000;
    let found = format!("PostgreSQL {}", facts.version);
    if major < i64::from(OLDEST) {
        Finding::new("version", Verdict::Must, format!("{found}, which is too old"))
            .mend(format!("-- upgrade to PostgreSQL {OLDEST} or later"))
    } else if major > i64::from(NEWEST) {
        Finding::new(
            "version",
            Verdict::Should,
            format!("{found}, with which this release was not tried"),
        )
        .mend("-- look for a newer release of pgvitals")
    } else {
        Finding::new("version", Verdict::Ok, found)
    }
}

fn preload(facts: &Facts) -> Finding {
    const CHECK: &str = "preload";
    let libraries = facts.preloaded.as_deref().map(|list| {
        list.split(',')
            .map(|name| name.trim().trim_matches('"'))
            .filter(|name| !name.is_empty())
            .collect::<Vec<_>>()
    });
    match libraries {
        Some(libraries) if libraries.contains(&"pg_stat_statements") => Finding::new(
            CHECK,
            Verdict::Ok,
            "pg_stat_statements is loaded at the start of the server",
        ),
        Some(libraries) => {
            let all: Vec<_> = libraries
                .into_iter()
                .chain(["pg_stat_statements"])
                .map(|name| format!("'{name}'"))
                .collect();
            Finding::new(
                CHECK,
                Verdict::Must,
                "pg_stat_statements is not loaded at the start of the server",
            )
            .mend(format!(
                "alter system set shared_preload_libraries = {};",
                all.join(", ")
            ))
            .mend(RESTART)
        }
        // The list is hidden without pg_monitor; the library's own settings are not.
        None if facts.track.is_some() => Finding::new(CHECK, Verdict::Ok, "pg_stat_statements is loaded"),
        None => Finding::new(
            CHECK,
            Verdict::Unknown,
            "shared_preload_libraries is hidden from this login",
        )
        .mend(grant_monitor(facts)),
    }
}

fn extension(facts: &Facts) -> Finding {
    const CHECK: &str = "extension";
    match (&facts.extension_version, &facts.extension_available) {
        (Some(version), Some(available)) if version != available => Finding::new(
            CHECK,
            Verdict::Should,
            format!("pg_stat_statements is at version {version}, the server brings {available}"),
        )
        .mend(format!("-- in the database {}", facts.database))
        .mend("alter extension pg_stat_statements update;"),
        (Some(version), _) => Finding::new(
            CHECK,
            Verdict::Ok,
            format!("pg_stat_statements {version} in {}", facts.database),
        ),
        (None, Some(_)) => Finding::new(
            CHECK,
            Verdict::Must,
            format!("pg_stat_statements is not created in {}", facts.database),
        )
        .mend(format!("-- in the database {}", facts.database))
        .mend("create extension pg_stat_statements;"),
        (None, None) => Finding::new(
            CHECK,
            Verdict::Must,
            "pg_stat_statements is not installed on the server",
        )
        .mend("-- install the contrib modules of the server (Debian: part of postgresql-NN), then")
        .mend("create extension pg_stat_statements;"),
    }
}

fn monitor_role(facts: &Facts) -> Finding {
    if facts.has_pg_monitor {
        return Finding::new(
            "pg_monitor",
            Verdict::Ok,
            format!("{} sees the statistics of all users", facts.login),
        );
    }
    Finding::new(
        "pg_monitor",
        Verdict::Must,
        format!("{} sees only its own statistics", facts.login),
    )
    .mend(grant_monitor(facts))
}

fn grant_monitor(facts: &Facts) -> String {
    format!("grant pg_monitor to {};", identifier(&facts.login))
}

/// None while the library is not loaded: that is another finding.
fn track(facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "track";
    let track = facts.track.as_deref()?;
    let mend = |finding: Finding| {
        finding
            .mend("alter system set pg_stat_statements.track = 'all';")
            .mend(RELOAD)
    };
    Some(match track {
        "all" => Finding::new(CHECK, Verdict::Ok, "statements within functions are counted"),
        "none" => mend(Finding::new(CHECK, Verdict::Must, "no statements are counted")),
        other => mend(Finding::new(
            CHECK,
            Verdict::Should,
            format!("pg_stat_statements.track is {other}: statements within functions are not counted"),
        )),
    })
}

fn track_utility(facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "track_utility";
    Some(match facts.track_utility.as_deref()? {
        "off" => Finding::new(CHECK, Verdict::Ok, "utility statements are not kept"),
        _ => Finding::new(
            CHECK,
            Verdict::Should,
            "utility statements are kept by the server with their literals, passwords among them",
        )
        .mend("alter system set pg_stat_statements.track_utility = 'off';")
        .mend(RELOAD)
        .mend("-- and forget the ones that are kept already: select pg_stat_statements_reset();"),
    })
}

/// Only from PostgreSQL 14 on, and only when it is switched off.
fn query_id(facts: &Facts) -> Option<Finding> {
    (facts.compute_query_id.as_deref()? == "off").then(|| {
        Finding::new(
            "compute_query_id",
            Verdict::Must,
            "statements get no id, so none are counted",
        )
        .mend("alter system set compute_query_id = 'auto';")
        .mend(RELOAD)
    })
}

fn activities(facts: &Facts) -> Finding {
    if facts.track_activities.as_deref() == Some("off") {
        return Finding::new(
            "track_activities",
            Verdict::Must,
            "the server does not say what its sessions do",
        )
        .mend("alter system set track_activities = 'on';")
        .mend(RELOAD);
    }
    Finding::new(
        "track_activities",
        Verdict::Ok,
        "the server says what its sessions do",
    )
}

fn io_timing(facts: &Facts) -> Finding {
    if facts.track_io_timing.as_deref() == Some("on") {
        return Finding::new(
            "track_io_timing",
            Verdict::Ok,
            "time spent on the disk is measured",
        );
    }
    Finding::new(
        "track_io_timing",
        Verdict::Should,
        "time spent on the disk is not measured",
    )
    .mend("alter system set track_io_timing = 'on';")
    .mend(RELOAD)
}

fn connections(facts: &Facts) -> Finding {
    let room = (facts.max_connections - facts.reserved_connections).max(1);
    let found = format!("{} of {room} connections are in use", facts.connections);
    if facts.connections * 100 < room * LITTLE_ROOM {
        return Finding::new("connections", Verdict::Ok, found);
    }
    Finding::new(
        "connections",
        Verdict::Should,
        format!("{found}: the monitoring may be the next that is refused"),
    )
    .mend("-- put a connection pooler in front of the applications, or")
    .mend(format!(
        "alter system set max_connections = {};",
        facts.max_connections * 2
    ))
    .mend(RESTART)
}

fn privileges(facts: &Facts) -> Finding {
    const CHECK: &str = "privileges";
    let login = &facts.login;
    let excess = match (facts.is_superuser, facts.is_privileged) {
        (false, false) => {
            return Finding::new(
                CHECK,
                Verdict::Ok,
                format!("{login} may not do more than it needs"),
            );
        }
        (true, _) => "is a superuser",
        (false, true) => "may create roles or databases, replicate, or bypass row-level security",
    };
    Finding::new(
        CHECK,
        Verdict::Should,
        format!("{login} {excess}: the monitoring needs none of that"),
    )
    .mend("create role pgvitals_collector login password '…';")
    .mend("grant pg_monitor to pgvitals_collector;")
    .mend("-- then: pgvitals targets add NAME postgres://pgvitals_collector:PASSWORD@…")
}

/// The database that every server has from its first day, mostly empty.
const FIRST_DATABASE: &str = "postgres";

/// The databases of watched servers that no target watches: a finding for each server, with the position of the first
/// target of it. Targets that did not answer are none.
pub(crate) fn unwatched(targets: &[Option<&Facts>]) -> Vec<(usize, Finding)> {
    let answered = || {
        targets
            .iter()
            .copied()
            .enumerate()
            .filter_map(|(at, facts)| Some((at, facts?)))
    };
    let mut findings = Vec::new();
    for (position, facts) in answered() {
        let same_server = || answered().filter(|(_, other)| other.started_at == facts.started_at);
        if same_server().any(|(other, _)| other < position) {
            continue;
        }
        let unwatched: Vec<&str> = facts
            .databases
            .iter()
            .map(String::as_str)
            .filter(|&name| name != FIRST_DATABASE && same_server().all(|(_, other)| other.database != name))
            .collect();
        if unwatched.is_empty() {
            continue;
        }
        let noun = if unwatched.len() == 1 {
            "database"
        } else {
            "databases"
        };
        let found = format!(
            "no target watches the {noun} {} of this server",
            unwatched.join(", ")
        );
        let finding = Finding::new("databases", Verdict::Should, found)
            .mend("-- pgvitals targets add NAME postgres://… --all-databases, or one target for each");
        findings.push((position, finding));
    }
    findings
}

/// A name as it has to be written in a statement.
fn identifier(name: &str) -> String {
    let plain = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

#[cfg(test)]
mod tests;
