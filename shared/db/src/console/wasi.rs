//! `wasi:sockets@0.3.0`, for components. The host permits what `allowed_outbound_hosts` permits under the scheme `tcp`.
//!
//! Nothing here blocks the component: its other targets go on, and what is dropped is cancelled in the host.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use spin_sdk::wasip3::sockets::types::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress, TcpSocket,
};
use spin_sdk::wasip3::wit_stream;
use spin_sdk::wit_bindgen::{FutureReader, StreamReader, StreamResult, StreamWriter};

/// Part of the reason when the host forbids the connection.
pub(super) const NOT_PERMITTED: &str = "not permitted";

/// How much is read at once.
const PIECE: usize = 16 * 1024;

/// A connected socket.
pub(super) struct Socket {
    outgoing: StreamWriter<u8>,
    incoming: StreamReader<u8>,
    // Both tell how their stream ended; dropped before that, they would end it. The socket goes last.
    _sent: FutureReader<Result<(), ErrorCode>>,
    _received: FutureReader<Result<(), ErrorCode>>,
    _socket: TcpSocket,
}

impl fmt::Debug for Socket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Socket").finish_non_exhaustive()
    }
}

impl Socket {
    pub(super) async fn connect(address: SocketAddr) -> Result<Socket, String> {
        let family = match address {
            SocketAddr::V4(_) => IpAddressFamily::Ipv4,
            SocketAddr::V6(_) => IpAddressFamily::Ipv6,
        };
        let socket = TcpSocket::create(family).map_err(describe)?;
        socket.connect(remote(address)).await.map_err(describe)?;
        let (outgoing, to_send) = wit_stream::new();
        let sent = socket.send(to_send);
        let (incoming, received) = socket.receive();
        Ok(Socket {
            outgoing,
            incoming,
            _sent: sent,
            _received: received,
            _socket: socket,
        })
    }

    pub(super) async fn send(&mut self, bytes: Vec<u8>) -> Result<(), String> {
        if self.outgoing.write_all(bytes).await.is_empty() {
            Ok(())
        } else {
            Err("the connection was closed".to_owned())
        }
    }

    /// Some bytes; none at the end.
    pub(super) async fn receive(&mut self) -> Result<Vec<u8>, String> {
        match self.incoming.read(Vec::with_capacity(PIECE)).await {
            (StreamResult::Complete(_), bytes) => Ok(bytes),
            (StreamResult::Dropped | StreamResult::Cancelled, bytes) => Ok(bytes),
        }
    }
}

fn remote(address: SocketAddr) -> IpSocketAddress {
    let port = address.port();
    match address.ip() {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            IpSocketAddress::Ipv4(Ipv4SocketAddress {
                port,
                address: (a, b, c, d),
            })
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, e, f, g, h] = address.segments();
            IpSocketAddress::Ipv6(Ipv6SocketAddress {
                port,
                flow_info: 0,
                address: (a, b, c, d, e, f, g, h),
                scope_id: 0,
            })
        }
    }
}

/// What a host says is a code, which is put into the words of the system's own errors.
fn describe(code: ErrorCode) -> String {
    match code {
        ErrorCode::AccessDenied => format!("the address is {NOT_PERMITTED}"),
        ErrorCode::ConnectionRefused => "connection refused".to_owned(),
        ErrorCode::Timeout => "connection timed out".to_owned(),
        ErrorCode::RemoteUnreachable => "the network or the host is unreachable".to_owned(),
        code => format!("{code:?}"),
    }
}
