//! One receiver of somebody's: its address, its key and its settings, checked.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::kind::{Kind, Need};
use super::settings::{Region, Settings};
use super::{sentry, webhook};
use crate::address::is_web_address;

/// Where messages of a channel go. Address and key may be secrets: its `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Destination {
    kind: Kind,
    address: String,
    key: Option<String>,
    settings: Settings,
}

impl fmt::Debug for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Destination")
            .field("kind", &self.kind)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Why a channel cannot be used as it is. No text repeats an address or a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// There is no usual address.
    #[error("a channel of kind {0} needs an address")]
    NoAddress(Kind),
    /// The address is part of the key.
    #[error("a channel of kind {0} has no address beside its key")]
    UnusedAddress(Kind),
    /// The address cannot be used.
    #[error("the address is not a URL of the form https://host/path")]
    Address,
    /// The service wants a key.
    #[error("a channel of kind {0} needs a key")]
    NoKey(Kind),
    /// The service knows no keys.
    #[error("a channel of kind {0} has no key")]
    UnusedKey(Kind),
    /// The key cannot be used.
    #[error("the key of a channel of kind {kind} is not {expected}")]
    Key {
        /// The kind.
        kind: Kind,
        /// What it would have to be.
        expected: &'static str,
    },
    /// A setting is missing.
    #[error("a channel of kind {kind} needs the setting {name}")]
    NoSetting {
        /// The kind.
        kind: Kind,
        /// The setting.
        name: &'static str,
    },
    /// A setting is of no use.
    #[error("a channel of kind {kind} has no setting {name}")]
    UnusedSetting {
        /// The kind.
        kind: Kind,
        /// The setting.
        name: &'static str,
    },
    /// A setting cannot be used.
    #[error("setting {name} is not {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it would have to be.
        expected: &'static str,
    },
}

impl Destination {
    /// Checks that everything is there that a kind needs, and nothing that it has no use for.
    ///
    /// # Errors
    ///
    /// What is missing, not needed, or cannot be used.
    pub fn new(
        kind: Kind,
        address: Option<&str>,
        key: Option<&str>,
        settings: Settings,
    ) -> Result<Self, DestinationError> {
        check_settings(kind, &settings)?;
        check_key(kind, key)?;
        let address = match address {
            Some(address) => {
                check_address(kind, address)?;
                address.to_owned()
            }
            None => usual_address(kind, &settings, key).ok_or(DestinationError::NoAddress(kind))?,
        };
        Ok(Self {
            kind,
            address,
            key: key.map(str::to_owned),
            settings,
        })
    }

    /// What kind of receiver it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The address as it is.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// An address below that of the service.
    pub(super) fn below(&self, path: &str) -> String {
        format!("{}{path}", self.address.trim_end_matches('/'))
    }

    /// The key; empty where there is none.
    pub(super) fn key(&self) -> &str {
        self.key.as_deref().unwrap_or_default()
    }

    /// What proves who we are to a server that lets people choose: a user with a password, or a token.
    pub(super) fn authorization(&self) -> Option<String> {
        let key = self.key.as_deref()?;
        Some(if key.contains(':') {
            format!("Basic {}", BASE64.encode(key))
        } else {
            format!("Bearer {key}")
        })
    }
}

/// Checks the settings of a kind.
///
/// # Errors
///
/// What is missing, not needed, or cannot be used.
pub fn check_settings(kind: Kind, settings: &Settings) -> Result<(), DestinationError> {
    let needs = kind.needs();
    let set = settings.names();
    if let Some(name) = needs.required.iter().find(|name| !set.contains(name)) {
        return Err(DestinationError::NoSetting { kind, name });
    }
    let is_known = |name: &&&str| needs.required.contains(name) || needs.optional.contains(name);
    if let Some(name) = set.iter().find(|name| !is_known(name)) {
        return Err(DestinationError::UnusedSetting { kind, name });
    }
    let check = |name, expected, is_right: bool| match is_right {
        true => Ok(()),
        false => Err(DestinationError::Setting { name, expected }),
    };
    let is_plain = |text: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        !text.is_empty() && text.bytes().all(allowed) && !text.bytes().all(|byte| byte == b'.')
    };
    if let Some(repository) = &settings.repository {
        // It becomes part of a path.
        let parts: Vec<&str> = repository.split('/').collect();
        let is_right = parts.len() == 2 && parts.iter().all(|part| is_plain(part));
        check("repository", "of the form owner/name", is_right)?;
    }
    let is_mail = |text: &str| text.contains('@') && !text.contains(char::is_control);
    if let Some(from) = &settings.from {
        check("from", "an e-mail address", is_mail(from))?;
    }
    check(
        "to",
        "a list of e-mail addresses",
        settings.to.iter().all(|to| is_mail(to)),
    )
}

/// Checks an address of a kind.
///
/// # Errors
///
/// There is no use for one, or it is not of the form `https://host/path`.
pub fn check_address(kind: Kind, address: &str) -> Result<(), DestinationError> {
    if kind.needs().address == Need::Unused {
        return Err(DestinationError::UnusedAddress(kind));
    }
    // A user and a password before the host belong into the key: an address is shown.
    match is_web_address(address) {
        true => Ok(()),
        false => Err(DestinationError::Address),
    }
}

/// Checks a key of a kind.
///
/// # Errors
///
/// It is missing, there is no use for it, or it is not of the form that the service gives out.
pub fn check_key(kind: Kind, key: Option<&str>) -> Result<(), DestinationError> {
    let Some(key) = key else {
        return match kind.needs().key {
            Need::Required => Err(DestinationError::NoKey(kind)),
            Need::Optional | Need::Unused => Ok(()),
        };
    };
    if kind.needs().key == Need::Unused {
        return Err(DestinationError::UnusedKey(kind));
    }
    let (is_right, expected) = match kind {
        Kind::Webhook => (
            webhook::SigningKeys::parse(key).is_some(),
            "whsec_ with 24 to 64 bytes in base64, or several of these",
        ),
        Kind::Sentry => (
            sentry::Dsn::parse(key).is_some(),
            "a DSN: https://KEY@HOST/PROJECT",
        ),
        // It becomes part of a path.
        Kind::Telegram => (is_bot_token(key), "the token of a bot: NUMBER:LETTERS"),
        _ => (
            !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic()),
            "one word of printable characters",
        ),
    };
    match is_right {
        true => Ok(()),
        false => Err(DestinationError::Key { kind, expected }),
    }
}

fn is_bot_token(key: &str) -> bool {
    let Some((number, letters)) = key.split_once(':') else {
        return false;
    };
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !letters.is_empty()
        && letters.bytes().all(is_letter)
}

/// Where a service is found unless somebody runs it themselves.
fn usual_address(kind: Kind, settings: &Settings, key: Option<&str>) -> Option<String> {
    let in_europe = settings.region == Some(Region::Eu);
    let address = match kind {
        Kind::PagerDuty if in_europe => "https://events.eu.pagerduty.com",
        Kind::PagerDuty => "https://events.pagerduty.com",
        Kind::Opsgenie if in_europe => "https://api.eu.opsgenie.com",
        Kind::Opsgenie => "https://api.opsgenie.com",
        Kind::GitHub => "https://api.github.com",
        Kind::Resend => "https://api.resend.com",
        Kind::SendGrid if in_europe => "https://api.eu.sendgrid.com",
        Kind::SendGrid => "https://api.sendgrid.com",
        Kind::Postmark => "https://api.postmarkapp.com",
        Kind::Telegram => "https://api.telegram.org",
        Kind::Ntfy => "https://ntfy.sh",
        Kind::Sentry => return Some(sentry::Dsn::parse(key?)?.envelope_address()),
        Kind::Webhook | Kind::Slack | Kind::Discord | Kind::Teams | Kind::Alertmanager => return None,
    };
    Some(address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(kind: Kind, address: Option<&str>, key: Option<&str>, settings: &[(&str, &str)]) -> String {
        let mut all = Settings::default();
        for (name, value) in settings {
            all.set(name, value).unwrap();
        }
        let error = Destination::new(kind, address, key, all).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
        error
    }

    #[test]
    fn what_is_missing_or_of_no_use_is_named() {
        let cases = [
            (
                refused(Kind::Webhook, None, None, &[]),
                "a channel of kind webhook needs an address",
            ),
            (
                refused(Kind::Webhook, Some("ftp://hunter2"), None, &[]),
                "the address is not a URL of the form https://host/path",
            ),
            (
                refused(Kind::Webhook, Some("https://a:hunter2@host/"), None, &[]),
                "the address is not a URL of the form https://host/path",
            ),
            (
                refused(Kind::Webhook, Some("https://a:12#hunter2@host/"), None, &[]),
                "the address is not a URL of the form https://host/path",
            ),
            (
                refused(Kind::Webhook, Some("https://host/"), Some("hunter2"), &[]),
                "the key of a channel of kind webhook is not whsec_ with 24 to 64 bytes in base64, or several of these",
            ),
            (
                refused(Kind::Slack, Some("https://host/"), Some("hunter2"), &[]),
                "a channel of kind slack has no key",
            ),
            (
                refused(Kind::PagerDuty, None, None, &[]),
                "a channel of kind pagerduty needs a key",
            ),
            (
                refused(Kind::Opsgenie, None, Some("hunter2\r\nx: y"), &[]),
                "the key of a channel of kind opsgenie is not one word of printable characters",
            ),
            (
                refused(Kind::Sentry, None, Some("hunter2"), &[]),
                "the key of a channel of kind sentry is not a DSN: https://KEY@HOST/PROJECT",
            ),
            (
                refused(
                    Kind::Sentry,
                    Some("https://host/"),
                    Some("https://key@host/1"),
                    &[],
                ),
                "a channel of kind sentry has no address beside its key",
            ),
            (
                refused(Kind::GitHub, None, Some("hunter2"), &[]),
                "a channel of kind github needs the setting repository",
            ),
            (
                refused(Kind::GitHub, None, Some("hunter2"), &[("repository", "a/../b")]),
                "setting repository is not of the form owner/name",
            ),
            (
                refused(Kind::GitHub, None, Some("hunter2"), &[("repository", "../..")]),
                "setting repository is not of the form owner/name",
            ),
            (
                refused(
                    Kind::Resend,
                    None,
                    Some("hunter2"),
                    &[("from", "ada@example.com"), ("to", "bob")],
                ),
                "setting to is not a list of e-mail addresses",
            ),
            (
                refused(Kind::Telegram, None, Some("1:hunter2/../x"), &[("chat_id", "1")]),
                "the key of a channel of kind telegram is not the token of a bot: NUMBER:LETTERS",
            ),
            (
                refused(Kind::Ntfy, None, None, &[("topic", "alerts"), ("region", "eu")]),
                "a channel of kind ntfy has no setting region",
            ),
        ];
        for (error, expected) in cases {
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let settings = Settings {
            chat_id: Some("7".to_owned()),
            ..Settings::default()
        };
        let destination = Destination::new(Kind::Telegram, None, Some("1:hunter2"), settings).unwrap();
        assert!(!format!("{destination:?}").contains("hunter2"));
    }
}
