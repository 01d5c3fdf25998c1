//! What is wrong with a schema: made to happen, found, and nothing else found beside it.

use std::collections::BTreeSet;
use std::time::Duration;

use integration_tests::test_versions;

use crate::reading::{Reading, read};
use crate::watched::Watched;

/// These columns of all rows.
fn texts<const N: usize>(reading: &Reading, columns: [&str; N]) -> BTreeSet<[String; N]> {
    let rows = reading.rows.iter();
    rows.map(|row| columns.map(|column| row.text(column).unwrap_or("-").to_owned()))
        .collect()
}

fn set<const N: usize>(rows: &[[&str; N]]) -> BTreeSet<[String; N]> {
    rows.iter().map(|row| row.map(str::to_owned)).collect()
}

#[tokio::test]
async fn an_index_that_failed_is_told_from_one_being_built() {
    for version in test_versions() {
        let watched = Watched::database(version, "invalid").await;
        watched
            .run(&["create table twice (id int)", "insert into twice values (1), (1)"])
            .await;
        let failed = watched
            .admin
            .batch_execute("create unique index concurrently failed on twice (id)");
        failed.await.unwrap_err();
        let reading = read(&watched.monitor, "invalid_indexes").await;
        let row = reading.one();
        assert_eq!(row.text("index"), Some("failed"));
        assert_eq!(row.text("table"), Some("twice"));
        assert_eq!(row.number("is_building"), Some(0), "on {version}");
        assert_eq!(
            row.text("definition"),
            Some("CREATE UNIQUE INDEX failed ON public.twice USING btree (id)")
        );

        // A build waits for the transactions that were there before it.
        let before = watched.session("before").await;
        before
            .batch_execute("begin; insert into twice values (2)")
            .await
            .unwrap();
        let builder = watched.session("builder").await;
        let build = tokio::spawn(async move {
            builder
                .batch_execute("create index concurrently building on twice (id)")
                .await
        });
        watched
            .until("select exists (select from pg_index where indexrelid = to_regclass('building'))")
            .await;
        let reading = read(&watched.monitor, "invalid_indexes").await;
        let building = reading.row(&[("index", "building")]);
        assert_eq!(building.number("is_building"), Some(1), "on {version}");
        before.batch_execute("commit").await.unwrap();
        tokio::time::timeout(Duration::from_secs(30), build)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        let reading = read(&watched.monitor, "invalid_indexes").await;
        assert_eq!(texts(&reading, ["index"]), set(&[["failed"]]), "on {version}");
    }
}

#[tokio::test]
async fn only_indexes_that_another_can_stand_in_for_are_duplicates() {
    for version in test_versions() {
        let watched = Watched::database(version, "duplicates").await;
        watched
            .run(&[
                "create table t (id int primary key, a int, b int, c text, d int unique, e int, f int not null, g int)",
                // To be found.
                "create index t_ab on t (a, b)",
                "create index t_ab_again on t (a, b)",
                "create index t_a on t (a)",
                "create index t_id on t (id)",
                "create unique index t_d_again on t (d)",
                "create index t_lower on t (lower(c))",
                "create index t_lower_again on t ( lower( c ) )",
                "create index t_part on t (b) where g > 0",
                "create index t_part_again on t (b) where (g > 0)",
                "create unique index t_e on t (e)",
                "create index t_e_plain on t (e)",
                "create index t_gin on t using gin (to_tsvector('english', c))",
                "create index t_gin_again on t using gin (to_tsvector('english', c))",
                "create index t_g on t (g) include (b)",
                "create index t_gb on t (g, b)",
                // Not to be found: another order, method, operator class, collation, predicate, expression, included column.
                "create index t_a_desc on t (a desc)",
                "create index t_a_hash on t using hash (a)",
                "create index t_c on t (c)",
                "create index t_c_pattern on t (c text_pattern_ops)",
                "create index t_c_collated on t (c collate \"C\")",
                "create index t_part_other on t (b) where g > 1",
                "create index t_upper on t (upper(c))",
                "create index t_b_id on t (b, id)",
                "create index t_b_including on t (b) include (c)",
                // Not to be found: they keep rows unique, or something rests on them.
                "create unique index t_ba_unique on t (b, a)",
                "create unique index t_b_unique on t (b)",
                "create unique index t_f on t (f)",
                "create index t_fg on t (f, g)",
                "create table u (f int references t (f), x int not null)",
                "create unique index u_x on u (x)",
                "create unique index u_x_identity on u (x)",
                "alter table u replica identity using index u_x_identity",
            ])
            .await;
        let reading = read(&watched.monitor, "duplicate_indexes").await;
        let found = texts(&reading, ["index", "covered_by", "kind"]);
        let expected = set(&[
            ["t_ab_again", "public.t_ab", "duplicate"],
            ["t_a", "public.t_ab", "prefix"],
            ["t_id", "public.t_pkey", "duplicate"],
            ["t_d_again", "public.t_d_key", "duplicate"],
            ["t_lower_again", "public.t_lower", "duplicate"],
            ["t_part_again", "public.t_part", "duplicate"],
            ["t_e_plain", "public.t_e", "duplicate"],
            ["t_gin_again", "public.t_gin", "duplicate"],
            ["t_g", "public.t_gb", "prefix"],
            ["u_x", "public.u_x_identity", "duplicate"],
        ]);
        assert_eq!(found, expected, "on {version}");
        // With all of them gone there is nothing left to find: nothing lost the one that stood in for it.
        for row in &reading.rows {
            let drop = format!("drop index {}", row.text("index").unwrap());
            watched.run(&[&drop]).await;
        }
        let reading = read(&watched.monitor, "duplicate_indexes").await;
        assert_eq!(texts(&reading, ["index"]), set::<1>(&[]), "on {version}");
    }
}

#[tokio::test]
async fn unique_indexes_that_treat_nulls_differently_are_no_duplicates() {
    for version in test_versions().into_iter().filter(|version| *version >= 15) {
        let watched = Watched::database(version, "nulls").await;
        watched
            .run(&[
                "create table n (a int)",
                "create unique index n_many on n (a)",
                "create unique index n_one on n (a) nulls not distinct",
            ])
            .await;
        let reading = read(&watched.monitor, "duplicate_indexes").await;
        assert_eq!(texts(&reading, ["index"]), set::<1>(&[]), "on {version}");
    }
}

#[tokio::test]
async fn the_index_of_a_partition_is_judged_with_its_parent() {
    for version in test_versions() {
        let watched = Watched::database(version, "partitioned_findings").await;
        watched
            .run(&[
                "create table p (at date not null, id int, other int, primary key (at, id)) partition by range (at)",
                "create index p_id on p (id)",
                "create index p_id_other on p (id, other)",
                "create table p_1 partition of p for values from ('2026-01-01') to ('2027-01-01')",
                "create table p_2 partition of p for values from ('2027-01-01') to ('2028-01-01')",
                "create table target (id int primary key)",
                "alter table p add constraint indexed foreign key (id) references target",
                "alter table p add constraint not_indexed foreign key (other) references target",
                "create table bare (at date) partition by range (at)",
                "create table bare_1 partition of bare for values from ('2026-01-01') to ('2027-01-01')",
            ])
            .await;
        let duplicates = read(&watched.monitor, "duplicate_indexes").await;
        assert_eq!(texts(&duplicates, ["index"]), set(&[["p_id"]]), "on {version}");
        let keys = read(&watched.monitor, "unindexed_foreign_keys").await;
        let found = texts(&keys, ["table", "foreign_key"]);
        assert_eq!(found, set(&[["p", "not_indexed"]]), "on {version}");
        let bare = read(&watched.monitor, "tables_without_primary_key").await;
        assert_eq!(texts(&bare, ["table"]), set(&[["bare"]]), "on {version}");
    }
}

#[tokio::test]
async fn foreign_keys_without_an_index_are_found() {
    for version in test_versions() {
        let watched = Watched::database(version, "foreign_keys").await;
        watched
            .run(&[
                "create table one (id int primary key)",
                "create table two (a int, b int, primary key (a, b))",
                "create table r (id int, plain int constraint plain references one, \
                 hashed int constraint hashed references one, bare int constraint bare references one, \
                 later int constraint later references one, partial int constraint partial references one, \
                 \"Some\" int constraint filtered references one, gin int constraint brin references one, \
                 a int, b int, c int, d int, e int, f int, \
                 constraint swapped foreign key (a, b) references two, \
                 constraint half foreign key (c, d) references two, \
                 constraint apart foreign key (e, f) references two)",
                "create index on r (plain, id)",
                "create index on r using hash (hashed)",
                "create index on r (id, later)",
                "create index on r (partial) where partial is not null",
                "create index on r (\"Some\") where id > 0",
                "create index on r using brin (gin)",
                "create index on r (b, a, id)",
                "create index on r (c)",
                "create index on r (e, id, f)",
                "insert into r (id) select generate_series(1, 10)",
                "analyze r",
            ])
            .await;
        let reading = read(&watched.monitor, "unindexed_foreign_keys").await;
        let found = texts(&reading, ["foreign_key", "columns", "referenced_table"]);
        let expected = set(&[
            ["bare", "bare", "public.one"],
            ["later", "later", "public.one"],
            ["filtered", "\"Some\"", "public.one"],
            ["brin", "gin", "public.one"],
            ["half", "c, d", "public.two"],
            ["apart", "e, f", "public.two"],
        ]);
        assert_eq!(found, expected, "on {version}");
        let row = reading.row(&[("foreign_key", "bare")]);
        assert_eq!(row.number("estimated_rows"), Some(10));
    }
}

#[tokio::test]
async fn tables_without_a_primary_key_are_found() {
    for version in test_versions() {
        let watched = Watched::database(version, "primary_keys").await;
        watched
            .run(&[
                "create table with_key (id int primary key)",
                "create table without_key (id int)",
                "create table with_unique (id int not null unique)",
                "create table with_nullable_unique (id int unique)",
                "create temporary table passing (id int)",
            ])
            .await;
        let reading = read(&watched.monitor, "tables_without_primary_key").await;
        let found: BTreeSet<_> = reading
            .rows
            .iter()
            .map(|row| (row.text("table").unwrap(), row.number("has_unique_key").unwrap()))
            .collect();
        let expected = BTreeSet::from([
            ("without_key", 0),
            ("with_unique", 1),
            ("with_nullable_unique", 0),
        ]);
        assert_eq!(found, expected, "on {version}");
    }
}

#[tokio::test]
async fn extensions_that_were_not_updated_are_found() {
    for version in test_versions() {
        let watched = Watched::database(version, "extensions").await;
        watched
            .run(&[
                "create schema tools",
                "create extension pg_stat_statements schema tools version '1.7'",
                "create extension pgstattuple",
            ])
            .await;
        let reading = read(&watched.monitor, "extensions").await;
        let old = reading.row(&[("extension", "pg_stat_statements"), ("schema", "tools")]);
        assert_eq!(old.text("version"), Some("1.7"));
        assert_eq!(old.number("outdated"), Some(1), "on {version}");
        let new = reading.row(&[("extension", "pgstattuple")]);
        assert_eq!(new.text("version"), new.text("default_version"));
        assert_eq!(new.number("outdated"), Some(0), "on {version}");
    }
}
