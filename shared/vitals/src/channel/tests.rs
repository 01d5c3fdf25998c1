use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::*;
use crate::notification::tests::story;
use crate::notification::{Acknowledged, Event, Notification, ResponseResult};

const KEY: &str = "3f0c2b1a-7d6e-4c5b-9a8f-0e1d2c3b4a59";

/// A channel of a kind with everything that it can have.
fn destination(kind: Kind) -> Destination {
    let needs = kind.needs();
    let key = match kind {
        Kind::Webhook => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        Kind::Sentry => "https://0abc@o42.ingest.sentry.io/7",
        Kind::Telegram => "123:token",
        Kind::Alertmanager => "ada:password",
        _ => "key",
    };
    let mut settings = Settings::default();
    for name in needs.required.iter().chain(needs.optional) {
        let value = match *name {
            "region" => "eu",
            "repository" => "example/operations",
            "from" => "pgvitals <alerts@example.com>",
            "to" => "ada@example.com,bob@example.com",
            "thread_id" => "5",
            "chat_id" => "-1007",
            _ => "dba",
        };
        settings.set(name, value).unwrap();
    }
    let address = (needs.address == Need::Required).then_some("https://receiver.example.com/hook");
    let key = (needs.key != Need::Unused).then_some(key);
    Destination::new(kind, address, key, settings).unwrap()
}

/// The story of an alert with everything that can be told of it.
fn told() -> [(&'static str, Notification); 5] {
    let [mut firing, level, resolved] = story();
    firing.labels = [("database", "app"), ("team", "dba")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    firing.advice = Some("look at the plan: pgvitals show slow_statements".to_owned());
    let escalated = Notification {
        event: Event::Escalated,
        sequence: 3,
        ..level.clone()
    };
    let response = Notification {
        event: Event::Response,
        sequence: 4,
        acknowledged: Some(Acknowledged {
            by: "ada".to_owned(),
            at: level.at,
            note: Some("on it".to_owned()),
        }),
        responses: vec![ResponseResult {
            action: "analyze_table".to_owned(),
            outcome: "done".to_owned(),
            detail: "analyzed public.events in 2 s".to_owned(),
        }],
        ..level.clone()
    };
    [
        ("firing", firing),
        ("level", level),
        ("escalated", escalated),
        ("response", response),
        ("resolved", resolved),
    ]
}

fn noon() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// Everything that is sent to tell news, while all answers are good.
fn sent(kind: Kind, notifications: &[Notification], reference: Option<&str>) -> String {
    let destination = destination(kind);
    let message = Message {
        key: KEY,
        at: noon(),
        notifications,
        reference,
    };
    let answer = Answer {
        status: 200,
        headers: Vec::new(),
        body: r#"{"number": 7, "result": {"message_id": 7}}"#.to_owned(),
    };
    let mut exchange = Exchange::new(&destination, &message).unwrap();
    let mut text = String::new();
    loop {
        let request = exchange.request().unwrap();
        writeln!(text, "{} {}", request.method.as_str(), request.url).unwrap();
        for (name, value) in &request.headers {
            writeln!(text, "{name}: {value}").unwrap();
        }
        for line in request.body.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            writeln!(text, "{}", serde_json::to_string_pretty(&value).unwrap()).unwrap();
        }
        if let Some(outcome) = exchange.answered(&answer) {
            writeln!(text, "reference: {:?}\n", outcome.reference).unwrap();
            return text;
        }
    }
}

#[test]
fn every_kind_tells_the_story_of_an_alert() {
    for kind in Kind::ALL {
        for (event, notification) in told() {
            let reference = (event != "firing").then_some("7");
            let text = sent(*kind, &[notification], reference);
            insta::assert_snapshot!(format!("{kind}_{event}"), text);
        }
    }
}

#[test]
fn people_are_told_of_a_storm_by_one_message() {
    let [(_, firing), (_, level), _, _, (_, resolved)] = told();
    let mut storm = vec![firing, level, resolved];
    for number in 0..20 {
        storm.push(Notification {
            target: format!("replica-{number}"),
            summary: format!("replica-{number}: has not answered for 42 s"),
            ..storm[0].clone()
        });
    }
    for kind in Kind::ALL.iter().filter(|kind| kind.takes_groups()) {
        insta::assert_snapshot!(format!("{kind}_storm"), sent(*kind, &storm, None));
    }
}

#[test]
fn a_message_that_says_too_much_still_fits() {
    let [(_, mut notification), ..] = told();
    notification.target = "t".repeat(5_000);
    notification.subject = "s".repeat(5_000);
    notification.summary = "<&>@*_`|".repeat(5_000);
    notification.advice = Some("<".repeat(5_000));
    notification.runbook_url = Some(format!("https://{}", "x".repeat(4_000)));
    let body = |kind| {
        let destination = destination(kind);
        let message = Message {
            key: KEY,
            at: noon(),
            notifications: &[notification.clone()],
            reference: None,
        };
        let request = Exchange::new(&destination, &message).unwrap().request().unwrap();
        serde_json::from_str::<serde_json::Value>(&request.body).unwrap()
    };
    let text = |body: &serde_json::Value, pointer: &str| {
        let text = body.pointer(pointer).and_then(serde_json::Value::as_str);
        text.unwrap_or_else(|| panic!("no {pointer} in {body}"))
            .to_owned()
    };
    let length = |body: &serde_json::Value, pointer: &str| text(body, pointer).chars().count();

    let slack = body(Kind::Slack);
    assert_eq!(length(&slack, "/blocks/0/text/text"), 150);
    assert!(slack["blocks"][1]["text"]["type"] == "plain_text");
    assert!((2_990..=3_000).contains(&length(&slack, "/blocks/1/text/text")));
    assert!((2_990..=3_000).contains(&length(&slack, "/text")));
    assert!(slack["blocks"][1]["fields"].as_array().unwrap().len() <= 10);
    let buttons = slack["blocks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|block| block["type"] == "actions")
        .unwrap();
    assert_eq!(
        buttons["elements"].as_array().unwrap().len(),
        1,
        "a cut address leads nowhere"
    );

    let discord = body(Kind::Discord);
    let embed = &discord["embeds"][0];
    assert!(length(embed, "/title") <= 256);
    let fields = embed["fields"].as_array().unwrap();
    let fields: usize = fields
        .iter()
        .map(|field| length(field, "/name") + length(field, "/value"))
        .sum();
    let whole =
        length(embed, "/title") + length(embed, "/description") + length(embed, "/footer/text") + fields;
    assert!(whole <= 6_000, "{whole}");

    assert!(body(Kind::Teams).to_string().len() <= 28_000);
    assert!(length(&body(Kind::Telegram), "/text") <= 4_096);
    assert!(text(&body(Kind::Ntfy), "/message").len() <= 4_096);
    let pagerduty = body(Kind::PagerDuty);
    assert!(length(&pagerduty, "/payload/summary") <= 1_024);
    assert!(length(&pagerduty, "/dedup_key") <= 255);
    let opsgenie = body(Kind::Opsgenie);
    assert!(length(&opsgenie, "/message") <= 130);
    assert!(length(&opsgenie, "/alias") <= 512);
    assert!(length(&body(Kind::Resend), "/subject") <= 200);
}

/// Every text of what is sent, with the place where it stands.
fn texts(value: &serde_json::Value, place: &str, found: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::String(text) => found.push((place.to_owned(), text.clone())),
        serde_json::Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                texts(item, &format!("{place}/{position}"), found);
            }
        }
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                texts(field, &format!("{place}/{name}"), found);
            }
        }
        _ => {}
    }
}

/// A notification in which somebody else chose everything that somebody else can choose.
fn chosen_by_somebody_else(text: &str) -> Notification {
    let [_, _, (_, level), (_, response), _] = told();
    Notification {
        target: text.to_owned(),
        subject: text.to_owned(),
        subject_label: text.to_owned(),
        summary: format!("main (table {text}): is large"),
        rule_id: text.to_owned(),
        labels: [
            (text.to_owned(), text.to_owned()),
            ("table".to_owned(), text.to_owned()),
        ]
        .into(),
        advice: Some(text.to_owned()),
        // No address, so that it is shown as text.
        runbook_url: Some(format!("https://evil.example/ {text}")),
        acknowledged: Some(Acknowledged {
            by: text.to_owned(),
            at: level.at,
            note: Some(text.to_owned()),
        }),
        responses: vec![ResponseResult {
            detail: text.to_owned(),
            ..response.responses[0].clone()
        }],
        ..level
    }
}

/// Whether a text stands where nothing in it has a meaning, or where a program tells things apart by it.
fn is_literal(kind: Kind, place: &str) -> bool {
    match kind {
        Kind::Slack => place != "/text",
        Kind::Teams | Kind::Webhook => true,
        Kind::Discord => place.ends_with("/footer/text"),
        Kind::Alertmanager => place.contains("/labels/") || place.ends_with("/runbook_url"),
        Kind::Sentry => place.starts_with("/fingerprint") || place.starts_with("/tags/"),
        Kind::PagerDuty => place == "/dedup_key" || place == "/payload/class",
        Kind::Opsgenie => place == "/alias" || place.starts_with("/tags"),
        Kind::GitHub => place == "/title",
        _ => false,
    }
}

fn check_nothing_speaks(kind: Kind, notifications: &[Notification]) {
    let destination = destination(kind);
    let message = Message {
        key: KEY,
        at: noon(),
        notifications,
        reference: Some("7"),
    };
    let mut exchange = Exchange::new(&destination, &message).unwrap();
    let answer = Answer {
        status: 200,
        headers: Vec::new(),
        body: "{}".to_owned(),
    };
    loop {
        let request = exchange.request().unwrap();
        for (_, value) in &request.headers {
            assert!(!value.contains(char::is_control), "{kind}: {value:?}");
        }
        for line in request.body.lines() {
            let body: serde_json::Value = serde_json::from_str(line).unwrap();
            let mut found = Vec::new();
            texts(&body, "", &mut found);
            for (place, text) in &found {
                check_text(kind, place, text);
            }
            check_shape(kind, &body);
        }
        if exchange.answered(&answer).is_some() {
            return;
        }
    }
}

fn check_text(kind: Kind, place: &str, text: &str) {
    let is_key = ["/dedup_key", "/alias", "/payload/class"].contains(&place)
        || place.starts_with("/fingerprint")
        || place.starts_with("/tags");
    if kind == Kind::Webhook || is_key {
        return;
    }
    let strange =
        |character: char| crate::text::is_invisible(character) && !matches!(character, '\n' | '\u{200b}');
    assert!(!text.contains(strange), "{kind} {place}: {text:?}");
    let is_forged = |line: &str| line.starts_with("\u{1f6a8} EMERGENCY forged");
    assert!(!text.lines().any(is_forged), "{kind} {place}: {text:?}");
    if is_literal(kind, place) {
        return;
    }
    let (text, signs): (String, &[&str]) = match kind {
        Kind::Slack => {
            let is_code = |line: &str| {
                line.len() > 1
                    && line.starts_with('`')
                    && line.ends_with('`')
                    && line.matches('`').count() == 2
            };
            assert!(text.lines().all(is_code), "{text}");
            (text.to_owned(), &["<"])
        }
        Kind::Discord | Kind::GitHub => {
            let text = text.split("\n\n<!-- pgvitals incident ").next().unwrap();
            // A sign with a backslash before it, or written as an entity, is read as itself.
            (
                untrusted::tests::unescaped(text).0,
                &["](http", "://evil", "<@U", "<!", "@everyone", "<b>", "<img"],
            )
        }
        Kind::Telegram => (
            outside_of_code(text),
            &["://evil", "www.evil", "evil.com", "@everyone", "<img", "#tag"],
        ),
        Kind::Ntfy | Kind::Resend | Kind::SendGrid | Kind::Postmark => (
            text.to_owned(),
            &["://evil", "www.evil", "evil.com", "@everyone", "@example.com"],
        ),
        _ => (
            text.to_owned(),
            &["://evil", "www.evil", "<b>", "<script", "<img", "<!--"],
        ),
    };
    let name = place.to_lowercase();
    let is_head = ["/from", "/to", "/personalizations"]
        .iter()
        .any(|head| name.starts_with(head));
    for sign in signs.iter().filter(|_| !is_head) {
        assert!(!text.contains(sign), "{kind} {place}: {text}");
    }
}

/// A text of Telegram without what stands in code.
fn outside_of_code(text: &str) -> String {
    let mut parts = text.split("<code>");
    let first = parts.next().unwrap_or_default().to_owned();
    let after = parts.map(|part| part.split_once("</code>").map_or("", |(_, after)| after));
    after.fold(first, |text, after| text + after)
}

/// What the places are that a text of somebody else may stand in.
fn check_shape(kind: Kind, body: &serde_json::Value) {
    let text = body.to_string();
    match kind {
        Kind::Slack => {
            assert!(!text.contains(r#""type":"mrkdwn""#), "{text}");
            assert_eq!(body["parse"], "none");
            assert_eq!(body["link_names"], false);
        }
        Kind::Teams => {
            for alive in ["TextBlock", "FactSet"] {
                assert!(!text.contains(&format!(r#""type":"{alive}""#)), "{text}");
            }
        }
        Kind::Discord => assert_eq!(body["allowed_mentions"], serde_json::json!({"parse": []})),
        Kind::Ntfy => assert!(body.get("markdown").is_none()),
        _ => {}
    }
}

#[test]
fn nobody_speaks_through_a_name() {
    for text in untrusted::tests::HOSTILE {
        for kind in Kind::ALL {
            let notification = chosen_by_somebody_else(text);
            check_nothing_speaks(*kind, std::slice::from_ref(&notification));
            let firing = Notification {
                event: Event::Firing,
                ..notification.clone()
            };
            check_nothing_speaks(*kind, std::slice::from_ref(&firing));
            if kind.takes_groups() {
                check_nothing_speaks(*kind, &[notification, firing]);
            }
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(60))]

    #[test]
    fn nobody_speaks_through_any_name(text in untrusted::tests::hostile()) {
        for kind in Kind::ALL {
            check_nothing_speaks(*kind, &[chosen_by_somebody_else(&text)]);
        }
    }
}

#[test]
fn what_a_receiver_made_is_referred_to_later() {
    let [(_, firing), ..] = told();
    let telegram = sent(Kind::Telegram, std::slice::from_ref(&firing), Some("42"));
    assert!(telegram.contains("\"message_id\": 42"), "{telegram}");
    let github = sent(Kind::GitHub, &[firing], Some("42"));
    assert!(
        github.contains("/repos/example/operations/issues/42/comments"),
        "{github}"
    );
}

#[test]
fn an_alert_stays_alive_while_it_fires_and_ends_when_it_is_over() {
    let ends = |notification: &Notification| {
        let body = sent(Kind::Alertmanager, std::slice::from_ref(notification), None);
        body.lines()
            .rfind(|line| line.contains("endsAt"))
            .unwrap()
            .trim()
            .to_owned()
    };
    let [(_, firing), .., (_, resolved)] = told();
    assert_eq!(ends(&firing), r#""endsAt": "2026-11-21T12:05:00Z","#);
    assert_eq!(ends(&resolved), r#""endsAt": "2026-11-21T10:05:20Z","#);
}

#[test]
fn a_request_does_not_show_its_secrets() {
    let [(_, firing), ..] = told();
    for kind in Kind::ALL {
        let destination = destination(*kind);
        let message = Message {
            key: KEY,
            at: noon(),
            notifications: std::slice::from_ref(&firing),
            reference: None,
        };
        let request = Exchange::new(&destination, &message).unwrap().request().unwrap();
        let shown = format!("{request:?}");
        assert!(
            !shown.contains("receiver.example.com") && !shown.contains("123:token"),
            "{shown}"
        );
        assert!(
            !shown.contains("authorization") && !shown.contains("sentry_key"),
            "{shown}"
        );
    }
}
