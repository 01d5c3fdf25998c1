//! Which addresses of PostgreSQL a component may connect to.

use std::net::{IpAddr, Ipv6Addr};

use application::AllowedHosts;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// The port of PostgreSQL where an address names none.
const DEFAULT_PORT: u16 = 5432;

/// Why an address is refused, in the words of Spin.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{0}")]
    NotAnAddress(String),
    #[error("Unix sockets are not supported on WebAssembly")]
    UnixSocket,
    #[error("address postgres://{0} is not permitted")]
    NotPermitted(String),
}

/// Refuses an address that the manifest does not permit.
///
/// An address may name several hosts and, beside them, the numeric addresses to dial in their stead; every one of them
/// must be permitted.
pub(crate) fn ensure_permitted(allowed: &AllowedHosts, address: &str) -> Result<(), Refusal> {
    let config: Config = address
        .parse()
        .map_err(|error: tokio_postgres::Error| Refusal::NotAnAddress(error.to_string()))?;
    let port = |index| port(&config, index);
    for (index, host) in config.get_hosts().iter().enumerate() {
        match host {
            // Spin writes host and port one after the other without brackets, and permits nothing that it cannot read again.
            Host::Tcp(host) if host.parse::<Ipv6Addr>().is_ok() => {
                return Err(not_permitted(host, port(index)));
            }
            Host::Tcp(host) => ensure_host_permitted(allowed, host, port(index))?,
            #[cfg(unix)]
            Host::Unix(_) => return Err(Refusal::UnixSocket),
        }
    }
    for (index, host) in config.get_hostaddrs().iter().enumerate() {
        ensure_host_permitted(allowed, &host.to_string(), port(index))?;
    }
    Ok(())
}

/// The port of one of the hosts, where the address names it.
fn port(config: &Config, index: usize) -> Option<u16> {
    match config.get_ports() {
        [only] => Some(*only),
        ports => ports.get(index).copied(),
    }
}

/// The name by which connections to a server are counted: where it is, whatever the database and the login. This machine
/// has one, however it is written; an address with several hosts counts as one server.
pub(crate) fn server(config: &Config) -> String {
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(host) => host.trim_end_matches('.').to_ascii_lowercase(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    });
    let mut hosts: Vec<String> = hosts.collect();
    if hosts.is_empty() {
        hosts = config.get_hostaddrs().iter().map(IpAddr::to_string).collect();
    }
    let with_ports = hosts.iter().enumerate().map(|(index, host)| {
        let here = host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        let host = if here { "localhost" } else { host.as_str() };
        format!("{host}:{}", port(config, index).unwrap_or(DEFAULT_PORT))
    });
    with_ports.collect::<Vec<_>>().join(",")
}

fn ensure_host_permitted(allowed: &AllowedHosts, host: &str, port: Option<u16>) -> Result<(), Refusal> {
    let number = port.unwrap_or(DEFAULT_PORT);
    if allowed.allows("postgres", host, Some(number)) {
        return match host.parse() {
            Ok(address) => ensure_somewhere(allowed, host, number, address),
            Err(_) => Ok(()),
        };
    }
    Err(not_permitted(host, port))
}

fn not_permitted(host: &str, port: Option<u16>) -> Refusal {
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Refusal::NotPermitted(format!("{host}{port}"))
}

/// Refuses an address at which there is no server, unless an entry of the manifest names it. A `*` permits private networks,
/// where most databases are.
pub(crate) fn ensure_somewhere(
    allowed: &AllowedHosts,
    host: &str,
    port: u16,
    address: IpAddr,
) -> Result<(), Refusal> {
    if !networks::is_nowhere(address) || allowed.names("postgres", host, Some(port), address) {
        return Ok(());
    }
    Err(Refusal::NotPermitted(format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use application::Resolver;

    use super::*;

    #[track_caller]
    fn check(allowed: &[&str], address: &str, refusal: Option<&str>) {
        let allowed = AllowedHosts::parse(allowed, &Resolver::new([])).unwrap();
        let found = ensure_permitted(&allowed, address)
            .err()
            .map(|refusal| refusal.to_string());
        assert_eq!(found.as_deref(), refusal);
    }

    #[test]
    fn a_refusal_names_the_address_without_its_password() {
        check(
            &[],
            "postgres://u:secret@db:5433/x",
            Some("address postgres://db:5433 is not permitted"),
        );
        check(
            &[],
            "postgres://u:secret@db/x",
            Some("address postgres://db:5432 is not permitted"),
        );
        check(
            &[],
            "host=db password=secret",
            Some("address postgres://db is not permitted"),
        );
    }

    #[test]
    fn the_usual_port_may_be_left_out() {
        check(&["postgres://db:5432"], "postgres://u@db/x", None);
        check(&["postgres://db:5432"], "host=db user=u", None);
        check(
            &["postgres://db:5433"],
            "postgres://u@db/x",
            Some("address postgres://db:5432 is not permitted"),
        );
    }

    #[test]
    fn every_host_must_be_permitted() {
        let allowed = ["postgres://one:*"];
        check(
            &allowed,
            "postgres://u@one:1,two:2/x",
            Some("address postgres://two:2 is not permitted"),
        );
        check(
            &allowed,
            "host=one,two port=7",
            Some("address postgres://two:7 is not permitted"),
        );
    }

    #[test]
    fn the_address_that_is_dialled_must_be_permitted_too() {
        check(
            &["postgres://one:*"],
            "host=one hostaddr=10.0.0.1 port=5432",
            Some("address postgres://10.0.0.1:5432 is not permitted"),
        );
    }

    #[test]
    fn a_star_permits_private_networks_and_no_address_of_no_server() {
        check(&["postgres://*:*"], "postgres://u@10.0.0.7/x", None);
        check(&["postgres://*:*"], "postgres://u@127.0.0.1/x", None);
        for address in ["169.254.169.254", "0.0.0.0", "224.0.0.1"] {
            let refusal = format!("address postgres://{address}:5432 is not permitted");
            check(
                &["postgres://*:*"],
                &format!("postgres://u@{address}/x"),
                Some(&refusal),
            );
        }
        check(
            &["postgres://169.254.0.0/16:*"],
            "postgres://u@169.254.169.254/x",
            None,
        );
    }

    #[test]
    fn permission_for_another_scheme_is_none() {
        check(
            &["https://db:*"],
            "postgres://u@db:5432/x",
            Some("address postgres://db:5432 is not permitted"),
        );
    }

    #[test]
    fn an_ipv6_address_is_never_permitted() {
        check(
            &["*://*:*"],
            "postgres://u@[::1]:5432/x",
            Some("address postgres://::1:5432 is not permitted"),
        );
        check(
            &["*://*:*"],
            "host=::1",
            Some("address postgres://::1 is not permitted"),
        );
    }

    #[test]
    fn a_server_is_the_same_whatever_is_asked_of_it() {
        for (address, expected) in [
            ("postgres://u:p@db.example.com/one", "db.example.com:5432"),
            (
                "postgres://v@DB.Example.com.:5432/two?sslmode=require",
                "db.example.com:5432",
            ),
            ("host=db.example.com port=6432", "db.example.com:6432"),
            ("postgres://u@127.0.0.1:5433/one", "localhost:5433"),
            ("postgres://u@[::1]:5433/one", "localhost:5433"),
            ("postgres://u@localhost:5433/one", "localhost:5433"),
            ("hostaddr=10.0.0.1 user=u", "10.0.0.1:5432"),
            ("host=one,two port=7", "one:7,two:7"),
        ] {
            assert_eq!(server(&address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn unix_sockets_are_refused() {
        let refusal = Some("Unix sockets are not supported on WebAssembly");
        check(&["*://*:*"], "host=/var/run/postgresql user=u", refusal);
        check(&["*://*:*"], "postgres://u@%2Fvar%2Frun%2Fpostgresql/x", refusal);
    }
}
