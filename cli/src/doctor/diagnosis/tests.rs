//! One thing amiss at a time.

use chrono::DateTime;

use super::*;

fn healthy() -> Facts {
    let on = || Some("on".to_owned());
    Facts {
        version_number: 180_004,
        version: "18.4".to_owned(),
        database: "shop".to_owned(),
        databases: vec!["postgres".to_owned(), "shop".to_owned()],
        started_at: DateTime::UNIX_EPOCH,
        login: "pgvitals_collector".to_owned(),
        is_local: false,
        is_encrypted: true,
        tls_version: Some("TLSv1.3".to_owned()),
        authentication: Authentication::Scram,
        password_encryption: Some("scram-sha-256".to_owned()),
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
fn a_connection_that_others_can_read_is_told_of_unless_it_stays_on_the_machine() {
    let plain = Facts {
        is_encrypted: false,
        tls_version: None,
        ..healthy()
    };
    let findings = diagnose(&plain);
    let encryption = findings
        .iter()
        .find(|finding| finding.check == "encryption")
        .unwrap();
    assert_eq!(encryption.verdict, Verdict::Should);
    assert!(
        encryption.mend.concat().contains("sslmode=verify-full"),
        "{encryption:?}"
    );
    let local = Facts {
        is_local: true,
        ..plain
    };
    assert!(
        diagnose(&local)
            .iter()
            .all(|finding| finding.verdict == Verdict::Ok)
    );
}

#[test]
fn a_password_that_is_proved_by_md5_is_to_be_made_anew() {
    let old = Facts {
        authentication: Authentication::Md5,
        password_encryption: Some("md5".to_owned()),
        ..healthy()
    };
    check(
        &old,
        "password",
        Verdict::Should,
        &[
            "alter system set password_encryption = 'scram-sha-256';",
            "select pg_reload_conf();",
            "alter role pgvitals_collector password '…';",
            "-- and scram-sha-256 in place of md5 or password in pg_hba.conf",
        ],
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

#[test]
fn databases_that_no_target_watches_are_named_once_for_their_server() {
    let server = |database: &str, others: &[&str]| Facts {
        database: database.to_owned(),
        databases: others.iter().map(|&name| name.to_owned()).collect(),
        ..healthy()
    };
    let all = ["postgres", "shop", "orders", "Old Orders"];
    let (shop, orders) = (server("shop", &all), server("orders", &all));
    let elsewhere = Facts {
        started_at: DateTime::UNIX_EPOCH + chrono::Duration::seconds(1),
        ..server("Old Orders", &["Old Orders"])
    };
    let findings = unwatched(&[Some(&shop), None, Some(&orders), Some(&elsewhere)]);
    assert_eq!(findings.len(), 1, "{findings:?}");
    let (position, finding) = &findings[0];
    assert_eq!((*position, finding.verdict), (0, Verdict::Should));
    assert_eq!(
        finding.found,
        "no target watches the database Old Orders of this server"
    );
    let both = unwatched(&[Some(&server("postgres", &all))]);
    assert_eq!(
        both[0].1.found,
        "no target watches the databases shop, orders, Old Orders of this server"
    );
    // What every server has from the start is nobody's until somebody watches it.
    assert_eq!(unwatched(&[Some(&server("shop", &["postgres", "shop"]))]), []);
}
