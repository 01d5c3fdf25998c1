//! E-mail by way of [Resend](https://resend.com/docs/api-reference/emails/send-email).

use std::collections::BTreeMap;

use serde::Serialize;

use super::destination::Destination;
use super::mail::{Mail, THREAD_HEADER};
use super::message::Message;
use super::request::{Method, Request};

/// The body.
#[derive(Clone, Debug, Serialize)]
pub struct Body<'a> {
    /// The sender.
    pub from: &'a str,
    /// Who it goes to.
    pub to: &'a [String],
    /// One line.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// Headers of the mail.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<&'static str, String>,
}

/// The request that tells a message. Resend takes a mail of one key once in 24 hours.
pub(super) fn request(
    destination: &Destination,
    message: &Message<'_>,
) -> Result<Request, serde_json::Error> {
    let mail = Mail::new(message);
    let settings = destination.settings();
    let body = Body {
        from: settings.from.as_deref().unwrap_or_default(),
        to: &settings.to,
        subject: mail.subject,
        text: mail.text,
        headers: mail
            .thread
            .map(|thread| (THREAD_HEADER, thread))
            .into_iter()
            .collect(),
    };
    let request = Request::json(Method::Post, destination.below("/emails"), &body)?;
    Ok(request
        .header("authorization", format!("Bearer {}", destination.key()))
        .header("idempotency-key", message.key))
}
