//! What the catalogs of the server say: `settings`, `setting_overrides`, `roles`, `database_sizes`, `database_sessions`,
//! `database_checksums`, `wraparound`, `prepared_transactions`, `xmin_horizon`, `ssl`, `temp_files`.

use integration_tests::{DedicatedServer, test_versions};

use crate::reading::{NOT_IN_THIS_VERSION, read, try_read};
use crate::watched::Watched;

async fn server(version: u32) -> (DedicatedServer, Watched) {
    let settings = [("max_prepared_transactions", "5"), ("wal_level", "logical")];
    let server = DedicatedServer::start_with(version, &settings).await.unwrap();
    let watched = Watched::at(&server, "postgres").await;
    (server, watched)
}

#[tokio::test]
async fn a_setting_is_told_with_where_it_comes_from_and_without_secrets() {
    for version in test_versions() {
        let (_server, watched) = server(version).await;
        let settings = read(&watched.monitor, "settings").await;
        let work_mem = settings.row(&[("setting", "work_mem")]);
        assert_eq!(work_mem.text("value"), Some("4096"));
        assert_eq!(work_mem.text("source"), Some("default"));
        assert_eq!(
            (work_mem.text("unit"), work_mem.text("kind")),
            (Some("kB"), Some("integer"))
        );
        // What the session of the collector has set is told as it is for everybody else.
        let timeout = settings.row(&[("setting", "lock_timeout")]);
        assert_eq!((timeout.text("value"), timeout.text("source")), (Some("0"), None));
        assert!(settings.rows_with(&[("setting", "application_name")]).is_empty());

        watched
            .run(&[
                "alter system set work_mem = '7MB'",
                "alter system set max_connections = 50",
                "alter system set primary_conninfo = 'host=h user=u password=geheim'",
                "alter system set restore_command = 'fetch --token=geheim s3://key:geheim@store/%f %p'",
                "alter system set archive_cleanup_command = 'clean /archive %r'",
                "select pg_reload_conf()",
            ])
            .await;
        watched
            .until("select setting = '7168' from pg_settings where name = 'work_mem'")
            .await;
        let settings = loop {
            let settings = read(&watched.monitor, "settings").await;
            // The session of the collector hears of the new configuration a moment later than that of the superuser.
            if settings.row(&[("setting", "work_mem")]).text("value") == Some("7168") {
                break settings;
            }
        };
        let value = |setting: &str| {
            settings
                .row(&[("setting", setting)])
                .text("value")
                .map(str::to_owned)
        };
        assert_eq!(
            settings.row(&[("setting", "work_mem")]).text("source"),
            Some("configuration file")
        );
        let connections = settings.row(&[("setting", "max_connections")]);
        assert_eq!(connections.text("pending_restart"), Some("true"));
        assert_eq!(connections.text("value"), Some("100"));
        // Commands and connection strings may hold a password, wherever it stands in them.
        assert_eq!(value("archive_cleanup_command").unwrap(), "(hidden)");
        assert_eq!(value("log_line_prefix").unwrap(), "%m [%p] %q%u@%d/%a ");
        assert_eq!(value("ssl_passphrase_command").unwrap(), "");
        if version >= 14 {
            assert_eq!(value("restore_command").unwrap(), "(hidden)");
        }
        assert_eq!(value("primary_conninfo").unwrap(), "(hidden)");
        assert!(!format!("{settings:?}").contains("geheim"));
    }
}

#[tokio::test]
async fn settings_of_a_database_and_of_a_role_are_told_without_secrets() {
    for version in test_versions() {
        let (_server, watched) = server(version).await;
        watched
            .run(&[
                "create role reporting",
                "alter database postgres set work_mem = '9MB'",
                "alter role reporting set statement_timeout = '5s'",
                "alter role reporting in database postgres set search_path = reports, public",
                "alter database postgres set application.jwt_secret = 'geheim'",
            ])
            .await;
        let overrides = read(&watched.monitor, "setting_overrides").await;
        let value = |database: &str, role: &str, setting: &str| {
            let texts = [("database", database), ("role", role), ("setting", setting)];
            overrides.row(&texts).text("value").map(str::to_owned)
        };
        assert_eq!(value("postgres", "", "work_mem").as_deref(), Some("9MB"));
        assert_eq!(value("", "reporting", "statement_timeout").as_deref(), Some("5s"));
        let path = value("postgres", "reporting", "search_path");
        assert_eq!(path.as_deref(), Some("reports, public"));
        let secret = value("postgres", "", "application.jwt_secret");
        assert_eq!(secret.as_deref(), Some("(hidden)"));
        assert!(!format!("{overrides:?}").contains("geheim"));
    }
}

#[tokio::test]
async fn roles_are_told_with_what_they_may_do() {
    for version in test_versions() {
        let (_server, watched) = server(version).await;
        watched
            .run(&[
                "create role team",
                "create role limited login createdb connection limit 7 valid until '2031-01-01'",
                "grant team to limited",
            ])
            .await;
        let roles = read(&watched.monitor, "roles").await;
        let limited = roles.row(&[("role", "limited")]);
        assert_eq!(limited.number("connection_limit"), Some(7));
        assert_eq!(limited.text("attributes"), Some("login createdb"));
        assert_eq!(limited.text("member_of"), Some("team"));
        assert!(limited.text("valid_until").unwrap().starts_with("2031-01-01"));
        let superuser = roles.row(&[("role", "postgres")]);
        assert!(
            superuser
                .text("attributes")
                .unwrap()
                .starts_with("superuser login")
        );
        assert_eq!(superuser.number("connection_limit"), None, "there is none");
        assert!(roles.rows_with(&[("role", "pg_monitor")]).is_empty());
    }
}

#[tokio::test]
async fn databases_are_measured_and_templates_left_out() {
    for version in test_versions() {
        let (_server, watched) = server(version).await;
        watched
            .run(&["create database limited connection limit 3", "checkpoint"])
            .await;
        let sizes = read(&watched.monitor, "database_sizes").await;
        let limited = sizes.row(&[("database", "limited")]);
        let size = watched.number("select pg_database_size('limited')").await;
        assert_eq!(limited.number("size_bytes"), Some(size));
        assert_eq!(limited.number("connection_limit"), Some(3));
        assert_eq!(
            sizes.row(&[("database", "postgres")]).number("connection_limit"),
            None
        );
        assert!(sizes.rows_with(&[("database", "template1")]).is_empty());

        let checksums = read(&watched.monitor, "database_checksums").await;
        let on = watched
            .number("select (current_setting('data_checksums') = 'on')::int4::int8")
            .await;
        let failures = (on == 1).then_some(0);
        assert_eq!(
            checksums.row(&[("database", "postgres")]).number("failures"),
            failures
        );

        let ages = read(&watched.monitor, "wraparound").await;
        for database in ["postgres", "template0", "limited"] {
            let row = ages.row(&[("database", database)]);
            let age = watched
                .number(&format!(
                    "select age(datfrozenxid)::int8 from pg_database where datname = '{database}'"
                ))
                .await;
            assert_eq!(row.number("xid_age_xids"), Some(age));
            assert_eq!(row.number("left_xids"), Some(2_144_483_647 - age));
            assert_eq!(row.number("freeze_max_age_xids"), Some(200_000_000));
            assert_eq!(row.number("multixact_freeze_max_age_mxids"), Some(400_000_000));
            assert_eq!(row.number("multixact_age_mxids"), Some(0));
        }
    }
}

#[tokio::test]
async fn sessions_are_counted_by_how_they_ended() {
    for version in test_versions() {
        let (_server, watched) = server(version).await;
        let before = match try_read(&watched.monitor, "database_sessions").await {
            Ok(reading) => reading,
            Err(refusal) => {
                assert_eq!((refusal, version < 14), (NOT_IN_THIS_VERSION, true));
                continue;
            }
        };
        let victim = watched.session("victim").await;
        victim.batch_execute("select pg_sleep(0.2)").await.unwrap();
        watched
            .run(&[
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'",
            ])
            .await;
        let of_postgres = [("database", "postgres")];
        let killed = before.row(&of_postgres).number("sessions_killed").unwrap();
        watched
            .until(&format!(
                "select sessions_killed > {killed} from pg_stat_database where datname = 'postgres'"
            ))
            .await;
        let after = read(&watched.monitor, "database_sessions").await;
        let grown = |column: &str| {
            after.row(&of_postgres).number(column).unwrap() - before.row(&of_postgres).number(column).unwrap()
        };
        assert_eq!(grown("sessions_killed"), 1);
        assert!(grown("sessions") >= 1);
        assert!(grown("active_us") >= 200_000, "{} µs", grown("active_us"));
        assert!(grown("session_us") >= grown("active_us"));
        let workers = after.row(&of_postgres).number("parallel_workers_launched");
        assert_eq!(workers.is_some(), version >= 18);
    }
}

#[tokio::test]
async fn who_keeps_vacuum_from_its_work_is_named() {
    for version in test_versions() {
        let (_server, watched) = server(version).await;
        watched.run(&["create table counted (n int)"]).await;
        assert!(
            read(&watched.monitor, "prepared_transactions")
                .await
                .rows
                .is_empty()
        );
        watched
            .run(&[
                // A slot is made when all transactions of that moment have ended: before those that will not.
                "select pg_create_logical_replication_slot('stalled', 'pgoutput')",
                "begin",
                "insert into counted values (1)",
                "prepare transaction 'forgotten'",
            ])
            .await;
        let reader = watched.session("report").await;
        reader
            .batch_execute("begin isolation level repeatable read; select 1 from counted")
            .await
            .unwrap();
        for _ in 0..10 {
            watched.run(&["insert into counted values (2)"]).await;
        }
        let horizon = read(&watched.monitor, "xmin_horizon").await;
        let holder = |kind: &str| horizon.row(&[("holder", kind)]).clone();
        let prepared = holder("prepared_transaction");
        assert_eq!(
            (prepared.text("database"), prepared.text("name")),
            (Some("postgres"), Some("postgres"))
        );
        let running = holder("running_transaction");
        assert_eq!(
            (running.text("database"), running.text("name")),
            (Some("postgres"), Some("report"))
        );
        assert!(running.number("held_ms").is_some());
        let slot = holder("replication_slot_catalog");
        assert_eq!(
            (slot.text("name"), slot.number("held_ms")),
            (Some("stalled"), None)
        );
        // What came first is the oldest.
        assert!(
            prepared.number("age_xids") >= running.number("age_xids"),
            "{horizon:?}"
        );
        assert!(running.number("age_xids").unwrap() >= 10, "{horizon:?}");
        assert!(slot.number("age_xids").unwrap() >= 10, "{horizon:?}");

        let forgotten = read(&watched.monitor, "prepared_transactions").await;
        let forgotten = forgotten.row(&[("database", "postgres")]);
        assert_eq!(forgotten.number("transactions"), Some(1));
        let age = watched
            .number("select age(transaction)::int8 from pg_prepared_xacts")
            .await;
        assert_eq!(forgotten.number("oldest_age_xids"), Some(age));
    }
}

#[tokio::test]
async fn sessions_without_encryption_are_counted_as_such() {
    for version in test_versions() {
        let (_server, watched) = server(version).await;
        let ssl = read(&watched.monitor, "ssl").await;
        let plain = ssl.row(&[("transport", "loopback"), ("version", "none"), ("cipher", "")]);
        let clients = watched
            .number("select count(*) from pg_stat_activity where backend_type = 'client backend'")
            .await;
        assert_eq!(plain.number("sessions"), Some(clients));
        assert_eq!(plain.text("bits"), None);
    }
}

#[tokio::test]
async fn temporary_files_are_counted_while_they_are_there() {
    for version in test_versions() {
        let (_server, watched) = server(version).await;
        let sorts = watched.session("sorts").await;
        sorts
            .batch_execute(
                "set work_mem = '64kB'; begin; \
                 declare sorted cursor for select n from generate_series(1, 200000) as n order by n desc; \
                 fetch 1 from sorted",
            )
            .await
            .unwrap();
        let files = read(&watched.monitor, "temp_files").await;
        let files = files.row(&[("tablespace", "pg_default")]);
        let count = watched.number("select count(*) from pg_ls_tmpdir()").await;
        assert!(count > 0);
        assert_eq!(files.number("files"), Some(count));
        let bytes = watched.number("select sum(size)::int8 from pg_ls_tmpdir()").await;
        assert_eq!(files.number("bytes"), Some(bytes));
        assert_eq!(files.number("sessions"), Some(1));
        assert!(files.number("oldest_at_seconds").is_some());
        sorts.batch_execute("rollback").await.unwrap();
        let files = read(&watched.monitor, "temp_files").await;
        let files = files.row(&[("tablespace", "pg_default")]);
        assert_eq!((files.number("files"), files.number("bytes")), (Some(0), Some(0)));
    }
}

#[tokio::test]
async fn a_table_that_was_not_vacuumed_for_millions_of_transactions_is_measured() {
    for version in test_versions() {
        let (_server, watched) = server(version).await;
        // Each block that writes takes an id of its own, and costs less than a transaction.
        watched
            .run(&[
                "create table old (id int) with (autovacuum_enabled = false)",
                "create temporary table written ()",
                "do $$ begin
                   for n in 1..2200000 loop
                     begin
                       insert into written default values;
                     exception when division_by_zero then null;
                     end;
                   end loop;
                 end $$",
            ])
            .await;
        let reading = read(&watched.monitor, "vacuum").await;
        let old = reading.row(&[("schema", "public"), ("table", "old")]);
        let age = old.number("frozen_xid_age_xids").unwrap();
        assert!(age > 2_147_483, "{age} on {version}");
        // Of the 200 millions after which a vacuum is forced.
        let pressure = old.number("freeze_pressure_permille").unwrap();
        assert!((10..20).contains(&pressure), "{pressure} permille on {version}");
    }
}
