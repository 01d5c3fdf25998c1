//! What holds for every collector of scope instance: it runs with `pg_monitor` alone, on the versions that it names and on
//! no other, waits for nobody's lock, and is refused where its header says that it would be.

use db::ErrorKind;
use integration_tests::{DedicatedServer, test_versions};
use store::collectors::{ALL, Collector, Keeps, Scope, TargetKind, UnfitKind};

use crate::reading::{NOT_IN_THIS_VERSION, Refusal, look, read, try_read, try_read_as, versions};
use crate::watched::Watched;

/// The collectors that are read once per server and stored as samples.
fn of_the_instance() -> impl Iterator<Item = &'static Collector> {
    ALL.iter().filter(|collector| {
        collector.target == TargetKind::Postgres
            && collector.scope == Scope::Instance
            && collector.keeps != Keeps::Own
            && collector.interval.is_some()
    })
}

#[tokio::test]
async fn every_collector_runs_on_the_versions_that_it_names_and_waits_for_no_lock() {
    for version in test_versions() {
        let watched = Watched::database(version, "every_of_the_server").await;
        watched
            .run(&[
                "create extension pg_stat_statements",
                "create extension pg_buffercache",
                "create table closed (n int)",
            ])
            .await;
        let holder = watched.session("holder").await;
        holder.batch_execute("begin; lock table closed").await.unwrap();
        let mut count = 0;
        for collector in of_the_instance() {
            let serving = collector
                .variants
                .iter()
                .filter(|variant| versions(variant).contains(&version));
            let serving: Vec<&str> = serving.map(|variant| variant.file).collect();
            // The lock timeout of a target is in force: a collector that waits for the lock fails.
            match try_read(&watched.monitor, collector.name).await {
                Ok(reading) => assert!(serving.contains(&reading.file), "{} on {version}", reading.file),
                Err(refusal) => {
                    let expected = (NOT_IN_THIS_VERSION, Vec::<&str>::new());
                    assert_eq!((refusal, serving), expected, "{} on {version}", collector.name);
                }
            }
            count += 1;
        }
        assert!(count > 30, "only {count} collectors were found");
    }
}

#[tokio::test]
async fn a_login_without_pg_monitor_is_refused_only_where_the_header_says_so() {
    for version in test_versions() {
        // Databases and sessions of other tests would come and go between two readings.
        let server = DedicatedServer::start(version).await.unwrap();
        let watched = Watched::at(&server, "postgres").await;
        watched
            .run(&[
                "create extension pg_stat_statements",
                "create extension pg_buffercache",
            ])
            .await;
        let plain = watched.plain().await;
        let of_monitor = look(&watched.monitor).await;
        for collector in of_the_instance() {
            let name = collector.name;
            let Ok(readable) = try_read(&watched.monitor, name).await else {
                continue;
            };
            let outcome = try_read(&plain, name).await.map(|reading| reading.rows.len());
            let privileges = collector.variants[0].privileges;
            if privileges.is_empty() {
                // Nothing must be hidden from it: it reads as many rows as the other.
                assert_eq!(outcome, Ok(readable.rows.len()), "{name} on {version}");
                continue;
            }
            let missing = Refusal::Unfit(UnfitKind::MissingPrivilege);
            assert_eq!(outcome, Err(missing), "{name} on {version}");
            // The server refuses what pg_monitor alone may read; of the rest it would answer and hide the most.
            if privileges == ["pg_monitor"] {
                let refused = try_read_as(&plain, &of_monitor, name).await.map(|_| ());
                let expected = Err(Refusal::Failed(ErrorKind::MissingPrivilege));
                assert_eq!(refused, expected, "{name} on {version}");
            }
        }
        let hidden = try_read_as(&plain, &of_monitor, "connections").await.unwrap();
        let shown = read(&watched.monitor, "connections").await;
        let of_superuser = [
            ("user_name", "postgres"),
            ("database", watched.name()),
            ("state", "idle"),
        ];
        assert_eq!(shown.sum("sessions", &of_superuser), 1);
        assert_eq!(hidden.sum("sessions", &of_superuser), 0);
    }
}
