//! Every kind of receiver, told by the real function over HTTP: what its service demands is there.

use integration_tests::receiver::Received;
use integration_tests::{Answer, Receiver};
use serde_json::{Value, json};
use store::channels::{Address, NewChannel};
use vitals::channel::{Kind, Need, webhook};
use vitals::level::Level;

use crate::Room;

const SIGNING_KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The keys of all kinds, as the variable `channel_secrets` has them.
pub(crate) fn secrets(receiver: &Receiver) -> String {
    json!({
        "word": "key-of-the-tests",
        "webhook": SIGNING_KEY,
        "telegram": "123:token-of-the-tests",
        "sentry": receiver.url("/sentry/7").replace("http://", "http://publickey@"),
    })
    .to_string()
}

fn channel(kind: Kind, receiver: &Receiver) -> NewChannel {
    let needs = kind.needs();
    let mut settings = vitals::channel::Settings::default();
    for name in needs.required {
        let value = match *name {
            "repository" => "example/operations",
            "from" => "alerts@example.com",
            "to" => "ada@example.com",
            _ => "7",
        };
        settings.set(name, value).unwrap();
    }
    let own_key = match kind {
        Kind::Webhook | Kind::Telegram | Kind::Sentry => kind.as_str(),
        _ => "word",
    };
    NewChannel {
        name: kind.as_str().to_owned(),
        kind: kind.as_str().to_owned(),
        address: match needs.address {
            Need::Unused => Address::Usual,
            _ => Address::Url(receiver.url(&format!("/{kind}"))),
        },
        key: (needs.key != Need::Unused).then(|| own_key.to_owned()),
        settings: serde_json::to_value(&settings).unwrap(),
        minimum_level: Level::Warning,
        timeout: store::channels::USUAL_TIMEOUT,
    }
}

/// What came for a kind, in order.
fn requests(room: &Room, kind: Kind) -> Vec<Received> {
    let begin = format!("/{kind}");
    let mut received = room.receiver.received();
    received.retain(|request| request.path.starts_with(&begin));
    received
}

fn text(value: &Value, pointer: &str) -> String {
    let text = value.pointer(pointer).and_then(Value::as_str);
    let text = text.unwrap_or_else(|| panic!("{pointer} is missing in {value}"));
    assert!(!text.is_empty(), "{pointer} is empty in {value}");
    text.to_owned()
}

/// What the documentation of a service says must be there, of the first message and of the recovery.
fn check(kind: Kind, requests: &[Received]) {
    let body = |position: usize| requests[position].json().unwrap();
    match kind {
        Kind::Webhook => {
            assert_eq!(text(&body(0), "/type"), "alert.firing");
            assert_eq!(text(&body(1), "/type"), "alert.resolved");
            for request in requests {
                let keys = webhook::SigningKeys::parse(SIGNING_KEY).unwrap();
                let timestamp = request.header("webhook-timestamp").parse().unwrap();
                let expected = keys.sign(request.header("webhook-id"), timestamp, &request.body);
                assert_eq!(request.header("webhook-signature"), expected);
            }
        }
        Kind::Slack => {
            text(&body(0), "/text");
            assert_eq!(text(&body(0), "/blocks/0/type"), "header");
            assert!(text(&body(1), "/text").contains("RESOLVED"));
        }
        Kind::Discord => {
            text(&body(0), "/embeds/0/title");
            assert_ne!(body(0)["embeds"][0]["color"], body(1)["embeds"][0]["color"]);
        }
        Kind::Teams => {
            let content_type = text(&body(0), "/attachments/0/contentType");
            assert_eq!(content_type, "application/vnd.microsoft.card.adaptive");
            assert_eq!(text(&body(0), "/attachments/0/content/type"), "AdaptiveCard");
        }
        Kind::PagerDuty => {
            assert_eq!(text(&body(0), "/event_action"), "trigger");
            for pointer in [
                "/routing_key",
                "/payload/summary",
                "/payload/source",
                "/payload/severity",
            ] {
                text(&body(0), pointer);
            }
            assert_eq!(text(&body(1), "/event_action"), "resolve");
            assert_eq!(text(&body(0), "/dedup_key"), text(&body(1), "/dedup_key"));
        }
        Kind::Opsgenie => {
            text(&body(0), "/message");
            assert_eq!(requests[0].header("authorization"), "GenieKey key-of-the-tests");
            assert!(
                requests[1].path.ends_with("/close?identifierType=alias"),
                "{}",
                requests[1].path
            );
        }
        Kind::Alertmanager => {
            assert_eq!(text(&body(0), "/0/labels/alertname"), "target_down");
            assert_eq!(body(0)[0]["labels"], body(1)[0]["labels"], "the same alert");
            assert_eq!(requests[0].header("authorization"), "Bearer key-of-the-tests");
        }
        Kind::Sentry => {
            let lines: Vec<Value> = requests[0]
                .body
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            assert_eq!(lines[1]["type"], "event");
            assert_eq!(lines[0]["event_id"], lines[2]["event_id"]);
            assert_eq!(text(&lines[2], "/event_id").len(), 32);
            assert!(
                requests[0]
                    .header("x-sentry-auth")
                    .contains("sentry_key=publickey")
            );
            assert_eq!(
                requests[0].header("content-type"),
                "application/x-sentry-envelope"
            );
        }
        Kind::GitHub => {
            let paths: Vec<String> = requests
                .iter()
                .map(|request| {
                    let path = request.path.split('?').next().unwrap_or_default();
                    format!(
                        "{} {}",
                        request.method,
                        path.trim_start_matches("/github/repos/example/operations")
                    )
                })
                .collect();
            let expected = [
                "GET /issues",
                "POST /issues",
                "PATCH /issues/7",
                "POST /issues/7/comments",
            ];
            assert_eq!(paths, expected);
            text(&body(1), "/title");
            assert_eq!(text(&body(2), "/state"), "closed");
            assert!(
                requests
                    .iter()
                    .all(|request| !request.header("user-agent").is_empty())
            );
        }
        Kind::Resend => {
            for pointer in ["/from", "/to/0", "/subject", "/text"] {
                text(&body(0), pointer);
            }
            assert!(!requests[0].header("idempotency-key").is_empty());
        }
        Kind::SendGrid => {
            for pointer in [
                "/personalizations/0/to/0/email",
                "/from/email",
                "/subject",
                "/content/0/value",
            ] {
                text(&body(0), pointer);
            }
        }
        Kind::Postmark => {
            for pointer in ["/From", "/To", "/Subject", "/TextBody"] {
                text(&body(0), pointer);
            }
            assert_eq!(requests[0].header("x-postmark-server-token"), "key-of-the-tests");
        }
        Kind::Telegram => {
            assert_eq!(
                requests[0].path,
                "/telegram/bot123:token-of-the-tests/sendMessage"
            );
            text(&body(0), "/chat_id");
            text(&body(0), "/text");
            assert_eq!(body(1)["reply_parameters"]["message_id"], 5);
        }
        Kind::Ntfy => {
            for pointer in ["/topic", "/message", "/title"] {
                text(&body(0), pointer);
            }
            assert!(body(0)["priority"].as_i64() > body(1)["priority"].as_i64());
        }
    }
}

#[tokio::test]
async fn every_receiver_gets_what_its_service_demands() {
    let room = Room::new("formats").await;
    room.receiver.answer_always(
        Answer::status(200).with_body(r#"{"number": 7, "result": {"message_id": 5}, "ErrorCode": 0}"#),
    );
    let admin = room.monitored.admin().await.unwrap();
    for kind in Kind::ALL {
        store::channels::set_up(&admin, &channel(*kind, &room.receiver))
            .await
            .unwrap();
    }
    room.down(60).await;
    assert_eq!(room.deliver().await["delivered"], Kind::ALL.len());
    room.up().await;
    assert_eq!(room.deliver().await["delivered"], Kind::ALL.len());
    for kind in Kind::ALL {
        let requests = requests(&room, *kind);
        assert!(requests.len() >= 2, "{kind} was told {} times", requests.len());
        check(*kind, &requests);
    }
    let (_, log) = room.application.stop().await.unwrap();
    assert!(!log.contains("of-the-tests"), "{log}");
}
