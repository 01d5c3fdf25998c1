//! The generic JSON webhook: the body of [Standard Webhooks](https://www.standardwebhooks.com) 1.0.0.
//!
//! `{"type": "alert.firing", "timestamp": "…", "data": {…}}`, at most 20 kB. The idempotency key goes into the header
//! `webhook-id` and is the same on every retry. Where the channel has a key, `webhook-signature` proves who sent it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;

use super::destination::Destination;
use super::message::Message;
use super::request::{Method, Request};
use crate::notification::{Event, Notification};

/// The header that carries the idempotency key.
pub const ID_HEADER: &str = "webhook-id";

/// The header that carries the time of the attempt, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";

/// The header that carries the signatures, separated by spaces.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// What stands before a key, so that it is seen what it is.
const KEY_PREFIX: &str = "whsec_";

/// The body.
#[derive(Clone, Debug, Serialize)]
pub struct Body<'a> {
    /// What kind of news it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// When it was seen.
    pub timestamp: DateTime<Utc>,
    /// The news.
    pub data: &'a Notification,
}

/// What kind of news it is, in the words of the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// An alert began.
    #[serde(rename = "alert.firing")]
    Firing,
    /// It got worse, or better.
    #[serde(rename = "alert.level_changed")]
    LevelChanged,
    /// It is over.
    #[serde(rename = "alert.resolved")]
    Resolved,
    /// It still fires, and was not taken up.
    #[serde(rename = "alert.escalated")]
    Escalated,
    /// It still fires.
    #[serde(rename = "alert.reminder")]
    Reminder,
    /// Something was done about it automatically.
    #[serde(rename = "alert.response")]
    Response,
}

impl<'a> Body<'a> {
    /// The body that tells a notification.
    pub fn new(notification: &'a Notification) -> Self {
        let kind = match notification.event {
            Event::Firing => Kind::Firing,
            Event::Level => Kind::LevelChanged,
            Event::Resolved => Kind::Resolved,
            Event::Escalated => Kind::Escalated,
            Event::Reminder => Kind::Reminder,
            Event::Response => Kind::Response,
        };
        Self {
            kind,
            timestamp: notification.at,
            data: notification,
        }
    }
}

/// The request that tells a message.
pub(super) fn request(
    destination: &Destination,
    message: &Message<'_>,
) -> Result<Request, serde_json::Error> {
    let body = match message.notifications.first() {
        Some(notification) => serde_json::to_string(&Body::new(notification))?,
        None => String::new(),
    };
    let timestamp = message.at.timestamp();
    let signatures =
        SigningKeys::parse(destination.key()).map(|keys| keys.sign(message.key, timestamp, &body));
    let request = Request::text(Method::Post, destination.address(), "application/json", body)
        .header(ID_HEADER, message.key)
        .header(TIMESTAMP_HEADER, timestamp.to_string());
    Ok(match signatures {
        Some(signatures) => request.header(SIGNATURE_HEADER, signatures),
        None => request,
    })
}

/// The keys that messages are signed with: one, or two while the receiver changes from the old to the new.
#[derive(Clone)]
pub struct SigningKeys(Vec<Vec<u8>>);

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SigningKeys(***)")
    }
}

impl SigningKeys {
    /// Reads keys of the form `whsec_` and 24 to 64 bytes in base64, separated by spaces or commas.
    pub fn parse(text: &str) -> Option<Self> {
        let words = text.split([' ', ',']).filter(|word| !word.is_empty());
        let keys: Option<Vec<Vec<u8>>> = words
            .map(|word| {
                let key = BASE64.decode(word.strip_prefix(KEY_PREFIX)?).ok()?;
                (24..=64).contains(&key.len()).then_some(key)
            })
            .collect();
        keys.filter(|keys| !keys.is_empty()).map(Self)
    }

    /// The value of the signature header: HMAC-SHA256 of the key of the message, the time of the attempt in seconds since
    /// 1970 and the body, with each key.
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let signed = format!("{id}.{timestamp}.{body}");
        let signatures = self.0.iter().filter_map(|key| {
            // A key of any length is taken.
            let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
            mac.update(signed.as_bytes());
            Some(format!("v1,{}", BASE64.encode(mac.finalize().into_bytes())))
        });
        signatures.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod signature_tests {
    use super::*;

    /// The example that the libraries of Standard Webhooks test themselves with.
    #[test]
    fn a_signature_is_that_of_the_standard() {
        let keys = SigningKeys::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = keys.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn while_keys_are_changed_both_sign() {
        let old = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let new = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let both = SigningKeys::parse(&format!("{old} {new}"))
            .unwrap()
            .sign("id", 1, "{}");
        let each = [old, new].map(|key| SigningKeys::parse(key).unwrap().sign("id", 1, "{}"));
        assert_eq!(both, each.join(" "));
        for nonsense in [
            "",
            "whsec_",
            "whsec_c2hvcnQ=",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_?",
        ] {
            assert!(SigningKeys::parse(nonsense).is_none(), "{nonsense}");
        }
        assert!(!format!("{:?}", SigningKeys::parse(old)).contains("MfKQ"));
    }
}
