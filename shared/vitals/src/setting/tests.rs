use std::collections::BTreeSet;

use super::*;

const PARAMETERS: &str = include_str!("parameters.tsv");

/// The names that `postgres_exporter` 0.11.1 served on each version.
const EXPECTED: [(&str, &str); 6] = [
    (
        "13",
        include_str!("../../../../tests/fixtures/postgres_exporter/settings_13.txt"),
    ),
    (
        "14",
        include_str!("../../../../tests/fixtures/postgres_exporter/settings_14.txt"),
    ),
    (
        "15",
        include_str!("../../../../tests/fixtures/postgres_exporter/settings_15.txt"),
    ),
    (
        "16",
        include_str!("../../../../tests/fixtures/postgres_exporter/settings_16.txt"),
    ),
    (
        "17",
        include_str!("../../../../tests/fixtures/postgres_exporter/settings_17.txt"),
    ),
    (
        "18",
        include_str!("../../../../tests/fixtures/postgres_exporter/settings_18.txt"),
    ),
];

#[test]
fn the_names_are_those_of_the_exporter_on_every_version() {
    for (version, expected) in EXPECTED {
        let parameters = PARAMETERS.lines().filter(|line| !line.starts_with('#'));
        let names: BTreeSet<String> = parameters
            .filter_map(|line| {
                let [name, kind, unit, versions] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
                let value = if kind == "bool" { "off" } else { "0" };
                let setting = Setting {
                    name,
                    kind,
                    unit,
                    value,
                };
                versions
                    .split(',')
                    .any(|has| has == version)
                    .then(|| setting.metric().unwrap().name)
            })
            .collect();
        let expected: BTreeSet<String> = expected.lines().map(str::to_owned).collect();
        assert!(expected.len() > 200, "{version}");
        assert_eq!(names, expected, "PostgreSQL {version}");
    }
}

#[track_caller]
fn check(setting: [&str; 4], expected: Option<(&str, f64)>) {
    let [name, kind, unit, value] = setting;
    let metric = Setting {
        name,
        kind,
        unit,
        value,
    }
    .metric();
    let expected = expected.map(|(name, value)| SettingMetric {
        name: name.to_owned(),
        value,
    });
    assert_eq!(metric, expected, "{setting:?}");
}

#[test]
fn values_are_in_base_units() {
    check(
        ["shared_buffers", "integer", "8kB", "16384"],
        Some(("pg_settings_shared_buffers_bytes", 134_217_728.0)),
    );
    check(
        ["max_wal_size", "integer", "MB", "1024"],
        Some(("pg_settings_max_wal_size_bytes", 1_073_741_824.0)),
    );
    check(
        ["wal_segment_size", "integer", "B", "16777216"],
        Some(("pg_settings_wal_segment_size_bytes", 16_777_216.0)),
    );
    check(
        ["deadlock_timeout", "integer", "ms", "1000"],
        Some(("pg_settings_deadlock_timeout_seconds", 1.0)),
    );
    check(
        ["log_rotation_age", "integer", "min", "1440"],
        Some(("pg_settings_log_rotation_age_seconds", 86_400.0)),
    );
    check(
        ["random_page_cost", "real", "", "1.1"],
        Some(("pg_settings_random_page_cost", 1.1)),
    );
    check(["fsync", "bool", "", "on"], Some(("pg_settings_fsync", 1.0)));
    check(["ssl", "bool", "", "off"], Some(("pg_settings_ssl", 0.0)));
    check(
        ["unix_socket_permissions", "integer", "", "0777"],
        Some(("pg_settings_unix_socket_permissions", 777.0)),
    );
    check(
        ["auto-explain.log.level", "integer", "", "1"],
        Some(("pg_settings_auto_explain_log_level", 1.0)),
    );
}

#[test]
fn no_limit_stays_what_it_is() {
    check(
        ["log_min_duration_statement", "integer", "ms", "-1"],
        Some(("pg_settings_log_min_duration_statement_seconds", -1.0)),
    );
    check(
        ["autovacuum_work_mem", "integer", "kB", "-1"],
        Some(("pg_settings_autovacuum_work_mem_bytes", -1.0)),
    );
}

#[test]
fn what_is_no_number_is_left_out() {
    check(["wal_level", "enum", "", "replica"], None);
    check(["search_path", "string", "", "public"], None);
    check(["shared_buffers", "integer", "8kB", "many"], None);
    check(["future", "integer", "parsec", "3"], None);
}

#[test]
fn a_text_of_a_pgbouncer_is_told_where_it_is_known_to_be_harmless() {
    for (name, value, shown) in [
        ("max_client_conn", "100", "100"),
        ("pool_mode", "transaction", "transaction"),
        ("auth_query", "select geheim", HIDDEN),
        ("auth_ldap_options", "ldapbindpasswd=geheim", HIDDEN),
        ("server_reset_query", "", ""),
        ("one_of_tomorrow", "geheim", HIDDEN),
    ] {
        assert_eq!(told(name, value.to_owned()), shown);
    }
}
