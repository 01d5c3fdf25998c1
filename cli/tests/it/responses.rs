//! `pgvitals responses`.

use crate::support::{Installed, assert_answer};

#[tokio::test]
async fn a_rule_responds_with_what_is_allowed_and_no_longer_when_it_is_taken_back() {
    let installed = Installed::new().await;
    let project = &installed.project;
    assert_answer!(project.run(&["responses", "list"]), @r"
    exit code: 0
    ----- stdout -----
    no rule responds: pgvitals responses set RULE ACTION
    ----- stderr -----
    ");
    assert_answer!(project.run(&["responses", "set", "idle_in_transaction", "drop_table"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: unknown action "drop_table", expected one of analyze_table, refresh_cache_queue, run_maintenance, terminate_idle_in_transaction

    hint: see `pgvitals responses actions`
    "#);
    assert_answer!(project.run(&["responses", "set", "nothing", "refresh_cache_queue"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: there is no rule `nothing`

    hint: see `pgvitals rules list`
    ");
    assert_answer!(project.run(&[
        "responses", "set", "idle_in_transaction", "terminate_idle_in_transaction",
        "--argument", "older_than_seconds=900", "--argument", "at_most_per_hour=5", "--dry-run",
    ]), @r"
    exit code: 0
    ----- stdout -----
    idle_in_transaction responds with terminate_idle_in_transaction at_most_per_hour=5 dry_run=true older_than_seconds=900
    ----- stderr -----
    ");
    assert_answer!(project.run(&["responses", "list"]), @r"
    exit code: 0
    ----- stdout -----
    RULE                 STATE  FROM LEVEL  ACTION                         ARGUMENTS
    idle_in_transaction  on     critical    terminate_idle_in_transaction  at_most_per_hour=5 dry_run=true older_than_seconds=900
    ----- stderr -----
    ");
    assert_eq!(
        project.json(&["responses", "list"])[0]["arguments"]["older_than_seconds"],
        900
    );
    assert_answer!(project.run(&["responses", "journal"]), @r"
    exit code: 0
    ----- stdout -----
    nothing was done yet
    ----- stderr -----
    ");
    assert_answer!(project.run(&["responses", "unset", "idle_in_transaction"]), @r"
    exit code: 0
    ----- stdout -----
    idle_in_transaction responds with nothing
    ----- stderr -----
    ");
    let actions = project.json(&["responses", "actions"]);
    let names: Vec<_> = actions
        .as_array()
        .unwrap()
        .iter()
        .map(|action| &action["action"])
        .collect();
    assert_eq!(
        names,
        [
            "analyze_table",
            "refresh_cache_queue",
            "run_maintenance",
            "terminate_idle_in_transaction"
        ]
    );
}
