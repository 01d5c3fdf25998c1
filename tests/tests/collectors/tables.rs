//! What is counted of tables and indexes: scans, rows, sizes, and how near each table is to its own autovacuum.

use integration_tests::test_versions;
use store::logins::Login;

use crate::reading::{Reading, Row, read};
use crate::watched::Watched;

/// Nothing but the test itself vacuums or analyzes.
const BY_HAND: &str = "autovacuum_enabled = false, toast.autovacuum_enabled = false";

async fn table(watched: &Watched, collector: &str, name: &str) -> Row {
    let reading: Reading = read(&watched.monitor, collector).await;
    reading.row(&[("schema", "public"), ("table", name)]).clone()
}

async fn index(watched: &Watched, collector: &str, name: &str) -> Row {
    let reading: Reading = read(&watched.monitor, collector).await;
    reading.row(&[("schema", "public"), ("index", name)]).clone()
}

/// How much a number grew.
#[track_caller]
fn grew(before: &Row, after: &Row, column: &str) -> i64 {
    after.number(column).unwrap() - before.number(column).unwrap()
}

#[tokio::test]
async fn what_is_done_to_a_table_is_counted() {
    for version in test_versions() {
        let watched = Watched::database(version, "tables").await;
        let create = format!("create table seen (id int primary key, note text) with ({BY_HAND})");
        watched
            .run(&[
                &create,
                "insert into seen select n, 'note' from generate_series(1, 1000) as n",
                "update seen set note = 'other' where id <= 100",
                "delete from seen where id > 950",
            ])
            .await;
        watched
            .until("select n_tup_del = 50 from pg_stat_user_tables where relname = 'seen'")
            .await;
        let before = table(&watched, "tables", "seen").await;
        let expected = [
            ("rows_inserted", 1000),
            ("rows_updated", 100),
            ("rows_deleted", 50),
            ("live_rows", 950),
            ("dead_rows", 150),
            ("modified_since_analyze", 1150),
            ("inserted_since_vacuum", 1000),
            ("vacuums", 0),
        ];
        for (column, value) in expected {
            assert_eq!(before.number(column), Some(value), "{column} on {version}");
        }
        assert_eq!(before.number("last_vacuum_at_seconds"), None);
        assert_eq!(
            before.number("estimated_rows"),
            None,
            "nobody has looked yet, on {version}"
        );

        watched
            .run(&[
                "set enable_indexscan = off",
                "set enable_bitmapscan = off",
                "set enable_indexonlyscan = off",
                "select count(*) from seen",
                "select count(*) from seen",
                "reset all",
                "set enable_seqscan = off",
                "select note from seen where id = 7",
                "vacuum analyze seen",
            ])
            .await;
        watched
            .until(
                "select analyze_count = 1 and idx_scan = 1 from pg_stat_user_tables where relname = 'seen'",
            )
            .await;
        let after = table(&watched, "tables", "seen").await;
        assert_eq!(grew(&before, &after, "seq_scans"), 2, "on {version}");
        assert_eq!(grew(&before, &after, "seq_rows_read"), 2 * 950);
        assert_eq!(grew(&before, &after, "idx_scans"), 1);
        assert_eq!(grew(&before, &after, "idx_rows_fetched"), 1);
        assert_eq!(grew(&before, &after, "vacuums"), 1);
        assert_eq!(grew(&before, &after, "analyzes"), 1);
        assert_eq!(after.number("dead_rows"), Some(0));
        assert_eq!(after.number("estimated_rows"), Some(950));
        let bytes = watched.number("select pg_relation_size('seen')").await;
        assert_eq!(after.number("estimated_bytes"), Some(bytes));
        let now = watched.number("select extract(epoch from now())::int8").await;
        let vacuumed = after.number("last_vacuum_at_seconds").unwrap();
        assert!((now - 60..=now).contains(&vacuumed), "{vacuumed} at {now}");
        assert_eq!(
            after.number("last_seq_scan_at_seconds").is_some(),
            version >= 16,
            "on {version}"
        );
        assert_eq!(after.number("vacuum_us").is_some(), version >= 18, "on {version}");
    }
}

#[tokio::test]
async fn hot_updates_and_those_to_another_page_are_told_apart() {
    for version in test_versions() {
        let watched = Watched::database(version, "hot").await;
        let create = format!("create table hot (id int, note text) with (fillfactor = 50, {BY_HAND})");
        watched
            .run(&[
                &create,
                "insert into hot select n, 'note' from generate_series(1, 100) as n",
                "update hot set note = 'more' where id <= 10",
                "update hot set note = repeat('x', 1900) where id > 90",
            ])
            .await;
        watched
            .until("select n_tup_upd = 20 from pg_stat_user_tables where relname = 'hot'")
            .await;
        let row = table(&watched, "tables", "hot").await;
        let hot = row.number("rows_hot_updated").unwrap();
        assert!((10..20).contains(&hot), "{hot} on {version}");
        let moved = (version >= 16).then_some(20 - hot);
        assert_eq!(row.number("rows_newpage_updated"), moved, "on {version}");
    }
}

#[tokio::test]
async fn scans_of_an_index_are_counted_and_it_says_what_it_is_for() {
    for version in test_versions() {
        let watched = Watched::database(version, "indexes").await;
        watched
            .run(&[
                "create table listed (id int primary key, name text, at date, note text)",
                "create unique index listed_name on listed (name)",
                "create index listed_at on listed (at desc, lower(note)) where note is not null",
                "create table referring (name text references listed (name))",
                "insert into listed select n, n::text, current_date, 'n' from generate_series(1, 500) as n",
                "vacuum analyze listed",
                "set enable_seqscan = off",
                "select note from listed where id = 1",
                "select note from listed where id = 2",
            ])
            .await;
        watched
            .until("select idx_scan = 2 from pg_stat_user_indexes where indexrelname = 'listed_pkey'")
            .await;
        let primary = index(&watched, "indexes", "listed_pkey").await;
        assert_eq!(primary.text("table"), Some("listed"));
        let numbers = |row: &Row| {
            [
                "scans",
                "rows_read",
                "is_valid",
                "is_unique",
                "is_primary",
                "is_constraint",
            ]
            .map(|column| row.number(column).unwrap())
        };
        assert_eq!(numbers(&primary), [2, 2, 1, 1, 1, 1], "on {version}");
        assert_eq!(primary.number("estimated_rows"), Some(500));
        let bytes = watched.number("select pg_relation_size('listed_pkey')").await;
        assert_eq!(primary.number("estimated_bytes"), Some(bytes));
        assert_eq!(
            primary.number("last_scan_at_seconds").is_some(),
            version >= 16,
            "on {version}"
        );

        // No constraint of its own, but the foreign key of another table rests on it.
        let name = index(&watched, "indexes", "listed_name").await;
        assert_eq!(numbers(&name)[2..], [1, 1, 0, 1], "on {version}");
        let at = index(&watched, "indexes", "listed_at").await;
        assert_eq!(numbers(&at), [0, 0, 1, 0, 0, 0], "on {version}");
        let definition = index(&watched, "index_definitions", "listed_at").await;
        assert_eq!(
            definition.text("definition"),
            Some(
                "CREATE INDEX listed_at ON public.listed USING btree (at DESC, lower(note)) WHERE (note IS NOT NULL)"
            )
        );
    }
}

#[tokio::test]
async fn definitions_are_those_of_the_server_word_for_word() {
    for version in test_versions() {
        let watched = Watched::database(version, "definitions").await;
        watched
            .run(&[
                "create schema \"My Schema\"",
                "create table \"My Schema\".\"Order\" (id int primary key, \"User\" varchar(9), note text, tags text[], at inet)",
                "set search_path = \"My Schema\"",
                "create index \"By User\" on \"Order\" (\"User\", id desc, note desc nulls last, tags nulls first)",
                "create unique index on \"Order\" (note, \"User\")",
                "create index on \"Order\" (note text_pattern_ops)",
                "create index on \"Order\" (note collate \"C\")",
                "create index on \"Order\" (id) include (note)",
                "create index on \"Order\" (id) with (fillfactor = 50)",
                "create index on \"Order\" (id) where id > 3",
                "create index on \"Order\" ((id + 1))",
                "create index on \"Order\" using hash (note)",
                "create index on \"Order\" using gin (tags)",
                "create index on \"Order\" using gist (at inet_ops)",
                "create index on \"Order\" using brin (id)",
                "create table parts (id int) partition by range (id)",
                "create index on parts (id)",
                "reset search_path",
            ])
            .await;
        if version >= 15 {
            let nulls = "create unique index on \"My Schema\".\"Order\" (id) nulls not distinct";
            watched.run(&[nulls]).await;
        }
        let reading = read(&watched.monitor, "index_definitions").await;
        assert_eq!(
            reading.rows.len(),
            if version >= 15 { 15 } else { 14 },
            "on {version}"
        );
        for row in &reading.rows {
            let name = row.text("index").unwrap();
            let sql =
                "select pg_get_indexdef(oid) from pg_class where relname = $1 and relkind in ('i', 'I')";
            let expected: String = watched.admin.query_one(sql, &[&name]).await.unwrap().get(0);
            assert_eq!(row.text("definition"), Some(expected.as_str()), "on {version}");
        }
    }
}

#[tokio::test]
async fn blocks_of_tables_and_indexes_are_counted() {
    for version in test_versions() {
        let watched = Watched::database(version, "io").await;
        watched
            .run(&[
                "create table touched (id int primary key, note text)",
                "insert into touched select n, repeat('x', 100) from generate_series(1, 2000) as n",
                "alter table touched alter note set storage external",
                "insert into touched select 0, repeat('y', 20000)",
                "vacuum analyze touched",
                "select count(note) from touched",
                "set enable_seqscan = off",
                "select length(note) from touched where id = 0",
            ])
            .await;
        watched
            .until("select coalesce(idx_scan, 0) > 0 from pg_stat_user_tables where relname = 'touched'")
            .await;
        let row = table(&watched, "table_io", "touched").await;
        let pages = watched
            .number("select relpages::int8 from pg_class where relname = 'touched'")
            .await;
        let heap = row.number("heap_blocks_hit").unwrap() + row.number("heap_blocks_read").unwrap();
        assert!(heap > pages, "{heap} of {pages} pages on {version}");
        for part in ["idx", "toast", "toast_idx"] {
            let blocks = ["hit", "read"].map(|how| row.number(&format!("{part}_blocks_{how}")).unwrap());
            assert!(blocks[0] + blocks[1] > 0, "{part} on {version}");
        }
        let of_index = index(&watched, "index_io", "touched_pkey").await;
        for how in ["hit", "read"] {
            assert_eq!(
                of_index.number(&format!("blocks_{how}")),
                row.number(&format!("idx_blocks_{how}")),
                "{how} on {version}"
            );
        }
    }
}

#[tokio::test]
async fn partitions_name_their_root_and_nothing_is_told_twice() {
    for version in test_versions() {
        let watched = Watched::database(version, "partitions").await;
        watched
            .run(&[
                "create table events (at date not null, kind int, id int) partition by range (at)",
                "create index events_id on events (id)",
                "create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01') \
                 partition by list (kind)",
                "create table events_2026_1 partition of events_2026 for values in (1)",
                "create table events_2026_2 partition of events_2026 for values in (2)",
                "insert into events select '2026-05-01', 1 + n % 2, n from generate_series(1, 300) as n",
            ])
            .await;
        // What vacuum finds would be counted again if the statistics of the insert came later.
        let counted =
            "select sum(n_tup_ins) = 300 from pg_stat_user_tables where relname like 'events_2026_%'";
        watched.until(counted).await;
        watched.run(&["vacuum analyze"]).await;
        let root = ("root", "public.events");
        for collector in ["tables", "table_io", "relation_sizes", "vacuum"] {
            let reading = read(&watched.monitor, collector).await;
            for leaf in ["events_2026_1", "events_2026_2"] {
                reading.row(&[("table", leaf), root]);
            }
        }
        let tables = read(&watched.monitor, "tables").await;
        for column in ["rows_inserted", "live_rows", "estimated_rows"] {
            let all = tables.sum(column, &[]);
            assert_eq!(all, 300, "{column} on {version}: {:#?}", tables.rows);
        }
        let indexes = read(&watched.monitor, "indexes").await;
        let leaf_indexes = indexes.rows_with(&[root, ("root_index", "public.events_id")]);
        assert_eq!(leaf_indexes.len(), 2, "on {version}");
        // What belongs to the index of a partitioned table is defined there.
        let definitions = read(&watched.monitor, "index_definitions").await;
        assert_eq!(definitions.rows.len(), 1, "{:#?}", definitions.rows);
        assert_eq!(definitions.one().text("index"), Some("events_id"));
    }
}

#[tokio::test]
async fn sizes_are_exact() {
    for version in test_versions() {
        let watched = Watched::database(version, "sizes").await;
        watched
            .run(&[
                "create table sized (id int primary key, note text)",
                "create index sized_note on sized (left(note, 9))",
                "alter table sized alter note set storage external",
                "insert into sized select n, repeat('x', 5000) from generate_series(1, 200) as n",
                "create temporary table passing (id int)",
                "create materialized view copied as select id from sized",
            ])
            .await;
        let reading = read(&watched.monitor, "relation_sizes").await;
        assert_eq!(reading.rows.len(), 2, "{:#?}", reading.rows);
        let row = reading.row(&[("table", "sized")]);
        let toast = "select pg_total_relation_size(reltoastrelid) from pg_class where relname = 'sized'";
        let toast = watched.number(toast).await;
        assert!(toast > 1_000_000);
        assert_eq!(row.number("toast_bytes"), Some(toast));
        let parts = "select (pg_relation_size('sized') + pg_relation_size('sized', 'fsm') + pg_relation_size('sized', 'vm'))";
        let heap = watched.number(parts).await;
        assert_eq!(row.number("table_bytes"), Some(heap + toast), "on {version}");
        let indexes = "select pg_relation_size('sized_pkey') + pg_relation_size('sized_note')";
        assert_eq!(row.number("index_bytes"), Some(watched.number(indexes).await));
    }
}

#[tokio::test]
async fn vacuum_pressure_is_measured_by_the_own_limits_of_a_table() {
    for version in test_versions() {
        let watched = Watched::database(version, "vacuum").await;
        let with_options = format!(
            "create table strict (id int) with ({BY_HAND}, autovacuum_vacuum_threshold = 100, \
             autovacuum_vacuum_scale_factor = 0.1, autovacuum_analyze_threshold = 50, \
             autovacuum_analyze_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100, \
             autovacuum_vacuum_insert_scale_factor = 0, autovacuum_freeze_max_age = 100000)"
        );
        watched
            .run(&[
                &with_options,
                "insert into strict select generate_series(1, 1000)",
                "create table lax (id int) with (autovacuum_enabled = on, autovacuum_vacuum_insert_threshold = -1)",
                "insert into lax values (1)",
            ])
            .await;
        let strict_has =
            |what: &str| format!("select {what} from pg_stat_user_tables where relname = 'strict'");
        watched.until(&strict_has("n_tup_ins = 1000")).await;
        watched
            .run(&[
                "vacuum analyze strict",
                "delete from strict where id <= 300",
                "insert into strict select generate_series(1001, 1500)",
            ])
            .await;
        watched
            .until(&strict_has("n_tup_ins = 1500 and n_dead_tup = 300"))
            .await;
        let strict = table(&watched, "vacuum", "strict").await;
        // 300 of 100 + 0.1 * 1000; 500 of 100; 800 of 50.
        assert_eq!(
            strict.number("vacuum_pressure_permille"),
            Some(1500),
            "on {version}"
        );
        assert_eq!(strict.number("insert_vacuum_pressure_permille"), Some(5000));
        assert_eq!(strict.number("analyze_pressure_permille"), Some(16_000));
        assert_eq!(strict.number("autovacuum_disabled"), Some(1));
        let age = "select age(relfrozenxid)::int8 from pg_class where relname = 'strict'";
        let later = watched.number(age).await;
        let age = strict.number("frozen_xid_age_xids").unwrap();
        assert!((1..=later).contains(&age), "{age} of {later}");
        let pressure = strict.number("freeze_pressure_permille").unwrap();
        assert!(
            (pressure - age / 100).abs() <= 1,
            "{pressure} permille at {age} of 100000"
        );

        let lax = table(&watched, "vacuum", "lax").await;
        assert_eq!(lax.number("autovacuum_disabled"), Some(0));
        assert_eq!(
            lax.number("insert_vacuum_pressure_permille"),
            None,
            "turned off, on {version}"
        );
        // 1 of 50.
        assert_eq!(lax.number("analyze_pressure_permille"), Some(20));

        if version >= 18 {
            let cap = "alter table strict set (autovacuum_vacuum_max_threshold = 150)";
            watched.run(&[cap]).await;
            let capped = table(&watched, "vacuum", "strict").await;
            assert_eq!(capped.number("vacuum_pressure_permille"), Some(2000));
        }
    }
}

#[tokio::test]
async fn a_sequence_near_its_end_is_seen_from_either_direction() {
    for version in test_versions() {
        let watched = Watched::database(version, "sequences").await;
        let collector = Login::Collector.role();
        watched
            .run(&[
                "create sequence up minvalue 0 maxvalue 1000 start 0",
                "select setval('up', 950)",
                "create sequence down increment by -10 minvalue -1000 maxvalue 0 start 0 cycle",
                "select setval('down', -950)",
                "create table narrow (id int4)",
                "create sequence wide as int8 owned by narrow.id",
                // 95 % of int4, and next to nothing of int8.
                "select setval('wide', 2040109466)",
                "create sequence fresh",
                "create sequence hidden",
                "select setval('hidden', 5)",
                &format!("grant select on up, down, wide, fresh to {collector}"),
            ])
            .await;
        let reading = read(&watched.monitor, "sequences").await;
        let row = |name| reading.row(&[("sequence", name)]);
        for (name, used, remaining, cycles) in [
            ("up", 950, 50, 0),
            ("down", 950, 5, 1),
            ("wide", 950, 107_374_181, 0),
            ("fresh", 0, i64::MAX, 0),
        ] {
            assert_eq!(
                row(name).number("used_permille"),
                Some(used),
                "{name} on {version}"
            );
            assert_eq!(
                row(name).number("remaining"),
                Some(remaining),
                "{name} on {version}"
            );
            assert_eq!(row(name).number("cycles"), Some(cycles));
            assert_eq!(row(name).text("unknown_because"), None);
        }
        assert_eq!(row("wide").text("owned_by"), Some("public.narrow.id"));
        let hidden = row("hidden");
        assert_eq!(hidden.number("used_permille"), None);
        assert_eq!(hidden.number("remaining"), None);
        assert_eq!(hidden.text("unknown_because"), Some("missing_privilege: select"));
    }
}
