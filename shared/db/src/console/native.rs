//! The system's sockets, for the command and the tests.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Part of the reason when a host forbids the connection, which only a component's host does.
pub(super) const NOT_PERMITTED: &str = "not permitted";

/// How much is read at once.
const PIECE: usize = 16 * 1024;

/// A connected socket.
#[derive(Debug)]
pub(super) struct Socket(TcpStream);

impl Socket {
    pub(super) async fn connect(address: SocketAddr) -> Result<Socket, String> {
        let stream = TcpStream::connect(address).await;
        stream.map(Socket).map_err(|error| error.to_string())
    }

    pub(super) async fn send(&mut self, bytes: Vec<u8>) -> Result<(), String> {
        self.0.write_all(&bytes).await.map_err(|error| error.to_string())
    }

    /// Some bytes; none at the end.
    pub(super) async fn receive(&mut self) -> Result<Vec<u8>, String> {
        let mut bytes = vec![0; PIECE];
        let length = self.0.read(&mut bytes).await.map_err(|error| error.to_string())?;
        bytes.truncate(length);
        Ok(bytes)
    }
}
