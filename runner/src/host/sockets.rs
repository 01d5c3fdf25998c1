//! `wasi:sockets`: a component may connect to the addresses that the manifest permits under the scheme `tcp` or `udp`.
//!
//! As on Spin, what is compared is the IP address, so that an entry with a name permits nothing here; names cannot be
//! looked up, and nothing can be listened on. A `*` permits private networks too, where most servers are, but no address
//! at which there is none.

use std::net::SocketAddr;
use std::sync::Arc;

use application::{AllowedHosts, Component};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::sockets::SocketAddrUse;

/// Permits what the manifest permits.
pub(super) fn permit(wasi: &mut WasiCtxBuilder, component: &Arc<Component>) {
    wasi.allow_tcp(true).allow_udp(true);
    let component = Arc::clone(component);
    wasi.socket_addr_check(move |address, way| {
        let permitted = is_permitted(&component.allowed_hosts, address, way);
        if !permitted && let Some(scheme) = scheme(way) {
            tracing::warn!(
                component = %component.id,
                "A connection to {scheme}://{address} was refused; to permit it, add it to allowed_outbound_hosts of the \
                 component.",
            );
        }
        Box::pin(async move { permitted })
    });
}

fn is_permitted(allowed: &AllowedHosts, address: SocketAddr, way: SocketAddrUse) -> bool {
    match way {
        // What goes out is bound first, to whatever port is free: by itself that reaches nobody.
        SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => {
            address.ip().is_unspecified() && address.port() == 0
        }
        _ => scheme(way).is_some_and(|scheme| {
            let (ip, port) = (address.ip(), Some(address.port()));
            allowed.allows(scheme, &ip.to_string(), port)
                && (!networks::is_nowhere(ip) || allowed.names(scheme, &ip.to_string(), port, ip))
        }),
    }
}

/// The scheme that permits to reach another address; none for what nothing permits.
fn scheme(way: SocketAddrUse) -> Option<&'static str> {
    match way {
        SocketAddrUse::TcpConnect => Some("tcp"),
        SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => Some("udp"),
        SocketAddrUse::TcpBind
        | SocketAddrUse::TcpListen
        | SocketAddrUse::TcpAccept
        | SocketAddrUse::UdpBind => None,
    }
}

#[cfg(test)]
mod tests {
    use application::Resolver;

    use super::*;

    #[track_caller]
    fn check(allowed: &[&str], address: &str, way: SocketAddrUse, permitted: bool) {
        let allowed = AllowedHosts::parse(allowed, &Resolver::default()).unwrap();
        assert_eq!(is_permitted(&allowed, address.parse().unwrap(), way), permitted);
    }

    #[test]
    fn an_address_is_permitted_by_its_number_and_its_scheme() {
        use SocketAddrUse::{TcpConnect, UdpSend};
        check(&["tcp://10.0.0.7:6432"], "10.0.0.7:6432", TcpConnect, true);
        check(&["tcp://10.0.0.0/8:6432"], "10.0.0.7:6432", TcpConnect, true);
        check(&["tcp://*:6432"], "[::1]:6432", TcpConnect, true);
        check(&["*://10.0.0.7:*"], "10.0.0.7:6432", TcpConnect, true);
        check(&["tcp://10.0.0.7:6432"], "10.0.0.7:6433", TcpConnect, false);
        check(&["tcp://10.0.0.7:6432"], "10.0.0.7:6432", UdpSend, false);
        check(&["udp://10.0.0.7:53"], "10.0.0.7:53", UdpSend, true);
        check(&["postgres://*:*"], "10.0.0.7:6432", TcpConnect, false);
        check(&["tcp://localhost:6432"], "127.0.0.1:6432", TcpConnect, false);
        check(&[], "127.0.0.1:6432", TcpConnect, false);
        check(&["tcp://*:*"], "169.254.169.254:80", TcpConnect, false);
        check(
            &["tcp://169.254.169.254:80"],
            "169.254.169.254:80",
            TcpConnect,
            true,
        );
        check(&["*://*:*"], "[::ffff:169.254.169.254]:80", TcpConnect, false);
    }

    #[test]
    fn nothing_is_listened_on() {
        use SocketAddrUse::{TcpAccept, TcpBind, TcpListen};
        check(&["*://*:*"], "127.0.0.1:6432", TcpBind, false);
        check(&["*://*:*"], "0.0.0.0:0", TcpListen, false);
        check(&["*://*:*"], "10.0.0.7:40000", TcpAccept, false);
        check(&[], "0.0.0.0:0", TcpBind, true);
    }
}
