//! `pgvitals load` and `pgvitals rls`.

use std::fs;

use integration_tests::database::connect;
use integration_tests::project_root;

use crate::support::{Installed, Project, assert_answer};

/// A monitoring database, and on the same server a small reference workload. Gives the address of that as well.
async fn seeded() -> (Installed, String) {
    let installed = Installed::new().await;
    let admin = connect(&installed.server.url("postgres")).await.unwrap();
    admin.batch_execute("create database guardian").await.unwrap();
    let url = installed.server.url("guardian");
    let client = db::connect(&url.parse().unwrap()).await.unwrap();
    guardian::schema::install(&client, false).await.unwrap();
    client.run_all(include_str!("few_patients.sql")).await.unwrap();
    (installed, url)
}

/// The rows of a run, by name.
fn named<'a>(report: &'a serde_json::Value, request: &str) -> &'a serde_json::Value {
    let requests = report["requests"].as_array().unwrap();
    let found = requests.iter().find(|row| row["request"] == request);
    found.unwrap_or_else(|| panic!("{request} is not in {report:#}"))
}

#[test]
fn without_a_name_it_lists_the_scenarios() {
    let project = Project::new();
    let listed = project.json(&["load"]);
    let names: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["scenario"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["timelines", "uploads", "providers", "mixed_day", "ten_times"]
    );
    assert_answer!(project.run(&["load", "a_quiet_day"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: there is no scenario a_quiet_day

    hint: `pgvitals load` lists them
    ");
    assert_answer!(project.run(&["load", "timelines", "--duration", "0"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: the scenario timelines has no duration
    ");
}

#[tokio::test]
async fn a_mixed_day_is_loaded_stored_and_compared_with_the_next() {
    let (installed, url) = seeded().await;
    let project = &installed.project;
    let report = project.path().join("report.html");
    let arguments = [
        "load",
        "mixed_day",
        "--database",
        &url,
        "--users",
        "4",
        "--rate",
        "60",
        "--duration",
        "6s",
        "--warm-up",
        "2s",
        "--report",
        report.to_str().unwrap(),
    ];
    // Timings are for whoever runs a load: here only what was counted is looked at. How many requests come is chance,
    // and half of those that were asked for is far from it.
    let first = project.command(&arguments).arg("--json").output().unwrap();
    let said = project.shown(&first);
    let first: serde_json::Value = serde_json::from_slice(&first.stdout).unwrap_or_else(|_| panic!("{said}"));
    assert_eq!(first["failed"], 0, "{said}");
    assert!(first["transactions"].as_i64().unwrap() > 180, "{said}");
    assert_eq!(first["last"], serde_json::Value::Null);
    assert_eq!(first["series"].as_array().unwrap().len(), 6);
    let page = named(&first, "timeline_first_page");
    assert!(page["transactions"].as_i64().unwrap() > 20, "{said}");
    assert!(page["p50_ms"].as_f64().unwrap() > 0.0 && page["p50_ms"].as_f64() <= page["p99_ms"].as_f64());
    let jobs = named(&first, "job_end_to_end");
    assert!(
        jobs["transactions"].as_i64().unwrap() > 0,
        "uploads are processed: {said}"
    );
    assert_eq!(jobs["failed"], 0, "{said}");
    let html = fs::read_to_string(&report).unwrap();
    assert!(html.contains("<polyline") && html.contains("provider_reads_patient"));

    let second = project.command(&arguments).arg("--json").output().unwrap();
    let second: serde_json::Value = serde_json::from_slice(&second.stdout).unwrap();
    assert_eq!(second["last"]["load_run_id"], 1);
    assert_eq!(
        named(&second, "timeline_first_page")["last"]["transactions"],
        page["transactions"]
    );
    let monitoring = connect(&installed.server.url("postgres")).await.unwrap();
    let stored =
        "select count(*), count(*) filter (where report ? 'series'), min(scale) from monitoring.load_runs";
    let row = monitoring.query_one(stored, &[]).await.unwrap();
    assert_eq!(
        (row.get::<_, i64>(0), row.get::<_, i64>(1), row.get::<_, f64>(2)),
        (2, 2, 0.04)
    );
    let client = connect(&url).await.unwrap();
    let left = "select count(*) from pg_namespace where nspname = 'guardian_load'";
    assert_eq!(
        client.query_one(left, &[]).await.unwrap().get::<_, i64>(0),
        0,
        "nothing of a load stays"
    );
}

#[tokio::test]
async fn a_load_that_the_database_refuses_does_not_pass() {
    let (installed, url) = seeded().await;
    let client = connect(&url).await.unwrap();
    client
        .batch_execute("revoke select on guardian.timeline_events from authenticated")
        .await
        .unwrap();
    let arguments = [
        "load",
        "mixed_day",
        "--database",
        &url,
        "--users",
        "8",
        "--rate",
        "20",
        "--duration",
        "3s",
        "--warm-up",
        "0",
    ];
    let report = installed
        .project
        .json_of_failure(&[&arguments[..], &["--no-store"]].concat());
    assert_eq!(report["passed"], false);
    assert!(report["failed"].as_i64().unwrap() > 0);
    let troubles = report["troubles"].to_string();
    assert!(
        troubles.contains("a session broke off: permission denied for table timeline_events"),
        "{troubles}"
    );
    let answer = installed.project.run(&[
        "load",
        "timelines",
        "--database",
        &installed.server.url("postgres"),
    ]);
    assert!(
        answer.contains("error: the database has no reference workload")
            && answer.contains("hint: run `pgvitals seed` first"),
        "{answer}"
    );
}

#[tokio::test]
async fn row_level_security_is_measured_by_query_and_policy() {
    let (installed, url) = seeded().await;
    let arguments = ["rls", "timeline_first_page", "--pairs", "4", "--database", &url];
    let examined = installed.project.json(&arguments);
    assert_eq!(
        examined["warnings"],
        serde_json::json!([]),
        "the reference workload's own policies are evaluated once"
    );
    let queries = examined["queries"].as_array().unwrap();
    assert_eq!(queries.len(), 1);
    assert_eq!(
        (queries[0]["query"].as_str(), queries[0]["role"].as_str()),
        (Some("timeline_first_page"), Some("patient"))
    );
    assert!(queries[0]["owner_ms"].as_f64().unwrap() > 0.0);
    assert!(queries[0]["user_blocks"].as_f64() >= queries[0]["owner_blocks"].as_f64());
    let policies = queries[0]["policies"].as_array().unwrap();
    assert_eq!(policies.len(), 1, "{policies:?}");
    assert_eq!(
        (policies[0]["table"].as_str(), policies[0]["policy"].as_str()),
        (Some("guardian.timeline_events"), Some("reading"))
    );
    assert!(policies[0]["cost"]["median_ms"].is_f64());

    let client = connect(&url).await.unwrap();
    let count = "select count(*) from pg_policy where polrelid = 'guardian.timeline_events'::regclass and polqual::text like '%:%'";
    let left = client.query_one(count, &[]).await.unwrap().get::<_, i64>(0);
    assert_eq!(
        left, 3,
        "policies are taken out in transactions that are rolled back"
    );
}

#[tokio::test]
async fn policies_that_are_evaluated_for_every_row_are_named_with_their_mend() {
    let (installed, url) = seeded().await;
    let client = connect(&url).await.unwrap();
    // What a policy ought not to be: a call for every row, a function of columns, and a query for every row. The function
    // is in plpgsql: one in SQL becomes a part of the query.
    client
        .batch_execute(
            "create function guardian.may_read(of_patient uuid) returns bool language plpgsql stable security definer
               as $$ begin return of_patient is not null; end $$;
             create function guardian.user_of_token() returns uuid language plpgsql stable
               as $$ begin return guardian.current_user_id(); end $$;
             grant execute on function guardian.may_read(uuid), guardian.user_of_token() to authenticated;
             alter policy reading on guardian.timeline_events using (guardian.user_of_token() is not null);
             alter policy reading on guardian.documents using (guardian.may_read(patient_id));
             alter policy reading on guardian.medications
               using (exists (select 1 from guardian.patients as p where p.patient_id = medications.patient_id))",
        )
        .await
        .unwrap();
    let arguments = ["rls", "timeline_first_page", "--pairs", "4", "--database", &url];
    let examined = installed.project.json_of_failure(&arguments);
    let warnings = examined["warnings"].as_array().unwrap();
    let found: Vec<(&str, &str, Option<&str>)> = warnings
        .iter()
        .map(|warning| {
            let text = |field: &str| warning[field].as_str();
            (text("table").unwrap(), text("finding").unwrap(), text("function"))
        })
        .collect();
    assert_eq!(
        found,
        [
            (
                "timeline_events",
                "once_per_statement",
                Some("guardian.user_of_token")
            ),
            ("documents", "call_with_columns", Some("guardian.may_read")),
            ("medications", "subquery", None),
        ]
    );
    assert_eq!(warnings[0]["seen"]["query"], "timeline_first_page");
    assert!(
        warnings[0]["seen"]["rows"].as_f64().unwrap() >= 10.0,
        "{warnings:#?}"
    );
    let text = installed.project.run(&arguments);
    assert!(
        text.contains("warning: policy reading on guardian.timeline_events calls guardian.user_of_token for every row where once would do")
            && text.contains("mend: write (select guardian.user_of_token(…)) in place of guardian.user_of_token(…)"),
        "{text}"
    );
}

#[test]
fn a_query_that_users_do_not_send_is_none() {
    let project = Project::new();
    assert_answer!(project.run(&["rls", "job_claim"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: there is no critical query job_claim that users send

    hint: they are the files of sql/guardian/critical whose role is patient or provider
    ");
}

#[test]
fn the_script_for_pipelines_names_only_scenarios_that_are_there() {
    let script = fs::read_to_string(project_root().join("scripts/load-test")).unwrap();
    let line = script.lines().find_map(|line| line.strip_prefix("scenarios=("));
    let names = line.unwrap().trim_end_matches(')').split(' ');
    for name in names {
        assert!(
            guardian::load::Scenario::names().any(|known| known == name),
            "{name}"
        );
    }
}
