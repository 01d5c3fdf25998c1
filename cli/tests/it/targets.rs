//! `pgvitals targets`.

use crate::support::{Installed, Project, assert_answer};

#[tokio::test]
async fn a_target_is_added_listed_and_removed() {
    let installed = Installed::new().await;
    let project = &installed.project;
    assert_answer!(project.run(&["targets", "list"]), @r"
    exit code: 0
    ----- stdout -----
    no target is watched: pgvitals targets add NAME URL
    ----- stderr -----
    ");

    let address = format!(
        "postgres://pgvitals_collector@127.0.0.1:{}/postgres",
        installed.server.port()
    );
    assert_answer!(project.run(&["targets", "add", "shop", &address, "--label", "team=a", "--interval", "60"]), @r"
    exit code: 0
    ----- stdout -----
    watching shop (postgres://pgvitals_collector@127.0.0.1:[PORT]/postgres)
    ----- stderr -----
    connecting to postgres://pgvitals_collector:***@127.0.0.1:[PORT]/postgres
    ");
    assert_answer!(project.run(&["targets", "list"]), @r"
    exit code: 0
    ----- stdout -----
    NAME  STATE  EVERY  SECRET   LABELS  ADDRESS
    shop  new    60 s   default  team=a  postgres://pgvitals_collector@127.0.0.1:[PORT]/postgres
    ----- stderr -----
    ");
    let listed = project.json(&["targets", "list"]);
    assert_eq!(listed[0]["labels"]["team"], "a");
    assert_eq!(listed[0]["interval_seconds"], 60);

    assert_answer!(project.run(&["targets", "remove", "shop"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: there is nobody to ask whether that is meant

    hint: give --yes
    ");
    assert_answer!(project.run(&["targets", "remove", "shop", "--yes"]), @r"
    exit code: 0
    ----- stdout -----
    shop is no longer watched
    ----- stderr -----
    ");
    assert_answer!(project.run(&["targets", "remove", "shop", "--yes"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: there is no target `shop`

    hint: see `pgvitals targets list`
    ");
}

#[tokio::test]
async fn what_cannot_be_watched_is_not_added_and_says_why() {
    let installed = Installed::new().await;
    let project = &installed.project;
    let port = installed.server.port();
    let dead = embedded_postgres::free_port().unwrap();
    let at = |port: u16| format!("postgres://pgvitals_collector@127.0.0.1:{port}/postgres");

    assert_answer!(project.run(&["targets", "add", "shop", &at(dead)]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    connecting to postgres://pgvitals_collector:***@127.0.0.1:[PORT]/postgres
    error: the target cannot be watched as it is
      caused by: cannot connect to 127.0.0.1:[PORT]
      caused by: error connecting to server: Connection refused (os error 111)

    hint: check that the server runs and that the host and the port are right
    ");
    assert_answer!(project.run(&["targets", "add", "Shop!", &at(port)]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    connecting to postgres://pgvitals_collector:***@127.0.0.1:[PORT]/postgres
    error: cannot add the target
      caused by: new row for relation "targets" violates check constraint "targets_name_is_plain"

    hint: begin with a small letter or a digit; then small letters, digits, `_`, `.` and `-`, 63 in all
    "#);
    assert_answer!(project.run(&["targets", "add", "shop", "mysql://root@127.0.0.1/shop"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: cannot use the address of the target
      caused by: the address does not begin with postgres://

    hint: write it as postgres://USER@HOST:PORT/DATABASE
    ");
    assert_answer!(project.run(&["targets", "add", "shop", &at(port), "--secret", "nobody-knows"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: no password is known under the secret `nobody-knows`

    hint: give the password in the address, or add "nobody-knows" to the JSON object in SPIN_VARIABLE_TARGET_PASSWORDS
    "#);
    // An address of which a piece of the password would become the host is refused before anything is asked.
    assert_answer!(project.run(&["targets", "add", "shop", "postgres://u:p@ss#w@127.0.0.1/db"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: cannot use the address of the target
      caused by: the user, the password or the database in the address has a mark that must be written encoded: %40 for @, %2F for /, %3F for ?, %23 for #

    hint: write it as postgres://USER@HOST:PORT/DATABASE
    ");
    let file = project.path().join("password");
    std::fs::write(&file, "p@ss#w\n").unwrap();
    let answer = project.run(&[
        "targets",
        "add",
        "shop",
        &at(port),
        "--password-file",
        &file.to_string_lossy(),
    ]);
    assert!(answer.starts_with("exit code: 1"), "no such password: {answer}");
    assert!(!answer.contains("p@ss"), "{answer}");
    let twice = project.run(&["targets", "add", "shop", "x", "postgres://u:hunter2@127.0.0.1/db"]);
    assert!(
        twice.starts_with("exit code: 2")
            && twice.contains("unexpected argument")
            && !twice.contains("hunter2"),
        "{twice}"
    );
    assert_eq!(project.json(&["targets", "list"]).as_array().unwrap().len(), 0);

    // Somebody may know better.
    let answer = project.run(&["targets", "add", "shop", &at(dead), "--no-check"]);
    assert!(answer.starts_with("exit code: 0"), "{answer}");
}

#[tokio::test]
async fn every_database_of_a_server_is_watched_that_can_be() {
    let installed = Installed::new().await;
    let project = &installed.project;
    let administrator = integration_tests::database::connect(&installed.server.url("postgres"))
        .await
        .unwrap();
    for statement in [
        "create database orders",
        "create database \"Orders\"",
        "create database a_template is_template true",
        "create database closed allow_connections false",
        "create database private",
        "revoke connect on database private from public",
        // As the databases of a provider do: they are in the list, and refuse.
        "create database provider connection limit 0",
    ] {
        administrator.batch_execute(statement).await.unwrap();
    }
    let address = format!(
        "postgres://pgvitals_collector@127.0.0.1:{}/postgres",
        installed.server.port()
    );
    assert_answer!(project.run(&["targets", "add", "shop", &address, "--all-databases", "--label", "team=a"]), @r#"
    exit code: 0
    ----- stdout -----
    watching shop-postgres (postgres://pgvitals_collector@127.0.0.1:[PORT]/postgres)
    watching shop-orders (postgres://pgvitals_collector@127.0.0.1:[PORT]/orders)
    watching shop-orders-2 (postgres://pgvitals_collector@127.0.0.1:[PORT]/Orders)
    ----- stderr -----
    looking for the databases of 127.0.0.1:[PORT]
    note: provider is left out: cannot connect to 127.0.0.1:[PORT]: too many connections for database "provider"
    "#);
    assert_answer!(project.run(&["targets", "list"]), @r"
    exit code: 0
    ----- stdout -----
    NAME           STATE  EVERY  SECRET   LABELS  ADDRESS
    shop-orders    new    15 s   default  team=a  postgres://pgvitals_collector@127.0.0.1:[PORT]/orders
    shop-orders-2  new    15 s   default  team=a  postgres://pgvitals_collector@127.0.0.1:[PORT]/Orders
    shop-postgres  new    15 s   default  team=a  postgres://pgvitals_collector@127.0.0.1:[PORT]/postgres
    ----- stderr -----
    ");
    // Again is no more than once, and a new database joins.
    administrator
        .batch_execute("create database later")
        .await
        .unwrap();
    let again = project.json(&["targets", "add", "shop", &address, "--all-databases"]);
    let names: Vec<_> = again
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["shop-postgres", "shop-orders", "shop-orders-2", "shop-later"]
    );
    assert_eq!(project.json(&["targets", "list"]).as_array().unwrap().len(), 4);

    assert_answer!(project.run(&["targets", "add", "shop", &address, "--all-databases", "--no-check"]), @r"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error: the argument '--all-databases' cannot be used with '--no-check'

    Usage: pgvitals targets add --all-databases <NAME> <URL>

    For more information, try '--help'.
    ");
}

#[tokio::test]
async fn a_password_is_not_taken_where_secrets_are_not_kept() {
    let mut installed = Installed::new().await;
    installed.project.set("SPIN_VARIABLE_TARGET_PASSWORDS", "");
    let address = installed.server.url_as("postgres", "planted-secret", "postgres");
    let answer = installed.project.run(&["targets", "add", "shop", &address]);
    assert!(!answer.contains("planted-secret"));
    assert_answer!(answer, @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: this machine does not keep the secrets of the application

    hint: add "shop" to the JSON object in SPIN_VARIABLE_TARGET_PASSWORDS where the application runs, leave the secret out here, and give --secret shop
    "#);
}

#[tokio::test]
async fn a_secret_is_for_the_hosts_it_is_bound_to() {
    let mut installed = Installed::new().await;
    let bound = r#"{"shop": {"password": "planted-secret", "hosts": ["db.internal:5432"]}}"#;
    installed.project.set("SPIN_VARIABLE_TARGET_PASSWORDS", bound);
    let address = format!(
        "postgres://pgvitals_collector@127.0.0.1:{}/postgres",
        installed.server.port()
    );
    let answer = installed.project.run(&["targets", "add", "shop", &address]);
    assert!(!answer.contains("planted-secret"));
    assert_answer!(answer, @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: the secret `shop` is bound to other hosts than 127.0.0.1:[PORT]

    hint: give the target a secret of its own, with the password in the address; or, if it is for this one too, add "127.0.0.1:[PORT]" to the hosts of "shop" in SPIN_VARIABLE_TARGET_PASSWORDS
    "#);
}

#[tokio::test]
async fn an_address_of_the_monitoring_database_with_a_login_is_refused() {
    let mut installed = Installed::new().await;
    let url = installed
        .server
        .url_as("pgvitals_collector", "planted-secret", "postgres");
    installed.project.set("SPIN_VARIABLE_MONITORING_URL", &url);
    for arguments in [&["targets", "list"][..], &["init"]] {
        let answer = installed.project.run(arguments);
        assert!(!answer.contains("planted-secret"));
        assert!(answer.starts_with("exit code: 1"), "{answer}");
        assert!(
            answer.contains("caused by: the address has a user or a password in it")
                && answer.contains("hint: each function has a login of its own now"),
            "{answer}"
        );
    }
}

#[test]
fn without_a_monitoring_database_it_says_how_to_get_one() {
    assert_answer!(Project::new().run(&["targets", "list"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: the monitoring database is not known

    hint: run `pgvitals up` first, or set SPIN_VARIABLE_MONITORING_URL to postgres://HOST:PORT/DATABASE
    ");
}
