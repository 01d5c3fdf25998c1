//! Secrets and names of people, planted in everything that a collector reads, are neither stored nor shown.

use db::Client as _;
use integration_tests::test_versions;

use crate::component::Room;

/// What must be found nowhere.
const PLANTED: &str = "geheim";

/// Names that applications gave themselves, with what must be found nowhere of each.
const APPLICATIONS: [(&str, &str); 11] = [
    ("orders for ada.planted@example.com", "ada.planted"),
    ("orders user=ada_planted", "ada_planted"),
    ("tenant 471147114711", "471147114711"),
    ("session 5f2a9c1be77d", "5f2a9c1be77d"),
    ("run 123e4567-e89b-12d3-a456-426614174000", "123e4567"),
    ("Bearer geheim-token-of-letters", "geheim"),
    ("ghp_geheimgeheimgeheim", "geheim"),
    ("key Zx81Kq2LmNoP9rStUvW", "Zx81Kq2LmNoP9rStUvW"),
    ("eyJhbGciOiJIUzI1NiJ9.planted.jwt", "eyJhbGci"),
    ("from 10.20.30.40:5432", "10.20.30.40"),
    ("born 1990-12-24", "1990-12-24"),
];

/// Everything that stands in the tables of the schema `monitoring`, as text.
async fn stored(room: &Room) -> Vec<(String, String)> {
    let admin = room.monitored.admin().await.unwrap();
    let tables = "select c.relname::text from pg_class as c where c.relnamespace = 'monitoring'::regnamespace \
                  and c.relkind in ('r', 'p') and not c.relispartition order by 1";
    let tables = admin.query(tables, &[]).await.unwrap();
    let mut stored = Vec::new();
    for row in &tables {
        let table: String = row.at(0).unwrap();
        let sql = format!("select t::text from monitoring.{table} as t");
        let rows = admin.query(&sql, &[]).await.unwrap();
        stored.extend(
            rows.iter()
                .map(|row| (table.clone(), row.at::<String>(0).unwrap())),
        );
    }
    stored
}

async fn plant(room: &Room, version: u32) {
    for statement in [
        "alter system set archive_cleanup_command = 'clean geheim'",
        "alter system set archive_command = 'copy geheim'",
        "alter system set recovery_end_command = 'end geheim'",
        "alter system set primary_conninfo = 'host=h user=u password=geheim'",
        "alter database postgres set application.jwt_secret = 'geheim'",
        "alter database postgres set plain_extension.pin_of_geheim = '471147114711'",
        "create role reporting",
        "alter role reporting set application.token = 'geheim'",
        "alter role reporting set search_path = public, reports",
        "create role \"ada.planted@example.com\" login superuser password 'geheim'",
        "create table public.patients (name text, mail text, born date)",
        "insert into public.patients values ('a', 'b', now()), ('a', 'b', now())",
        "create index patients_of_ada on public.patients (name) where mail = 'geheim@example.com'",
        "create index patients_masked on public.patients ((replace(name, 'geheim', 'x')))",
        "create index patients_chosen on public.patients (born) where name in ('geheim', 'geheimer')",
        "select pg_reload_conf()",
    ] {
        room.monitored.run(statement).await.unwrap();
    }
    if version >= 14 {
        let restore = "alter system set restore_command = 'fetch --token geheim s3://key:geheim@store/%f %p'";
        room.monitored.run(restore).await.unwrap();
        room.monitored.run("select pg_reload_conf()").await.unwrap();
    }
    // Its build fails, and it stays.
    let unique =
        "create unique index concurrently patients_unique on public.patients (name) where mail <> 'geheim'";
    assert!(room.monitored.run(unique).await.is_err());
}

#[tokio::test]
async fn no_planted_secret_is_stored_or_shown() {
    for version in test_versions() {
        let room = Room::new(version).await;
        plant(&room, version).await;
        let mut sessions = Vec::new();
        for (name, _) in APPLICATIONS {
            let client = integration_tests::database::connect(&room.server.url("postgres"))
                .await
                .unwrap();
            let name = name.replace('\'', "''");
            client
                .batch_execute(&format!(
                    "set application_name = '{name}'; begin isolation level repeatable read; \
                     select txid_current(), count(*) from patients where name = 'geheim'"
                ))
                .await
                .unwrap();
            sessions.push(client);
        }
        let ada = room
            .server
            .url_as("ada.planted%40example.com", "geheim", "postgres");
        let ada = integration_tests::database::connect(&ada).await.unwrap();
        ada.batch_execute("begin; lock table patients in access share mode")
            .await
            .unwrap();
        room.collect().await;
        let masked = "select count(*) from monitoring.index_definitions_now \
                      where definition like '%(name) WHERE (mail = ?::text)'";
        assert!(room.number(masked).await > 0, "{version}: an index");
        // Somebody waits for a lock, under a name that tells too much. Nothing is read of the table from now on.
        let waiting = integration_tests::database::connect(&room.server.url("postgres"))
            .await
            .unwrap();
        waiting
            .batch_execute("set application_name = 'ada.planted@example.com waits'")
            .await
            .unwrap();
        let waiting = tokio::spawn(async move {
            let _ = waiting
                .batch_execute("begin; lock table patients in access exclusive mode -- geheim")
                .await;
        });
        let begin = std::time::Instant::now();
        let waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'";
        while room.number(waits).await == 0 {
            assert!(begin.elapsed().as_secs() < 10, "nobody waits");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        room.collect().await;
        assert_eq!(room.failures().await, Vec::<String>::new(), "on {version}");

        let secrets: Vec<&str> = APPLICATIONS
            .iter()
            .map(|(_, secret)| *secret)
            .chain([PLANTED])
            .collect();
        for (table, row) in stored(&room).await {
            // The name of a role, by which it is granted and altered, is no secret of it.
            let row = row
                .replace("ada.planted@example.com", "")
                .replace("pin_of_geheim", "");
            for secret in &secrets {
                assert!(!row.contains(secret), "{version}: {secret} in {table}: {row}");
            }
        }
        let kept = |of: &str, sql: &str| (of.to_owned(), sql.to_owned());
        for (what, sql) in [
            kept(
                "a name",
                "select count(*) from monitoring.connections_now where application like 'orders for #'",
            ),
            kept(
                "a wait",
                "select count(*) from monitoring.blocked_sessions where application = '# waits'",
            ),
            kept(
                "a text",
                "select count(*) from monitoring.settings_now where setting = 'log_line_prefix' and value like '%u@%'",
            ),
            kept(
                "a text",
                "select count(*) from monitoring.settings_now where setting = 'archive_cleanup_command' and value = '(hidden)'",
            ),
            kept(
                "an override",
                "select count(*) from monitoring.setting_overrides_now where setting = 'search_path' and value = 'public, reports'",
            ),
        ] {
            assert!(room.number(&sql).await > 0, "{version}: {what}: {sql}");
        }

        let metrics = room.application.get("/metrics").await.unwrap().body;
        assert!(
            metrics.contains("usename=\"#"),
            "{version}: the sessions of ada are counted"
        );
        for secret in secrets.iter().chain(&["ada.planted@example.com"]) {
            let found = metrics.lines().find(|line| line.contains(secret));
            assert_eq!(found, None, "{version}: {secret} on /metrics");
        }
        let log = room.application.log();
        assert!(!log.contains(PLANTED), "{version}: {log}");
        drop((sessions, ada));
        waiting.abort();
    }
}
