//! The variables of `spin.toml`, read once and checked.

use std::collections::BTreeMap;

use db::{CertificateError, Certificates, SafeUrl, WeakAuthentication};
use store::logins::Login;
use vitals::address::is_web_address;
use vitals::channel::{Kind, Need};

use crate::host::Host;
use crate::secret::{Secret, Secrets};

/// The secret name that stands for the password of the monitoring database itself.
const DEFAULT_SECRET: &str = "default";

/// What the operator configured.
#[derive(Debug, Clone)]
pub struct Config {
    /// The collector's login in the monitoring database.
    pub monitoring_url: SafeUrl,
    /// Passwords of targets, by the names their rows give.
    pub target_passwords: Secrets,
    /// Certificates of the authorities of targets, by the names that their rows give to their secrets.
    pub target_certificates: Secrets,
    /// Certificates of the authority of the monitoring database.
    pub monitoring_certificate: Option<Certificates>,
    /// Servers that may be given weak proofs of a password.
    pub weak_authentication: WeakAuthentication,
    /// Passwords of the maintenance login, by the names that the rows of targets give.
    pub maintenance_passwords: Secrets,
    /// Whether automatic responses only say what they would do, whatever their rules say.
    pub responses_dry_run: bool,
    /// What is asked for after each good round, so that its absence is noticed elsewhere.
    pub heartbeat_url: Option<Secret>,
    /// Who is told when alerts cannot be evaluated at all.
    pub fallback: Option<Fallback>,
    /// Addresses of channels, by the names their rows give.
    pub channel_urls: Secrets,
    /// Keys, tokens and passwords of channels, by the names their rows give.
    pub channel_secrets: Secrets,
    /// Where notifications may go, as `allowed_outbound_hosts` has it. A private network must be named here.
    pub webhook_hosts: Vec<String>,
    /// What a caller must show. See [`Config::token`].
    api_token: Option<Secret>,
    /// Whether `/metrics` answers without it.
    pub metrics_open: bool,
    /// Labels that every series of `/metrics` carries, unless it has one of that name itself.
    pub metrics_labels: BTreeMap<String, String>,
    /// Whether `/metrics` also has the names that Supabase's dashboard asks for.
    pub metrics_supabase: bool,
    /// Where people reach this application; links in notifications begin with it.
    pub external_url: String,
}

/// A channel that needs no database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// What kind of receiver it is: one that needs nothing but an address.
    pub kind: Kind,
    /// Its address.
    pub url: Secret,
}

/// A variable that cannot be used. The text names it and says what to do; it never repeats the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("variable {name} {problem}")]
pub struct ConfigError {
    /// The variable.
    pub name: &'static str,
    /// What is wrong with it.
    pub problem: String,
    /// What to do about it.
    pub hint: String,
}

impl Config {
    /// Reads and checks every variable. A component sees only those that its part of `spin.toml` hands on, and those
    /// it does not see are as if they were not set; so only what every function needs is required here.
    ///
    /// # Errors
    ///
    /// The first variable that is missing or cannot be used.
    pub async fn load(host: &impl Host) -> Result<Config, ConfigError> {
        let monitoring_url = required(host, "monitoring_url").await?;
        let monitoring_url = monitoring_url.parse::<SafeUrl>().map_err(|error| {
            refused(
                "monitoring_url",
                format!("cannot be used: {error}"),
                "set it to postgres://USER:PASSWORD@HOST:PORT/DATABASE",
            )
        })?;
        let monitoring_certificate = monitoring_certificate(host).await?;
        let config = Config {
            monitoring_url: match &monitoring_certificate {
                Some(certificate) => monitoring_url.with_certificates(certificate.clone()),
                None => monitoring_url,
            },
            monitoring_certificate,
            weak_authentication: weak_authentication(host).await?,
            target_certificates: secrets(host, "target_certificates").await?,
            target_passwords: secrets(host, "target_passwords").await?,
            maintenance_passwords: secrets(host, "maintenance_passwords").await?,
            responses_dry_run: truth(host, "responses_dry_run", false).await?,
            heartbeat_url: web_address(host, "heartbeat_url").await?,
            fallback: fallback(host).await?,
            channel_urls: secrets(host, "channel_urls").await?,
            channel_secrets: secrets(host, "channel_secrets").await?,
            webhook_hosts: webhook_hosts(host).await?,
            api_token: read(host, "api_token").await?.map(Secret::new),
            metrics_open: truth(host, "metrics_open", true).await?,
            metrics_labels: labels(host).await?,
            metrics_supabase: truth(host, "metrics_supabase", false).await?,
            external_url: external_url(host).await?,
        };
        Ok(config)
    }

    /// What a caller must show.
    ///
    /// # Errors
    ///
    /// No token is set: then nobody may call, rather than everybody.
    pub fn token(&self) -> Result<&Secret, ConfigError> {
        self.api_token.as_ref().ok_or_else(|| missing("api_token"))
    }

    /// The address of a target with its password.
    ///
    /// # Errors
    ///
    /// An address that cannot be used, or a secret of which `target_passwords` knows nothing.
    pub fn target_url(&self, address: &str, secret: &str) -> Result<SafeUrl, TargetError> {
        let url = self.secured(address, secret)?;
        let password = match self.target_passwords.get(secret) {
            Some(password) => Some(password.expose()),
            None if secret == DEFAULT_SECRET => self.monitoring_url.expose_password(),
            None => return Err(TargetError::Secret(secret.to_owned())),
        };
        Ok(match password {
            Some(password) => url.with_password(password),
            None => url,
        })
    }

    /// The address of a target for the maintenance login, with its password.
    ///
    /// # Errors
    ///
    /// An address that cannot be used, or a secret of which `maintenance_passwords` knows nothing: then nothing may be
    /// done to the target.
    pub fn maintenance_url(&self, address: &str, secret: &str) -> Result<SafeUrl, TargetError> {
        let url = self.secured(address, secret)?;
        let password = self.maintenance_passwords.get(secret);
        let password = password.ok_or_else(|| TargetError::MaintenanceSecret(secret.to_owned()))?;
        Ok(url
            .with_user(Login::Maintenance.role())
            .with_password(password.expose()))
    }

    /// The address of a target with the authority of its server, without a password.
    fn secured(&self, address: &str, secret: &str) -> Result<SafeUrl, TargetError> {
        let url: SafeUrl = address.parse().map_err(TargetError::Address)?;
        let url = url.with_weak_authentication(&self.weak_authentication);
        let certificates = match self.target_certificates.get(secret) {
            Some(text) => text.expose().parse().map(Some).map_err(|source| {
                let secret = secret.to_owned();
                TargetError::Certificate { secret, source }
            })?,
            None if secret == DEFAULT_SECRET => self.monitoring_certificate.clone(),
            None => None,
        };
        Ok(match certificates {
            Some(certificates) => url.with_certificates(certificates),
            None => url,
        })
    }

    /// The monitoring database for the maintenance login, with its password.
    ///
    /// # Errors
    ///
    /// `maintenance_passwords` has no password named `default`.
    pub fn monitoring_maintenance_url(&self) -> Result<SafeUrl, TargetError> {
        self.maintenance_url(self.monitoring_url.address(), DEFAULT_SECRET)
    }
}

/// Why the address of a target cannot be made up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The address in the row.
    #[error("the address of the target cannot be used")]
    Address(#[source] db::UrlError),
    /// The secret in the row.
    #[error("variable target_passwords has no password named {0}")]
    Secret(String),
    /// The certificate of that name.
    #[error("variable target_certificates has no usable certificate named {secret}")]
    Certificate {
        /// The name.
        secret: String,
        /// What is wrong with it.
        #[source]
        source: CertificateError,
    },
    /// The secret in the row, for the maintenance login.
    #[error("variable maintenance_passwords has no password named {0}, so that nothing may be done there")]
    MaintenanceSecret(String),
}

async fn required(host: &impl Host, name: &'static str) -> Result<String, ConfigError> {
    read(host, name).await?.ok_or_else(|| missing(name))
}

fn missing(name: &'static str) -> ConfigError {
    let hint = format!(
        "set it as SPIN_VARIABLE_{} in the environment or with --variable",
        name.to_uppercase()
    );
    refused(name, "is not set".to_owned(), &hint)
}

async fn secrets(host: &impl Host, name: &'static str) -> Result<Secrets, ConfigError> {
    let Some(text) = read(host, name).await? else {
        return Ok(Secrets::default());
    };
    Secrets::from_json(&text).ok_or_else(|| {
        refused(
            name,
            "is not a JSON object of texts".to_owned(),
            r#"set it to something like {"orders": "the secret"}"#,
        )
    })
}

async fn monitoring_certificate(host: &impl Host) -> Result<Option<Certificates>, ConfigError> {
    const NAME: &str = "monitoring_certificate";
    let Some(text) = read(host, NAME).await? else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|error: CertificateError| {
        let hint = "set it to the certificate of the server's authority, as it is in its PEM file";
        refused(NAME, format!("cannot be used: {error}"), hint)
    })
}

async fn weak_authentication(host: &impl Host) -> Result<WeakAuthentication, ConfigError> {
    const NAME: &str = "weak_authentication";
    let text = read(host, NAME).await?.unwrap_or_default();
    text.parse().map_err(|error: db::WeakAuthenticationError| {
        let hint = "name the servers, with commas between: old.internal:5432=md5";
        refused(NAME, format!("cannot be used: {error}"), hint)
    })
}

async fn webhook_hosts(host: &impl Host) -> Result<Vec<String>, ConfigError> {
    let hosts = [
        read(host, "webhook_hosts").await?,
        read(host, "internal_webhook_hosts").await?,
    ];
    Ok(hosts.into_iter().flatten().collect())
}

async fn labels(host: &impl Host) -> Result<BTreeMap<String, String>, ConfigError> {
    let Some(text) = read(host, "metrics_labels").await? else {
        return Ok(BTreeMap::new());
    };
    serde_json::from_str(&text).map_err(|_| {
        refused(
            "metrics_labels",
            "is not a JSON object of texts".to_owned(),
            r#"set it to something like {"environment": "production"}"#,
        )
    })
}

async fn truth(host: &impl Host, name: &'static str, otherwise: bool) -> Result<bool, ConfigError> {
    match read(host, name).await?.as_deref() {
        None => Ok(otherwise),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(refused(
            name,
            "is neither true nor false".to_owned(),
            "set it to true or to false",
        )),
    }
}

/// An address that may be a secret itself.
async fn web_address(host: &impl Host, name: &'static str) -> Result<Option<Secret>, ConfigError> {
    match read(host, name).await? {
        Some(text) if !is_web_address(&text) => Err(refused(
            name,
            NO_WEB_ADDRESS.to_owned(),
            "set it to the address that is to be asked for",
        )),
        text => Ok(text.map(Secret::new)),
    }
}

const NO_WEB_ADDRESS: &str = "is not an address of the form https://host/path, without a user and a password";

async fn fallback(host: &impl Host) -> Result<Option<Fallback>, ConfigError> {
    let Some(url) = web_address(host, "fallback_channel_url").await? else {
        return Ok(None);
    };
    let kind = read(host, "fallback_channel_kind").await?;
    let kind: Option<Kind> = kind.as_deref().unwrap_or("webhook").parse().ok();
    let is_plain = |kind: &Kind| {
        let needs = kind.needs();
        needs.address == Need::Required && needs.key != Need::Required
    };
    match kind.filter(is_plain) {
        Some(kind) => Ok(Some(Fallback { kind, url })),
        None => Err(refused(
            "fallback_channel_kind",
            "is no kind of channel that needs nothing but an address".to_owned(),
            "set it to webhook, slack, discord, teams or alertmanager",
        )),
    }
}

async fn external_url(host: &impl Host) -> Result<String, ConfigError> {
    let text = read(host, "external_url")
        .await?
        .unwrap_or_else(|| "http://127.0.0.1:3000".to_owned());
    if is_web_address(&text) {
        return Ok(text.trim_end_matches('/').to_owned());
    }
    Err(refused(
        "external_url",
        NO_WEB_ADDRESS.to_owned(),
        "set it to the address at which people reach this application",
    ))
}

/// A variable that is empty counts as not set.
async fn read(host: &impl Host, name: &'static str) -> Result<Option<String>, ConfigError> {
    let value = host.variable(name).await.map_err(|reason| {
        refused(
            name,
            format!("cannot be read: {reason}"),
            "check the provider of the variables",
        )
    })?;
    Ok(value
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty()))
}

fn refused(name: &'static str, problem: String, hint: &str) -> ConfigError {
    let hint = hint.replace(
        "SPIN_VARIABLE_NAME",
        &format!("SPIN_VARIABLE_{}", name.to_uppercase()),
    );
    ConfigError { name, problem, hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::NativeHost;

    fn complete() -> NativeHost {
        NativeHost::default()
            .variable(
                "monitoring_url",
                "postgres://collector:hunter2@127.0.0.1/postgres",
            )
            .variable("api_token", "hunter3")
    }

    #[tokio::test]
    async fn what_is_left_out_has_a_default() {
        let config = Config::load(&complete()).await.unwrap();
        assert!(config.metrics_open);
        assert_eq!(config.external_url, "http://127.0.0.1:3000");
        let shown = format!("{config:?}");
        assert!(!shown.contains("hunter"), "{shown}");
    }

    #[track_caller]
    fn check_refused(error: &ConfigError, expected: &str, hint: &str) {
        assert_eq!(error.to_string(), expected);
        assert!(error.hint.contains(hint), "{}", error.hint);
        assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
    }

    #[tokio::test]
    async fn a_variable_that_cannot_be_used_is_named_and_not_repeated() {
        let cases = [
            (
                complete().variable("monitoring_url", " "),
                "variable monitoring_url is not set",
                "SPIN_VARIABLE_MONITORING_URL",
            ),
            (
                complete().variable("monitoring_url", "host=x password=hunter2"),
                "variable monitoring_url cannot be used: the address is not a URL of the form \
                 postgres://user@host:port/database",
                "postgres://USER",
            ),
            (
                complete().variable("target_passwords", "hunter2"),
                "variable target_passwords is not a JSON object of texts",
                "orders",
            ),
            (
                complete().variable("target_certificates", "ca.pem"),
                "variable target_certificates is not a JSON object of texts",
                "orders",
            ),
            (
                complete().variable("monitoring_certificate", "ca.pem"),
                "variable monitoring_certificate cannot be used: there is no certificate in PEM form \
                 (-----BEGIN CERTIFICATE-----)",
                "PEM file",
            ),
            (
                complete().variable("weak_authentication", "md5"),
                "variable weak_authentication cannot be used: `md5` is not HOST=md5, HOST:PORT=md5, HOST=password or \
                 HOST:PORT=password",
                "old.internal",
            ),
            (
                complete().variable("metrics_labels", "[1]"),
                "variable metrics_labels is not a JSON object of texts",
                "environment",
            ),
            (
                complete().variable("metrics_open", "yes"),
                "variable metrics_open is neither true nor false",
                "true",
            ),
            (
                complete().variable("external_url", "example.com"),
                "variable external_url is not an address of the form https://host/path, without a user and a password",
                "people",
            ),
            (
                complete().variable("heartbeat_url", "hunter2"),
                "variable heartbeat_url is not an address of the form https://host/path, without a user and a password",
                "asked for",
            ),
            (
                complete()
                    .variable("fallback_channel_url", "https://example.com/hunter2")
                    .variable("fallback_channel_kind", "pagerduty"),
                "variable fallback_channel_kind is no kind of channel that needs nothing but an address",
                "slack",
            ),
        ];
        for (host, expected, hint) in cases {
            check_refused(&Config::load(&host).await.unwrap_err(), expected, hint);
        }
    }

    #[tokio::test]
    async fn without_a_token_nobody_may_call() {
        let config = Config::load(&complete().variable("api_token", "")).await.unwrap();
        check_refused(
            &config.token().unwrap_err(),
            "variable api_token is not set",
            "SPIN_VARIABLE_API_TOKEN",
        );
        let config = Config::load(&complete()).await.unwrap();
        assert!(config.token().unwrap().matches("hunter3"));
    }

    #[tokio::test]
    async fn every_kind_that_needs_nothing_but_an_address_can_be_the_fallback() {
        for kind in ["webhook", "slack", "discord", "teams", "alertmanager"] {
            let host = complete()
                .variable("fallback_channel_url", "https://example.com/hunter2")
                .variable("fallback_channel_kind", kind);
            let fallback = Config::load(&host).await.unwrap().fallback.unwrap();
            assert_eq!(fallback.kind.as_str(), kind);
            assert!(!format!("{fallback:?}").contains("hunter"), "{fallback:?}");
        }
        assert_eq!(Config::load(&complete()).await.unwrap().fallback, None);
    }

    #[tokio::test]
    async fn nothing_may_be_done_to_a_target_without_a_password_of_its_own_for_that() {
        let host = complete().variable("maintenance_passwords", r#"{"orders": "hunter5"}"#);
        let config = Config::load(&host).await.unwrap();
        let url = config
            .maintenance_url("postgres://collector@h/d", "orders")
            .unwrap();
        assert_eq!(url.user(), "pgvitals_maintenance");
        assert_eq!(url.expose_password(), Some("hunter5"));
        // The collector's own password is not the maintenance login's.
        assert_eq!(
            config.monitoring_maintenance_url(),
            Err(TargetError::MaintenanceSecret("default".to_owned()))
        );
    }

    #[tokio::test]
    async fn a_target_gets_the_authority_its_row_names() {
        let pem = |text: &str| format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
        let certificates = serde_json::json!({"orders": pem("AA=="), "broken": "none"}).to_string();
        let host = complete()
            .variable(
                "target_passwords",
                r#"{"orders": "a", "broken": "b", "plain": "c"}"#,
            )
            .variable("target_certificates", &certificates)
            .variable("maintenance_passwords", r#"{"orders": "d"}"#)
            .variable("monitoring_certificate", &pem("BB=="));
        let config = Config::load(&host).await.unwrap();
        assert_eq!(config.monitoring_url.certificates(), [pem("BB==")]);
        let certificates = |secret| {
            config
                .target_url("postgres://u@h/d", secret)
                .map(|url| url.certificates().concat())
        };
        assert_eq!(certificates("orders"), Ok(pem("AA==")));
        assert_eq!(certificates("plain"), Ok(String::new()));
        assert_eq!(certificates("default"), Ok(pem("BB==")));
        assert!(matches!(
            certificates("broken"),
            Err(TargetError::Certificate { .. })
        ));
        let url = config.maintenance_url("postgres://u@h/d", "orders").unwrap();
        assert_eq!(url.certificates(), [pem("AA==")]);
    }

    #[tokio::test]
    async fn a_target_gets_the_password_its_row_names() {
        let host = complete().variable("target_passwords", r#"{"orders": "hunter4"}"#);
        let config = Config::load(&host).await.unwrap();
        let password = |secret| {
            config
                .target_url("postgres://u@h/d", secret)
                .map(|url| url.expose_password().map(str::to_owned))
        };
        assert_eq!(password("orders"), Ok(Some("hunter4".to_owned())));
        assert_eq!(password("default"), Ok(Some("hunter2".to_owned())));
        assert_eq!(password("other"), Err(TargetError::Secret("other".to_owned())));
    }
}
