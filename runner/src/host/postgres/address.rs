//! Which addresses of PostgreSQL a component may connect to.

use std::net::Ipv6Addr;

use application::AllowedHosts;
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
    let config: tokio_postgres::Config = address
        .parse()
        .map_err(|error: tokio_postgres::Error| Refusal::NotAnAddress(error.to_string()))?;
    let ports = config.get_ports();
    let port = |index: usize| match ports {
        [only] => Some(*only),
        _ => ports.get(index).copied(),
    };
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

fn ensure_host_permitted(allowed: &AllowedHosts, host: &str, port: Option<u16>) -> Result<(), Refusal> {
    if allowed.allows("postgres", host, Some(port.unwrap_or(DEFAULT_PORT))) {
        return Ok(());
    }
    Err(not_permitted(host, port))
}

fn not_permitted(host: &str, port: Option<u16>) -> Refusal {
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Refusal::NotPermitted(format!("{host}{port}"))
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
    fn unix_sockets_are_refused() {
        let refusal = Some("Unix sockets are not supported on WebAssembly");
        check(&["*://*:*"], "host=/var/run/postgresql user=u", refusal);
        check(&["*://*:*"], "postgres://u@%2Fvar%2Frun%2Fpostgresql/x", refusal);
    }
}
