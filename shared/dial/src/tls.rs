//! The encryption of a connection.
//!
//! The driver is told to leave all of it to [`Tls`], whatever the mode: so every connection, also one without TLS, goes
//! through the [`Guard`](crate::guard).

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

use crate::binding::server_end_point;
use crate::guard::{Guard, Seen};
use crate::trust::Trust;
use crate::weak::Authentication;

/// The message by which a client asks for TLS: its length, and a code in place of a version.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// The encryption of connections to one server, and of the requests that cancel its statements.
#[derive(Debug, Clone)]
pub struct Tls {
    pub(crate) mode: SslMode,
    pub(crate) negotiation: SslNegotiation,
    pub(crate) trust: Trust,
    pub(crate) most: Authentication,
    pub(crate) seen: Seen,
}

/// Why there is no encrypted connection. The words of the first are the driver's own.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The server has no TLS, and the address asks for it.
    #[error("server does not support TLS")]
    NotOffered,
    /// The connection ended before the server said whether it has TLS.
    #[error("the connection ended before TLS was agreed on: {0}")]
    Ended(#[source] io::Error),
    /// The host cannot be the name in a certificate.
    #[error("the host cannot stand in a certificate: {0}")]
    Name(#[source] rustls_pki_types::InvalidDnsNameError),
    /// The handshake failed: the certificate, mostly.
    #[error(transparent)]
    Handshake(io::Error),
}

impl<S> MakeTlsConnect<S> for Tls
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Channel<S>;
    type TlsConnect = Opening;
    type Error = TlsError;

    fn make_tls_connect(&mut self, host: &str) -> Result<Opening, TlsError> {
        Ok(Opening {
            tls: self.clone(),
            host: host.to_owned(),
        })
    }
}

/// One connection, not yet encrypted.
#[derive(Debug)]
pub struct Opening {
    tls: Tls,
    host: String,
}

impl<S> TlsConnect<S> for Opening
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Channel<S>;
    type Error = TlsError;
    type Future = Pin<Box<dyn Future<Output = Result<Channel<S>, TlsError>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(self.open(stream))
    }
}

impl Opening {
    async fn open<S>(self, mut stream: S) -> Result<Channel<S>, TlsError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Tls {
            mode,
            negotiation,
            trust,
            most,
            seen,
        } = self.tls;
        let plain = |stream| {
            Ok(Channel(Kind::Plain(Guard::new(
                stream,
                most,
                false,
                seen.clone(),
            ))))
        };
        if mode == SslMode::Disable {
            return plain(stream);
        }
        if negotiation != SslNegotiation::Direct && !is_offered(&mut stream).await.map_err(TlsError::Ended)? {
            return match mode {
                SslMode::Prefer => plain(stream),
                _ => Err(TlsError::NotOffered),
            };
        }
        let name = ServerName::try_from(self.host).map_err(TlsError::Name)?;
        let connector = TlsConnector::from(trust.client());
        let encrypted = connector
            .connect(name, stream)
            .await
            .map_err(TlsError::Handshake)?;
        Ok(Channel(Kind::Encrypted(Box::new(Guard::new(
            encrypted, most, true, seen,
        )))))
    }
}

/// Asks the server whether it has TLS.
pub(crate) async fn is_offered<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> io::Result<bool> {
    stream.write_all(&SSL_REQUEST).await?;
    stream.flush().await?;
    // One byte and no more: what a stranger sent ahead must not be taken for something that came encrypted.
    Ok(stream.read_u8().await? == b'S')
}

/// A connection to a server, encrypted or not.
pub struct Channel<S>(Kind<S>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static;

enum Kind<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    Plain(Guard<S>),
    // A session of TLS is large beside the stream below it.
    Encrypted(Box<Guard<Encrypted<S>>>),
}

type Encrypted<S> = tokio_rustls::client::TlsStream<S>;

/// Calls the same method of whichever stream there is.
macro_rules! delegate {
    ($channel:ident, $method:ident($($argument:ident),*)) => {
        match &mut $channel.get_mut().0 {
            Kind::Plain(guard) => Pin::new(guard).$method($($argument),*),
            Kind::Encrypted(guard) => Pin::new(guard.as_mut()).$method($($argument),*),
        }
    };
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> fmt::Debug for Channel<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match &self.0 {
            Kind::Plain(_) => "Channel(plain)",
            Kind::Encrypted(_) => "Channel(encrypted)",
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsStream for Channel<S> {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.0 {
            Kind::Plain(_) => ChannelBinding::none(),
            Kind::Encrypted(guard) => {
                let (_, session) = guard.stream().get_ref();
                let certificate = session.peer_certificates().and_then(<[_]>::first);
                certificate
                    .and_then(|certificate| server_end_point(certificate))
                    .map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> AsyncRead for Channel<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        delegate!(self, poll_read(context, buffer))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> AsyncWrite for Channel<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        delegate!(self, poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, poll_shutdown(context))
    }
}
