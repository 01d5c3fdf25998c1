use std::sync::{Arc, Mutex};

use function::SendError;
use function::native::NativeHost;
use serde_json::json;
use store::channels::Address;
use store::outbox::{Message, Recipient};

use super::*;

fn message(attempts: i32) -> Message {
    let notification = json!({
        "incident": "target_down/main/", "sequence": 1, "event": "firing", "rule_id": "target_down",
        "level": "critical", "previous_level": null, "target": "main", "subject": "", "subject_label": "",
        "summary": "main has not answered for 42 s", "value": 42.0, "threshold": 30.0, "unit": "s", "ratio": 1.4,
        "since": "2026-11-21T10:00:00Z", "at": "2026-11-21T10:00:42Z", "trend": [], "runbook_url": null,
        "dashboard_url": null
    });
    Message {
        message_id: "3f0c".to_owned(),
        alert_id: Some(1),
        sequence: 1,
        event: "firing".to_owned(),
        payload: notification,
        attempts,
        created_at: DateTime::UNIX_EPOCH,
        reference: None,
    }
}

fn parcel(kind: &str, address: Address, key: Option<&str>, attempts: i32) -> Parcel {
    Parcel {
        key: "3f0c".to_owned(),
        recipient: Recipient {
            channel_id: 1,
            name: "oncall".to_owned(),
            kind: kind.to_owned(),
            address,
            key: key.map(str::to_owned),
            settings: json!({}),
            timeout: Duration::from_secs(10),
        },
        messages: vec![message(attempts)],
    }
}

fn hook(attempts: i32) -> Parcel {
    let address = Address::Url("https://example.com/hook".to_owned());
    parcel("webhook", address, None, attempts)
}

/// Delivers a parcel to a receiver that answers in some way.
async fn sent(
    parcel: Parcel,
    answer: impl Fn(http::Request<String>) -> Result<http::Response<String>, SendError> + Send + Sync + 'static,
) -> Sent {
    let host = NativeHost::default()
        .monitoring("postgres://u@h/d")
        .variable("channel_urls", r#"{"hidden": "https://example.com/T0/SECRET"}"#)
        .variable("channel_secrets", r#"{"pager": "hunter2"}"#)
        .receiver(answer);
    let context = Context::new("deliver-notifications", host);
    context.config().await.unwrap();
    deliver(&context, parcel, DateTime::UNIX_EPOCH).await
}

fn answered(status: u16, body: &str) -> Result<http::Response<String>, SendError> {
    let response = http::Response::builder()
        .status(status)
        .header("retry-after", "7");
    Ok(response.body(body.to_owned()).unwrap())
}

#[track_caller]
fn told(sent: &Sent) -> String {
    match sent.delivery.as_ref().unwrap() {
        Delivery::Delivered { .. } => "delivered".to_owned(),
        Delivery::Retry { error, .. } => format!("retry: {error}"),
        Delivery::Dead { error } => format!("dead: {error}"),
    }
}

#[tokio::test]
async fn an_answer_decides_what_becomes_of_a_message() {
    let cases = [
        (1, 204, "delivered"),
        (1, 429, "retry: answered 429 Too Many Requests: no"),
        (1, 503, "retry: answered 503 Service Unavailable: no"),
        (1, 404, "dead: answered 404 Not Found: no"),
        (1, 302, "dead: answered 302 Found: no"),
        (
            1,
            410,
            "dead: answered 410 Gone: no; the channel was switched off",
        ),
        (
            20,
            500,
            "dead: answered 500 Internal Server Error: no (attempt 20 was the last)",
        ),
    ];
    for (attempts, status, expected) in cases {
        let sent = sent(hook(attempts), move |_| answered(status, " no\n")).await;
        assert_eq!(told(&sent), expected);
        if let Some(Delivery::Retry { delay, .. }) = sent.delivery {
            assert!(
                delay >= Duration::from_secs(7),
                "Retry-After is the least: {delay:?}"
            );
            assert!(
                matches!(sent.attempt, AttemptOutcome::Failed { rest: Some(rest), .. } if rest.as_secs() == 7)
            );
        }
    }
}

#[tokio::test]
async fn what_a_receiver_says_can_be_kept_and_tells_no_secret() {
    let strange = |_| answered(500, "a\0b\nc /T0/SECRET");
    assert_eq!(
        told(&sent(hook(1), strange).await),
        "retry: answered 500 Internal Server Error: a b c /T0/SECRET"
    );
    let hidden = parcel("slack", Address::Secret("hidden".to_owned()), None, 1);
    assert_eq!(
        told(&sent(hidden, strange).await),
        "retry: answered 500 Internal Server Error"
    );
    let keyed = parcel("pagerduty", Address::Usual, Some("pager"), 1);
    assert_eq!(
        told(&sent(keyed, |_| answered(400, "hunter2 is no routing key")).await),
        "dead: answered 400 Bad Request: *** is no routing key"
    );
}

#[tokio::test]
async fn what_the_operator_can_mend_is_tried_again_and_what_nobody_can_is_not() {
    let unanswered = |_| {
        Err(SendError::new(
            "connect_failed",
            "the receiver refuses connections",
        ))
    };
    assert_eq!(
        told(&sent(hook(1), unanswered).await),
        "retry: connect_failed: the receiver refuses connections"
    );
    let denied = |_| Err(SendError::new("not_permitted", "denied"));
    assert!(told(&sent(hook(1), denied).await).ends_with("allow it in variable webhook_hosts and restart"));
    let lost = parcel("slack", Address::Secret("nowhere".to_owned()), None, 1);
    assert!(
        told(&sent(lost, |_| answered(200, "")).await)
            .starts_with("retry: variable channel_urls has nothing")
    );
    let private = parcel(
        "webhook",
        Address::Url("http://169.254.169.254/".to_owned()),
        None,
        1,
    );
    let refused = sent(private, |_| panic!("nothing may be sent there")).await;
    assert!(told(&refused).starts_with("retry: the receiver is in a private network"));
    let incomplete = parcel("telegram", Address::Usual, Some("pager"), 1);
    assert_eq!(
        told(&sent(incomplete, |_| answered(200, "")).await),
        "dead: a channel of kind telegram needs the setting chat_id"
    );
}

#[tokio::test]
async fn an_issue_takes_several_requests_and_is_remembered() {
    let mut issue = parcel("github", Address::Usual, Some("pager"), 1);
    issue.recipient.settings = json!({"repository": "example/operations"});
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let sent = sent(issue, move |request| {
        seen.lock()
            .unwrap()
            .push(format!("{} {}", request.method(), request.uri().path()));
        match request.method().as_str() {
            "GET" => answered(200, "[]"),
            _ => answered(201, r#"{"number": 12}"#),
        }
    })
    .await;
    assert_eq!(
        *asked.lock().unwrap(),
        [
            "GET /repos/example/operations/issues",
            "POST /repos/example/operations/issues"
        ]
    );
    assert_eq!(
        sent.delivery,
        Some(Delivery::Delivered {
            reference: Some("12".to_owned()),
            refresh: None
        })
    );
}

#[tokio::test]
async fn only_what_would_be_forgotten_is_sent_again() {
    let address = || Address::Url("https://alertmanager.example.com".to_owned());
    let refresh = async |parcel| match sent(parcel, |_| answered(200, "")).await.delivery {
        Some(Delivery::Delivered { refresh, .. }) => refresh,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        refresh(parcel("alertmanager", address(), None, 1)).await,
        Some(alertmanager::KEEP_ALIVE)
    );
    let mut over = parcel("alertmanager", address(), None, 1);
    over.messages[0].event = "resolved".to_owned();
    over.messages[0].payload["event"] = "resolved".into();
    assert_eq!(refresh(over).await, None);
    assert_eq!(refresh(hook(1)).await, None);
}

#[test]
fn chance_is_a_share() {
    let chances: Vec<f64> = (0..100).map(|_| chance()).collect();
    assert!(chances.iter().all(|chance| (0.0..1.0).contains(chance)));
    assert!(chances.iter().any(|chance| *chance != chances[0]));
}
