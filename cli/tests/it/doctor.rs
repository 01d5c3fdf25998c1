//! `pgvitals doctor`.

use integration_tests::database::connect;
use integration_tests::{Blackhole, DedicatedServer, test_versions};

use crate::support::{Installed, Project, assert_answer};

#[tokio::test]
async fn a_healthy_target_has_nothing_to_mend() {
    let installed = Installed::new().await;
    let address = format!(
        "postgres://pgvitals_collector@127.0.0.1:{}/postgres",
        installed.server.port()
    );
    let added = installed.project.run(&["targets", "add", "shop", &address]);
    assert!(added.starts_with("exit code: 0"), "{added}");
    assert_answer!(installed.project.run(&["doctor"]), @r"
    exit code: 0
    ----- stdout -----
    (monitoring)  postgres://127.0.0.1:[PORT]/postgres
      ok     monitoring        reachable, and its schema is up to date

    shop  postgres://pgvitals_collector@127.0.0.1:[PORT]/postgres
      ok     reachable         as pgvitals_collector
      ok     encryption        none, on this machine
      ok     password          proved by scram-sha-256
      ok     version           PostgreSQL [VERSION]
      ok     preload           pg_stat_statements is loaded at the start of the server
      ok     extension         pg_stat_statements [VERSION] in postgres
      ok     pg_monitor        pgvitals_collector sees the statistics of all users
      ok     track             statements within functions are counted
      ok     track_utility     utility statements are not kept
      ok     track_activities  the server says what its sessions do
      ok     track_io_timing   time spent on the disk is measured
      ok     connections       [N] of [N] connections are in use
      ok     privileges        pgvitals_collector may not do more than it needs
    ----- stderr -----
    looking at the targets
    ");
    assert_answer!(installed.project.run(&["doctor", "nobody"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    looking at the targets
    error: there is no target `nobody`

    hint: see `pgvitals targets list`
    ");
}

#[tokio::test]
async fn a_database_that_nobody_watches_is_named_until_somebody_does() {
    let installed = Installed::new().await;
    let project = &installed.project;
    let administrator = connect(&installed.server.url("postgres")).await.unwrap();
    administrator
        .batch_execute("create database orders")
        .await
        .unwrap();
    let address = format!(
        "postgres://pgvitals_collector@127.0.0.1:{}/postgres",
        installed.server.port()
    );
    let found = || {
        let patients = project.json(&["doctor"]);
        let finding = patients[1]["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|finding| finding["check"] == "databases");
        finding.map(|finding| (finding["verdict"].clone(), finding["found"].clone()))
    };
    project.json(&["targets", "add", "shop", &address]);
    let nobody = "no target watches the database orders of this server";
    assert_eq!(found(), Some(("should".into(), nobody.into())));
    // What the doctor advises helps.
    let server = address.replace("/postgres", "/orders");
    assert!(
        project
            .run(&["targets", "add", "orders", &server, "--no-check"])
            .starts_with("exit code: 0")
    );
    let orders = connect(&installed.server.url("orders")).await.unwrap();
    orders
        .batch_execute("create extension pg_stat_statements")
        .await
        .unwrap();
    assert_eq!(found(), None);
}

#[tokio::test]
async fn a_bare_server_needs_everything_and_the_mends_are_right_on_every_version() {
    for version in test_versions() {
        let settings = [("shared_preload_libraries", ""), ("track_io_timing", "off")];
        let mut server = DedicatedServer::start_with(version, &settings).await.unwrap();
        let administrator = connect(&server.url("postgres")).await.unwrap();
        administrator
            .batch_execute("create role watcher login password 'watcher'")
            .await
            .unwrap();
        let project = Project::new();
        let url = server.url_as("watcher", "watcher", "postgres");
        let examine = || -> serde_json::Value {
            let output = project.command(&["doctor", &url, "--json"]).output().unwrap();
            serde_json::from_slice(&output.stdout).unwrap()
        };
        let not_ok = |examined: &serde_json::Value| -> Vec<(String, String, Vec<String>)> {
            let findings = examined[0]["findings"].as_array().unwrap().clone();
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            findings
                .iter()
                .filter(|finding| finding["verdict"] != "ok")
                .map(|finding| {
                    let mend = finding["mend"].as_array().unwrap().iter().map(text).collect();
                    (text(&finding["check"]), text(&finding["verdict"]), mend)
                })
                .collect()
        };

        // We do as we are told, as long as there is something to be done.
        let mut rounds = 0;
        loop {
            let found = not_ok(&examine());
            if found.is_empty() {
                break;
            }
            rounds += 1;
            assert!(rounds <= 4, "the mends do not mend: {found:?}");
            let administrator = connect(&server.url("postgres")).await.unwrap();
            for (_, _, mend) in &found {
                for line in mend.iter().filter(|line| !line.starts_with("--")) {
                    // What is of no use before a restart is tried again after it.
                    let _ = administrator.batch_execute(line).await;
                }
            }
            server.restart().await.unwrap();
        }
        assert!(rounds >= 2, "a bare server had nothing to mend");
        assert_eq!(
            project.command(&["doctor", &url]).output().unwrap().status.code(),
            Some(0)
        );
    }
}

#[tokio::test]
async fn what_cannot_be_examined_is_a_finding_too() {
    let server = DedicatedServer::start(test_versions()[0]).await.unwrap();
    let dead = embedded_postgres::free_port().unwrap();
    let project = Project::new();
    assert_answer!(project.run(&["doctor"]), @r"
    exit code: 1
    ----- stdout -----
    (monitoring)
      must   monitoring        the monitoring database is not known
                               -- run `pgvitals up` first, or set SPIN_VARIABLE_MONITORING_URL to postgres://HOST:PORT/DATABASE
    ----- stderr -----
    looking at the targets
    ");
    assert_answer!(project.run(&["doctor", &format!("postgres://me:planted-secret@127.0.0.1:{dead}/shop")]), @r"
    exit code: 1
    ----- stdout -----
    -  postgres://me@127.0.0.1:[PORT]/shop
      must   reachable         cannot connect to 127.0.0.1:[PORT]: error connecting to server: Connection refused (os error 111)
                               -- check that the server runs and that the host and the port are right
    ----- stderr -----
    looking at the targets
    ");
    assert_answer!(project.run(&["doctor", &server.url_as("postgres", "wrong", "postgres")]), @r#"
    exit code: 1
    ----- stdout -----
    -  postgres://postgres@127.0.0.1:[PORT]/postgres
      must   reachable         cannot connect to 127.0.0.1:[PORT]: password authentication failed for user "postgres"
                               -- check the user, the password and the database in the address
    ----- stderr -----
    looking at the targets
    "#);
    let blackhole = Blackhole::start().await.unwrap();
    assert_answer!(project.run(&["doctor", &blackhole.postgres_url()]), @r"
    exit code: 1
    ----- stdout -----
    -  postgres://nobody@127.0.0.1:[PORT]/postgres
      must   reachable         no answer within 10 s
                               -- see whether the server hangs, and whether a firewall drops what is sent to it
    ----- stderr -----
    looking at the targets
    ");
    assert_answer!(project.run(&["doctor", "postgres://127.0.0.1/no-user"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    looking at the targets
    error: cannot use the address
      caused by: the address names no user

    hint: write it as postgres://USER@HOST:PORT/DATABASE
    ");
}

#[tokio::test]
async fn a_superuser_is_more_than_is_needed() {
    let server = DedicatedServer::start(test_versions()[0]).await.unwrap();
    let examined = Project::new().json_of_failure(&["doctor", &server.url("postgres")]);
    let privileges = examined[0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["check"] == "privileges")
        .unwrap()
        .clone();
    assert_eq!(privileges["verdict"], "should");
    assert!(privileges["found"].as_str().unwrap().contains("superuser"));
}
