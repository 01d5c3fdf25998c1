//! HTTP requests that a component makes: only to hosts that the manifest permits.
//!
//! What only a `*` permits is public: a name that leads to this machine or into a private network, and such an address, must
//! be named by an entry. That is judged after the look-up, and what was judged is what is connected to; on Spin
//! `block_networks` of the runtime configuration does so.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use application::AllowedHosts;
use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::roots;

/// How long each step may take where the component does not say; the deadline of the run comes first in practice.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// The host that stands for the application itself, for libraries that insist on a host.
const SELF_HOST: &str = "self.alt";

/// The way out of a component.
#[derive(Clone)]
pub(crate) struct OutboundHttp {
    component: Arc<str>,
    allowed_hosts: Arc<AllowedHosts>,
    own_address: Arc<OnceLock<SocketAddr>>,
    look_up: LookUp,
}

/// Finds the addresses of a host.
type LookUp = Arc<dyn Fn(String, u16) -> Found + Send + Sync>;
type Found = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// As this machine does.
fn look_up(host: String, port: u16) -> Found {
    Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
}

type Ending = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for OutboundHttp {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_consumed: Ending,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Ending), Error>> + Send> {
        let way_out = self.clone();
        Box::new(async move {
            let (request, whom) = way_out.permit(request)?;
            way_out.send(request, whom, options).await
        })
    }
}

/// To whom a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whom {
    /// The application itself, wherever it listens.
    Itself,
    Others,
}

impl OutboundHttp {
    pub(crate) fn new(
        component: &str,
        allowed_hosts: Arc<AllowedHosts>,
        own_address: Arc<OnceLock<SocketAddr>>,
    ) -> Self {
        Self {
            component: component.into(),
            allowed_hosts,
            own_address,
            look_up: Arc::new(look_up),
        }
    }

    /// Gives the request back as it may be sent, or the error that Spin gives for one that is not permitted.
    fn permit(&self, request: Request<WasiBody>) -> Result<(Request<WasiBody>, Whom), Error> {
        let uri = request.uri();
        let host = uri.host().unwrap_or_default();
        if host.is_empty() || host == SELF_HOST {
            return Ok((self.to_self(request)?, Whom::Itself));
        }
        let scheme = uri.scheme_str().unwrap_or("https");
        if self.allowed_hosts.allows(scheme, host, uri.port_u16()) {
            return Ok((request, Whom::Others));
        }
        // Not the whole authority: a user and a password may stand in it.
        let place = uri
            .port_u16()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        tracing::warn!(
            component = %self.component,
            "A request to {scheme}://{place} was refused; to permit it, add it to allowed_outbound_hosts of the component.",
        );
        Err(Error::HttpRequestDenied)
    }

    fn to_self(&self, mut request: Request<WasiBody>) -> Result<Request<WasiBody>, Error> {
        if !self.allowed_hosts.allows_self(&["http", "https"]) {
            tracing::warn!(
                component = %self.component,
                "A request to the application itself was refused; to permit it, add \"http://self\" to \
                 allowed_outbound_hosts of the component.",
            );
            return Err(Error::HttpRequestDenied);
        }
        let address = self
            .own_address
            .get()
            .ok_or(Error::HttpRequestUriInvalid)?
            .to_string();
        let authority: Authority = address.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
        let mut parts = http::uri::Parts::default();
        parts.path_and_query = Some(
            request
                .uri()
                .path_and_query()
                .cloned()
                .unwrap_or_else(|| PathAndQuery::from_static("/")),
        );
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(authority);
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)?;
        let host = HeaderValue::from_str(&address).map_err(|_| Error::HttpRequestUriInvalid)?;
        request.headers_mut().insert(HOST, host);
        Ok(request)
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

impl OutboundHttp {
    async fn send(
        &self,
        mut request: Request<WasiBody>,
        whom: Whom,
        options: Option<RequestOptions>,
    ) -> Result<(Response<WasiBody>, Ending), Error> {
        let limit = |choose: fn(RequestOptions) -> Option<Duration>| {
            options.and_then(choose).unwrap_or(DEFAULT_TIMEOUT)
        };
        let between_bytes = limit(|options| options.between_bytes_timeout);
        let connected = timeout(
            limit(|options| options.connect_timeout),
            self.connect(request.uri(), whom),
        );
        let stream = connected.await.map_err(|_| Error::ConnectionTimeout)??;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(Error::from)?;

        // On the wire the target is the path alone; the host stands in its header.
        let path = request
            .uri()
            .path_and_query()
            .cloned()
            .unwrap_or_else(|| PathAndQuery::from_static("/"));
        *request.uri_mut() = Uri::from(path);

        // The connection lives as long as somebody wants its answer: it goes with this call, or with the body.
        let connection = AbortOnDropHandle::new(tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "The connection of a component's request ended early.");
            }
        }));
        let answer = timeout(
            limit(|options| options.first_byte_timeout),
            sender.send_request(request),
        );
        let answer = answer.await.map_err(|_| Error::ConnectionReadTimeout)??;
        let answer = answer.map(|body| TimedBody::new(body, between_bytes, connection).boxed_unsync());
        Ok((answer, Box::new(std::future::ready(Ok(())))))
    }

    async fn connect(&self, uri: &Uri, whom: Whom) -> Result<Box<dyn Duplex>, Error> {
        let host = uri.host().ok_or(Error::HttpRequestUriInvalid)?;
        let encrypted = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let addresses = (self.look_up)(host.to_owned(), port)
            .await
            .map_err(|_| unknown_host())?;
        if addresses.is_empty() {
            return Err(unknown_host());
        }
        let addresses = match whom {
            Whom::Itself => addresses,
            Whom::Others => {
                let scheme = if encrypted { "https" } else { "http" };
                self.within_reach(scheme, host, port, addresses)?
            }
        };
        let stream = TcpStream::connect(addresses.as_slice())
            .await
            .map_err(|_| Error::ConnectionRefused)?;
        if !encrypted {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|_| unknown_host())?;
        let connector = tokio_rustls::TlsConnector::from(roots::default_client());
        let stream = connector.connect(name, stream).await.map_err(|error| {
            tracing::warn!(host, %error, "The TLS handshake of a component's request failed.");
            Error::TlsProtocolError
        })?;
        Ok(Box::new(stream))
    }

    /// Those of the addresses of a host that may be connected to.
    fn within_reach(
        &self,
        scheme: &str,
        host: &str,
        port: u16,
        addresses: Vec<SocketAddr>,
    ) -> Result<Vec<SocketAddr>, Error> {
        let may = |address: &SocketAddr| {
            !networks::is_private(address.ip())
                || self.allowed_hosts.names(scheme, host, Some(port), address.ip())
        };
        let (permitted, refused): (Vec<_>, Vec<_>) = addresses.into_iter().partition(may);
        if !permitted.is_empty() {
            return Ok(permitted);
        }
        let refused: Vec<String> = refused.iter().map(|address| address.ip().to_string()).collect();
        tracing::warn!(
            component = %self.component,
            "A request to {scheme}://{host}:{port} was refused: {} is in a private network, and only a * permits it; to \
             permit it, name it in allowed_outbound_hosts of the component.",
            refused.join(", "),
        );
        Err(Error::DestinationIpProhibited)
    }
}

fn unknown_host() -> Error {
    Error::DnsError {
        rcode: Some("address not available".to_owned()),
        info_code: Some(0),
    }
}

/// A body that fails when the server falls silent in the middle of it.
struct TimedBody {
    body: Incoming,
    limit: Duration,
    silence: Option<Pin<Box<Sleep>>>,
    _connection: AbortOnDropHandle<()>,
}

impl TimedBody {
    fn new(body: Incoming, limit: Duration, connection: AbortOnDropHandle<()>) -> Self {
        Self {
            body,
            limit,
            silence: None,
            _connection: connection,
        }
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.silence = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        let limit = this.limit;
        let silence = this.silence.get_or_insert_with(|| Box::pin(sleep(limit)));
        silence
            .as_mut()
            .poll(context)
            .map(|()| Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use application::Resolver;
    use http_body_util::Empty;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Who answers one request on this machine, and the port.
    async fn receiver() -> (u16, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = vec![0; 1024];
            let length = stream.read(&mut read).await.unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            String::from_utf8_lossy(&read[..length]).into_owned()
        });
        (port, asked)
    }

    /// A way out on a machine where every name leads to these addresses.
    fn way_out(entries: &[&str], addresses: &'static [&'static str]) -> OutboundHttp {
        let allowed = AllowedHosts::parse(entries, &Resolver::default()).unwrap();
        let mut way_out = OutboundHttp::new("one", Arc::new(allowed), Arc::default());
        way_out.look_up = Arc::new(move |host: String, port| -> Found {
            let number = host.parse().ok();
            let found = addresses.iter().map(|address| address.parse().unwrap());
            let found = number.map_or_else(|| found.collect(), |number| vec![number]);
            let found: Vec<std::net::IpAddr> = found;
            Box::pin(async move {
                Ok(found
                    .into_iter()
                    .map(|address| SocketAddr::new(address, port))
                    .collect())
            })
        });
        way_out
    }

    async fn ask(way_out: &OutboundHttp, url: &str) -> Result<http::StatusCode, Error> {
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = Request::get(url).body(body).unwrap();
        let (request, whom) = way_out.permit(request)?;
        Ok(way_out.send(request, whom, None).await?.0.status())
    }

    #[tokio::test]
    async fn a_public_name_that_leads_to_this_machine_is_refused() {
        for url in [
            "http://hooks.example.com:PORT/",
            "http://127.0.0.1:PORT/",
            "http://[::ffff:127.0.0.1]:PORT/",
        ] {
            let (port, asked) = receiver().await;
            let url = url.replace("PORT", &port.to_string());
            let refused = ask(
                &way_out(&["http://*:*", "*://*:*"], &["127.0.0.1", "10.0.0.7"]),
                &url,
            )
            .await;
            assert!(
                matches!(refused, Err(Error::DestinationIpProhibited)),
                "{url}: {refused:?}"
            );
            assert!(!asked.is_finished(), "{url}");
            asked.abort();
        }
    }

    #[tokio::test]
    async fn who_is_named_may_be_anywhere() {
        for entry in [
            "http://hooks.example.com:*",
            "http://*.example.com:*",
            "http://127.0.0.1:*",
            "http://127.0.0.0/8:*",
        ] {
            let (port, asked) = receiver().await;
            let url = format!("http://hooks.example.com:{port}/path");
            let answered = ask(&way_out(&["http://*:*", entry], &["127.0.0.1"]), &url).await;
            assert!(
                matches!(answered, Ok(http::StatusCode::OK)),
                "{entry}: {answered:?}"
            );
            let asked = asked.await.unwrap();
            assert!(asked.starts_with("GET /path HTTP/1.1\r\n"), "{asked}");
        }
    }

    #[tokio::test]
    async fn of_several_addresses_only_those_that_are_permitted_are_tried() {
        let way_out = way_out(&["https://*:*"], &[]);
        let addresses =
            ["10.0.0.7:443", "8.8.8.8:443", "[fd00::1]:443"].map(|address| address.parse().unwrap());
        let permitted = way_out.within_reach("https", "hooks.example.com", 443, addresses.to_vec());
        assert_eq!(permitted.unwrap(), ["8.8.8.8:443".parse().unwrap()]);
    }
}
