//! Passwords of servers by name, each for the hosts it is bound to.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};

use crate::safe_url::SafeUrl;

/// A password of a server. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    text: String,
    /// None: any host may have it.
    hosts: Option<Vec<HostPattern>>,
}

/// Passwords by the names that the rows of targets have for them.
///
/// A value is a text, which any host may have that a row names, or an object that binds it to hosts:
///
/// ```
/// use db::{Passwords, SafeUrl};
///
/// let text = r#"{"shop": {"password": "s3cret", "hosts": ["db.internal:5432", "*.example.com"]}}"#;
/// let passwords = Passwords::from_json(text)?;
/// let shop = passwords.get("shop").unwrap();
/// let url = |text: &str| text.parse::<SafeUrl>().unwrap();
/// assert_eq!(shop.expose_to(&url("postgres://u@db.internal/shop")), Some("s3cret"));
/// assert_eq!(shop.expose_to(&url("postgres://u@eu.example.com:6432/shop")), Some("s3cret"));
/// assert_eq!(shop.expose_to(&url("postgres://u@db.elsewhere/shop")), None);
/// assert!(!format!("{passwords:?}").contains("s3cret"));
/// # Ok::<(), db::PasswordsError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passwords(BTreeMap<String, Password>);

/// A text that does not hold passwords by name. It is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordsError {
    /// It is not an object of texts and of objects.
    #[error("is not a JSON object of texts or of {{\"password\": \"…\", \"hosts\": [\"…\"]}}")]
    Syntax,
    /// One of them names no hosts, or something that is none.
    #[error(
        "has hosts under the name {0:?} that cannot be used: write HOST, HOST:PORT, *.DOMAIN or *.DOMAIN:PORT"
    )]
    Hosts(String),
}

/// A host with or without a port, or all hosts of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
struct HostPattern {
    /// In lower case, without brackets.
    host: String,
    /// Whether the host is a domain whose hosts are meant, and not itself.
    is_domain: bool,
    port: Option<u16>,
}

impl Password {
    /// The password, where this server may have it: to be handed to a driver and to nobody else.
    pub fn expose_to(&self, server: &SafeUrl) -> Option<&str> {
        let permitted = |hosts: &Vec<HostPattern>| hosts.iter().any(|host| host.fits(server));
        self.hosts
            .as_ref()
            .is_none_or(permitted)
            .then_some(self.text.as_str())
    }

    /// Whether it is bound to hosts.
    pub fn is_bound(&self) -> bool {
        self.hosts.is_some()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Password")
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

impl Passwords {
    /// Reads a JSON object.
    ///
    /// # Errors
    ///
    /// [`PasswordsError`], which repeats no value.
    pub fn from_json(text: &str) -> Result<Passwords, PasswordsError> {
        let values: BTreeMap<String, Value> =
            serde_json::from_str(text).map_err(|_| PasswordsError::Syntax)?;
        let passwords = values.into_iter().map(|(name, value)| {
            let password = password(&name, value)?;
            Ok((name, password))
        });
        passwords.collect::<Result<_, _>>().map(Passwords)
    }

    /// The whole object as JSON, passwords included: to be kept where secrets are.
    pub fn expose_json(&self) -> String {
        let values = self.0.iter().map(|(name, password)| {
            let value = match &password.hosts {
                None => json!(password.text),
                Some(hosts) => {
                    let hosts: Vec<_> = hosts.iter().map(HostPattern::to_string).collect();
                    json!({"password": password.text, "hosts": hosts})
                }
            };
            (name.clone(), value)
        });
        Value::Object(values.collect::<Map<_, _>>()).to_string()
    }

    /// The password of a name.
    pub fn get(&self, name: &str) -> Option<&Password> {
        self.0.get(name)
    }

    /// The names of passwords that any host may have.
    pub fn unbound(&self) -> impl Iterator<Item = &str> {
        let unbound = self.0.iter().filter(|(_, password)| !password.is_bound());
        unbound.map(|(name, _)| name.as_str())
    }

    /// Adds a password for a server, or one more server to a password that is there. Another password under the same
    /// name replaces it, with its hosts. One that any host may have stays so.
    pub fn add(&mut self, name: &str, text: &str, server: &SafeUrl) {
        let host = HostPattern::of(server);
        if let Some(known) = self.0.get_mut(name)
            && known.text == text
        {
            if known.expose_to(server).is_none()
                && let Some(hosts) = &mut known.hosts
            {
                hosts.push(host);
            }
            return;
        }
        let password = Password {
            text: text.to_owned(),
            hosts: Some(vec![host]),
        };
        self.0.insert(name.to_owned(), password);
    }

    /// Binds a password to one server, whatever was there under the name.
    pub fn set(&mut self, name: &str, text: &str, server: &SafeUrl) {
        self.0.remove(name);
        self.add(name, text, server);
    }
}

fn password(name: &str, value: Value) -> Result<Password, PasswordsError> {
    let mut fields = match value {
        Value::String(text) => return Ok(Password { text, hosts: None }),
        Value::Object(fields) => fields,
        _ => return Err(PasswordsError::Syntax),
    };
    let (Some(Value::String(text)), Some(Value::Array(hosts)), true) = (
        fields.remove("password"),
        fields.remove("hosts"),
        fields.is_empty(),
    ) else {
        return Err(PasswordsError::Syntax);
    };
    let hosts: Option<Vec<_>> = hosts
        .iter()
        .map(|host| host.as_str().and_then(HostPattern::parse))
        .collect();
    match hosts {
        Some(hosts) if !hosts.is_empty() => Ok(Password {
            text,
            hosts: Some(hosts),
        }),
        _ => Err(PasswordsError::Hosts(name.to_owned())),
    }
}

impl HostPattern {
    fn of(server: &SafeUrl) -> HostPattern {
        HostPattern {
            host: bare(server.host()),
            is_domain: false,
            port: Some(server.port()),
        }
    }

    fn parse(text: &str) -> Option<HostPattern> {
        let text = text.trim();
        // The colons of a number of version 6 are within brackets, or there are several of them.
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if host.ends_with(']') || !host.contains(':') => {
                (host, Some(port.parse().ok()?))
            }
            _ => (text, None),
        };
        let (host, is_domain) = match host.strip_prefix("*.") {
            Some(domain) => (domain, true),
            None => (host, false),
        };
        let host = bare(host);
        let is_broken = host.contains(':') && (is_domain || host.parse::<std::net::Ipv6Addr>().is_err());
        if host.is_empty() || host.contains(['*', '/', '@', ' ', '[', ']']) || is_broken {
            return None;
        }
        Some(HostPattern {
            host,
            is_domain,
            port,
        })
    }

    fn fits(&self, server: &SafeUrl) -> bool {
        let host = bare(server.host());
        let is_host = if self.is_domain {
            host.strip_suffix(&self.host)
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        } else {
            host == self.host
        };
        is_host && self.port.is_none_or(|port| port == server.port())
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_domain {
            formatter.write_str("*.")?;
        }
        if self.host.contains(':') {
            write!(formatter, "[{}]", self.host)?;
        } else {
            formatter.write_str(&self.host)?;
        }
        match self.port {
            Some(port) => write!(formatter, ":{port}"),
            None => Ok(()),
        }
    }
}

/// A host in lower case, without the brackets of a number of version 6 and the dot at the end of a whole name.
fn bare(host: &str) -> String {
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    host.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(server: &str) -> SafeUrl {
        format!("postgres://u@{server}/d").parse().unwrap()
    }

    #[test]
    fn a_bound_password_is_for_its_hosts_only() {
        let table = [
            ("db.internal", "db.internal", true),
            ("db.internal", "DB.internal.:6000", true),
            ("db.internal", "db.internal.evil.com", false),
            ("db.internal:5432", "db.internal", true),
            ("db.internal:5432", "db.internal:5433", false),
            ("*.example.com", "a.example.com", true),
            ("*.Example.com", "a.b.example.com:1", true),
            ("*.example.com:5432", "a.example.com:1", false),
            ("*.example.com", "example.com", false),
            ("*.example.com", "evilexample.com", false),
            ("*.example.com", "example.com.evil.com", false),
            ("127.0.0.1", "127.0.0.1:7", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("[::1]:5432", "[::1]", true),
            ("::1", "[::1]:7", true),
            ("[::1]:5432", "[::2]", false),
        ];
        for (host, server, permitted) in table {
            let text = json!({"x": {"password": "hunter2", "hosts": ["other", host]}}).to_string();
            let passwords = Passwords::from_json(&text).unwrap();
            let found = passwords.get("x").unwrap().expose_to(&url(server));
            assert_eq!(found.is_some(), permitted, "{host} for {server}");
        }
    }

    #[test]
    fn a_text_is_for_any_host_and_known_to_be() {
        let passwords =
            Passwords::from_json(r#"{"a": "hunter2", "b": {"password": "x", "hosts": ["h"]}}"#).unwrap();
        assert_eq!(
            passwords.get("a").unwrap().expose_to(&url("anywhere")),
            Some("hunter2")
        );
        assert_eq!(passwords.unbound().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn what_cannot_be_used_is_refused_and_not_repeated() {
        let hosts = |hosts: &str| format!(r#"{{"x": {{"password": "hunter2", "hosts": {hosts}}}}}"#);
        let syntax = [
            "hunter2".to_owned(),
            "[]".to_owned(),
            r#"{"x": 1}"#.to_owned(),
            r#"{"x": {"password": "hunter2"}}"#.to_owned(),
            r#"{"x": {"password": "hunter2", "hosts": ["h"], "host": "h"}}"#.to_owned(),
        ];
        for text in syntax {
            assert_eq!(Passwords::from_json(&text), Err(PasswordsError::Syntax), "{text}");
        }
        for list in [
            "[]",
            "[1]",
            r#"["*"]"#,
            r#"[""]"#,
            r#"["*."]"#,
            r#"["a.*"]"#,
            r#"["h:x"]"#,
            r#"["u@h"]"#,
            r#"["[::1"]"#,
        ] {
            let error = Passwords::from_json(&hosts(list)).unwrap_err();
            assert_eq!(error, PasswordsError::Hosts("x".to_owned()), "{list}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn a_server_is_added_to_a_password_and_another_password_replaces_it() {
        let mut passwords = Passwords::default();
        passwords.add("x", "one", &url("h"));
        passwords.add("x", "one", &url("h"));
        passwords.add("x", "one", &url("[::1]:7"));
        let both = r#"{"x":{"hosts":["h:5432","[::1]:7"],"password":"one"}}"#;
        assert_eq!(passwords.expose_json(), both);
        assert_eq!(Passwords::from_json(both).unwrap(), passwords);
        passwords.add("x", "two", &url("h"));
        assert_eq!(
            passwords.expose_json(),
            r#"{"x":{"hosts":["h:5432"],"password":"two"}}"#
        );
        let mut plain = Passwords::from_json(r#"{"x":"one"}"#).unwrap();
        plain.add("x", "one", &url("h"));
        assert_eq!(plain.expose_json(), r#"{"x":"one"}"#);
        plain.set("x", "one", &url("h"));
        assert_eq!(
            plain.expose_json(),
            r#"{"x":{"hosts":["h:5432"],"password":"one"}}"#
        );
    }
}
