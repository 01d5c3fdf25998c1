//! The variables of `spin.toml`, read once and checked.

use std::collections::BTreeMap;

use db::{CertificateError, Certificates, Passwords, SafeUrl, WeakAuthentication};
use store::logins::Login;
use vitals::address::is_web_address;
use vitals::channel::{Kind, Need};

use crate::host::Host;
use crate::secret::{Secret, Secrets};

/// The name of the secret of targets on the server of the monitoring database itself.
const DEFAULT_SECRET: &str = "default";

/// What the operator configured.
#[derive(Debug, Clone)]
pub struct Config {
    /// The monitoring database, with the login of this component.
    pub monitoring_url: SafeUrl,
    /// Passwords of targets, by the names their rows give.
    pub target_passwords: Passwords,
    /// Certificates of the authorities of targets, by the names that their rows give to their secrets.
    pub target_certificates: Secrets,
    /// Certificates of the authority of the monitoring database.
    pub monitoring_certificate: Option<Certificates>,
    /// Servers that may be given weak proofs of a password.
    pub weak_authentication: WeakAuthentication,
    /// Passwords of the maintenance login, by the names that the rows of targets give.
    pub maintenance_passwords: Passwords,
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
        let monitoring_url = monitoring_url(host).await?;
        let monitoring_certificate = monitoring_certificate(host).await?;
        let config = Config {
            monitoring_url: match &monitoring_certificate {
                Some(certificate) => monitoring_url.with_certificates(certificate.clone()),
                None => monitoring_url,
            },
            monitoring_certificate,
            weak_authentication: weak_authentication(host).await?,
            target_certificates: secrets(host, "target_certificates").await?,
            target_passwords: passwords(host, "target_passwords").await?,
            maintenance_passwords: passwords(host, "maintenance_passwords").await?,
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
    /// An address that cannot be used, a secret of which `target_passwords` knows nothing, or one that is bound to other
    /// hosts.
    pub fn target_url(&self, target: TargetRow<'_>) -> Result<SafeUrl, TargetError> {
        let url = self.secured(target)?;
        let Some(password) = self.target_passwords.get(target.secret) else {
            return Err(TargetError::Secret(target.secret.to_owned()));
        };
        match password.expose_to(&url) {
            Some(password) => Ok(url.clone().with_password(password)),
            None => Err(target.bound_elsewhere("target_passwords", &url)),
        }
    }

    /// The address of a target for the maintenance login, with its password.
    ///
    /// # Errors
    ///
    /// An address that cannot be used, or a secret of which `maintenance_passwords` knows nothing or that is bound to other
    /// hosts: then nothing may be done to the target.
    pub fn maintenance_url(&self, target: TargetRow<'_>) -> Result<SafeUrl, TargetError> {
        let url = self.secured(target)?;
        let password = self.maintenance_passwords.get(target.secret);
        let password = password.ok_or_else(|| TargetError::MaintenanceSecret(target.secret.to_owned()))?;
        match password.expose_to(&url) {
            Some(password) => Ok(url
                .clone()
                .with_user(Login::Maintenance.role())
                .with_password(password)),
            None => Err(target.bound_elsewhere("maintenance_passwords", &url)),
        }
    }

    /// The address of a target with the authority of its server, without a password.
    fn secured(&self, TargetRow { address, secret, .. }: TargetRow<'_>) -> Result<SafeUrl, TargetError> {
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
        self.maintenance_url(TargetRow {
            name: "(monitoring)",
            address: self.monitoring_url.address(),
            secret: DEFAULT_SECRET,
        })
    }
}

/// A target as its row names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetRow<'a> {
    /// The name of the target.
    pub name: &'a str,
    /// Its address, without a password.
    pub address: &'a str,
    /// The name of its secret.
    pub secret: &'a str,
}

impl TargetRow<'_> {
    fn bound_elsewhere(self, variable: &'static str, url: &SafeUrl) -> TargetError {
        TargetError::BoundElsewhere {
            target: self.name.to_owned(),
            server: url.server(),
            secret: self.secret.to_owned(),
            variable,
        }
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
    /// The secret in the row is for other hosts than its address names. Nothing was sent there.
    #[error(
        "target {target} is at {server}, and its secret {secret} is bound to other hosts; if it is for this one too, add it \
         to the hosts of {secret} in variable {variable}"
    )]
    BoundElsewhere {
        /// The target.
        target: String,
        /// Its host and port.
        server: String,
        /// The name of the secret.
        secret: String,
        /// The variable that has the secret.
        variable: &'static str,
    },
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

/// The monitoring database for the login of this component. The address, which all components share, has none.
async fn monitoring_url(host: &impl Host) -> Result<SafeUrl, ConfigError> {
    const NAME: &str = "monitoring_url";
    const ADDRESS: &str = "set it to postgres://HOST:PORT/DATABASE";
    let address = required(host, NAME).await?;
    let login = read(host, "monitoring_login").await?.ok_or_else(|| {
        refused(
            "monitoring_login",
            "is not set".to_owned(),
            "take the spin.toml of this version, which gives each component its login",
        )
    })?;
    let url = SafeUrl::for_login(&address, &login).map_err(|error| {
        let hint = match error {
            db::UrlError::Login => {
                "each function has a login of its own now: run `pgvitals up` or `pgvitals init` once more, which make them, \
                 or set monitoring_url to postgres://HOST:PORT/DATABASE and the passwords writer_password, \
                 alerter_password, manager_password and viewer_password"
            }
            _ => ADDRESS,
        };
        refused(NAME, format!("cannot be used: {error}"), hint)
    })?;
    let password = read(host, "monitoring_password").await?.ok_or_else(|| {
        let variable = login.strip_prefix("pgvitals_").unwrap_or(&login);
        let hint = format!(
            "set SPIN_VARIABLE_{}_PASSWORD to the password of {login}",
            variable.to_uppercase()
        );
        refused("monitoring_password", "is not set".to_owned(), &hint)
    })?;
    Ok(url.with_password(&password))
}

async fn passwords(host: &impl Host, name: &'static str) -> Result<Passwords, ConfigError> {
    let text = read(host, name).await?.unwrap_or_else(|| "{}".to_owned());
    Passwords::from_json(&text).map_err(|error| {
        let hint = r#"set it to something like {"orders": {"password": "the secret", "hosts": ["db.internal:5432"]}}"#;
        refused(name, error.to_string(), hint)
    })
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
mod tests;
