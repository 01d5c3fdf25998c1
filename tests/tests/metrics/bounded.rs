//! However much there is in a database, the page is bounded, and what is left out is counted together.

use std::collections::BTreeSet;

use integration_tests::test_versions;

use crate::page::Page;
use crate::{Collected, promtool};

/// How many tables there are: more than have a name on the page.
const TABLES: usize = 180;
/// How many are certainly shown by name.
const PLACES: usize = 100;

fn tables(page: &Page) -> BTreeSet<String> {
    let series = page.all("pg_stat_user_tables_n_tup_ins", &[]);
    series
        .iter()
        .map(|series| series.labels["relname"].clone())
        .collect()
}

#[tokio::test]
async fn a_database_of_many_tables_has_a_bounded_page() {
    let newest = *test_versions().iter().max().unwrap();
    let collected = Collected::on(newest, "bounded", &[]).await;
    collected.database.batch(&create()).await.unwrap();
    let before = settled(&collected).await;
    let shown = tables(&before);
    assert!(shown.contains("other") && shown.contains("sales"), "{shown:?}");
    assert!(
        shown.iter().all(|table| !table.starts_with("sales_")),
        "{shown:?}"
    );
    assert!(
        (PLACES..=PLACES + PLACES / 2 + 1).contains(&shown.len()),
        "{}",
        shown.len()
    );
    let indexes = before.all("pg_statio_user_indexes_idx_blks_hit_total", &[]);
    let indexes: BTreeSet<&str> = indexes
        .iter()
        .map(|series| series.labels["indexrelname"].as_str())
        .collect();
    assert!(indexes.contains("sales_pkey"), "{indexes:?}");
    assert!(
        indexes.iter().all(|index| !index.starts_with("sales_0")),
        "{indexes:?}"
    );
    let others = before.value("pgvitals_other_subjects", &[("collector", "tables")]);
    assert!(others as usize >= TABLES - PLACES - PLACES / 2, "{others}");
    // A table that was not shown becomes the busiest of all. Its rows were counted as those of others, which keep them.
    let last = format!("t{:03}", TABLES - 1);
    assert!(!shown.contains(&last), "{shown:?}");
    let other = [("relname", "other")];
    let name = "pg_stat_user_tables_n_tup_ins";
    collected
        .database
        .batch(&format!("insert into {last} select generate_series(1, 5000)"))
        .await
        .unwrap();
    let after = until(&collected, |page| tables(page).contains(&last)).await;
    assert!(after.value(name, &other) >= before.value(name, &other) + 5000.0);
    assert!(tables(&after).is_superset(&shown), "nobody has to go for it");

    // A partition that is dropped takes no row back.
    let sales = [("relname", "sales")];
    collected.database.batch("drop table sales_1").await.unwrap();
    let dropped = collected.page_after_collecting().await;
    assert_eq!(dropped.value(name, &sales), after.value(name, &sales));
    promtool(&dropped.text);
    collected.application.stop().await.unwrap();
}

/// Tables, the first the busiest, and a partitioned one that is busier than all.
fn create() -> String {
    let mut statements = vec!["create table sales (id int8 primary key) partition by range (id)".to_owned()];
    for partition in 0..3 {
        let (from, to) = (partition * 1000, (partition + 1) * 1000);
        statements.push(format!(
            "create table sales_{partition} partition of sales for values from ({from}) to ({to})"
        ));
    }
    statements.push("insert into sales select generate_series(0, 2999)".to_owned());
    for table in 0..TABLES {
        let rows = TABLES - table;
        statements.push(format!(
            "create table t{table:03} as select n from generate_series(1, {rows}) as n"
        ));
        statements.push(format!(
            "insert into t{table:03} select generate_series(1, {rows})"
        ));
    }
    statements.join(";")
}

/// The page when the server has counted everything.
async fn settled(collected: &Collected) -> Page {
    until(collected, |page| {
        page.value("pgvitals_other_subjects", &[("collector", "tables")]) > 0.0
            && page
                .all("pg_stat_user_tables_n_tup_ins", &[("relname", "sales")])
                .iter()
                .any(|sales| sales.value == 3000.0)
    })
    .await
}

async fn until(collected: &Collected, is_so: impl Fn(&Page) -> bool) -> Page {
    for _ in 0..40 {
        let page = collected.page_after_collecting().await;
        if page
            .series
            .iter()
            .any(|series| series.name == "pgvitals_other_subjects")
            && is_so(&page)
        {
            return page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    panic!("what was waited for did not come to be");
}
