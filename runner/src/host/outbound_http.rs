//! HTTP requests that a component makes: only to hosts that the manifest permits.

use std::future::Future;
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
            let request = way_out.permit(request)?;
            send(request, options).await
        })
    }
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
        }
    }

    /// Gives the request back as it may be sent, or the error that Spin gives for one that is not permitted.
    fn permit(&self, request: Request<WasiBody>) -> Result<Request<WasiBody>, Error> {
        let uri = request.uri();
        let host = uri.host().unwrap_or_default();
        if host.is_empty() || host == SELF_HOST {
            return self.to_self(request);
        }
        let scheme = uri.scheme_str().unwrap_or("https");
        if self.allowed_hosts.allows(scheme, host, uri.port_u16()) {
            return Ok(request);
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

async fn send(
    mut request: Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Result<(Response<WasiBody>, Ending), Error> {
    let limit =
        |choose: fn(RequestOptions) -> Option<Duration>| options.and_then(choose).unwrap_or(DEFAULT_TIMEOUT);
    let between_bytes = limit(|options| options.between_bytes_timeout);
    let connected = timeout(limit(|options| options.connect_timeout), connect(request.uri()));
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

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

async fn connect(uri: &Uri) -> Result<Box<dyn Duplex>, Error> {
    let host = uri.host().ok_or(Error::HttpRequestUriInvalid)?;
    let encrypted = uri.scheme() == Some(&Scheme::HTTPS);
    let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let addresses = tokio::net::lookup_host((host, port))
        .await
        .map_err(|_| unknown_host())?;
    let addresses: Vec<SocketAddr> = addresses.collect();
    if addresses.is_empty() {
        return Err(unknown_host());
    }
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
