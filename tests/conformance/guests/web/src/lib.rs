//! A guest that shows what an HTTP component sees of its host.
//!
//! `CHECK` in its environment says what to do; a request may add to it in its query (`?name=value`). What it finds
//! is its answer; 500 and a reason mean that the host did not do as it should.

mod body;
mod key_value;
mod limits;
mod sockets;

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use spin_sdk::http::{BoxBody, FullBody, Request, Response, box_body};
use spin_sdk::variables::Error as VariableError;
use spin_sdk::wasip3::http::types::ErrorCode;
use spin_sdk::{http_service, variables};

#[http_service]
async fn handle(request: Request) -> Response<BoxBody> {
    let check = std::env::var("CHECK").unwrap_or_default();
    match answer(&check, request).await {
        Ok(response) => response,
        Err(error) => text(500, format!("{error:#}")),
    }
}

async fn answer(check: &str, request: Request) -> Result<Response<BoxBody>> {
    let found = match check {
        "identify" => environment("NAME")?,
        "spin-headers" => spin_headers(&request),
        "request" => describe(request).await?,
        "variable" => variable(&query(&request, "name")?).await,
        "environment" => environment(&query(&request, "name")?)?,
        "count" => count(),
        "fetch" => fetch(&request).await,
        "tcp" => sockets::ask(&query(&request, "address")?).await,
        "lookup" => sockets::look_up(&query(&request, "name")?).await,
        "post" => post(&request).await,
        "key-value" => key_value::ask(&request).await?,
        "measure" => body::measure(request).await?,
        "echo" => return Ok(body::echo(request)),
        "endless" => return Ok(body::endless()),
        "spin" => limits::spin(),
        "sleep" => limits::sleep().await,
        "allocate" => limits::allocate(query(&request, "mebibytes")?.parse()?),
        "panic" => panic!("this guest was asked to panic"),
        _ => return Err(anyhow!("there is no check {check:?}")),
    };
    Ok(text(200, found))
}

fn text(status: u16, body: String) -> Response<BoxBody> {
    let mut response = Response::new(box_body(FullBody::new(Bytes::from(body))));
    *response.status_mut() = status.try_into().unwrap_or_default();
    response
}

/// The value of one key in the query; keys and values are taken as they stand.
fn query(request: &Request, key: &str) -> Result<String> {
    let pairs = request.uri().query().unwrap_or_default().split('&');
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value.to_owned())
        .with_context(|| format!("the query has no {key:?}"))
}

/// The headers by which a host tells a component how it was reached, one a line and in order.
fn spin_headers(request: &Request) -> String {
    let mut lines: Vec<String> = request
        .headers()
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("spin-"))
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    lines.sort();
    lines.join("\n")
}

/// Method, path and query, the headers that a test sent, and the body.
async fn describe(request: Request) -> Result<String> {
    let mut found = format!(
        "{} {}\n",
        request.method(),
        request.uri().path_and_query().map_or("", |path| path.as_str())
    );
    for (name, value) in request.headers() {
        if name.as_str().starts_with("x-test") {
            writeln!(found, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
    }
    let body = request
        .into_body()
        .collect()
        .await
        .context("cannot read the body")?
        .to_bytes();
    write!(found, "\n{}", String::from_utf8_lossy(&body))?;
    Ok(found)
}

/// The value of a variable, or the kind of error and its message.
async fn variable(name: &str) -> String {
    match variables::get(name).await {
        Ok(value) => value,
        Err(VariableError::InvalidName(message)) => format!("invalid name: {message}"),
        Err(VariableError::Undefined(message)) => format!("undefined: {message}"),
        Err(VariableError::Provider(message)) => format!("provider: {message}"),
        Err(VariableError::Other(message)) => format!("other: {message}"),
    }
}

fn environment(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("the environment has no {name}"))
}

/// How many requests this instance has had; a static lives as long as its instance.
fn count() -> String {
    static REQUESTS: AtomicU64 = AtomicU64::new(0);
    (REQUESTS.fetch_add(1, Ordering::Relaxed) + 1).to_string()
}

/// What a GET of the address in the query gives.
async fn fetch(request: &Request) -> String {
    match query(request, "address") {
        Ok(address) => told(spin_sdk::http::get(&address).await).await,
        Err(error) => error.to_string(),
    }
}

/// What a POST to the address in the query gives, with a header and a body of its own.
async fn post(request: &Request) -> String {
    let request = query(request, "address").and_then(|address| {
        let request = Request::post(address).header("x-test", "from the guest");
        Ok(request.body(FullBody::new(Bytes::from("the body of the guest")))?)
    });
    match request {
        Ok(request) => told(spin_sdk::http::send(request).await).await,
        Err(error) => error.to_string(),
    }
}

/// Status and body of an answer, or the error of the host.
async fn told(answer: Result<Response, ErrorCode>) -> String {
    let response = match answer {
        Ok(response) => response,
        Err(code) => return format!("error: {code:?}"),
    };
    let status = response.status().as_u16();
    match response.into_body().collect().await {
        Ok(body) => format!("{status} {}", String::from_utf8_lossy(&body.to_bytes())),
        Err(code) => format!("{status} and then an error: {code:?}"),
    }
}
