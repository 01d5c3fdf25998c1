//! Which addresses of PostgreSQL a component may connect to.

use application::AllowedHosts;
use tokio_postgres::config::Host;

use super::bindings::Error;

/// The port of PostgreSQL where an address names none.
const DEFAULT_PORT: u16 = 5432;

/// Refuses an address that the manifest does not permit, in the words of Spin.
///
/// An address may name several hosts and, beside them, the numeric addresses to dial in their stead; every one of them
/// must be permitted.
pub(crate) fn ensure_permitted(allowed: &AllowedHosts, address: &str) -> Result<(), Error> {
    let config: tokio_postgres::Config = address
        .parse()
        .map_err(|error: tokio_postgres::Error| Error::ConnectionFailed(error.to_string()))?;
    let ports = config.get_ports();
    let port = |index: usize| match ports {
        [only] => Some(*only),
        _ => ports.get(index).copied(),
    };
    for (index, host) in config.get_hosts().iter().enumerate() {
        match host {
            Host::Tcp(host) => ensure_host_permitted(allowed, host, port(index))?,
            #[cfg(unix)]
            Host::Unix(_) => {
                return Err(Error::ConnectionFailed(
                    "Unix sockets are not supported on WebAssembly".to_owned(),
                ));
            }
        }
    }
    for (index, host) in config.get_hostaddrs().iter().enumerate() {
        ensure_host_permitted(allowed, &host.to_string(), port(index))?;
    }
    Ok(())
}

fn ensure_host_permitted(allowed: &AllowedHosts, host: &str, port: Option<u16>) -> Result<(), Error> {
    if allowed.allows("postgres", host, Some(port.unwrap_or(DEFAULT_PORT))) {
        return Ok(());
    }
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Err(Error::ConnectionFailed(format!(
        "address postgres://{host}{port} is not permitted"
    )))
}
