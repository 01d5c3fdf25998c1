//! `pgvitals init`: a database of one's own, ready for a Spin.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use integration_tests::database::connect;
use integration_tests::{DedicatedServer, test_versions};

use crate::support::{Project, assert_answer};

/// The values of a file of lines `NAME='value'`.
fn value_of(text: &str, name: &str) -> String {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}=")));
    line.unwrap_or_else(|| panic!("{name} is missing"))
        .trim_matches('\'')
        .to_owned()
}

#[tokio::test]
async fn it_makes_logins_with_passwords_a_target_and_the_configuration_of_spin() {
    for version in test_versions() {
        let server = DedicatedServer::start(version).await.unwrap();
        let mut project = Project::new();
        project.set("DATABASE_URL", &server.url("postgres"));
        let answer = project.json(&["init", "--spin"]);
        assert_eq!(answer["targets"], serde_json::json!(["local"]));

        // The secrets are there, and let in whom they are for.
        let secrets_file = project.path().join(".pgvitals/secrets.env");
        assert_eq!(
            fs::metadata(&secrets_file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let secrets = fs::read_to_string(&secrets_file).unwrap();
        let address = value_of(&secrets, "SPIN_VARIABLE_MONITORING_URL");
        for login in ["writer", "alerter", "manager", "viewer"] {
            let name = format!("SPIN_VARIABLE_{}_PASSWORD", login.to_uppercase());
            let password = value_of(&secrets, &name);
            let url = address.replace("://", &format!("://pgvitals_{login}:{password}@"));
            connect(&url).await.unwrap();
        }
        assert_eq!(value_of(&secrets, "SPIN_VARIABLE_API_TOKEN").len(), 32);

        // Spin finds them by way of a file that holds none.
        let file = answer["runtime_config_file"].as_str().unwrap();
        let text = fs::read_to_string(file).unwrap();
        let configuration: toml::Table = text.parse().unwrap();
        let sources: Vec<_> = configuration["variables_provider"]
            .as_array()
            .unwrap()
            .iter()
            .map(|source| {
                (
                    source["type"].as_str().unwrap(),
                    source["dotenv_path"].as_str().unwrap(),
                )
            })
            .collect();
        let root = project.path().canonicalize().unwrap();
        let path = |name| root.join(name).to_string_lossy().into_owned();
        assert_eq!(
            sources,
            [
                ("env", path(".env").as_str()),
                ("env", path(".pgvitals/secrets.env").as_str())
            ]
        );

        // Once more changes nothing.
        assert_eq!(project.json(&["init", "--spin"]), answer);
        assert_eq!(fs::read_to_string(&secrets_file).unwrap(), secrets);

        // Further targets need nothing but their address.
        let admin = connect(&server.url("postgres")).await.unwrap();
        admin
            .batch_execute("create role watcher login password 'of-the-watcher' in role pg_monitor")
            .await
            .unwrap();
        let address = server.url_as("watcher", "of-the-watcher", "postgres");
        project.json(&["targets", "add", "other", &address]);
        let secrets = fs::read_to_string(&secrets_file).unwrap();
        let passwords = value_of(&secrets, "SPIN_VARIABLE_TARGET_PASSWORDS");
        let passwords: serde_json::Value = serde_json::from_str(&passwords).unwrap();
        let bound = serde_json::json!([format!("127.0.0.1:{}", server.port())]);
        assert_eq!(passwords["other"]["password"], "of-the-watcher");
        assert_eq!(passwords["other"]["hosts"], bound);
        assert_eq!(passwords["default"]["hosts"], bound);

        // Nothing has to be said of them.
        let patients = project.json(&["doctor", "other"]);
        let checks = patients[0]["findings"].as_array().unwrap();
        assert!(
            checks.iter().all(|finding| finding["verdict"] == "ok"),
            "{patients}"
        );
    }
}

#[tokio::test]
async fn it_says_how_to_go_on() {
    let server = DedicatedServer::start(test_versions()[0]).await.unwrap();
    let mut project = Project::new();
    project.set("DATABASE_URL", &server.url("postgres"));
    assert_answer!(project.run(&["init", "--spin"]), @r"
    exit code: 0
    ----- stdout -----
    everything is prepared

      database   postgres://127.0.0.1:[PORT]/postgres (PostgreSQL [VERSION])
      watching   local
      secrets    .pgvitals/secrets.env

    start it:  spin up --runtime-config-file .pgvitals/spin-runtime-config.toml
    ----- stderr -----
    preparing the monitoring database
    ");
}

#[tokio::test]
async fn migrate_makes_the_logins_for_the_folder_of_an_earlier_version() {
    let server = DedicatedServer::start(test_versions()[0]).await.unwrap();
    let mut project = Project::new();
    project.set("DATABASE_URL", &server.url("postgres"));
    project.json(&["migrate"]);
    let admin = connect(&server.url("postgres")).await.unwrap();
    admin
        .batch_execute("alter role pgvitals_collector login password 'of-the-collector'")
        .await
        .unwrap();
    // As it was kept then.
    let former = server.url_as("pgvitals_collector", "of-the-collector", "postgres");
    let secrets_file = project.path().join(".pgvitals/secrets.env");
    fs::write(
        &secrets_file,
        format!("SPIN_VARIABLE_MONITORING_URL='{former}'\n"),
    )
    .unwrap();
    let refused = project.run(&["targets", "list"]);
    assert!(
        refused.contains("each function has a login of its own now"),
        "{refused}"
    );

    project.json(&["migrate"]);
    project.json(&["targets", "list"]);
    let secrets = fs::read_to_string(&secrets_file).unwrap();
    assert_eq!(
        value_of(&secrets, "PGVITALS_COLLECTOR_PASSWORD"),
        "of-the-collector"
    );
    assert_eq!(value_of(&secrets, "SPIN_VARIABLE_WRITER_PASSWORD").len(), 32);
}

#[test]
fn without_a_database_it_says_what_to_name() {
    assert_answer!(Project::new().run(&["init"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: no database is named

    hint: set DATABASE_URL to an administrator of the database that is to keep what is seen
    ");
}
