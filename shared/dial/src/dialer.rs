//! Names, addresses, connections.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::lookup_host;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};
use tokio_postgres::{Client, Config, Connection, Socket};

use crate::guard::{Link, Seen};
use crate::tls::{Channel, Tls};
use crate::trust::Trust;
use crate::weak::{Authentication, WeakAuthentication};

/// The port of PostgreSQL where an address names none.
const DEFAULT_PORT: u16 = 5432;

/// Judges an address that a name was looked up to: the reason why it must not be dialled, if there is one.
pub type AddressCheck = Arc<dyn Fn(&str, SocketAddr) -> Result<(), String> + Send + Sync>;

/// Connects to servers.
///
/// Of the modes of an address `disable`, `prefer` and `require` are known, as hosts of components know them: `prefer`
/// goes without TLS where the server has none, and never because a handshake failed.
#[derive(Clone)]
pub struct Dialer {
    trust: Trust,
    weak: WeakAuthentication,
    check: Option<AddressCheck>,
    seen: Seen,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The name of the host leads nowhere.
    #[error("the name {host} cannot be looked up")]
    Lookup {
        /// The name.
        host: String,
        /// What the resolver said.
        #[source]
        source: io::Error,
    },
    /// None of the addresses may be dialled.
    #[error("the address {address} of {host} is not permitted: {reason}")]
    NotPermitted {
        /// The name.
        host: String,
        /// The address.
        address: IpAddr,
        /// What the check said.
        reason: String,
    },
    /// The server, the way to it, or the configuration.
    #[error(transparent)]
    Postgres(#[from] tokio_postgres::Error),
}

impl Dialer {
    /// A dialer that trusts these authorities and gives no password away.
    pub fn new(trust: Trust) -> Dialer {
        Dialer {
            trust,
            weak: WeakAuthentication::default(),
            check: None,
            seen: Seen::default(),
        }
    }

    /// The same, with servers that may be given weak proofs of a password.
    #[must_use]
    pub fn with_weak_authentication(mut self, weak: WeakAuthentication) -> Dialer {
        self.weak = weak;
        self
    }

    /// The same, for which every address is judged after the look-up. What was judged is what is dialled: nothing is
    /// looked up a second time.
    #[must_use]
    pub fn with_check(mut self, check: AddressCheck) -> Dialer {
        self.check = Some(check);
        self
    }

    /// Connects. The connection has to be driven, by spawning it.
    ///
    /// # Errors
    ///
    /// What kept the connection from being made.
    pub async fn connect(
        &self,
        config: &Config,
    ) -> Result<(Client, Connection<Socket, Channel<Socket>>), DialError> {
        let mut config = match &self.check {
            Some(check) => looked_up(config, check).await?,
            None => with_names(config),
        };
        let tls = self.tls(&config);
        // The driver leaves all that concerns TLS to `tls`, which goes by the mode of the address.
        config
            .ssl_mode(SslMode::Require)
            .ssl_negotiation(SslNegotiation::Direct);
        Ok(config.connect(tls).await?)
    }

    /// The encryption of connections that this dialer made by `config`, to cancel statements by.
    pub fn tls(&self, config: &Config) -> Tls {
        let ports = config.get_ports();
        let names = config.get_hosts().iter().enumerate();
        let most = names.map(|(index, host)| match host {
            Host::Tcp(host) => self.weak.most(host, port(ports, index)),
            #[cfg(unix)]
            Host::Unix(_) => Authentication::Scram,
        });
        Tls {
            mode: config.get_ssl_mode(),
            negotiation: config.get_ssl_negotiation(),
            trust: self.trust.clone(),
            // Of several hosts it is not known which one answers.
            most: most.min().unwrap_or(Authentication::Scram),
            seen: self.seen.clone(),
        }
    }

    /// How the last connection was made.
    pub fn last_link(&self) -> Option<Link> {
        self.seen.last()
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Dialer")
            .field("weak", &self.weak)
            .field("checks", &self.check.is_some())
            .finish_non_exhaustive()
    }
}

fn port(ports: &[u16], index: usize) -> u16 {
    ports
        .get(index)
        .or_else(|| ports.first())
        .copied()
        .unwrap_or(DEFAULT_PORT)
}

/// Numbers are names too where there are no others: a certificate may be for a number.
fn with_names(config: &Config) -> Config {
    let mut named = config.clone();
    if config.get_hosts().is_empty() {
        for address in config.get_hostaddrs() {
            named.host(address.to_string());
        }
    }
    named
}

/// The same configuration with the addresses of its hosts, each of which was judged.
async fn looked_up(config: &Config, check: &AddressCheck) -> Result<Config, DialError> {
    let config = with_names(config);
    let (hosts, numbers, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    let mut found = without_hosts(&config);
    let mut refused = None;
    let mut any = false;
    for (index, host) in hosts.iter().enumerate() {
        let Host::Tcp(name) = host else { continue };
        let port = port(ports, index);
        let addresses = match numbers.get(index) {
            Some(number) => vec![SocketAddr::new(*number, port)],
            None => look_up(name, port).await?,
        };
        for address in addresses {
            match check(name, address) {
                Ok(()) => {
                    found.host(name.clone()).hostaddr(address.ip()).port(port);
                    any = true;
                }
                Err(reason) => {
                    refused = Some(DialError::NotPermitted {
                        host: name.clone(),
                        address: address.ip(),
                        reason,
                    });
                }
            }
        }
    }
    match refused {
        Some(refused) if !any => Err(refused),
        _ => Ok(found),
    }
}

async fn look_up(name: &str, port: u16) -> Result<Vec<SocketAddr>, DialError> {
    let failed = |source| DialError::Lookup {
        host: name.to_owned(),
        source,
    };
    let found: Vec<SocketAddr> = lookup_host((name, port)).await.map_err(failed)?.collect();
    if found.is_empty() {
        return Err(failed(io::Error::other("it has no address")));
    }
    Ok(found)
}

/// Everything of a configuration but its hosts and ports.
fn without_hosts(config: &Config) -> Config {
    let mut copy = Config::new();
    if let Some(user) = config.get_user() {
        copy.user(user);
    }
    if let Some(password) = config.get_password() {
        copy.password(password);
    }
    if let Some(database) = config.get_dbname() {
        copy.dbname(database);
    }
    if let Some(options) = config.get_options() {
        copy.options(options);
    }
    if let Some(name) = config.get_application_name() {
        copy.application_name(name);
    }
    if let Some(timeout) = config.get_connect_timeout() {
        copy.connect_timeout(*timeout);
    }
    if let Some(timeout) = config.get_tcp_user_timeout() {
        copy.tcp_user_timeout(*timeout);
    }
    if let Some(interval) = config.get_keepalives_interval() {
        copy.keepalives_interval(interval);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        copy.keepalives_retries(retries);
    }
    copy.keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .channel_binding(config.get_channel_binding())
        .target_session_attrs(config.get_target_session_attrs())
        .load_balance_hosts(config.get_load_balance_hosts());
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "host=localhost,127.0.0.1 port=1,2 user=u password=p dbname=d options=o application_name=a \
                           connect_timeout=3 tcp_user_timeout=4 keepalives=0 keepalives_idle=5 keepalives_interval=6 \
                           keepalives_retries=7 sslmode=require channel_binding=require \
                           target_session_attrs=read-write load_balance_hosts=random";

    #[tokio::test]
    async fn a_looked_up_configuration_is_the_same_but_for_its_addresses() {
        let config: Config = ADDRESS.parse().unwrap();
        let only_v4: AddressCheck = Arc::new(|_, address| {
            if address.is_ipv4() {
                Ok(())
            } else {
                Err("version 6".to_owned())
            }
        });
        let found = looked_up(&config, &only_v4).await.unwrap();
        let mut expected: Config = ADDRESS.parse().unwrap();
        let loopback = IpAddr::from([127, 0, 0, 1]);
        expected.hostaddr(loopback).hostaddr(loopback);
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn what_is_not_permitted_is_not_dialled() {
        let none: AddressCheck = Arc::new(|_, address| Err(format!("{} is private", address.port())));
        let dialer = Dialer::new(Trust::of_machine()).with_check(none);
        for address in ["host=localhost port=7 user=u", "hostaddr=10.0.0.1 user=u port=7"] {
            let error = dialer.connect(&address.parse().unwrap()).await.err().unwrap();
            assert!(
                error.to_string().contains("is not permitted: 7 is private"),
                "{error}"
            );
        }
    }

    #[test]
    fn of_several_hosts_the_strictest_counts() {
        let dialer = Dialer::new(Trust::of_machine())
            .with_weak_authentication("one=md5, two:2=password".parse().unwrap());
        for (address, most) in [
            ("host=one user=u", Authentication::Md5),
            ("host=two port=2 user=u", Authentication::Password),
            ("host=one,two port=1,2 user=u", Authentication::Md5),
            ("host=one,three user=u", Authentication::Scram),
        ] {
            let tls = dialer.tls(&address.parse().unwrap());
            assert_eq!(tls.most, most, "{address}");
        }
    }
}
