//! Where a password may be proved in a way that gives it away.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// How a server has a password proved to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Authentication {
    /// Without a password: the server trusts the connection, or knows it in another way.
    None,
    /// SCRAM, which shows nothing to anybody and makes the server prove itself too.
    Scram,
    /// An MD5 digest with a salt, from which the password can be found by trying.
    Md5,
    /// The password itself.
    Password,
}

impl Authentication {
    /// The word for it in `pg_hba.conf`.
    pub fn as_str(self) -> &'static str {
        match self {
            Authentication::None => "trust",
            Authentication::Scram => "scram-sha-256",
            Authentication::Md5 => "md5",
            Authentication::Password => "password",
        }
    }
}

impl fmt::Display for Authentication {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Servers to which MD5 proofs or clear-text passwords are given although TLS does not verify them, as
/// `HOST[:PORT]=md5|password`, with commas between.
///
/// ```
/// use dial::{Authentication, WeakAuthentication};
///
/// let weak: WeakAuthentication = "old.internal=md5, 10.0.0.7:6432=password".parse()?;
/// assert_eq!(weak.most("old.internal", 5432), Authentication::Md5);
/// assert_eq!(weak.most("10.0.0.7", 6432), Authentication::Password);
/// assert_eq!(weak.most("10.0.0.7", 5432), Authentication::Scram);
/// # Ok::<(), dial::WeakAuthenticationError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WeakAuthentication(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    host: String,
    port: Option<u16>,
    most: Authentication,
}

/// An entry that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not HOST=md5, HOST:PORT=md5, HOST=password or HOST:PORT=password")]
pub struct WeakAuthenticationError(String);

impl WeakAuthentication {
    /// The weakest proof that the server at this host and port may be given.
    pub fn most(&self, host: &str, port: u16) -> Authentication {
        let host = bare(host);
        let entries = self.0.iter();
        entries
            .filter(|entry| entry.host.eq_ignore_ascii_case(host) && entry.port.is_none_or(|own| own == port))
            .map(|entry| entry.most)
            .max()
            .unwrap_or(Authentication::Scram)
    }

    /// Whether it names no server.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for WeakAuthentication {
    type Err = WeakAuthenticationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(parse).collect::<Result<_, _>>().map(Self)
    }
}

fn parse(text: &str) -> Result<Entry, WeakAuthenticationError> {
    let error = || WeakAuthenticationError(text.to_owned());
    let (server, most) = text.split_once('=').ok_or_else(error)?;
    let most = match most.trim() {
        "md5" => Authentication::Md5,
        "password" => Authentication::Password,
        _ => return Err(error()),
    };
    let server = server.trim();
    // The colons of a number of version 6 are within brackets, or there are several of them.
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => {
            (host, Some(port.parse().map_err(|_| error())?))
        }
        _ => (server, None),
    };
    let host = bare(host);
    let is_broken = host.contains(':') && host.parse::<Ipv6Addr>().is_err();
    if host.is_empty() || host.contains(['*', '/', '@']) || is_broken {
        return Err(error());
    }
    Ok(Entry {
        host: host.to_owned(),
        port,
        most,
    })
}

/// A host without the brackets of a number of version 6.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_is_weak() {
        let weak: WeakAuthentication = "Old=md5, other:1=password,[::1]:2=md5, ::2=md5,".parse().unwrap();
        let table = [
            ("old", 7, Authentication::Md5),
            ("other", 1, Authentication::Password),
            ("other", 2, Authentication::Scram),
            ("::1", 2, Authentication::Md5),
            ("[::1]", 2, Authentication::Md5),
            ("[::1]", 3, Authentication::Scram),
            ("::2", 3, Authentication::Md5),
            ("older", 7, Authentication::Scram),
        ];
        for (host, port, most) in table {
            assert_eq!(weak.most(host, port), most, "{host}:{port}");
        }
        assert!("".parse::<WeakAuthentication>().unwrap().is_empty());
    }

    #[test]
    fn what_names_no_server_is_refused() {
        for text in [
            "md5",
            "host",
            "host=trust",
            "*=md5",
            "=md5",
            "host:x=md5",
            "host:1:=md5,",
            "u@h=md5",
        ] {
            assert!(text.parse::<WeakAuthentication>().is_err(), "{text}");
        }
    }
}
