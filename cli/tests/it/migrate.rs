//! `pgvitals migrate`.

use integration_tests::{DedicatedServer, test_versions};

use crate::support::{Project, assert_answer};

#[tokio::test]
async fn it_brings_the_schema_up_to_date_on_every_version_and_then_has_nothing_to_do() {
    for version in test_versions() {
        let server = DedicatedServer::start(version).await.unwrap();
        let mut project = Project::new();
        project.set("DATABASE_URL", &server.url("postgres"));
        let first = project.json(&["migrate"]);
        assert_eq!(
            first["applied"].as_array().unwrap().len() as i64,
            first["version"].as_i64().unwrap()
        );
        let second = project.json(&["migrate"]);
        assert_eq!(second["applied"].as_array().unwrap().len(), 0);
        assert_eq!(second["version"], first["version"]);
    }
}

#[test]
fn without_a_database_it_says_how_to_get_one() {
    assert_answer!(Project::new().run(&["migrate"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: the default database is not running, and no other is named

    hint: run `pgvitals up`, or set DATABASE_URL to an administrator of the database
    ");
}

#[test]
fn a_database_that_is_not_there_is_named_without_its_password() {
    let mut project = Project::new();
    let port = embedded_postgres::free_port().unwrap();
    project.set(
        "DATABASE_URL",
        &format!("postgres://postgres:planted-secret@127.0.0.1:{port}/postgres"),
    );
    let answer = project.run(&["migrate"]);
    assert!(!answer.contains("planted-secret"));
    assert_answer!(answer, @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: cannot connect to 127.0.0.1:[PORT]
      caused by: error connecting to server: Connection refused (os error 111)

    hint: check that the server runs and that the host and the port are right
    ");
}
