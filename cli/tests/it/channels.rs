//! `pgvitals channels`.

use integration_tests::application::TOKEN;
use integration_tests::{Answer, Application, Receiver};

use crate::support::{COLLECTOR_PASSWORD, Installed, assert_answer};

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
    note: http://127.0.0.1:[PORT] is in a private network: the application sends there when SPIN_VARIABLE_INTERNAL_WEBHOOK_HOSTS or SPIN_VARIABLE_WEBHOOK_HOSTS names it
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
    error: whoever has the address of a slack webhook can write to it, so it does not belong in a table

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

#[tokio::test]
async fn every_kind_says_what_it_needs() {
    let installed = Installed::new().await;
    let project = &installed.project;
    assert_answer!(project.run(&["channels", "add", "pager", "--kind", "pagerduty", "--set", "region=eu"]), @r"
    exit code: 0
    ----- stdout -----
    alerts go to pager (the usual address)
    ----- stderr -----
    ");
    assert_eq!(project.json(&["channels", "list"])[0]["key"], "pager");
    assert_eq!(project.json(&["channels", "list"])[0]["settings"]["region"], "eu");
    assert_answer!(project.run(&["channels", "add", "mail", "--kind", "resend", "--set", "to=ada@example.com"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: a channel of kind resend needs the setting from

    hint: give --set NAME=VALUE; resend has from, to
    ");
    assert_answer!(project.run(&["channels", "add", "chat", "--kind", "telegram", "--set", "chat=7"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: there is no setting "chat"

    hint: give --set NAME=VALUE; telegram has chat_id, thread_id
    "#);
    assert_answer!(project.run(&["channels", "add", "chat", "--kind", "discord", "--secret", "chat", "--key", "chat"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: a channel of kind discord has no key

    hint: leave --key and --key-file out; its address is its secret
    ");
    let unknown = project.run(&["channels", "add", "pigeon", "--kind", "pigeon"]);
    assert!(
        unknown.starts_with("exit code: 2") && unknown.contains("alertmanager"),
        "{unknown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_message_goes_through_the_application_and_its_fate_is_told() {
    let mut installed = Installed::new().await;
    let receiver = Receiver::start().await.unwrap();
    let url = installed
        .server
        .url_as("pgvitals_collector", COLLECTOR_PASSWORD, "postgres");
    let application = Application::builder(&url)
        .variable("webhook_hosts", "http://127.0.0.1:*")
        .variable("channel_secrets", r#"{"pager": "key-of-the-test"}"#)
        .without_other_schedules()
        .start()
        .await
        .unwrap();
    let project = &mut installed.project;
    project.set("SPIN_VARIABLE_API_TOKEN", TOKEN);
    let at = application.url("");
    let hook = receiver.url("/hook");
    project.run(&["channels", "add", "hook", &hook]);
    project.run(&["channels", "add", "pager", &hook, "--kind", "pagerduty"]);
    let test = |name: &str| project.run(&["channels", "test", name, "--url", &at]);
    assert_answer!(test("hook"), @r"
    exit code: 0
    ----- stdout -----
    hook took a test message
    ----- stderr -----
    sending a message to hook
    ");
    assert_answer!(test("pager"), @r"
    exit code: 0
    ----- stdout -----
    pager took a test alert, and its end
    ----- stderr -----
    sending a message to pager
    ");
    let received = receiver.received();
    let actions: Vec<_> = received[1..]
        .iter()
        .map(|request| request.json().unwrap()["event_action"].clone())
        .collect();
    assert_eq!(actions, ["trigger", "resolve"]);

    receiver.answer_next(Answer::status(404).with_body("no such hook"));
    assert_answer!(test("hook"), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    sending a message to hook
    error: hook did not take the message: answered 404 Not Found: no such hook

    hint: mend it, then `pgvitals channels test hook` once more
    ");
    let dead = project.json(&["notifications", "list"]);
    assert_eq!(
        (&dead[0]["channel"], &dead[0]["rule"]),
        (&"hook".into(), &"test".into())
    );
    assert_answer!(project.run(&["notifications", "retry", "--channel", "hook"]), @r"
    exit code: 0
    ----- stdout -----
    1 message is sent again at the next run of deliver-notifications
    ----- stderr -----
    ");
    assert_answer!(project.run(&["notifications", "list"]), @r"
    exit code: 0
    ----- stdout -----
    no message was given up
    ----- stderr -----
    ");
    project.run(&["channels", "disable", "hook"]);
    assert_answer!(test("hook"), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: hook is switched off

    hint: pgvitals channels enable hook
    ");
}
