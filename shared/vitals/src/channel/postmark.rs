//! E-mail by way of [Postmark](https://postmarkapp.com/developer/api/email-api). It refuses some mails with status 200 and
//! an `ErrorCode` that is not 0.

use std::collections::BTreeMap;

use serde::Serialize;

use super::destination::Destination;
use super::mail::{Mail, THREAD_HEADER};
use super::message::Message;
use super::request::{Method, Request};

/// The body.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Body<'a> {
    /// The sender.
    pub from: &'a str,
    /// Who it goes to, separated by commas.
    pub to: String,
    /// One line.
    pub subject: String,
    /// What it says.
    pub text_body: String,
    /// The stream that it goes out by.
    pub message_stream: &'a str,
    /// Headers of the mail.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// What the events that Postmark reports carry: the key of the message.
    pub metadata: BTreeMap<&'static str, &'a str>,
}

/// A header of the mail.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Header {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub value: String,
}

/// The request that tells a message.
pub(super) fn request(
    destination: &Destination,
    message: &Message<'_>,
) -> Result<Request, serde_json::Error> {
    let mail = Mail::new(message);
    let settings = destination.settings();
    let body = Body {
        from: settings.from.as_deref().unwrap_or_default(),
        to: settings.to.join(", "),
        subject: mail.subject,
        text_body: mail.text,
        message_stream: settings.message_stream.as_deref().unwrap_or("outbound"),
        headers: mail
            .thread
            .map(|value| Header {
                name: THREAD_HEADER,
                value,
            })
            .into_iter()
            .collect(),
        metadata: [("pgvitals-message", message.key)].into(),
    };
    let request = Request::json(Method::Post, destination.below("/email"), &body)?;
    Ok(request
        .header("accept", "application/json")
        .header("x-postmark-server-token", destination.key()))
}
