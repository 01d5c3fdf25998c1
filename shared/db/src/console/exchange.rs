//! Messages over a socket, one at a time.

use std::io;
use std::net::SocketAddr;

use bytes::BytesMut;
use postgres_protocol::message::backend::Message;

use super::malformed;
use super::socket::Socket;
use crate::error::DbError;

/// The longest message that is taken. A row of the console has some hundred bytes; a peer that announces more would have
/// us keep memory for it.
const LONGEST_MESSAGE: usize = 1 << 20;

/// The longest answer that is taken, all its messages together.
const LONGEST_ANSWER: usize = 32 << 20;

/// A message is its type, and its length without the type.
const HEAD: usize = 5;

/// A connection on which messages go out and come in.
#[derive(Debug)]
pub(super) struct Exchange {
    socket: Socket,
    received: BytesMut,
    /// How much came since the last message went out.
    answered: usize,
}

impl Exchange {
    /// Connects; the reason as a text if that fails.
    pub(super) async fn connect(address: SocketAddr) -> Result<Exchange, String> {
        Ok(Exchange {
            socket: Socket::connect(address).await?,
            received: BytesMut::new(),
            answered: 0,
        })
    }

    /// Sends what is written into the buffer.
    pub(super) async fn send(
        &mut self,
        write: impl FnOnce(&mut BytesMut) -> io::Result<()>,
    ) -> Result<(), DbError> {
        let mut buffer = BytesMut::new();
        write(&mut buffer).map_err(|error| malformed(&error))?;
        self.answered = 0;
        self.socket
            .send(buffer.to_vec())
            .await
            .map_err(|reason| DbError::lost(&reason))
    }

    /// Waits for the next message.
    pub(super) async fn receive(&mut self) -> Result<Message, DbError> {
        loop {
            if is_whole(&self.received)?
                && let Some(message) =
                    Message::parse(&mut self.received).map_err(|error| malformed(&error))?
            {
                return Ok(message);
            }
            let bytes = self
                .socket
                .receive()
                .await
                .map_err(|reason| DbError::lost(&reason))?;
            if bytes.is_empty() {
                return Err(DbError::lost("the other side closed the connection"));
            }
            self.answered += bytes.len();
            if self.answered > LONGEST_ANSWER {
                return Err(malformed(&"its answer is too long"));
            }
            self.received.extend_from_slice(&bytes);
        }
    }
}

/// Whether there is a message from its beginning to its end. The parser would make room for as much as is announced.
fn is_whole(received: &[u8]) -> Result<bool, DbError> {
    let Some([_, length @ ..]) = received.first_chunk::<HEAD>() else {
        return Ok(false);
    };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length > LONGEST_MESSAGE {
        return Err(malformed(&"its message is too long"));
    }
    Ok(received.len() > length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_whole_when_its_last_byte_is_there() {
        let message = b"Z\0\0\0\x05I";
        for length in 0..message.len() {
            assert_eq!(is_whole(&message[..length]), Ok(false), "{length} bytes");
        }
        assert_eq!(is_whole(message), Ok(true));
    }

    #[test]
    fn no_memory_is_kept_for_what_is_only_announced() {
        assert!(is_whole(b"D\x7f\xff\xff\xff").is_err());
    }
}
