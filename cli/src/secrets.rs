//! The secrets of this machine: `.pgvitals/secrets.env`, readable by its owner only.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use store::logins::Login;

use crate::failure::Failure;

/// The superuser's password in the default database.
pub(crate) const SUPERUSER_PASSWORD: &str = "PGVITALS_SUPERUSER_PASSWORD";
/// The password of the command's own login in the monitoring database. It is no variable of the application.
pub(crate) const OPERATOR_PASSWORD: &str = "PGVITALS_OPERATOR_PASSWORD";
/// The monitoring database, without a login.
pub(crate) const MONITORING_URL: &str = "SPIN_VARIABLE_MONITORING_URL";
/// The token that every POST carries.
pub(crate) const API_TOKEN: &str = "SPIN_VARIABLE_API_TOKEN";
/// Passwords of the maintenance login by the name of the secret of a target, as JSON.
pub(crate) const MAINTENANCE_PASSWORDS: &str = "SPIN_VARIABLE_MAINTENANCE_PASSWORDS";
/// Passwords of targets by the name of their secret, as JSON.
pub(crate) const TARGET_PASSWORDS: &str = "SPIN_VARIABLE_TARGET_PASSWORDS";
/// Certificates of the authorities of targets by the name of their secret, as JSON.
pub(crate) const TARGET_CERTIFICATES: &str = "SPIN_VARIABLE_TARGET_CERTIFICATES";
/// The certificate of the authority of the monitoring database.
pub(crate) const MONITORING_CERTIFICATE: &str = "SPIN_VARIABLE_MONITORING_CERTIFICATE";
/// Servers that may be given weak proofs of a password.
pub(crate) const WEAK_AUTHENTICATION: &str = "SPIN_VARIABLE_WEAK_AUTHENTICATION";
/// Addresses of channels by the name of their secret, as JSON.
pub(crate) const CHANNEL_URLS: &str = "SPIN_VARIABLE_CHANNEL_URLS";
/// Keys, tokens and passwords of channels by the name of their secret, as JSON.
pub(crate) const CHANNEL_SECRETS: &str = "SPIN_VARIABLE_CHANNEL_SECRETS";

/// The name under which the password of a login is set.
pub(crate) fn password_variable(login: Login) -> &'static str {
    match login {
        Login::Writer => "SPIN_VARIABLE_WRITER_PASSWORD",
        Login::Alerter => "SPIN_VARIABLE_ALERTER_PASSWORD",
        Login::Manager => "SPIN_VARIABLE_MANAGER_PASSWORD",
        Login::Viewer => "SPIN_VARIABLE_VIEWER_PASSWORD",
        Login::Operator => OPERATOR_PASSWORD,
        // The application has these by the names of secrets, bound to hosts.
        Login::Collector => "PGVITALS_COLLECTOR_PASSWORD",
        Login::Maintenance => "PGVITALS_MAINTENANCE_PASSWORD",
    }
}

const HEADER: &str =
    "# Secrets of this machine, written by pgvitals. Values in the environment or in .env go first.\n";

/// What the file holds. Not `Debug`: nothing of it is for a log.
#[derive(Clone)]
pub(crate) struct Secrets {
    path: PathBuf,
    values: BTreeMap<String, String>,
}

impl Secrets {
    /// Reads the file; it is empty when there is none.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            values: read_dotenv(path)?,
        })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Sets a value and writes the file.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<()> {
        self.values.insert(name.to_owned(), value.to_owned());
        self.write()
    }

    /// The value, made up and written when there is none.
    pub(crate) fn get_or_make(&mut self, name: &str) -> Result<String> {
        if let Some(value) = self.get(name) {
            return Ok(value.to_owned());
        }
        let value = random()?;
        self.set(name, &value)?;
        Ok(value)
    }

    /// Everything the file holds.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Writes the whole file beside its place, readable by its owner only from its first moment, and moves it there.
    fn write(&self) -> Result<()> {
        let mut text = String::from(HEADER);
        for (name, value) in &self.values {
            text.push_str(&format!("{name}={}\n", quoted(value)));
        }
        let new = self.path.with_extension("new");
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&new, &self.path));
        written.with_context(|| format!("cannot write `{}`", self.path.display()))
    }
}

/// A key or a password from a file, or, for `-`, from the standard input: what stands on the command line everybody on the
/// machine can read.
pub(crate) fn read_secret(file: &Path) -> Result<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin()
            .read_to_string(&mut text)
            .context("cannot read the key from the standard input")?;
    } else {
        text = fs::read_to_string(file)
            .with_context(|| format!("cannot read the key from `{}`", file.display()))?;
    }
    Ok(text.trim().to_owned())
}

/// What a dotenv file says; nothing when there is none.
pub(crate) fn read_dotenv(path: &Path) -> Result<BTreeMap<String, String>> {
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let entries =
        dotenvy::from_path_iter(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    entries.collect::<Result<_, _>>().map_err(|error| {
        // The error repeats the line, and the line may hold a password.
        let problem = match error {
            dotenvy::Error::LineParse(_, position) => format!("character {position} of a line"),
            _ => "a line".to_owned(),
        };
        Failure::new(
            format!("cannot read `{}`: {problem} is not NAME=VALUE", path.display()),
            "put values with spaces or `#` into single quotes",
        )
        .into()
    })
}

/// In single quotes nothing has a meaning of its own, but a single quote cannot be within: it is put into double ones.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r#"'"'"'"#))
}

/// 128 random bits, in letters that need no quoting anywhere.
pub(crate) fn random() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn values_come_back_as_they_were_whatever_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.env");
        for value in [
            "plain",
            "",
            r#"{"a": "b#c $HOME \n"}"#,
            "it's",
            "spaces and \"quotes\"",
            "$(rm)",
        ] {
            let mut secrets = Secrets::load(&path).unwrap();
            secrets.set("NAME", value).unwrap();
            assert_eq!(Secrets::load(&path).unwrap().get("NAME"), Some(value));
        }
    }

    #[test]
    fn the_file_is_for_its_owner_only_and_a_made_up_value_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.env");
        let made_up = Secrets::load(&path).unwrap().get_or_make("TOKEN").unwrap();
        assert_eq!(made_up.len(), 32);
        assert_eq!(
            Secrets::load(&path).unwrap().get_or_make("TOKEN").unwrap(),
            made_up
        );
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_line_that_is_not_understood_is_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        fs::write(&path, "PASSWORD='very secret\n").unwrap();
        let error = read_dotenv(&path).unwrap_err();
        assert!(!format!("{error:#}").contains("very secret"), "{error:#}");
    }
}
