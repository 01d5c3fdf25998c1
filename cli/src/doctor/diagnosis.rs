//! From what is known of a target to what is to be done about it. No I/O.

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
mod tests {
    use super::*;

    fn healthy() -> Facts {
        let on = || Some("on".to_owned());
        Facts {
            version_number: 180_004,
            version: "18.4".to_owned(),
            database: "shop".to_owned(),
            login: "pgvitals_collector".to_owned(),
            is_superuser: false,
            is_privileged: false,
            has_pg_monitor: true,
            extension_version: Some("1.12".to_owned()),
            extension_available: Some("1.12".to_owned()),
            preloaded: Some("auto_explain, pg_stat_statements".to_owned()),
            track: Some("all".to_owned()),
            track_utility: Some("off".to_owned()),
            track_io_timing: on(),
            track_activities: on(),
            compute_query_id: Some("auto".to_owned()),
            max_connections: 100,
            reserved_connections: 3,
            connections: 5,
        }
    }

    /// The one finding that is not well.
    #[track_caller]
    fn check(facts: &Facts, check: &str, verdict: Verdict, mend: &[&str]) {
        let findings: Vec<_> = diagnose(facts)
            .into_iter()
            .filter(|finding| finding.verdict != Verdict::Ok)
            .collect();
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert_eq!((findings[0].check, findings[0].verdict), (check, verdict));
        assert_eq!(findings[0].mend, mend);
    }

    #[test]
    fn a_healthy_target_has_nothing_to_mend() {
        assert!(
            diagnose(&healthy())
                .iter()
                .all(|finding| finding.verdict == Verdict::Ok && finding.mend.is_empty())
        );
    }

    #[test]
    fn versions_outside_of_what_was_tried_are_named() {
        let old = Facts {
            version_number: 120_022,
            version: "12.22".to_owned(),
            ..healthy()
        };
        check(
            &old,
            "version",
            Verdict::Must,
            &["-- upgrade to PostgreSQL 13 or later"],
        );
        let new = Facts {
            version_number: 190_000,
            version: "19.0".to_owned(),
            ..healthy()
        };
        check(
            &new,
            "version",
            Verdict::Should,
            &["-- look for a newer release of pgvitals"],
        );
    }

    #[test]
    fn the_library_is_added_to_those_that_are_loaded_already() {
        let mend = "alter system set shared_preload_libraries = 'auto_explain', 'pg_stat_statements';";
        let facts = Facts {
            preloaded: Some("auto_explain".to_owned()),
            ..healthy()
        };
        check(&facts, "preload", Verdict::Must, &[mend, RESTART]);
        let mend = "alter system set shared_preload_libraries = 'pg_stat_statements';";
        let facts = Facts {
            preloaded: Some(String::new()),
            ..healthy()
        };
        check(&facts, "preload", Verdict::Must, &[mend, RESTART]);
    }

    #[test]
    fn what_is_hidden_is_not_taken_for_missing() {
        let hidden = Facts {
            preloaded: None,
            ..healthy()
        };
        assert!(
            diagnose(&hidden)
                .iter()
                .all(|finding| finding.verdict == Verdict::Ok)
        );
        let hidden = Facts {
            preloaded: None,
            track: None,
            track_utility: None,
            ..healthy()
        };
        check(
            &hidden,
            "preload",
            Verdict::Unknown,
            &["grant pg_monitor to pgvitals_collector;"],
        );
    }

    #[test]
    fn the_extension_is_created_updated_or_installed() {
        let missing = Facts {
            extension_version: None,
            ..healthy()
        };
        let mend = ["-- in the database shop", "create extension pg_stat_statements;"];
        check(&missing, "extension", Verdict::Must, &mend);
        let old = Facts {
            extension_version: Some("1.8".to_owned()),
            ..healthy()
        };
        let mend = [
            "-- in the database shop",
            "alter extension pg_stat_statements update;",
        ];
        check(&old, "extension", Verdict::Should, &mend);
        let absent = Facts {
            extension_version: None,
            extension_available: None,
            ..healthy()
        };
        assert!(
            diagnose(&absent)
                .iter()
                .any(|finding| finding.found.contains("not installed"))
        );
    }

    #[test]
    fn a_login_gets_the_rights_it_lacks_and_loses_the_ones_it_does_not_need() {
        let blind = Facts {
            has_pg_monitor: false,
            login: "Odd \"name".to_owned(),
            ..healthy()
        };
        check(
            &blind,
            "pg_monitor",
            Verdict::Must,
            &["grant pg_monitor to \"Odd \"\"name\";"],
        );
        for facts in [
            Facts {
                is_superuser: true,
                is_privileged: true,
                ..healthy()
            },
            Facts {
                is_privileged: true,
                ..healthy()
            },
        ] {
            assert!(
                diagnose(&facts)
                    .iter()
                    .any(|finding| finding.verdict == Verdict::Should)
            );
        }
    }

    #[test]
    fn settings_are_mended_by_the_statement_that_sets_them() {
        let set = |line: &'static str| [line, RELOAD];
        let top = Facts {
            track: Some("top".to_owned()),
            ..healthy()
        };
        check(
            &top,
            "track",
            Verdict::Should,
            &set("alter system set pg_stat_statements.track = 'all';"),
        );
        let none = Facts {
            track: Some("none".to_owned()),
            ..healthy()
        };
        check(
            &none,
            "track",
            Verdict::Must,
            &set("alter system set pg_stat_statements.track = 'all';"),
        );
        let off = || Some("off".to_owned());
        let facts = Facts {
            track_io_timing: off(),
            ..healthy()
        };
        check(
            &facts,
            "track_io_timing",
            Verdict::Should,
            &set("alter system set track_io_timing = 'on';"),
        );
        let facts = Facts {
            track_activities: off(),
            ..healthy()
        };
        check(
            &facts,
            "track_activities",
            Verdict::Must,
            &set("alter system set track_activities = 'on';"),
        );
        let facts = Facts {
            compute_query_id: off(),
            ..healthy()
        };
        check(
            &facts,
            "compute_query_id",
            Verdict::Must,
            &set("alter system set compute_query_id = 'auto';"),
        );
    }

    #[test]
    fn reserved_connections_are_no_room_for_us() {
        let facts = Facts {
            connections: 78,
            ..healthy()
        };
        check(
            &facts,
            "connections",
            Verdict::Should,
            &[
                "-- put a connection pooler in front of the applications, or",
                "alter system set max_connections = 200;",
                RESTART,
            ],
        );
    }
}
