//! Where a message may go: the row of its channel and the secrets that it names, checked.

use function::config::Config;
use function::{Secrets, Uri};
use store::channels::Address;
use store::outbox::Recipient;
use vitals::address::Place;
use vitals::channel::{Destination, DestinationError, Kind, Settings};

/// Why nothing can be sent to a channel.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreachable {
    #[error("variable {variable} has nothing named {name}; add it and restart")]
    Secret { variable: &'static str, name: String },
    #[error(
        "the receiver is in a private network; name its host in variable webhook_hosts or internal_webhook_hosts, \
         and restart"
    )]
    Private,
    #[error("the channel is of an unknown kind")]
    Kind(#[from] vitals::UnknownName),
    #[error("the settings of the channel cannot be read")]
    Settings(#[from] serde_json::Error),
    #[error(transparent)]
    Destination(#[from] DestinationError),
    #[error("the address of the channel cannot be used")]
    Address(#[from] http::Error),
}

impl Unreachable {
    /// Whether the operator can mend it without touching the channel, so that it is worth another attempt.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Secret { .. } | Self::Private)
    }
}

/// The destination of what is for a channel.
pub(crate) fn destination(config: &Config, recipient: &Recipient) -> Result<Destination, Unreachable> {
    let kind: Kind = recipient.kind.parse()?;
    let settings: Settings = serde_json::from_value(recipient.settings.clone())?;
    let address = match &recipient.address {
        Address::Url(url) => Some(url.as_str()),
        Address::Secret(name) => Some(secret(&config.channel_urls, "channel_urls", name)?),
        Address::Usual => None,
    };
    let key = match &recipient.key {
        Some(name) => Some(secret(&config.channel_secrets, "channel_secrets", name)?),
        None => None,
    };
    Ok(Destination::new(kind, address, key, settings)?)
}

fn secret<'a>(secrets: &'a Secrets, variable: &'static str, name: &str) -> Result<&'a str, Unreachable> {
    match secrets.get(name) {
        Some(secret) => Ok(secret.expose()),
        None => Err(Unreachable::Secret {
            variable,
            name: name.to_owned(),
        }),
    }
}

/// Refuses addresses in private networks that nobody named. Redirects need no such check: they are not followed.
pub(crate) fn check_place(config: &Config, address: &Uri) -> Result<(), Unreachable> {
    let scheme = address.scheme_str().unwrap_or("https");
    let usual_port = if scheme == "http" { 80 } else { 443 };
    let place = Place {
        scheme,
        host: address.host().unwrap_or_default(),
        port: address.port_u16().unwrap_or(usual_port),
    };
    match place.is_allowed(config.webhook_hosts.iter().map(String::as_str)) {
        true => Ok(()),
        false => Err(Unreachable::Private),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use function::native::NativeHost;
    use serde_json::json;

    use super::*;

    async fn config(variables: &[(&str, &str)]) -> Config {
        let host = NativeHost::default().monitoring("postgres://u@h/d");
        let host = variables
            .iter()
            .fold(host, |host, (name, value)| host.variable(name, value));
        Config::load(&host).await.unwrap()
    }

    fn recipient(kind: &str, address: Address, key: Option<&str>) -> Recipient {
        Recipient {
            channel_id: 1,
            name: "oncall".to_owned(),
            kind: kind.to_owned(),
            address,
            key: key.map(str::to_owned),
            settings: json!({}),
            timeout: Duration::from_secs(10),
        }
    }

    #[tokio::test]
    async fn secrets_are_taken_from_their_variables() {
        let config = config(&[
            ("channel_urls", r#"{"chat": "https://hooks.slack.com/x"}"#),
            ("channel_secrets", r#"{"pager": "hunter2"}"#),
        ])
        .await;
        let told = |recipient| match destination(&config, &recipient) {
            Ok(destination) => destination.kind().to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(
            told(recipient("slack", Address::Secret("chat".to_owned()), None)),
            "slack"
        );
        assert_eq!(
            told(recipient("pagerduty", Address::Usual, Some("pager"))),
            "pagerduty"
        );
        assert_eq!(
            told(recipient("slack", Address::Secret("pager".to_owned()), None)),
            "variable channel_urls has nothing named pager; add it and restart"
        );
        assert_eq!(
            told(recipient("pagerduty", Address::Usual, Some("chat"))),
            "variable channel_secrets has nothing named chat; add it and restart"
        );
        assert_eq!(
            told(recipient("pagerduty", Address::Usual, None)),
            "a channel of kind pagerduty needs a key"
        );
    }

    #[tokio::test]
    async fn a_private_network_has_to_be_named() {
        let check = |config: &Config, address: &str| check_place(config, &address.parse().unwrap()).is_ok();
        let usual = config(&[("webhook_hosts", "https://*:*")]).await;
        assert!(check(&usual, "https://hooks.slack.com/services/x"));
        for address in [
            "https://10.0.0.7/",
            "https://[::1]:9093/",
            "https://169.254.169.254/latest/meta-data",
            "https://localhost/",
            "https://alertmanager:9093/",
        ] {
            assert!(!check(&usual, address), "{address}");
        }
        let named = config(&[
            ("webhook_hosts", "https://*:*"),
            ("internal_webhook_hosts", "http://10.0.0.7:9093"),
        ])
        .await;
        assert!(check(&named, "http://10.0.0.7:9093/api"));
        assert!(!check(&named, "http://10.0.0.8:9093/api"));
    }
}
