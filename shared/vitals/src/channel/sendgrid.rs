//! E-mail by way of [SendGrid](https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send).

use std::collections::BTreeMap;

use serde::Serialize;

use super::destination::Destination;
use super::mail::{Mail, THREAD_HEADER};
use super::message::Message;
use super::request::{Method, Request};

/// The body.
#[derive(Clone, Debug, Serialize)]
pub struct Body<'a> {
    /// The copies of the mail: one, to all.
    pub personalizations: [Personalization<'a>; 1],
    /// The sender.
    pub from: Address<'a>,
    /// One line.
    pub subject: String,
    /// What it says.
    pub content: [Content; 1],
    /// Headers of the mail.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<&'static str, String>,
    /// What the events that SendGrid reports carry: the key of the message.
    pub custom_args: BTreeMap<&'static str, &'a str>,
}

/// A copy of the mail.
#[derive(Clone, Debug, Serialize)]
pub struct Personalization<'a> {
    /// Who it goes to.
    pub to: Vec<Address<'a>>,
}

/// An address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Address<'a> {
    /// `name@example.com`.
    pub email: &'a str,
    /// Who that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
}

/// What a mail says.
#[derive(Clone, Debug, Serialize)]
pub struct Content {
    #[serde(rename = "type")]
    kind: &'static str,
    /// The text.
    pub value: String,
}

/// The request that tells a message.
pub(super) fn request(
    destination: &Destination,
    message: &Message<'_>,
) -> Result<Request, serde_json::Error> {
    let mail = Mail::new(message);
    let settings = destination.settings();
    // Each address may stand there once.
    let mut to: Vec<Address<'_>> = Vec::new();
    for address in settings.to.iter().map(|text| Address::new(text)) {
        if !to
            .iter()
            .any(|known| known.email.eq_ignore_ascii_case(address.email))
        {
            to.push(address);
        }
    }
    let body = Body {
        personalizations: [Personalization { to }],
        from: Address::new(settings.from.as_deref().unwrap_or_default()),
        subject: mail.subject,
        content: [Content {
            kind: "text/plain",
            value: mail.text,
        }],
        headers: mail
            .thread
            .map(|thread| (THREAD_HEADER, thread))
            .into_iter()
            .collect(),
        custom_args: [("pgvitals_message", message.key)].into(),
    };
    let request = Request::json(Method::Post, destination.below("/v3/mail/send"), &body)?;
    Ok(request.header("authorization", format!("Bearer {}", destination.key())))
}

impl<'a> Address<'a> {
    /// Reads `name@example.com` or `Name <name@example.com>`.
    fn new(text: &'a str) -> Self {
        match text
            .split_once('<')
            .and_then(|(name, rest)| Some((name.trim(), rest.trim().strip_suffix('>')?)))
        {
            Some((name, email)) => Self {
                email: email.trim(),
                name: Some(name).filter(|name| !name.is_empty()),
            },
            None => Self {
                email: text.trim(),
                name: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_a_name() {
        for (text, email, name) in [
            ("ada@example.com", "ada@example.com", None),
            ("Ada L. <ada@example.com>", "ada@example.com", Some("Ada L.")),
            ("<ada@example.com>", "ada@example.com", None),
        ] {
            assert_eq!(Address::new(text), Address { email, name });
        }
    }
}
