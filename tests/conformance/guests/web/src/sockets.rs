//! What a component can do with a socket.

use std::net::SocketAddrV4;

use spin_sdk::wasip3::sockets::ip_name_lookup::resolve_addresses;
use spin_sdk::wasip3::sockets::types::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, TcpSocket,
};
use spin_sdk::wasip3::wit_stream;

/// The first line that an HTTP server at the address answers, or the error of the host.
pub async fn ask(address: &str) -> String {
    match address.parse() {
        Ok(address) => exchange(address)
            .await
            .unwrap_or_else(|code| format!("error: {code:?}")),
        Err(error) => format!("{address}: {error}"),
    }
}

async fn exchange(address: SocketAddrV4) -> Result<String, ErrorCode> {
    let [a, b, c, d] = address.ip().octets();
    let socket = TcpSocket::create(IpAddressFamily::Ipv4)?;
    let remote = Ipv4SocketAddress {
        port: address.port(),
        address: (a, b, c, d),
    };
    socket.connect(IpSocketAddress::Ipv4(remote)).await?;
    let (mut outgoing, to_send) = wit_stream::new();
    let _sent = socket.send(to_send);
    let (mut incoming, _received) = socket.receive();
    outgoing
        .write_all(b"GET / HTTP/1.1\r\nhost: receiver\r\nconnection: close\r\n\r\n".to_vec())
        .await;
    let mut answer = Vec::new();
    while let Some(byte) = incoming.next().await {
        if byte == b'\r' {
            break;
        }
        answer.push(byte);
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// How many addresses a name has, or the error of the host.
pub async fn look_up(name: &str) -> String {
    match resolve_addresses(name.to_owned()).await {
        Ok(addresses) => format!("{} addresses", addresses.len()),
        Err(code) => format!("error: {code:?}"),
    }
}
