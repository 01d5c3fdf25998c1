//! Where the addresses and secrets come from: the environment, then `.env`, then what `up` wrote.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use db::{Certificates, Passwords, SafeUrl, UrlError};
use store::logins::Login;

use crate::failure::Failure;
use crate::project::Project;
use crate::secrets::{self, Secrets};
use crate::targets::DEFAULT_SECRET;

/// The file that holds what `up` made up.
pub(crate) const SECRETS_FILE: &str = "secrets.env";
/// Settings of the runner, which it finds in its environment.
const RUNNER_SETTINGS: [&str; 4] = [
    "PGVITALS_CONNECTIONS_PER_SERVER",
    "PGVITALS_CONNECTIONS",
    "PGVITALS_CONNECTIONS_PER_CLIENT",
    "PGVITALS_PROXIES",
];
/// An administrator of the database to use instead of the default one.
pub(crate) const DATABASE_URL: &str = "DATABASE_URL";

/// Everything that was set anywhere. Not `Debug`: it holds secrets.
pub(crate) struct Settings {
    environment: BTreeMap<String, String>,
    dotenv: BTreeMap<String, String>,
    pub(crate) secrets: Secrets,
}

impl Settings {
    pub(crate) fn load(project: &Project) -> Result<Self> {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Ok(Self {
            environment: set(environment),
            dotenv: set(secrets::read_dotenv(&project.dotenv())?),
            secrets: Secrets::load(&project.place(SECRETS_FILE))?,
        })
    }

    /// A value that a person set.
    pub(crate) fn given(&self, name: &str) -> Option<String> {
        let value = self.environment.get(name).or_else(|| self.dotenv.get(name));
        value.cloned()
    }

    /// A value from anywhere.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.given(name)
            .or_else(|| self.secrets.get(name).map(str::to_owned))
    }

    /// The values of `SPIN_VARIABLE_*`, and the settings of the runner, that it does not find by itself: it reads the
    /// environment, but its `.env` need not be ours.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        let ours = self
            .secrets
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let given = self.dotenv.clone().into_iter();
        let mut variables: BTreeMap<_, _> = ours.chain(given).collect();
        let is_for_runner =
            |name: &str| name.starts_with("SPIN_VARIABLE_") || RUNNER_SETTINGS.contains(&name);
        variables.retain(|name, _| is_for_runner(name) && !self.environment.contains_key(name));
        variables
    }

    /// The administrator that somebody named.
    pub(crate) fn database_url(&self) -> Result<Option<SafeUrl>> {
        self.given(DATABASE_URL)
            .map(|url| self.secured(parse_url(DATABASE_URL, &url)?, DEFAULT_SECRET))
            .transpose()
    }

    /// The monitoring database with the login of the command, `pgvitals_operator`.
    pub(crate) fn monitoring_url(&self) -> Result<SafeUrl> {
        const NAME: &str = secrets::MONITORING_URL;
        let address = self.get(NAME).ok_or_else(|| {
            Failure::new(
                "the monitoring database is not known",
                format!("run `pgvitals up` first, or set {NAME} to postgres://HOST:PORT/DATABASE"),
            )
        })?;
        let url = monitoring_address(&address)?;
        let password = self.get(secrets::OPERATOR_PASSWORD).ok_or_else(|| {
            Failure::new(
                format!(
                    "the password of {} at {} is not known",
                    Login::Operator.role(),
                    url.server()
                ),
                format!(
                    "set {}, or let `pgvitals init` make one: with DATABASE_URL set to an administrator",
                    secrets::OPERATOR_PASSWORD
                ),
            )
        })?;
        self.monitoring_secured(url.with_password(&password))
    }

    /// Refuses an address of the monitoring database that a person set as earlier versions had it, with a login.
    pub(crate) fn check_monitoring_url(&self) -> Result<()> {
        match self.given(secrets::MONITORING_URL) {
            Some(address) => monitoring_address(&address).map(drop),
            None => Ok(()),
        }
    }

    /// Refuses a set-up by hand in which the password of a function's login is missing.
    pub(crate) fn check_function_passwords(&self) -> Result<()> {
        for login in Login::OF_FUNCTIONS {
            let name = secrets::password_variable(login);
            if self.get(name).is_none() {
                return Err(Failure::new(
                    format!("{name} is not set"),
                    format!(
                        "set it to the password of {}, or let `pgvitals init` make one: with DATABASE_URL set to an \
                         administrator",
                        login.role()
                    ),
                )
                .into());
            }
        }
        Ok(())
    }

    /// An address with what is known of its server: the authority under the name of its secret, and whether it may be
    /// given weak proofs of a password. A function finds both in the same way.
    pub(crate) fn secured(&self, url: SafeUrl, secret: &str) -> Result<SafeUrl> {
        match self.target_certificates()?.get(secret) {
            Some(text) => {
                let name = format!("{} under the name {secret:?}", secrets::TARGET_CERTIFICATES);
                Ok(self
                    .with_weak_authentication(url)?
                    .with_certificates(certificates(&name, text)?))
            }
            None if secret == DEFAULT_SECRET => self.monitoring_secured(url),
            None => self.with_weak_authentication(url),
        }
    }

    fn monitoring_secured(&self, url: SafeUrl) -> Result<SafeUrl> {
        let url = self.with_weak_authentication(url)?;
        Ok(match self.get(secrets::MONITORING_CERTIFICATE) {
            Some(text) => url.with_certificates(certificates(secrets::MONITORING_CERTIFICATE, &text)?),
            None => url,
        })
    }

    fn with_weak_authentication(&self, url: SafeUrl) -> Result<SafeUrl> {
        let Some(text) = self.get(secrets::WEAK_AUTHENTICATION) else {
            return Ok(url);
        };
        let weak = text
            .parse()
            .with_context(|| format!("{} cannot be used", secrets::WEAK_AUTHENTICATION))?;
        Ok(url.with_weak_authentication(&weak))
    }

    /// The certificates of the authorities of targets, by the name of their secret.
    pub(crate) fn target_certificates(&self) -> Result<BTreeMap<String, String>> {
        self.named_secrets(secrets::TARGET_CERTIFICATES)
    }

    /// The token that every POST carries.
    pub(crate) fn api_token(&self) -> Result<String> {
        self.get(secrets::API_TOKEN).ok_or_else(|| {
            Failure::new(
                "the token of the application is not known",
                format!("run `pgvitals up` first, or set {}", secrets::API_TOKEN),
            )
            .into()
        })
    }

    /// The passwords of targets, by the name of their secret.
    pub(crate) fn target_passwords(&self) -> Result<Passwords> {
        self.passwords(secrets::TARGET_PASSWORDS)
    }

    /// The passwords in a variable, by the name of the secret of a target.
    pub(crate) fn passwords(&self, variable: &str) -> Result<Passwords> {
        let text = self.get(variable).unwrap_or_else(|| "{}".to_owned());
        Passwords::from_json(&text).map_err(|error| {
            Failure::new(
                format!("{variable} {error}"),
                r#"write it as {"NAME": {"password": "VALUE", "hosts": ["HOST:PORT"]}}"#,
            )
            .into()
        })
    }

    /// Keeps the password of a server under a name, in our own file: bound to this server, and to those that the same
    /// password was bound to before.
    pub(crate) fn keep_password(
        &mut self,
        variable: &str,
        name: &str,
        password: &str,
        server: &SafeUrl,
    ) -> Result<()> {
        self.check_may_keep(variable, name)?;
        let mut known = self.passwords(variable)?;
        known.add(name, password, server);
        self.secrets.set(variable, &known.expose_json())
    }

    /// The addresses of channels, by the name of their secret.
    pub(crate) fn channel_urls(&self) -> Result<BTreeMap<String, String>> {
        self.named_secrets(secrets::CHANNEL_URLS)
    }

    /// The keys of channels, by the name of their secret.
    pub(crate) fn channel_secrets(&self) -> Result<BTreeMap<String, String>> {
        self.named_secrets(secrets::CHANNEL_SECRETS)
    }

    fn named_secrets(&self, variable: &str) -> Result<BTreeMap<String, String>> {
        let text = self.get(variable).unwrap_or_else(|| "{}".to_owned());
        // The cause repeats what it did not understand, and that is a secret: it is left out.
        serde_json::from_str(&text).ok().ok_or_else(|| {
            Failure::new(
                format!("{variable} is not an object of texts in JSON"),
                r#"write it as {"NAME": "VALUE", "OTHER": "VALUE"}"#,
            )
            .into()
        })
    }

    /// Keeps one more secret of a variable of named secrets, in our own file.
    pub(crate) fn keep_named_secret(&mut self, variable: &str, name: &str, value: &str) -> Result<()> {
        self.check_may_keep(variable, name)?;
        let mut known = self.named_secrets(variable)?;
        known.insert(name.to_owned(), value.to_owned());
        self.secrets.set(variable, &serde_json::to_string(&known)?)
    }

    /// A secret is only taken where `up` keeps them. What somebody set elsewhere is not ours to change, and where
    /// nothing was set up they belong to whoever deploys the application.
    pub(crate) fn check_may_keep(&self, variable: &str, name: &str) -> Result<()> {
        let problem = if self.given(variable).is_some() {
            format!("{variable} is set in the environment or in .env, which pgvitals does not change")
        } else if !self.is_set_up_here() {
            "this machine does not keep the secrets of the application".to_owned()
        } else {
            return Ok(());
        };
        Err(Failure::new(
            problem,
            format!(
                "add {name:?} to the JSON object in {variable} where the application runs, leave the secret out here, \
                 and give --secret {name}"
            ),
        )
        .into())
    }

    /// Whether this machine keeps the secrets of the monitoring database at this address.
    pub(crate) fn keeps_secrets_of(&self, administrator: &SafeUrl) -> bool {
        let Some(address) = self.secrets.get(secrets::MONITORING_URL) else {
            return false;
        };
        // Earlier versions kept it with a login.
        let url = SafeUrl::for_login(address, Login::Operator.role());
        let url = url.or_else(|_| address.parse());
        url.is_ok_and(|url| {
            url.server() == administrator.server() && url.database() == administrator.database()
        })
    }

    /// Whether anything was set up on this machine by `up`.
    pub(crate) fn is_set_up_here(&self) -> bool {
        self.secrets.get(secrets::MONITORING_URL).is_some()
    }
}

/// What is set at all: an empty value is how one takes a value back, and must not go before one of ours.
fn set(values: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    values
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

fn certificates(name: &str, text: &str) -> Result<Certificates> {
    text.parse()
        .with_context(|| format!("{name} is not the certificate of an authority"))
}

/// The monitoring database for the login of the command.
fn monitoring_address(address: &str) -> Result<SafeUrl> {
    const NAME: &str = secrets::MONITORING_URL;
    SafeUrl::for_login(address, Login::Operator.role()).map_err(|error| {
        let hint = match error {
            UrlError::Login => format!(
                "each function has a login of its own now: set {NAME} to postgres://HOST:PORT/DATABASE and the passwords of \
                 the logins apart, or leave it out, set DATABASE_URL to an administrator and run `pgvitals init`, which \
                 makes them"
            ),
            _ => "write it as postgres://HOST:PORT/DATABASE".to_owned(),
        };
        Failure::new(format!("{NAME} cannot be used"), hint)
            .because(error)
            .into()
    })
}

fn parse_url(name: &str, url: &str) -> Result<SafeUrl> {
    url.parse()
        .with_context(|| format!("{name} is not the address of a database"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: &str = "SPIN_VARIABLE_EXTERNAL_URL";

    fn settings(environment: &[(&str, &str)], dotenv: &[(&str, &str)]) -> Settings {
        let folder = tempfile::tempdir().unwrap();
        let mut secrets = Secrets::load(&folder.path().join(SECRETS_FILE)).unwrap();
        secrets.set(secrets::API_TOKEN, "made up").unwrap();
        let owned = |values: &[(&str, &str)]| {
            let values = values.iter();
            set(values.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
        };
        Settings {
            environment: owned(environment),
            dotenv: owned(dotenv),
            secrets,
        }
    }

    #[test]
    fn an_empty_value_counts_as_not_set() {
        let empty = [(secrets::API_TOKEN, ""), (OTHER, "")];
        for settings in [
            settings(&empty, &[]),
            settings(&[], &empty),
            settings(&empty, &empty),
        ] {
            assert_eq!(settings.given(secrets::API_TOKEN), None);
            assert_eq!(settings.api_token().unwrap(), "made up");
            assert_eq!(settings.variables()[secrets::API_TOKEN], "made up");
            assert!(!settings.variables().contains_key(OTHER));
        }
        let settings = settings(&empty, &[(OTHER, "http://there")]);
        assert_eq!(settings.given(OTHER).as_deref(), Some("http://there"));
        assert_eq!(settings.variables()[OTHER], "http://there");
    }

    #[test]
    fn the_environment_goes_before_the_file_and_the_file_before_what_was_made_up() {
        let settings = settings(
            &[(OTHER, "environment")],
            &[(OTHER, "file"), (secrets::API_TOKEN, "file")],
        );
        assert_eq!(settings.given(OTHER).as_deref(), Some("environment"));
        assert!(
            !settings.variables().contains_key(OTHER),
            "the runner reads it itself"
        );
        assert_eq!(settings.api_token().unwrap(), "file");
        assert_eq!(settings.variables()[secrets::API_TOKEN], "file");
    }
}
