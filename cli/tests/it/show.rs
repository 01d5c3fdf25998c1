//! `pgvitals show`.

use crate::support::{Installed, Project, assert_answer};

#[test]
fn without_a_name_it_lists_the_views() {
    let project = Project::new();
    let listed = project.json(&["show"]);
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), store::views::ALL.len());
    let text = project.run(&["show"]);
    assert!(
        text.contains("\nslow_statements       statements that became slower, since when"),
        "{text}"
    );
    assert_answer!(project.run(&["show", "slow_statement"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: there is no view `slow_statement`

    hint: `pgvitals show` lists them
    ");
}

#[tokio::test]
async fn a_view_is_shown_now_and_then_and_what_it_cannot_know_it_says() {
    let installed = Installed::new().await;
    let project = &installed.project;
    project.json(&[
        "targets",
        "add",
        "shop",
        "postgres://u@127.0.0.1:1/x",
        "--no-check",
    ]);
    assert_answer!(project.run(&["show", "slow_statements"]), @r"
    exit code: 0
    ----- stdout -----
    nothing to show
    ----- stderr -----
    ");
    assert_answer!(project.run(&["show", "connection_health"]), @r"
    exit code: 0
    ----- stdout -----
    TARGET  SEVERITY  ADVICE
    shop    unknown   the connections were not seen at that time: pgvitals doctor shop
    ----- stderr -----
    ");
    let shown = project.json(&["show", "connection_health", "--target", "shop"]);
    assert_eq!(shown[0]["severity"], "unknown");
    assert_eq!(shown[0]["used_percent"], serde_json::Value::Null);
    let then = project.json(&["show", "connection_health", "--at", "2020-01-01 12:00"]);
    assert_eq!(then, serde_json::json!([]), "before the target was added");
    assert_answer!(project.run(&["show", "connection_health", "--target", "nobody"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: there is no target `nobody`

    hint: see `pgvitals targets list`
    ");
    assert_answer!(project.run(&["show", "growth", "--at", "once upon a time"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: cannot read the view growth
      caused by: `once upon a time` is no moment
      caused by: invalid input syntax for type timestamp with time zone: "once upon a time"

    hint: write it as '2026-11-20 14:00', '2026-11-20T14:00:00Z' or 'yesterday'
    "#);
    assert_answer!(project.run(&["show", "connection_health", "--limit", "0"]), @r"
    exit code: 0
    ----- stdout -----
    TARGET  SEVERITY  ADVICE
    ----- stderr -----
    and 1 more: --limit N or --json shows them
    ");
}
