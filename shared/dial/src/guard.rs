//! A stream that looks at what a server asks for before the driver answers.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::weak::Authentication;

/// The type, and the length without the type.
const HEAD: usize = 5;
/// Both, and the code of a request for authentication.
const CODED: usize = HEAD + 4;

/// How a connection was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Whether it is encrypted; then the server is verified too.
    pub encrypted: bool,
    /// How the server had the password proved to it.
    pub authentication: Authentication,
}

/// How the last connection of a dialer was made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Option<Link>>>);

impl Seen {
    pub(crate) fn last(&self) -> Option<Link> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, link: Link) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(link);
    }
}

/// Reads along until the login is over, and ends the connection where more is asked for than may be given.
#[derive(Debug)]
pub(crate) struct Guard<S> {
    stream: S,
    watch: Option<Watch>,
}

/// The login so far.
#[derive(Debug)]
struct Watch {
    most: Authentication,
    /// Whether the other side is verified and nobody reads along.
    encrypted: bool,
    seen: Seen,
    /// The beginning of the message that is coming in.
    head: Vec<u8>,
    /// How much of it is still to come and of no interest.
    skip: usize,
    asked: bool,
}

impl<S> Guard<S> {
    pub(crate) fn new(stream: S, most: Authentication, encrypted: bool, seen: Seen) -> Self {
        let watch = Watch {
            most,
            encrypted,
            seen,
            head: Vec::with_capacity(CODED),
            skip: 0,
            asked: false,
        };
        Self {
            stream,
            watch: Some(watch),
        }
    }

    pub(crate) fn stream(&self) -> &S {
        &self.stream
    }
}

impl Watch {
    /// Looks at what came in. Whether the login is over, or the reason why it must not go on.
    fn read(&mut self, mut bytes: &[u8]) -> io::Result<bool> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            self.head.push(byte);
            bytes = rest;
            let is_request = self.head[0] == b'R';
            if self.head.len() < if is_request { CODED } else { HEAD } {
                continue;
            }
            let number = |at: usize| {
                self.head
                    .get(at..at + 4)
                    .and_then(|bytes| bytes.try_into().ok())
                    .map_or(0, u32::from_be_bytes)
            };
            let (length, code) = (number(1), number(HEAD));
            self.skip = usize::try_from(length)
                .unwrap_or(usize::MAX)
                .saturating_sub(self.head.len() - 1);
            self.head.clear();
            if is_request && self.is_over(code)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Judges a request for authentication.
    fn is_over(&mut self, code: u32) -> io::Result<bool> {
        let asked = match code {
            // Nothing more is asked for.
            0 => {
                if !self.asked {
                    self.note(Authentication::None);
                }
                return Ok(true);
            }
            3 => Authentication::Password,
            5 => Authentication::Md5,
            10 => Authentication::Scram,
            // The later steps of SCRAM, and ways that the driver does not know.
            _ => return Ok(false),
        };
        self.asked = true;
        self.note(asked);
        if asked <= self.most || self.encrypted {
            return Ok(false);
        }
        Err(io::Error::new(io::ErrorKind::PermissionDenied, Refusal(asked)))
    }
}

impl Watch {
    fn note(&self, authentication: Authentication) {
        self.seen.note(Link {
            encrypted: self.encrypted,
            authentication,
        });
    }
}

/// Why no password was given.
#[derive(Debug, thiserror::Error)]
#[error("the server asks for {}, which would give the password away: none was sent", words(*.0))]
struct Refusal(Authentication);

fn words(asked: Authentication) -> &'static str {
    match asked {
        Authentication::Password => "the password in clear text",
        _ => "an MD5 proof of the password",
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if let (Poll::Ready(Ok(())), Some(watch)) = (&read, &mut this.watch) {
            match watch.read(&buffer.filled()[before..]) {
                Ok(false) => {}
                Ok(true) => this.watch = None,
                Err(error) => {
                    buffer.set_filled(before);
                    return Poll::Ready(Err(error));
                }
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    const CLEAR: &[u8] = b"R\0\0\0\x08\0\0\0\x03";
    const MD5: &[u8] = b"R\0\0\0\x0c\0\0\0\x05salt";
    const SCRAM: &[u8] = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0";
    const OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";
    /// A row whose content looks like a request for the password.
    const LATER: &[u8] = b"D\0\0\0\x0dR\0\0\0\x08\0\0\0\x03";

    /// Sends the pieces one after the other; what arrived, or why it ended.
    async fn receive(pieces: &[&[u8]], most: Authentication, verified: bool) -> (io::Result<Vec<u8>>, Seen) {
        let seen = Seen::default();
        let (near, far) = tokio::io::duplex(4096);
        let mut guard = Guard::new(near, most, verified, seen.clone());
        let sent: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
        let sending = async move {
            use tokio::io::AsyncWriteExt as _;
            let mut far = far;
            for piece in sent {
                if far.write_all(&piece).await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        let mut bytes = Vec::new();
        let receiving = async { guard.read_to_end(&mut bytes).await };
        let (outcome, ()) = tokio::join!(receiving, sending);
        (outcome.map(|_| bytes), seen)
    }

    #[tokio::test]
    async fn a_password_is_not_given_away_however_the_request_arrives() {
        for request in [CLEAR, MD5] {
            for at in 0..9 {
                let (outcome, seen) =
                    receive(&[&request[..at], &request[at..]], Authentication::Scram, false).await;
                let error = outcome.unwrap_err();
                assert!(error.to_string().contains("none was sent"), "{error}");
                assert!(seen.last().unwrap().authentication > Authentication::Scram);
            }
        }
        let (outcome, _) = receive(&[LATER, CLEAR], Authentication::Scram, false).await;
        assert!(outcome.is_err(), "a message before the request does not hide it");
    }

    #[tokio::test]
    async fn what_was_named_and_what_is_verified_is_given() {
        for (request, most, verified) in [
            (CLEAR, Authentication::Password, false),
            (CLEAR, Authentication::Scram, true),
            (MD5, Authentication::Md5, false),
            (SCRAM, Authentication::Scram, false),
        ] {
            let (outcome, _) = receive(&[request, OK, LATER], most, verified).await;
            assert_eq!(outcome.unwrap(), [request, OK, LATER].concat());
        }
        assert!(receive(&[CLEAR], Authentication::Md5, false).await.0.is_err());
    }

    #[tokio::test]
    async fn how_the_login_went_is_known_afterwards() {
        for (request, expected) in [(SCRAM, Authentication::Scram), (MD5, Authentication::Md5)] {
            for encrypted in [true, false] {
                let (_, seen) = receive(&[request, OK], Authentication::Md5, encrypted).await;
                let link = Link {
                    encrypted,
                    authentication: expected,
                };
                assert_eq!(seen.last(), Some(link));
            }
        }
        let (_, seen) = receive(&[OK], Authentication::Scram, false).await;
        assert_eq!(seen.last().unwrap().authentication, Authentication::None);
    }
}
