//! `pgvitals channels`.

use crate::support::{Installed, assert_answer};

#[tokio::test]
async fn a_channel_is_added_listed_and_removed() {
    let installed = Installed::new().await;
    let project = &installed.project;
    assert_answer!(project.run(&["channels", "list"]), @r"
    exit code: 0
    ----- stdout -----
    alerts go to nobody: pgvitals channels add NAME URL
    ----- stderr -----
    ");
    assert_answer!(project.run(&["channels", "add", "hook", "https://example.com/hook", "--minimum-level", "critical"]), @r"
    exit code: 0
    ----- stdout -----
    alerts go to hook (https://example.com/hook)
    ----- stderr -----
    ");
    assert_answer!(project.run(&["channels", "add", "oncall", "--kind", "slack", "--secret", "oncall"]), @r"
    exit code: 0
    ----- stdout -----
    alerts go to oncall (secret oncall)
    ----- stderr -----
    ");
    assert_answer!(project.run(&["channels", "list"]), @r"
    exit code: 0
    ----- stdout -----
    NAME    KIND     FROM LEVEL  STATE  ADDRESS
    hook    webhook  critical    on     https://example.com/hook
    oncall  slack    warning     on     secret oncall
    ----- stderr -----
    ");
    assert_answer!(project.run(&["channels", "add", "test", "http://127.0.0.1:8080/some/path"]), @r"
    exit code: 0
    ----- stdout -----
    alerts go to test (http://127.0.0.1:[PORT]/some/path)
    ----- stderr -----
    note: only https is allowed by default: the application sends to http://127.0.0.1:[PORT] when SPIN_VARIABLE_WEBHOOK_HOSTS allows it
    ");
    assert_eq!(project.json(&["channels", "list"])[1]["secret"], "oncall");
    assert_answer!(project.run(&["channels", "remove", "hook", "--yes"]), @r"
    exit code: 0
    ----- stdout -----
    no more alerts go to hook
    ----- stderr -----
    ");
    assert_answer!(project.run(&["channels", "remove", "hook", "--yes"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: there is no channel `hook`

    hint: see `pgvitals channels list`
    ");
}

#[tokio::test]
async fn an_address_that_is_a_secret_does_not_go_into_the_table() {
    let installed = Installed::new().await;
    let project = &installed.project;
    let slack = "https://hooks.slack.com/services/planted-secret";
    let refused = project.run(&["channels", "add", "oncall", slack, "--kind", "slack"]);
    assert!(!refused.contains("planted-secret"));
    assert_answer!(refused, @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: whoever has the address of a Slack webhook can write to it, so it does not belong in a table

    hint: give --secret oncall: the address is kept in .pgvitals/secrets.env then
    ");
    assert_answer!(project.run(&["channels", "add", "oncall"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: a channel needs an address

    hint: give its URL, or --secret with the name of one in channel_urls
    ");
    assert_answer!(project.run(&["channels", "add", "oncall", "ftp://example.com"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: the address is not a URL of the form https://host/path

    hint: write it as https://HOST/PATH
    ");
}
