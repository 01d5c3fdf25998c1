//! Long work in progress: `vacuum_progress`, `autovacuum_workers`, `progress`.

use integration_tests::{DedicatedServer, test_versions};

use crate::reading::read;
use crate::watched::Watched;

#[tokio::test]
async fn a_vacuum_is_followed_and_its_table_named_where_that_can_be_known() {
    for version in test_versions() {
        let watched = Watched::database(version, "vacuum_at_work").await;
        watched
            .run(&[
                "create table dirty as select generate_series(1, 100000) as n",
                "delete from dirty",
            ])
            .await;
        let vacuuming = watched.session("vacuuming").await;
        tokio::spawn(async move {
            let slowly = "set vacuum_cost_delay = 100; set vacuum_cost_limit = 1";
            vacuuming.batch_execute(slowly).await?;
            vacuuming.batch_execute("vacuum dirty").await
        });
        watched
            .until(
                "select coalesce(sum(heap_blks_scanned) > 1, false) from pg_stat_progress_vacuum \
                 where datname = current_database()",
            )
            .await;

        let progress = read(&watched.monitor, "vacuum_progress").await;
        let row = progress.row(&[("database", watched.name())]);
        let blocks = watched.number("select pg_relation_size('dirty') / 8192").await;
        assert_eq!(row.text("relation"), Some("public.dirty"));
        assert_eq!(row.text("phase"), Some("scanning heap"));
        assert_eq!(row.number("heap_blocks"), Some(blocks));
        let scanned = row.number("heap_blocks_scanned").unwrap();
        assert!(scanned > 1 && scanned < blocks, "{scanned} of {blocks}");
        assert_eq!(row.number("automatic"), Some(0));
        assert!(row.number("running_ms").unwrap() > 0);
        assert_eq!(row.number("max_dead_tuples").is_some(), version < 17);
        assert_eq!(row.number("max_dead_tuple_bytes").is_some(), version >= 17);
        assert_eq!(row.number("delay_us").is_some(), version >= 18);

        // In another database the number of the table means nothing, or another table.
        let elsewhere = Watched::database(version, "vacuum_elsewhere").await;
        let progress = read(&elsewhere.monitor, "vacuum_progress").await;
        let row = progress.row(&[("database", watched.name())]);
        assert_eq!(row.text("relation"), None);
        let number = watched.number("select 'dirty'::regclass::oid::int8").await;
        assert_eq!(row.text("relation_id"), Some(number.to_string().as_str()));
    }
}

#[tokio::test]
async fn workers_of_autovacuum_say_what_they_work_on_in_any_database() {
    for version in test_versions() {
        let settings = [("autovacuum_naptime", "1s"), ("autovacuum_max_workers", "2")];
        let server = DedicatedServer::start_with(version, &settings).await.unwrap();
        let watched = Watched::at(&server, "postgres").await;
        watched
            .run(&[
                "create table busy (n int) with (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0, \
                 autovacuum_analyze_scale_factor = 100, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)",
                "insert into busy select generate_series(1, 100000)",
                "delete from busy",
            ])
            .await;
        watched
            .until("select count(*) > 0 from pg_stat_progress_vacuum where relid = 'busy'::regclass")
            .await;
        let other = Watched::at(&server, "template1").await;
        let workers = read(&other.monitor, "autovacuum_workers").await;
        let worker = workers.row(&[("database", "postgres"), ("relation", "public.busy")]);
        assert!(worker.text("action").unwrap().starts_with("vacuum"));
        assert_eq!(worker.number("against_wraparound"), Some(0));
        assert_eq!(worker.number("max_workers"), Some(2));
        let started = watched
            .number(
                "select extract(epoch from a.xact_start)::int8 from pg_stat_progress_vacuum \
                 join pg_stat_activity as a using (pid) where relid = 'busy'::regclass",
            )
            .await;
        assert_eq!(worker.number("started_at_seconds"), Some(started));
        let progress = read(&watched.monitor, "vacuum_progress").await;
        let vacuum = progress.row(&[("relation", "public.busy")]);
        assert_eq!(vacuum.number("automatic"), Some(1));
    }
}

#[tokio::test]
async fn an_index_that_is_built_and_a_copy_are_followed() {
    for version in test_versions() {
        let watched = Watched::database(version, "progress").await;
        watched
            .run(&["create table built as select generate_series(1, 1000) as n"])
            .await;
        let writer = watched.session("writer").await;
        writer
            .batch_execute("begin; insert into built values (1)")
            .await
            .unwrap();
        let builder = watched.session("builder").await;
        tokio::spawn(async move {
            builder
                .batch_execute("create index concurrently on built (n)")
                .await
        });
        let copier = watched.session("copier").await;
        tokio::spawn(async move {
            let copy = "copy (select n, pg_sleep(0.01) from generate_series(1, 100000) as n) to '/dev/null'";
            copier.batch_execute(copy).await
        });
        watched
            .until(
                "select count(*) = 1 from pg_stat_progress_create_index \
                 where datname = current_database() and phase = 'waiting for writers before build'",
            )
            .await;
        if version >= 14 {
            watched
                .until(
                    "select coalesce(sum(bytes_processed) > 0, false) from pg_stat_progress_copy \
                     where datname = current_database()",
                )
                .await;
        }
        let progress = read(&watched.monitor, "progress").await;
        let index = progress.row(&[
            ("database", watched.name()),
            ("command", "create index concurrently"),
        ]);
        assert_eq!(index.text("relation"), Some("public.built"));
        assert_eq!(index.text("phase"), Some("waiting for writers before build"));
        assert_eq!(index.number("unit_bytes"), Some(8192));
        let copies = progress.rows_with(&[("database", watched.name()), ("command", "copy to")]);
        match copies[..] {
            [copy] => {
                assert!(copy.number("done").unwrap() > 0);
                assert_eq!((copy.number("total"), copy.number("unit_bytes")), (None, Some(1)));
            }
            _ => assert!(version < 14 && copies.is_empty(), "{progress:?}"),
        }
    }
}
