//! `pgvitals seed`: what arrives on real servers, and what is left of a run that was killed.

use std::process::Stdio;
use std::time::{Duration, Instant};

use integration_tests::database::connect;
use integration_tests::{DedicatedServer, test_versions};
use serde_json::json;
use tokio_postgres::Client;

use crate::support::{Project, assert_answer};

/// A server and a project whose default database is on it.
async fn installed(version: u32) -> (DedicatedServer, Project) {
    let server = DedicatedServer::start(version).await.unwrap();
    let mut project = Project::new();
    project.set("DATABASE_URL", &server.url("postgres"));
    (server, project)
}

async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// The sum of everything in a table, the same wherever the same rows are.
async fn checksum(client: &Client, table: &str) -> String {
    let sql =
        format!("select md5(string_agg(md5(t::text), '' order by md5(t::text))) from guardian.{table} as t");
    client.query_one(&sql, &[]).await.unwrap().get(0)
}

const VOLUMES: [(&str, i64); 5] = [
    ("patients", 1_000),
    ("timeline_events", 50_000),
    ("documents", 10_000),
    ("clinical_events", 25_000),
    ("provider_interactions", 5_000),
];

async fn assert_volumes(client: &Client, scale: i64) {
    for (table, rows) in VOLUMES {
        let counted = number(client, &format!("select count(*) from guardian.{table}")).await;
        assert_eq!(counted, scale * rows, "{table}");
    }
}

#[tokio::test]
async fn a_seeded_database_is_whole_and_the_same_on_every_version() {
    let mut checksums = Vec::new();
    for version in test_versions() {
        let (server, project) = installed(version).await;
        let report = project.json(&["seed"]);
        assert_eq!(report["scale"], 1);
        assert_eq!(report["cohorts_added"], 1);
        assert_eq!(report["rows_added"]["timeline_events"], 50_000);
        assert_eq!(report["orphans"], 0);
        let client = connect(&server.url("guardian")).await.unwrap();
        client.batch_execute("set timezone = 'UTC'").await.unwrap();
        assert_volumes(&client, 1).await;
        assert_uneven(&client).await;
        assert_ready(&client).await;
        let mut all = Vec::new();
        for table in [
            "patients",
            "timeline_events",
            "documents",
            "lab_results",
            "access_grants",
        ] {
            all.push(checksum(&client, table).await);
        }
        checksums.push(all);

        let again = project.json(&["seed"]);
        assert_eq!(again["cohorts_added"], 0);
        assert_eq!(again["rows_added"], json!({}));
        assert_volumes(&client, 1).await;
    }
    assert!(
        checksums.windows(2).all(|pair| pair[0] == pair[1]),
        "{checksums:?}"
    );
}

/// What the pure tests of the generator say of its rows is true of the tables.
async fn assert_uneven(client: &Client) {
    let per_patient =
        "select patient_id, count(*) as events from guardian.timeline_events group by patient_id";
    let sql = format!("select max(events) from ({per_patient}) as t");
    assert!(number(client, &sql).await > 1_800);
    let sql = format!("select count(*) from ({per_patient}) as t where events < 20");
    assert!(number(client, &sql).await > 400);
    let sql = format!(
        "select corr(extract(epoch from age(p.date_of_birth))::float8, ln(t.events)::float8)
           from guardian.patients as p join ({per_patient}) as t using (patient_id)"
    );
    let correlation: f64 = client.query_one(&sql, &[]).await.unwrap().get(0);
    assert!(correlation > 0.25, "{correlation}");
    let sql = "select corr(sugar.value, glucose.value)
                 from guardian.lab_results as sugar join guardian.lab_results as glucose using (clinical_event_id)
                where sugar.code = '4548-4' and glucose.code = '2345-7'";
    let correlation: f64 = client.query_one(sql, &[]).await.unwrap().get(0);
    assert!(correlation > 0.8, "{correlation}");
}

/// Nothing dangles, nothing waits that need not, and the application can begin.
async fn assert_ready(client: &Client) {
    assert_eq!(
        number(client, "select count(*) from guardian.find_orphans()").await,
        0
    );
    // Both ends of a relationship are of its patient, which bulk mode did not check row by row.
    let strangers = "select count(*) from guardian.record_relationships as r
                       join guardian.medications as m on m.medication_id = r.source_id
                       join guardian.conditions as c on c.condition_id = r.target_id
                      where m.patient_id <> r.patient_id or c.patient_id <> r.patient_id";
    assert_eq!(number(client, strangers).await, 0);
    let types = "select count(*) from guardian.relationship_types as t where not exists (
                   select 1 from guardian.record_relationships as r where r.relationship_type = t.relationship_type)";
    assert_eq!(number(client, types).await, 0, "a relationship type without any");
    assert_eq!(
        number(client, "select count(*) from guardian.invalidation_queue").await,
        0
    );
    assert_eq!(
        number(client, "select count(*) from guardian.view_refresh_queue").await,
        0
    );
    assert_eq!(
        number(client, "select count(*) from guardian.audit_log_default").await,
        0
    );
    assert_eq!(
        number(client, "select count(*) from guardian.document_stages_default").await,
        0
    );
    let dashboards =
        "select count(*) from guardian.dashboard_cache where (content -> 'timeline' ->> 'events')::int8 > 0";
    assert!(number(client, dashboards).await > 950);
    let queued = "select count(*) from guardian.jobs as j join guardian.documents as d
                    on d.document_id = (j.payload ->> 'document_id')::uuid
                   where j.state = 'queued' and d.status = 'uploaded'";
    assert_eq!(number(client, queued).await, 20);
    let bulk = "select count(*) from guardian.bulk_operations where outcome = 'finished' and orphans = 0";
    assert_eq!(number(client, bulk).await, 1);
    let analyzed = "select count(*) from pg_class where oid = 'guardian.timeline_events'::regclass
                       and reltuples = 50000 and relallvisible > 0";
    assert_eq!(number(client, analyzed).await, 1);
}

#[tokio::test]
async fn a_run_that_was_killed_is_gone_on_with_and_other_data_is_not_touched() {
    let (server, project) = installed(test_versions()[0]).await;
    let administrator = connect(&server.url("postgres")).await.unwrap();
    administrator
        .batch_execute("create database clinic")
        .await
        .unwrap();
    let url = server.url("clinic");
    let client = connect(&url).await.unwrap();
    client
        .batch_execute("create schema guardian; create table guardian.angels (name text)")
        .await
        .unwrap();
    assert_answer!(project.run(&["seed", "--database", &url]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: the database has a schema guardian that is not the reference workload

    hint: name another database by --database URL, or drop that schema and all in it by --replace
    ");
    assert_eq!(number(&client, "select count(*) from guardian.angels").await, 0);

    let mut killed = project
        .command(&["seed", "--database", &url, "--scale", "2", "--replace"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_second_cohort(&client).await;
    killed.kill().unwrap();
    killed.wait().unwrap();
    wait_until_alone(&client).await;
    assert_eq!(
        number(&client, "select count(*) from guardian.seeded_cohorts").await,
        1
    );
    assert_volumes(&client, 1).await;

    assert_answer!(project.run(&["seed", "--database", &url, "--scale", "2", "--seed", "7"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    making patients
    error: the database has data of seed 1 until 2026-11-01 already

    hint: add to it by --seed 1 --until 2026-11-01, or begin anew by --replace
    ");
    let report = project.json(&["seed", "--database", &url, "--scale", "2"]);
    assert_eq!(report["cohorts_added"], 1);
    assert_volumes(&client, 2).await;
    assert_eq!(
        number(&client, "select count(*) from guardian.find_orphans()").await,
        0
    );
    let abandoned = "select count(*) from guardian.bulk_operations where outcome = 'abandoned'";
    assert_eq!(number(&client, abandoned).await, 1);
    assert_answer!(project.run(&["seed", "--database", &url]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    making patients
    error: the database has scale 2 already

    hint: add to it by --scale 2 or more, or begin anew by --replace
    ");
}

/// Waits until the first cohort is there, and the second is being filled.
async fn wait_for_second_cohort(client: &Client) {
    let copying = "select count(*) from pg_stat_activity
                    where application_name = 'pgvitals/seed' and query like 'copy guardian.timeline_events%'
                      and (select count(*) from guardian.seeded_cohorts) = 1";
    wait(client, "to_regclass('guardian.seeded_cohorts') is not null").await;
    wait(client, &format!("({copying}) > 0")).await;
}

/// Waits until the session of a killed command has noticed.
async fn wait_until_alone(client: &Client) {
    let others = "select count(*) from pg_stat_activity where application_name = 'pgvitals/seed'";
    wait(client, &format!("({others}) = 0")).await;
}

async fn wait(client: &Client, condition: &str) {
    let began = Instant::now();
    let sql = format!("select {condition}");
    while !client.query_one(&sql, &[]).await.unwrap().get::<_, bool>(0) {
        assert!(began.elapsed() < Duration::from_secs(300), "never {condition}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
