//! What each login may do in the schema monitoring, and what it may not.

use std::collections::{BTreeMap, BTreeSet};

use db::Client;
use integration_tests::test_versions;
use store::logins::Login;

use crate::{Monitoring, refusal, rows};

/// What a login may do with whole tables: (select, insert, update, delete) as `s`, `i`, `u`, `d`.
const ALLOWED: &[(Login, &[(&str, &str)])] = &[
    (
        Login::Writer,
        &[
            ("activity_samples", "i"),
            ("blocked_sessions", "i"),
            ("collector_status", "siu"),
            ("collectors", "s"),
            ("counter_snapshots", "siu"),
            ("database_samples", "i"),
            ("exposed", "siu"),
            ("function_runs", "siu"),
            ("roll_up_progress", "s"),
            ("samples", "i"),
            ("statement_samples", "i"),
            ("statements", "siu"),
            ("subject_changes", "i"),
            ("subjects", "siu"),
            ("target_state", "siu"),
            ("targets", "s"),
        ],
    ),
    (
        Login::Alerter,
        &[
            ("activity_samples", "s"),
            ("alert_channels", "siu"),
            ("alert_transitions", "i"),
            ("alerts", "siud"),
            ("blocked_sessions", "s"),
            ("channels", "s"),
            ("collector_status", "s"),
            ("collectors", "s"),
            ("database_samples", "s"),
            ("database_samples_daily", "s"),
            ("function_runs", "siu"),
            ("maintenance_windows", "s"),
            ("metrics", "s"),
            ("outbox", "siu"),
            ("process_restarts", "s"),
            ("response_runs", "siu"),
            ("route_steps", "s"),
            ("routes", "s"),
            ("rules", "s"),
            ("samples", "s"),
            ("samples_daily", "s"),
            ("schema_migrations", "s"),
            ("silences", "s"),
            ("statement_samples", "s"),
            ("statements", "s"),
            ("subjects", "s"),
            ("target_state", "s"),
            ("targets", "s"),
        ],
    ),
    (
        Login::Manager,
        &[
            ("alert_transitions", "s"),
            ("alerts", "s"),
            ("channels", "s"),
            ("maintenance_windows", "s"),
            ("metrics", "s"),
            ("outbox", "s"),
            ("route_steps", "s"),
            ("routes", "s"),
            ("rules", "siud"),
            ("silences", "siud"),
            ("targets", "s"),
        ],
    ),
    (
        Login::Viewer,
        &[
            ("activity_samples", "s"),
            ("alerts", "s"),
            ("collector_status", "s"),
            ("collectors", "s"),
            ("counter_snapshots", "s"),
            ("exposed", "s"),
            ("function_runs", "siu"),
            ("outbox", "s"),
            ("schema_migrations", "s"),
            ("statements", "s"),
            ("subjects", "s"),
            ("target_state", "s"),
            ("targets", "s"),
        ],
    ),
    // It reads everything, beside this.
    (
        Login::Operator,
        &[
            ("channels", "iud"),
            ("load_run_requests", "i"),
            ("load_runs", "id"),
            ("maintenance_windows", "iud"),
            ("outbox", "iu"),
            ("process_restarts", "id"),
            ("route_steps", "iud"),
            ("routes", "iud"),
            ("rules", "iud"),
            ("silences", "iud"),
            ("targets", "iud"),
        ],
    ),
    (Login::Collector, &[]),
    (Login::Maintenance, &[]),
];

/// Columns that a login may update where it may not update the table.
const COLUMNS: &[(Login, &str)] = &[
    (Login::Writer, "targets.target_id"),
    (Login::Alerter, "channels.consecutive_failures"),
    (Login::Alerter, "channels.enabled"),
    (Login::Alerter, "channels.last_error"),
    (Login::Alerter, "channels.last_error_at"),
    (Login::Alerter, "channels.last_success_at"),
    (Login::Alerter, "channels.open_until"),
    (Login::Manager, "alerts.acknowledged_at"),
    (Login::Manager, "alerts.acknowledged_by"),
    (Login::Manager, "alerts.acknowledged_level"),
    (Login::Manager, "alerts.acknowledged_note"),
    (Login::Operator, "alerts.acknowledged_at"),
    (Login::Operator, "alerts.acknowledged_by"),
    (Login::Operator, "alerts.acknowledged_level"),
    (Login::Operator, "alerts.acknowledged_note"),
    (Login::Operator, "target_state.watched_since"),
];

/// Functions that change something, and who may call them.
const FUNCTIONS: &[(&str, &[Login])] = &[
    ("begin_roll_ups", &[Login::Writer]),
    ("drop_old_partitions", &[Login::Writer, Login::Maintenance]),
    (
        "maintain_partitions",
        &[Login::Writer, Login::Alerter, Login::Viewer],
    ),
    ("maintain_table", &[]),
    ("make_partition", &[]),
    ("remove_forgotten_subjects", &[Login::Writer, Login::Maintenance]),
    ("remove_old_rows", &[Login::Writer, Login::Maintenance]),
    ("remove_short_lived_samples", &[Login::Writer, Login::Maintenance]),
    ("roll_up", &[Login::Writer]),
];

fn allowed(login: Login, table: &str, verb: char) -> bool {
    if login == Login::Operator && verb == 's' {
        return true;
    }
    let tables = ALLOWED.iter().filter(|(known, _)| *known == login);
    let mut entries = tables.flat_map(|(_, tables)| tables.iter());
    entries.any(|(known, verbs)| *known == table && verbs.contains(verb))
}

/// Two columns of texts.
async fn pairs(client: &impl Client, sql: &str) -> BTreeSet<(String, String)> {
    let rows = rows(client, sql).await;
    rows.iter()
        .map(|row| (row.at(0).unwrap(), row.at(1).unwrap()))
        .collect()
}

#[tokio::test]
async fn every_login_may_do_what_is_written_here_and_nothing_else() {
    for version in test_versions() {
        let room = Monitoring::on(version, "privileges").await;
        // Partitions are reached by way of their tables only; one of each table is tried.
        let tables = pairs(
            &room.admin,
            "select c.relname::text, case when c.relkind = 'v' then 'view' else 'table' end::text
             from pg_class as c
             left join pg_inherits as i on i.inhrelid = c.oid
             where c.relnamespace = 'monitoring'::regnamespace and c.relkind in ('r', 'p', 'v')
               and not exists (
                 select from pg_inherits as other where other.inhparent = i.inhparent and other.inhrelid < i.inhrelid
               )",
        )
        .await;
        let mut statements = Vec::new();
        for (table, kind) in &tables {
            let all = statements_on(&room.admin, table).await;
            // The views are there to be read.
            let meant = all
                .into_iter()
                .filter(|(verb, _)| kind == "table" || *verb == 's');
            statements.extend(meant.map(|(verb, statement)| (table, verb, statement)));
        }
        for (_, entries) in ALLOWED {
            for (table, _) in *entries {
                let known = ((*table).to_owned(), "table".to_owned());
                assert!(tables.contains(&known), "there is no table {table}");
            }
        }
        for login in Login::ALL {
            let client = room.login(login).await;
            for (table, verb, statement) in &statements {
                let refused = refusal(&client, statement).await == "42501";
                let expected = allowed(login, table, *verb);
                assert_eq!(refused, !expected, "{version}: {login:?} and {statement}");
            }
        }
    }
}

/// A statement for each verb that touches no row and no right but that of its table.
async fn statements_on(admin: &impl Client, table: &str) -> Vec<(char, String)> {
    let columns = rows(
        admin,
        &format!(
            "select pg_catalog.string_agg(pg_catalog.format('%I = null', a.attname), ', ')::text
             from pg_attribute as a
             where a.attrelid = 'monitoring.{table}'::regclass and a.attnum > 0 and not a.attisdropped
               and a.attidentity = '' and a.attgenerated = ''"
        ),
    )
    .await;
    let all: String = columns.one().unwrap().at(0).unwrap();
    vec![
        ('s', format!("select * from monitoring.{table} limit 0")),
        // Something is missing in such a row, which is found after the right to write it.
        ('i', format!("insert into monitoring.{table} default values")),
        ('u', format!("update monitoring.{table} set {all} where false")),
        ('d', format!("delete from monitoring.{table} where false")),
    ]
}

#[tokio::test]
async fn columns_and_functions_are_granted_as_written_here() {
    for version in test_versions() {
        let room = Monitoring::on(version, "columns_and_functions").await;
        let granted = pairs(
            &room.admin,
            "select privilege.grantee::regrole::text, c.relname || '.' || a.attname
             from pg_attribute as a
             join pg_class as c on c.oid = a.attrelid
             cross join lateral pg_catalog.aclexplode(a.attacl) as privilege
             where c.relnamespace = 'monitoring'::regnamespace and privilege.privilege_type = 'UPDATE'",
        )
        .await;
        let expected: BTreeSet<_> = COLUMNS
            .iter()
            .map(|(login, column)| (login.role().to_owned(), (*column).to_owned()))
            .collect();
        assert_eq!(granted, expected, "{version}");

        let changing = pairs(
            &room.admin,
            "select p.proname::text, coalesce(privilege.grantee::regrole::text, '')
             from pg_proc as p
             left join lateral pg_catalog.aclexplode(p.proacl) as privilege
               on privilege.grantee::regrole::text like 'pgvitals%' and privilege.grantee <> p.proowner
             where p.pronamespace = 'monitoring'::regnamespace and p.prosecdef",
        )
        .await;
        let mut callers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (function, caller) in changing {
            let known = callers.entry(function).or_default();
            known.extend(Some(caller).filter(|caller| !caller.is_empty()));
        }
        let expected: BTreeMap<String, BTreeSet<String>> = FUNCTIONS
            .iter()
            .map(|(function, logins)| {
                let logins = logins.iter().map(|login| login.role().to_owned());
                ((*function).to_owned(), logins.collect())
            })
            .collect();
        assert_eq!(callers, expected, "{version}");
    }
}

#[tokio::test]
async fn no_login_changes_what_is_not_its_own() {
    for version in test_versions() {
        let room = Monitoring::on(version, "least_privilege").await;
        room.target("t").await;
        room.run("create table public.business (secret text)").await;
        for login in Login::ALL {
            let client = room.login(login).await;
            for statement in [
                "select * from public.business",
                "insert into public.business values ('x')",
                "create table monitoring.mine (n int)",
                "drop table monitoring.rules",
                "truncate monitoring.rules",
                "alter table monitoring.rules add column n int",
                "update monitoring.schema_migrations set checksum = ''",
                "update monitoring.partitioned_tables set retention = '1 day'",
                "update monitoring.retention set raw = '1 day'",
                "update monitoring.roll_up_progress set rolled_to = now()",
                "select monitoring.maintain_table('function_runs')",
                "select monitoring.make_partition('samples', now() - interval '1 year')",
                "create role mine",
                "create schema mine",
                "set role pgvitals_owner",
            ] {
                assert_eq!(
                    refusal(&client, statement).await,
                    "42501",
                    "{version}: {login:?}: {statement}"
                );
            }
            if login != Login::Operator {
                for statement in [
                    "update monitoring.targets set address = 'postgres://u@evil/d'",
                    "update monitoring.targets set secret = 'other'",
                    "insert into monitoring.targets (name, address) values ('x', 'postgres://u@evil/d')",
                    "delete from monitoring.targets",
                    "update monitoring.channels set url = 'https://evil.example'",
                    "insert into monitoring.channels (name, kind, url) values ('x', 'webhook', 'https://evil.example')",
                    "delete from monitoring.channels",
                    "delete from monitoring.routes",
                    "delete from monitoring.maintenance_windows",
                ] {
                    assert_eq!(
                        refusal(&client, statement).await,
                        "42501",
                        "{version}: {login:?}: {statement}"
                    );
                }
            }
        }
        // A target is locked by who claims it; its number cannot be set.
        let writer = room.login(Login::Writer).await;
        let renumbered = "update monitoring.targets set target_id = 7";
        assert_eq!(refusal(&writer, renumbered).await, "428C9");
    }
}

#[tokio::test]
async fn a_stranger_does_not_even_see_the_schema() {
    let room = Monitoring::new("stranger").await;
    for privilege in [
        "has_schema_privilege('public', 'monitoring', 'usage')::int::int8",
        "has_schema_privilege('pgvitals_collector', 'monitoring', 'usage')::int::int8",
    ] {
        assert_eq!(room.number(&format!("select {privilege}")).await, 0);
    }
    let open = "select count(*) from pg_proc where pronamespace = 'monitoring'::regnamespace
                and has_function_privilege('public', oid, 'execute')";
    assert_eq!(room.number(open).await, 0);
}

#[tokio::test]
async fn what_an_earlier_version_granted_is_taken_back() {
    let room = Monitoring::new("earlier_grants").await;
    room.run("grant usage on schema monitoring to pgvitals_collector")
        .await;
    room.run("grant select, insert, update, delete on all tables in schema monitoring to pgvitals_collector")
        .await;
    room.run("grant select on all tables in schema monitoring to pgvitals_maintenance")
        .await;
    let collector = room.login(Login::Collector).await;
    let statement = "delete from monitoring.targets";
    assert!(refusal(&collector, statement).await.starts_with("not refused"));
    store::migrations::migrate(&room.admin).await.unwrap();
    assert_eq!(refusal(&collector, statement).await, "42501");
    let granted = "select count(*) from pg_class, lateral aclexplode(relacl) as privilege
                   where relnamespace = 'monitoring'::regnamespace
                     and privilege.grantee in ('pgvitals_collector'::regrole, 'pgvitals_maintenance'::regrole)";
    assert_eq!(room.number(granted).await, 0);
}

#[tokio::test]
async fn no_password_reaches_the_log_of_the_server() {
    let room = Monitoring::new("no_password_in_log").await;
    room.run("set log_statement = 'all'").await;
    let logins = [(Login::Writer, crate::verifier())];
    store::logins::ensure(&room.admin, &logins).await.unwrap();
    let log = room.database.server().log();
    assert!(
        log.contains("alter role pgvitals_writer with login password"),
        "the statement was not logged"
    );
    assert!(!log.contains(crate::PASSWORD));
}
