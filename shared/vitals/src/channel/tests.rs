use super::*;
use crate::notification::tests::story;

/// The payload itself is printed, not the body read back, so that the order of its fields is that of the type.
fn webhook(notification: &Notification) -> String {
    serde_json::to_string_pretty(&webhook::Body::new(notification)).unwrap()
}

fn slack(notification: &Notification) -> String {
    serde_json::to_string_pretty(&slack::Body::new(notification)).unwrap()
}

#[test]
fn webhook_bodies() {
    let [firing, level, resolved] = story();
    insta::assert_snapshot!("webhook_firing", webhook(&firing));
    insta::assert_snapshot!("webhook_level", webhook(&level));
    insta::assert_snapshot!("webhook_resolved", webhook(&resolved));
}

#[test]
fn slack_bodies() {
    let [firing, level, resolved] = story();
    insta::assert_snapshot!("slack_firing", slack(&firing));
    insta::assert_snapshot!("slack_level", slack(&level));
    insta::assert_snapshot!("slack_resolved", slack(&resolved));
}

#[test]
fn a_message_that_says_too_much_still_fits() {
    let [mut notification, ..] = story();
    notification.target = "t".repeat(5_000);
    notification.summary = "<&>".repeat(5_000);
    notification.runbook_url = Some(format!("https://{}", "x".repeat(4_000)));
    let body: serde_json::Value = serde_json::from_str(&Kind::Slack.body(&notification).unwrap()).unwrap();
    let length = |pointer: &str| {
        body.pointer(pointer)
            .and_then(|text| text.as_str())
            .unwrap()
            .chars()
            .count()
    };
    assert_eq!(length("/blocks/0/text/text"), 150);
    assert!((2_990..=3_000).contains(&length("/blocks/1/text/text")));
    assert!((2_990..=3_000).contains(&length("/text")));
    assert_eq!(
        body["blocks"][2]["elements"].as_array().unwrap().len(),
        1,
        "an address that is cut leads nowhere"
    );
}

#[test]
fn a_body_is_what_its_kind_says() {
    let [firing, ..] = story();
    let webhook: serde_json::Value = serde_json::from_str(&Kind::Webhook.body(&firing).unwrap()).unwrap();
    assert_eq!(
        (&webhook["type"], &webhook["data"]["level"]),
        (&"alert.firing".into(), &"critical".into())
    );
    let slack: serde_json::Value = serde_json::from_str(&Kind::Slack.body(&firing).unwrap()).unwrap();
    assert!(
        slack["text"]
            .as_str()
            .unwrap()
            .starts_with("[CRITICAL] main: slow_statement "),
        "{slack}"
    );
}
