//! An HTTP receiver that records what it gets and answers as it is told.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// When its last byte was here.
    pub at: Instant,
    /// Its method.
    pub method: Method,
    /// Its path with the query.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body as text.
    pub body: String,
}

impl Received {
    /// The body as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_str(&self.body).with_context(|| format!("the request is not JSON: {}", self.body))
    }

    /// One header, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// What the receiver answers.
#[derive(Debug, Clone)]
pub struct Answer {
    status: StatusCode,
    headers: Vec<(String, String)>,
    body: String,
    delay: Duration,
    hangs: bool,
}

impl Answer {
    /// At once, with this status and an empty body.
    ///
    /// # Panics
    /// When it is no HTTP status.
    pub fn status(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or_else(|_| panic!("{status} is no HTTP status"));
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
            delay: Duration::ZERO,
            hangs: false,
        }
    }

    /// Takes the request and never answers it.
    pub fn hang() -> Self {
        Self {
            hangs: true,
            ..Self::status(200)
        }
    }

    /// Only after `delay`.
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// With one header more.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a body.
    pub fn with_body(self, body: &str) -> Self {
        Self {
            body: body.to_owned(),
            ..self
        }
    }
}

#[derive(Debug)]
struct Shared {
    received: Vec<Received>,
    next: VecDeque<Answer>,
    otherwise: Answer,
}

/// Listens on a port of its own until it is dropped.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    arrived: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Receiver {
    /// A receiver that answers 200 until it is told otherwise.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("cannot listen on 127.0.0.1")?;
        let address = listener.local_addr()?;
        let state = Shared {
            received: Vec::new(),
            next: VecDeque::new(),
            otherwise: Answer::status(200),
        };
        let shared = Arc::new(Mutex::new(state));
        let arrived = Arc::new(Notify::new());
        let task = tokio::spawn(serve(listener, Arc::clone(&shared), Arc::clone(&arrived)));
        Ok(Self {
            address,
            shared,
            arrived,
            task,
        })
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// An address that leads here.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The answer to the next request that has none yet; then to the one after it, and so on.
    pub fn answer_next(&self, answer: Answer) {
        lock(&self.shared).next.push_back(answer);
    }

    /// The answer to every request for which there is no answer of its own.
    pub fn answer_always(&self, answer: Answer) {
        lock(&self.shared).otherwise = answer;
    }

    /// Forgets the answers that were meant for requests to come.
    pub fn forget_answers(&self) {
        lock(&self.shared).next.clear();
    }

    /// Forgets all that came so far.
    pub fn forget(&self) {
        lock(&self.shared).received.clear();
    }

    /// All that came so far.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared).received.clone()
    }

    /// All that came so far for which `matches` holds, as soon as there are `count` of them.
    pub async fn wait_for(
        &self,
        count: usize,
        patience: Duration,
        matches: impl Fn(&Received) -> bool,
    ) -> Result<Vec<Received>> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            // Registered before we look, so that nothing arrives unnoticed in between.
            let arrived = self.arrived.notified();
            let found: Vec<_> = self
                .received()
                .into_iter()
                .filter(|received| matches(received))
                .collect();
            if found.len() >= count {
                return Ok(found);
            }
            if tokio::time::timeout_at(deadline, arrived).await.is_err() {
                let all: Vec<_> = self
                    .received()
                    .into_iter()
                    .map(|received| received.body)
                    .collect();
                bail!(
                    "{} of {count} expected requests within {patience:?}; all that came:\n{}",
                    found.len(),
                    all.join("\n")
                );
            }
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, shared: Arc<Mutex<Shared>>, arrived: Arc<Notify>) {
    while let Ok((connection, _)) = listener.accept().await {
        let (shared, arrived) = (Arc::clone(&shared), Arc::clone(&arrived));
        tokio::spawn(async move {
            let service = service_fn(|request| respond(request, Arc::clone(&shared), Arc::clone(&arrived)));
            // A client that hangs up early is its own affair: some tests want just that.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(connection), service)
                .await;
        });
    }
}

async fn respond(
    request: Request<Incoming>,
    shared: Arc<Mutex<Shared>>,
    arrived: Arc<Notify>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let received = Received {
        at: Instant::now(),
        method: parts.method,
        path: parts.uri.to_string(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let answer = {
        let mut shared = lock(&shared);
        shared.received.push(received);
        shared
            .next
            .pop_front()
            .unwrap_or_else(|| shared.otherwise.clone())
    };
    arrived.notify_waiters();
    Ok(give(answer).await.unwrap_or_else(|never| match never {}))
}

async fn give(answer: Answer) -> Result<Response<Full<Bytes>>, Infallible> {
    if answer.hangs {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(answer.delay).await;
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = answer.status;
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<hyper::header::HeaderName>(), value.parse()) {
            response.headers_mut().append(name, value);
        }
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http;

    #[tokio::test]
    async fn it_records_and_answers_in_order() {
        let receiver = Receiver::start().await.unwrap();
        receiver.answer_next(Answer::status(503).with_header("retry-after", "7"));

        let first = http::send(
            Method::POST,
            &receiver.url("/a?b=1"),
            &[("x-key", "k")],
            "{\"n\":1}",
        )
        .await
        .unwrap();
        let second = http::send(Method::POST, &receiver.url("/a"), &[], "{\"n\":2}")
            .await
            .unwrap();

        assert_eq!((first.status.as_u16(), first.header("retry-after")), (503, "7"));
        assert_eq!(second.status.as_u16(), 200);
        let received = receiver
            .wait_for(2, Duration::from_secs(5), |_| true)
            .await
            .unwrap();
        assert_eq!(received[0].path, "/a?b=1");
        assert_eq!(received[0].header("x-key"), "k");
        assert_eq!(received[1].json().unwrap()["n"], 2);
    }

    #[tokio::test]
    async fn a_wait_that_ends_in_vain_says_what_came_instead() {
        let receiver = Receiver::start().await.unwrap();
        http::send(Method::POST, &receiver.url("/"), &[], "something else")
            .await
            .unwrap();
        let error = receiver
            .wait_for(2, Duration::from_millis(50), |_| true)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("something else"), "{error}");
    }

    #[tokio::test]
    async fn a_hanging_receiver_takes_the_request_and_stays_silent() {
        let receiver = Receiver::start().await.unwrap();
        receiver.answer_always(Answer::hang());
        let url = receiver.url("/");
        let answer = tokio::time::timeout(Duration::from_millis(200), http::get(&url)).await;
        assert!(answer.is_err(), "a hanging receiver answered");
        assert_eq!(receiver.received().len(), 1);
    }
}
