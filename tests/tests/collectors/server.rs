//! The server itself: `checkpoints`, `background_writer`, `wal`, `wal_directory`, `archiver`, `archive_queue`, `io`, `slru`,
//! `buffer_cache`, `statement_entries`.

use integration_tests::{DedicatedServer, test_versions};

use crate::reading::{NOT_IN_THIS_VERSION, read, try_read};
use crate::watched::Watched;

/// A server that nobody else writes to. Tests do without synchronous commits, but then what was just written is not yet
/// at any position of the log.
async fn server(version: u32, settings: &[(&str, &str)]) -> (DedicatedServer, Watched) {
    let settings = [&[("synchronous_commit", "on")], settings].concat();
    let server = DedicatedServer::start_with(version, &settings).await.unwrap();
    let watched = Watched::at(&server, "postgres").await;
    (server, watched)
}

/// Makes a checkpoint and waits until the server has counted it.
async fn checkpoint(watched: &Watched, counted: &str) {
    let before = watched.number(&format!("select {counted}")).await;
    watched.run(&["checkpoint"]).await;
    watched.until(&format!("select {counted} > {before}")).await;
}

#[tokio::test]
async fn a_checkpoint_is_counted_with_what_it_wrote() {
    for version in test_versions() {
        let (_server, watched) = server(version, &[]).await;
        let counted = if version >= 17 {
            "(select num_requested from pg_stat_checkpointer)"
        } else {
            "(select checkpoints_req from pg_stat_bgwriter)"
        };
        checkpoint(&watched, counted).await;
        watched
            .run(&["create table written as select generate_series(1, 20000) as n"])
            .await;
        let before = read(&watched.monitor, "checkpoints").await.one().clone();
        let unsaved = before.number("wal_since_redo_bytes").unwrap();
        assert!(unsaved > 0);
        let requested = before.number("requested").unwrap();
        checkpoint(&watched, counted).await;

        let after = read(&watched.monitor, "checkpoints").await.one().clone();
        assert_eq!(after.number("requested"), Some(requested + 1));
        assert!(after.number("buffers_written") > before.number("buffers_written"));
        assert!(after.number("wal_since_redo_bytes").unwrap() < unsaved);
        let at = watched
            .number("select extract(epoch from checkpoint_time)::int8 from pg_control_checkpoint()")
            .await;
        assert_eq!(after.number("last_checkpoint_at_seconds"), Some(at));
        assert_eq!(after.number("restartpoints_done").is_some(), version >= 17);
        let done = (after.number("done"), before.number("done"));
        match done {
            (Some(after), Some(before)) => assert_eq!(after, before + 1),
            (after, _) => assert!(after.is_none() && version < 18, "{done:?}"),
        }
    }
}

#[tokio::test]
async fn buffers_are_counted_and_those_that_sessions_write_where_the_server_tells() {
    for version in test_versions() {
        let (_server, watched) = server(version, &[]).await;
        let before = read(&watched.monitor, "background_writer").await.one().clone();
        watched
            .run(&["create table read_in as select generate_series(1, 50000) as n"])
            .await;
        let allocated = before.number("buffers_alloc").unwrap();
        watched
            .until(&format!(
                "select buffers_alloc > {allocated} from pg_stat_bgwriter"
            ))
            .await;
        let after = read(&watched.monitor, "background_writer").await.one().clone();
        assert!(after.number("buffers_alloc").unwrap() > allocated);
        assert_eq!(after.number("buffers_backend").is_some(), version < 17);
        assert_eq!(after.number("buffers_backend_fsync").is_some(), version < 17);
    }
}

#[tokio::test]
async fn the_log_is_measured_by_its_position() {
    for version in test_versions() {
        let (_server, watched) = server(version, &[]).await;
        let position = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::int8";
        let first = watched.number(position).await;
        let before = read(&watched.monitor, "wal").await.one().clone();
        watched
            .run(&["create table logged as select generate_series(1, 10000) as n"])
            .await;
        if version >= 14 {
            let records = before.number("records").unwrap();
            watched
                .until(&format!("select wal_records > {records} from pg_stat_wal"))
                .await;
        }
        let after = read(&watched.monitor, "wal").await.one().clone();
        let last = watched.number(position).await;
        let grown = after.number("position_bytes").unwrap() - before.number("position_bytes").unwrap();
        assert!(before.number("position_bytes").unwrap() >= first);
        assert!(
            grown > 10000 * 60 && grown <= last - first,
            "{grown} of {}",
            last - first
        );
        let known = version >= 14;
        for column in [
            "records",
            "full_page_images",
            "bytes",
            "buffers_full",
            "writes",
            "syncs",
            "write_us",
        ] {
            assert_eq!(after.number(column).is_some(), known, "{column} on {version}");
        }
        assert_eq!(after.number("bytes") > before.number("bytes"), known);
        assert_eq!(after.number("writes") > before.number("writes"), known);

        watched.run(&["select pg_switch_wal()"]).await;
        let directory = read(&watched.monitor, "wal_directory").await.one().clone();
        let files = "from pg_ls_waldir() where length(name) = 24";
        let count = watched.number(&format!("select count(*) {files}")).await;
        assert_eq!(directory.number("segments"), Some(count));
        let bytes = watched.number(&format!("select sum(size)::int8 {files}")).await;
        assert_eq!(directory.number("bytes"), Some(bytes));
        assert_eq!(bytes, count * 16 * 1024 * 1024);
    }
}

#[tokio::test]
async fn segments_that_cannot_be_archived_are_counted_until_they_can() {
    for version in test_versions() {
        let (_server, watched) =
            server(version, &[("archive_mode", "on"), ("archive_command", "false")]).await;
        watched
            .run(&["create table archived (n int)", "select pg_switch_wal()"])
            .await;
        watched
            .until("select failed_count > 0 from pg_stat_archiver")
            .await;
        let archiver = read(&watched.monitor, "archiver").await.one().clone();
        assert_eq!(archiver.number("failing"), Some(1));
        assert_eq!(archiver.number("archived"), Some(0));
        assert_eq!(archiver.number("last_archived_at_seconds"), None);
        assert!(
            archiver.number("failed").unwrap() > 0 && archiver.number("last_failed_at_seconds").is_some()
        );
        let queue = read(&watched.monitor, "archive_queue").await.one().clone();
        assert_eq!(queue.number("pending"), Some(1));
        assert_eq!(queue.number("pending_bytes"), Some(16 * 1024 * 1024));
        assert!(queue.number("oldest_pending_at_seconds").is_some());

        // Time goes on by the second, and the last failure must be before the success.
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        watched
            .run(&[
                "alter system set archive_command = 'true'",
                "select pg_reload_conf()",
                // Without something written there is no segment to switch from, and the archiver sleeps for a minute.
                "insert into archived values (1)",
                "select pg_switch_wal()",
            ])
            .await;
        watched
            .until(
                "select archived_count > 0 and not exists (select from pg_ls_archive_statusdir() where name like '%.ready') \
                 from pg_stat_archiver",
            )
            .await;
        let archiver = read(&watched.monitor, "archiver").await.one().clone();
        assert_eq!(archiver.number("failing"), Some(0));
        let queue = read(&watched.monitor, "archive_queue").await.one().clone();
        assert_eq!(queue.number("pending"), Some(0));
        assert_eq!(queue.number("oldest_pending_at_seconds"), None);
    }
}

#[tokio::test]
async fn reads_and_writes_are_told_by_who_does_them() {
    for version in test_versions() {
        let (_server, watched) = server(version, &[]).await;
        let ours = [
            ("backend_type", "client backend"),
            ("object", "relation"),
            ("context", "normal"),
        ];
        let before = match try_read(&watched.monitor, "io").await {
            Ok(reading) => reading,
            Err(refusal) => {
                assert_eq!((refusal, version < 16), (NOT_IN_THIS_VERSION, true));
                continue;
            }
        };
        watched
            .run(&[
                "create table extended (n int)",
                "insert into extended select generate_series(1, 50000)",
            ])
            .await;
        let extended = before.row(&ours).number("extends").unwrap();
        watched
            .until(&format!(
                "select extends > {extended} from pg_stat_io \
                 where (backend_type, object, context) = ('client backend', 'relation', 'normal')"
            ))
            .await;
        let after = read(&watched.monitor, "io").await;
        let pages = watched.number("select pg_relation_size('extended') / 8192").await;
        let bytes = |reading: &crate::reading::Reading| reading.row(&ours).number("extend_bytes").unwrap();
        assert!(bytes(&after) - bytes(&before) >= pages * 8192, "{pages} pages");
        assert_eq!(after.row(&ours).number("reuses"), None, "none can happen here");
        let wal = after.rows_with(&[("object", "wal")]);
        assert_eq!(wal.is_empty(), version < 18);
    }
}

#[tokio::test]
async fn the_small_caches_are_told_by_their_names() {
    for version in test_versions() {
        let (_server, watched) = server(version, &[]).await;
        let name = if version >= 17 { "notify" } else { "Notify" };
        let before = read(&watched.monitor, "slru").await;
        watched
            .run(&["select pg_notify('told', 'nothing')", "listen told"])
            .await;
        let zeroed = before.row(&[("cache", name)]).number("zeroed").unwrap();
        watched
            .until(&format!(
                "select blks_zeroed > {zeroed} from pg_stat_slru where name = '{name}'"
            ))
            .await;
        let after = read(&watched.monitor, "slru").await;
        assert!(after.row(&[("cache", name)]).number("zeroed").unwrap() > zeroed);
        assert_eq!(after.rows.len(), before.rows.len());
    }
}

#[tokio::test]
async fn buffers_are_used_or_unused() {
    for version in test_versions() {
        let (_server, watched) = server(version, &[("shared_buffers", "16MB")]).await;
        watched.run(&["create extension pg_buffercache"]).await;
        match try_read(&watched.monitor, "buffer_cache").await {
            Ok(reading) => {
                let buffers = reading.one();
                assert_eq!(
                    buffers.number("used").unwrap() + buffers.number("unused").unwrap(),
                    2048
                );
                assert!(buffers.number("used").unwrap() > 0);
            }
            Err(refusal) => assert_eq!((refusal, version < 16), (NOT_IN_THIS_VERSION, true)),
        }
    }
}

#[tokio::test]
async fn the_store_of_statements_is_told_to_be_full() {
    for version in test_versions() {
        let (_server, watched) = server(version, &[("pg_stat_statements.max", "100")]).await;
        watched.run(&["create extension pg_stat_statements"]).await;
        let before = read(&watched.monitor, "statement_entries").await.one().clone();
        assert_eq!(before.number("most_entries"), Some(100));
        let known = version >= 14;
        assert_eq!(before.number("evictions").is_some(), known);
        for number in 0..150 {
            // A statement with another number of columns is another statement.
            let columns = vec!["1"; number + 1].join(", ");
            watched.run(&[&format!("select {columns}")]).await;
        }
        let after = read(&watched.monitor, "statement_entries").await.one().clone();
        assert!(
            (90..=100).contains(&after.number("entries").unwrap()),
            "{after:?}"
        );
        if known {
            let counted = watched
                .number("select dealloc from pg_stat_statements_info")
                .await;
            assert!(counted > before.number("evictions").unwrap());
            assert_eq!(after.number("evictions"), Some(counted));
        }
    }
}
