//! The HTTP trigger: takes requests, finds the component that answers, and gives its answer back.
//!
//! - `http/connections.rs`: how many connections there are, and when a silent one ends;
//! - `http/strict.rs`: requests that can be read in two ways are refused;
//! - `http/turns.rs`: how many requests a component answers at once.

mod connections;
mod strict;
mod turns;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use application::{RouteMatch, Router};
use bytes::Bytes;
use http::header::{HOST, HeaderName, HeaderValue, RETRY_AFTER};
use http::uri::{Authority, Parts, Scheme};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::handler::{ExpirationError, ProxyHandler, TrapOrPanicError};
use wasmtime_wasi_http::{Error as HttpError, WasiBody};

use super::cron::milliseconds;
use super::http_worker::Workers;
use crate::lane::Lane;
use connections::{Connections, Line, Noted, Place, open_files};
use strict::{LONGEST_HEAD, Strict};
use turns::{Answer, Turn, Turns};

pub(crate) use connections::Limits;

/// Most requests that a component works on at the same time, as many as one instance does; further ones wait for their
/// turn.
pub(crate) const REQUESTS_OF_A_COMPONENT: usize = 16;

/// How long to wait when no connection can be accepted, say for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a client is told when there are as many connections as may be, and something is being answered on each.
const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Below this path a Spin host answers itself.
const WELL_KNOWN: &str = "/.well-known/spin/";

/// Answers requests with components.
pub(crate) struct HttpServer {
    router: Router,
    handlers: BTreeMap<String, Handler>,
    connections: Arc<Connections>,
    about: Bytes,
}

struct Handler {
    workers: ProxyHandler<Workers>,
    lane: Lane,
    deadline: Duration,
    turns: Turns,
}

impl HttpServer {
    pub(crate) fn new(application: &application::Application, workers: Vec<Workers>, limits: Limits) -> Self {
        let about = serde_json::json!({ "name": application.name, "version": application.version });
        let handlers = workers.into_iter().map(|workers| {
            let component = workers.component().to_owned();
            let deadline = workers.deadline();
            let handler = Handler {
                lane: workers.lane().clone(),
                deadline,
                turns: Turns::new(REQUESTS_OF_A_COMPONENT, deadline),
                workers: ProxyHandler::new(workers),
            };
            (component, handler)
        });
        Self {
            router: application.router.clone(),
            handlers: handlers.collect(),
            connections: Connections::new(limits.within_open_files(open_files())),
            about: about.to_string().into(),
        }
    }

    /// Serves until `stop`, then lets the requests in hand come to their end.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.cancelled() => break,
            };
            match accepted {
                Ok((stream, client)) => match self.connections.admit(client.ip()) {
                    Some(place) => Arc::clone(&self).serve_connection(stream, client, place, &graceful),
                    None => turn_away(stream, client),
                },
                Err(error) => {
                    tracing::warn!(%error, "Could not accept a connection.");
                    // What is wanting most often is a file descriptor.
                    self.connections.end_quietest();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        graceful.shutdown().await;
    }

    fn serve_connection(
        self: Arc<Self>,
        stream: TcpStream,
        client: SocketAddr,
        place: Place,
        graceful: &GracefulShutdown,
    ) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "Could not set a connection to send at once.");
        }
        let line = Arc::clone(place.line());
        let service = service_fn(move |request| {
            let (server, line) = (Arc::clone(&self), Arc::clone(&line));
            async move { Ok::<_, Infallible>(server.answer(request, client, &line).await) }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .max_buf_size(LONGEST_HEAD);
        builder.http2().timer(TokioTimer::new());
        let stream = Strict::new(Noted::new(stream, &place));
        let connection = builder
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%error, "A connection ended with an error.");
                },
                () = place.over() => tracing::debug!(%client, "Ended a connection on which nothing was asked."),
            }
        });
    }

    /// Answers one request and logs how.
    async fn answer(
        &self,
        request: Request<Incoming>,
        client: SocketAddr,
        line: &Arc<Line>,
    ) -> Response<Answer> {
        let in_hand = line.ask();
        let start = Instant::now();
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        // A route below the well-known path is never reached, as on Spin.
        let well_known = path.strip_prefix(WELL_KNOWN);
        let matched = if well_known.is_some() {
            None
        } else {
            self.router.find(&path)
        };
        let (answer, turn) = match (well_known, &matched) {
            (Some("health"), _) => (plain(StatusCode::OK, "OK"), None),
            (Some("info"), _) => (self.about(), None),
            (_, Some(matched)) => self.run(request, matched, client, start).await,
            _ => (plain(StatusCode::NOT_FOUND, ""), None),
        };
        tracing::info!(
            target: "request",
            %method,
            path,
            status = answer.status().as_u16(),
            ms = milliseconds(start.elapsed()),
            component = matched.as_ref().map(RouteMatch::component),
            "Answered.",
        );
        answer.map(|body| Answer::new(body, turn, in_hand))
    }

    fn about(&self) -> Response<WasiBody> {
        let mut answer = Response::new(body(self.about.clone()));
        answer.headers_mut().insert(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        answer
    }

    /// Has the component of a route answer, and gives the turn that the answer takes.
    async fn run(
        &self,
        request: Request<Incoming>,
        matched: &RouteMatch<'_>,
        client: SocketAddr,
        start: Instant,
    ) -> (Response<WasiBody>, Option<Turn>) {
        let Some(handler) = self.handlers.get(matched.component()) else {
            // Every component on a route has a handler, made at the start.
            tracing::error!(
                component = matched.component(),
                "No handler for a component on a route."
            );
            return (plain(StatusCode::INTERNAL_SERVER_ERROR, ""), None);
        };
        let request = match prepare(request, matched, client) {
            Ok(request) => request,
            Err(fault) => return (plain(StatusCode::BAD_REQUEST, fault), None),
        };
        let Some(turn) = handler.turns.turn().await else {
            return (busy(), None);
        };
        let workers = handler.workers.clone();
        let answer = handler.lane.run(async move { workers.handle((), request).await });
        let answer = match answer.await {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => failed(&error, matched.component(), start.elapsed() >= handler.deadline),
            None => failed(
                &TrapOrPanicError.into(),
                matched.component(),
                start.elapsed() >= handler.deadline,
            ),
        };
        (answer, Some(turn))
    }
}

/// Tells a client that there is no place for its connection.
fn turn_away(stream: TcpStream, client: SocketAddr) {
    tracing::warn!(%client, "Refused a connection: something is being answered on every one that may be.");
    // A client that is gone already is not told.
    let _ = stream
        .into_std()
        .and_then(|mut stream| stream.write_all(NO_PLACE));
}

/// Gives a request the form in which a component on Spin finds it.
fn prepare(
    mut request: Request<Incoming>,
    matched: &RouteMatch<'_>,
    client: SocketAddr,
) -> Result<Request<WasiBody>, &'static str> {
    let authority = authority(&request)?;
    let mut parts = Parts::default();
    parts.path_and_query = request.uri().path_and_query().cloned();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    let uri = Uri::from_parts(parts).map_err(|_| "the target of the request is not a path")?;
    let full_url = uri.to_string();
    *request.uri_mut() = uri;
    let own = [
        ("spin-full-url".to_owned(), full_url),
        ("spin-client-addr".to_owned(), client.to_string()),
    ];
    for (name, value) in matched.headers().into_iter().chain(own) {
        // A path may hold bytes that a header may not; Spin refuses such a request as well.
        let name = HeaderName::try_from(name).map_err(|_| "the path does not fit into a header")?;
        let value = HeaderValue::try_from(value).map_err(|_| "the path does not fit into a header")?;
        request.headers_mut().insert(name, value);
    }
    Ok(request.map(|body| body.map_err(HttpError::from).boxed_unsync()))
}

/// For which host a request is: by its header, its target, or both if they agree.
fn authority<B>(request: &Request<B>) -> Result<Authority, &'static str> {
    let header = request.headers().get(HOST);
    let header = header
        .map(|host| Authority::try_from(host.as_bytes()).map_err(|_| "the Host header is not a host"))
        .transpose()?;
    match (header, request.uri().authority()) {
        (Some(header), Some(target)) if header != *target => {
            Err("the Host header and the target of the request do not agree")
        }
        (Some(host), _) => Ok(host),
        (None, Some(host)) => Ok(host.clone()),
        (None, None) => Err("the request has no Host header"),
    }
}

/// The answer for a component that gave none.
fn failed(error: &wasmtime::Error, component: &str, late: bool) -> Response<WasiBody> {
    // A component that computes without end is stopped from outside, which looks like a trap.
    let late = error.is::<ExpirationError>() || (late && error.is::<TrapOrPanicError>());
    if late {
        tracing::error!(component, trigger = "http", "Run took longer than its deadline.");
        return plain(StatusCode::GATEWAY_TIMEOUT, "");
    }
    tracing::error!(
        component,
        trigger = "http",
        error = format!("{error:#}"),
        "Run failed."
    );
    plain(StatusCode::INTERNAL_SERVER_ERROR, "")
}

fn busy() -> Response<WasiBody> {
    let mut answer = plain(StatusCode::SERVICE_UNAVAILABLE, "");
    answer
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

fn plain(status: StatusCode, text: &'static str) -> Response<WasiBody> {
    let mut answer = Response::new(body(Bytes::from_static(text.as_bytes())));
    *answer.status_mut() = status;
    answer
}

fn body(bytes: Bytes) -> WasiBody {
    Full::new(bytes)
        .map_err(|never: Infallible| match never {})
        .boxed_unsync()
}
