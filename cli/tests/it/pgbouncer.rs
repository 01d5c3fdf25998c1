//! A PgBouncer as a target.

use integration_tests::PgBouncer;
use integration_tests::pgbouncer::{OTHER_USER, STATS_USER};

use crate::support::{Installed, assert_answer};

#[tokio::test]
async fn a_pgbouncer_is_added_and_looked_at_through_its_console() {
    let installed = Installed::new().await;
    let project = &installed.project;
    // Whoever comes is believed to be who he says, so that no secret has to be known.
    let bouncer = PgBouncer::start(&installed.server, &[("auth_type", "trust")])
        .await
        .unwrap();
    let add = |name: &str, user: &str| {
        project.run(&[
            "targets",
            "add",
            name,
            &bouncer.console(user),
            "--kind",
            "pgbouncer",
        ])
    };
    assert_answer!(add("pool", STATS_USER), @r"
    exit code: 0
    ----- stdout -----
    watching pool (postgres://pgvitals_stats@127.0.0.1:[PORT]/pgbouncer)
    ----- stderr -----
    connecting to postgres://pgvitals_stats:***@127.0.0.1:[PORT]/pgbouncer
    ");
    let listed = project.json(&["targets", "list"]);
    assert_eq!(listed[0]["kind"], "pgbouncer");
    let doctor = project.run(&["doctor", "pool"]);
    assert!(doctor.starts_with("exit code: 0"), "{doctor}");
    assert!(doctor.contains("ok     console           PgBouncer "), "{doctor}");
    // An address that no target has is known by its database.
    let doctor = project.run(&["doctor", &bouncer.console(STATS_USER)]);
    assert!(doctor.contains("ok     console           PgBouncer "), "{doctor}");

    assert_answer!(add("closed", OTHER_USER), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    connecting to postgres://somebody:***@127.0.0.1:[PORT]/pgbouncer
    error: the target cannot be watched as it is
      caused by: cannot connect to 127.0.0.1:[PORT]
      caused by: not allowed

    hint: add the user to stats_users in pgbouncer.ini and reload PgBouncer
    ");
    // A component could not look the name up.
    let address = format!("postgres://{STATS_USER}@pool.example.com:6432/pgbouncer");
    assert_answer!(project.run(&["targets", "add", "named", &address, "--kind", "pgbouncer"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    connecting to postgres://pgvitals_stats:***@pool.example.com:6432/pgbouncer
    error: the target cannot be watched as it is
      caused by: cannot connect to pool.example.com:6432: a PgBouncer has to be given by its IP address

    hint: write the IP address in place of the name: components cannot look names up
    ");
    let server = installed.server.url("postgres");
    let refused = project.run(&["targets", "add", "pool", &server, "--kind", "mysql"]);
    assert!(refused.contains("write postgres or pgbouncer"), "{refused}");
}
