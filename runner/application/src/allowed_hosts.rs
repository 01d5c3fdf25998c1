//! Which addresses a component may reach: the entries of `allowed_outbound_hosts`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::ParseIntError;
use std::ops::Range;

use ipnet::IpNet;
use url::Host as Name;

use crate::template::{Template, TemplateError};
use crate::variables::Resolver;

/// The addresses a component may reach. Without entries it may reach none.
///
/// ```
/// use application::{AllowedHosts, Resolver};
///
/// let hosts = AllowedHosts::parse(&["postgres://*.example.com", "https://127.0.0.1:*"], &Resolver::default())?;
/// assert!(hosts.allows("postgres", "db.example.com", None));
/// assert!(!hosts.allows("postgres", "db.example.com", Some(6432)));
/// # Ok::<(), application::AllowedHostError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    scheme: Scheme,
    host: Host,
    port: Port,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Scheme {
    Any,
    Exactly(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Any,
    /// Everything that ends in this, which starts with a dot.
    Below(String),
    Network(IpNet),
    /// The application itself, which a component reaches by a URL without a host.
    Application,
    Exactly(Name),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Port {
    Any,
    Exactly(u16),
    /// As on Spin the end is not part of the range.
    Within(Range<u16>),
}

/// An entry of `allowed_outbound_hosts` that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the allowed outbound host {entry:?}{}", which_is(.filled.as_deref()))]
pub struct AllowedHostError {
    /// The entry as it is written in the manifest, variables not filled in.
    entry: String,
    /// The entry with its variables filled in, unless it has none or one of them is secret.
    filled: Option<String>,
    #[source]
    fault: Fault,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("it has no scheme")]
    NoScheme,
    #[error("it would allow everything")]
    AllowAll,
    #[error("its scheme has something other than letters in it")]
    Scheme,
    #[error("lists in braces are not supported")]
    List,
    #[error("it has a path")]
    Path,
    #[error("its host is not a name or an address")]
    Host(#[source] url::ParseError),
    #[error("a '*' may only stand for the whole host or for its first part")]
    Wildcard,
    #[error("it has no port, and its scheme has no usual one")]
    NoPort,
    #[error("its port is not a number")]
    Port(#[source] ParseIntError),
}

fn which_is(filled: Option<&str>) -> String {
    filled
        .map(|filled| format!(", which is {filled:?}"))
        .unwrap_or_default()
}

impl AllowedHostError {
    /// Which of the entries it is, as written.
    #[must_use]
    pub fn entry(&self) -> &str {
        &self.entry
    }

    pub(crate) fn hint(&self) -> String {
        match self.fault {
            Fault::NoScheme => format!(
                "put a scheme before it, such as https://{entry} or *://{entry}",
                entry = self.entry.trim()
            ),
            Fault::AllowAll => "write \"*://*:*\" to allow every address".to_owned(),
            Fault::NoPort => "add a port, such as :5432 or :*".to_owned(),
            Fault::Template(_) => "correct the variable, or declare it under [variables]".to_owned(),
            _ => "write scheme://host:port, where each may be * and the port a range such as 8000..9000"
                .to_owned(),
        }
    }
}

/// An address that a component may not reach, in the words of Spin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotPermitted {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl NotPermitted {
    /// The entry of `allowed_outbound_hosts` that would allow it.
    #[must_use]
    pub fn entry(&self) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}", self.scheme, self.host)
    }
}

impl fmt::Display for NotPermitted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "address {} is not permitted", self.entry())
    }
}

impl std::error::Error for NotPermitted {}

impl AllowedHosts {
    /// Reads entries of the form `scheme://host:port`, with the variables in them filled in.
    ///
    /// - The scheme is letters or `*`.
    /// - The host is a name, an address, a network such as `10.0.0.0/8`, `*.example.com` for every name below a
    ///   domain, `*`, or `self` for the application itself.
    /// - The port is a number, a range such as `8000..9000` whose end is not part of it, `*`, or left out for the
    ///   usual port of the scheme.
    ///
    /// # Errors
    ///
    /// [`AllowedHostError`] with the first entry that is not of that form.
    pub fn parse<S: AsRef<str>>(entries: &[S], resolver: &Resolver) -> Result<Self, AllowedHostError> {
        let entries = entries.iter().map(|entry| parse_entry(entry.as_ref(), resolver));
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
        })
    }

    /// Whether a component may reach `host` at `port` (the usual one of the scheme when it is left out).
    ///
    /// The host is compared as in a URL: names whatever their case, addresses however they are written.
    #[must_use]
    pub fn allows(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let Ok(host) = parse_name(host) else { return false };
        let port = port.or_else(|| usual_port(scheme));
        self.entries
            .iter()
            .any(|entry| entry.scheme.allows(scheme) && entry.host.allows(&host) && entry.port.allows(port))
    }

    /// Whether an entry that allows `host` says whom it means, rather than everybody: its name, a domain above it, or the
    /// number or network of the address that it leads to.
    ///
    /// What only a `*` allows is nobody in particular, so that a host may be more careful where that leads.
    #[must_use]
    pub fn names(&self, scheme: &str, host: &str, port: Option<u16>, address: IpAddr) -> bool {
        let Ok(host) = parse_name(host) else { return false };
        let port = port.or_else(|| usual_port(scheme));
        let number = match address {
            IpAddr::V4(address) => Name::Ipv4(address),
            IpAddr::V6(address) => Name::Ipv6(address),
        };
        self.entries.iter().any(|entry| {
            let named = match &entry.host {
                Host::Any | Host::Application => false,
                _ => entry.host.allows(&host) || entry.host.allows(&number),
            };
            named && entry.scheme.allows(scheme) && entry.port.allows(port)
        })
    }

    /// The same question as [`AllowedHosts::allows`], with the refusal that Spin tells the component.
    ///
    /// # Errors
    ///
    /// [`NotPermitted`] when the component may not reach the host.
    pub fn check(&self, scheme: &str, host: &str, port: Option<u16>) -> Result<(), NotPermitted> {
        if self.allows(scheme, host, port) {
            return Ok(());
        }
        let (scheme, host) = (scheme.to_owned(), host.to_owned());
        Err(NotPermitted { scheme, host, port })
    }

    /// Whether a component may call the application itself, by one of `schemes`.
    #[must_use]
    pub fn allows_self(&self, schemes: &[&str]) -> bool {
        self.entries.iter().any(|entry| {
            matches!(entry.host, Host::Any | Host::Application)
                && schemes.iter().any(|scheme| entry.scheme.allows(scheme))
        })
    }

    /// Whether a component may reach nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Scheme {
    fn allows(&self, scheme: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(allowed) => allowed == scheme,
        }
    }
}

impl Host {
    fn allows(&self, host: &Name) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Below(suffix), Name::Domain(domain)) => domain.ends_with(suffix.as_str()),
            (Self::Network(network), Name::Ipv4(address)) => network.contains(&IpAddr::V4(*address)),
            (Self::Network(network), Name::Ipv6(address)) => network.contains(&IpAddr::V6(*address)),
            (Self::Exactly(allowed), host) => allowed == host,
            (Self::Below(_) | Self::Network(_) | Self::Application, _) => false,
        }
    }
}

impl Port {
    fn allows(&self, port: Option<u16>) -> bool {
        match (self, port) {
            (Self::Any, _) => true,
            (_, None) => false,
            (Self::Exactly(allowed), Some(port)) => *allowed == port,
            (Self::Within(range), Some(port)) => range.contains(&port),
        }
    }
}

fn parse_entry(written: &str, resolver: &Resolver) -> Result<Entry, AllowedHostError> {
    let failed = |filled, fault| AllowedHostError {
        entry: written.to_owned(),
        filled,
        fault,
    };
    let template = Template::parse(written).map_err(|error| failed(None, error.into()))?;
    let filled = resolver
        .fill(&template)
        .map_err(|error| failed(None, error.into()))?;
    parse_address(filled.expose().trim()).map_err(|fault| {
        let showable = !template.is_literal() && !filled.is_secret();
        failed(showable.then(|| filled.expose().to_owned()), fault)
    })
}

fn parse_address(entry: &str) -> Result<Entry, Fault> {
    let Some((scheme, address)) = entry.split_once("://") else {
        let everything = matches!(entry, "*" | ":" | "" | "?" | "insecure:allow-all");
        return Err(if everything {
            Fault::AllowAll
        } else {
            Fault::NoScheme
        });
    };
    // The last colon parts host and port, so a bare IPv6 network needs a port after it.
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    let port = match port.split_once('/') {
        Some((port, "")) => port,
        Some(_) => return Err(Fault::Path),
        None => port,
    };
    let port = parse_port(port, scheme)?;
    Ok(Entry {
        scheme: parse_scheme(scheme)?,
        host: parse_host(host.trim())?,
        port,
    })
}

fn parse_scheme(scheme: &str) -> Result<Scheme, Fault> {
    match scheme {
        "*" => Ok(Scheme::Any),
        _ if scheme.starts_with('{') => Err(Fault::List),
        _ if scheme.chars().all(char::is_alphabetic) => Ok(Scheme::Exactly(scheme.to_owned())),
        _ => Err(Fault::Scheme),
    }
}

fn parse_host(host: &str) -> Result<Host, Fault> {
    if host.starts_with('{') {
        return Err(Fault::List);
    }
    if let Ok(network) = host.parse::<IpNet>() {
        return Ok(Host::Network(network.trunc()));
    }
    let host = host.strip_suffix('/').unwrap_or(host);
    if host.contains('/') {
        return Err(Fault::Path);
    }
    match host {
        "*" => Ok(Host::Any),
        "self" | "self.alt" => Ok(Host::Application),
        _ => match host.strip_prefix("*.") {
            Some(domain) if !domain.contains('*') => match Name::parse(domain).map_err(Fault::Host)? {
                Name::Domain(domain) => Ok(Host::Below(format!(".{domain}"))),
                Name::Ipv4(_) | Name::Ipv6(_) => Err(Fault::Wildcard),
            },
            // As on Spin, an IPv6 address stands in brackets here.
            None if !host.contains('*') => Name::parse(host).map(Host::Exactly).map_err(Fault::Host),
            _ => Err(Fault::Wildcard),
        },
    }
}

/// A host as in a URL; an IPv6 address may also stand without its brackets, as database drivers give it.
fn parse_name(host: &str) -> Result<Name, url::ParseError> {
    match host.parse::<Ipv6Addr>() {
        Ok(address) => Ok(Name::Ipv6(address)),
        Err(_) => Name::parse(host),
    }
}

fn parse_port(port: &str, scheme: &str) -> Result<Port, Fault> {
    match port {
        "" => usual_port(scheme).map(Port::Exactly).ok_or(Fault::NoPort),
        "*" => Ok(Port::Any),
        _ if port.starts_with('{') => Err(Fault::List),
        _ => match port.split_once("..") {
            Some((start, end)) => {
                let number = |text: &str| text.parse().map_err(Fault::Port);
                Ok(Port::Within(number(start)?..number(end)?))
            }
            None => port.parse().map(Port::Exactly).map_err(Fault::Port),
        },
    }
}

fn usual_port(scheme: &str) -> Option<u16> {
    match scheme {
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
