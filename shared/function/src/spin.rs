//! The world around a function within a component, and the two exports of one.

use std::sync::Once;
use std::time::Duration;

use db::{DbError, SafeUrl};
use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::json;
use spin_sdk::http::{EmptyBody, FullBody, IntoResponse};
use spin_sdk::key_value::{Error as MemoryError, Store};
use spin_sdk::wasip3::http::types::{self as wasi, ErrorCode};
use store::runs::Trigger;

use crate::SendError;
use crate::context::Context;
use crate::entry::{self, Access};
use crate::failure::Failure;
use crate::host::Host;
use crate::http::{self as web, Order, Request, Response};
use crate::log::Logger;
use crate::report::Report;

/// What the exports of a component are made of; for [`export!`](crate::export) alone.
pub mod bindings {
    pub use cron::export_cron;
    pub use cron::spin::cron::cron_types::{Error as CronError, Metadata};
    pub use spin_sdk::wasip3::exports::http::handler::Guest as HttpGuest;
    pub use spin_sdk::wasip3::http::service::export as export_http;
    pub use spin_sdk::wasip3::http::types::{ErrorCode, Request, Response};

    /// Spin's cron world.
    #[expect(missing_docs, reason = "the bindings are generated")]
    pub mod cron {
        spin_sdk::wit_bindgen::generate!({
            world: "spin-cron",
            path: "wit",
            runtime_path: "spin_sdk::wit_bindgen::rt",
            pub_export_macro: true,
            export_macro_name: "export_cron",
        });
    }
    pub use cron::Guest as CronGuest;
}

/// How much of another server's answer is kept: enough for a list of fifty issues.
const KEPT_ANSWER: usize = 1024 * 1024;

/// Variables, PostgreSQL, HTTP and memory by way of Spin's interfaces.
#[derive(Debug, Clone, Copy)]
pub struct SpinHost;

impl Host for SpinHost {
    type Client = db::Connection;

    async fn variable(&self, name: &str) -> Result<Option<String>, String> {
        match spin_sdk::variables::get(name).await {
            Ok(value) => Ok(Some(value)),
            Err(spin_sdk::variables::Error::Undefined(_)) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn connect(&self, url: &SafeUrl) -> Result<db::Connection, DbError> {
        db::connect(url).await
    }

    async fn recall(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        memory().await?.get(key).await.map_err(|error| error.to_string())
    }

    async fn remember(&self, key: &str, value: &[u8]) -> Result<(), String> {
        memory()
            .await?
            .set(key, value)
            .await
            .map_err(|error| error.to_string())
    }

    async fn forget(&self, key: &str) -> Result<(), String> {
        memory()
            .await?
            .delete(key)
            .await
            .map_err(|error| error.to_string())
    }

    async fn send(&self, request: http::Request<String>) -> Result<http::Response<String>, SendError> {
        let request = request.map(|body| FullBody::new(bytes::Bytes::from(body)));
        let response = spin_sdk::http::send(request)
            .await
            .map_err(|error| send_error(&error))?;
        let (parts, mut body) = response.into_parts();
        let mut kept = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| send_error(&error))?;
            if let Some(data) = frame.data_ref() {
                kept.extend_from_slice(&data[..data.len().min(KEPT_ANSWER - kept.len())]);
            }
            if kept.len() == KEPT_ANSWER {
                break;
            }
        }
        Ok(http::Response::from_parts(
            parts,
            String::from_utf8_lossy(&kept).into_owned(),
        ))
    }
}

/// The store that the manifest grants to the component.
async fn memory() -> Result<Store, String> {
    Store::open_default().await.map_err(|error| match error {
        MemoryError::AccessDenied => {
            "the component may not remember anything: give it key_value_stores = [\"default\"] in spin.toml"
                .to_owned()
        }
        error => error.to_string(),
    })
}

/// The code of a request that was not answered. The host's own text is left out where it may repeat the address.
fn send_error(error: &ErrorCode) -> SendError {
    match error {
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => {
            SendError::new("connect_failed", "the name of the receiver cannot be resolved")
        }
        ErrorCode::ConnectionRefused
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable => {
            SendError::new("connect_failed", "the receiver refuses connections")
        }
        ErrorCode::TlsProtocolError | ErrorCode::TlsCertificateError | ErrorCode::TlsAlertReceived(_) => {
            SendError::new(
                "connect_failed",
                "no secure connection to the receiver could be made",
            )
        }
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout => {
            SendError::new("deadline_exceeded", "the receiver did not answer in time")
        }
        ErrorCode::ConnectionTerminated => {
            SendError::new("connection_lost", "the receiver closed the connection")
        }
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => SendError::new(
            "not_permitted",
            "the receiver is not among the allowed hosts (variables webhook_hosts and internal_webhook_hosts)",
        ),
        ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpRequestUriTooLong => {
            SendError::new("bad_request", "the address of the receiver cannot be used")
        }
        _ => SendError::new("bad_answer", "the receiver did not answer as HTTP has it"),
    }
}

/// The HTTP export of a function that runs.
pub async fn http_run(
    function: &'static str,
    deadline: Duration,
    request: wasi::Request,
    run: impl AsyncFnOnce(&Context<SpinHost>) -> anyhow::Result<Report>,
    after: impl AsyncFnOnce(&Context<SpinHost>, &Result<Report, Failure>),
) -> Result<wasi::Response, ErrorCode> {
    log_panics(function);
    let context = Context::new(function, SpinHost);
    let response = entry::answer_run(&context, deadline, &read_request(request)?, run, after).await;
    write_response(response)
}

/// The HTTP export of a function that reads.
pub async fn http_read(
    function: &'static str,
    access: Access,
    request: wasi::Request,
    read: impl AsyncFnOnce(&Context<SpinHost>, &Request) -> anyhow::Result<Response>,
) -> Result<wasi::Response, ErrorCode> {
    log_panics(function);
    let context = Context::new(function, SpinHost);
    let response = entry::answer_read(&context, access, read_request(request)?, read).await;
    write_response(response)
}

/// The HTTP export of a function that does what callers say.
pub async fn http_obey(
    function: &'static str,
    request: wasi::Request,
    obey: impl AsyncFnOnce(&Context<SpinHost>, &Order) -> anyhow::Result<Response>,
) -> Result<wasi::Response, ErrorCode> {
    log_panics(function);
    let context = Context::new(function, SpinHost);
    let response = match read_order(request).await? {
        Some(order) => entry::answer_order(&context, order, obey).await,
        None => web::problem(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "the body is too long",
            Some("send 64 kB at most"),
        ),
    };
    write_response(response)
}

/// The cron export of a function that runs.
pub async fn cron_run(
    function: &'static str,
    deadline: Duration,
    run: impl AsyncFnOnce(&Context<SpinHost>) -> anyhow::Result<Report>,
    after: impl AsyncFnOnce(&Context<SpinHost>, &Result<Report, Failure>),
) -> Result<(), bindings::CronError> {
    log_panics(function);
    let context = Context::new(function, SpinHost);
    let outcome = entry::perform(&context, Trigger::Cron, deadline, run).await;
    after(&context, &outcome).await;
    match outcome {
        Ok(_) => Ok(()),
        Err(failure) => Err(bindings::CronError::Other(failure.error)),
    }
}

fn read_request(request: wasi::Request) -> Result<Request, ErrorCode> {
    use spin_sdk::http::FromRequest;
    let request = spin_sdk::http::Request::from_request(request)?;
    Ok(request.map(|_| ()))
}

/// A request with its body, or nothing if that is too long.
async fn read_order(request: wasi::Request) -> Result<Option<Order>, ErrorCode> {
    use spin_sdk::http::FromRequest;
    let (parts, mut body) = spin_sdk::http::Request::from_request(request)?.into_parts();
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Some(data) = frame?.data_ref() {
            if read.len() + data.len() > web::LONGEST_BODY {
                return Ok(None);
            }
            read.extend_from_slice(data);
        }
    }
    // What is not UTF-8 is not JSON either, and is refused as such.
    let body = String::from_utf8_lossy(&read).into_owned();
    Ok(Some(http::Request::from_parts(parts, body)))
}

fn write_response(response: Response) -> Result<wasi::Response, ErrorCode> {
    let (parts, body) = response.into_parts();
    if body.is_empty() {
        return http::Response::from_parts(parts, EmptyBody::new()).into_response();
    }
    http::Response::from_parts(parts, FullBody::new(bytes::Bytes::from(body))).into_response()
}

/// A panic ends the instance; this makes it say so in a line of the one shape first.
fn log_panics(function: &'static str) {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        std::panic::set_hook(Box::new(move |panic| {
            let place = panic.location().map(ToString::to_string);
            Logger::new(function).error(
                "The function panicked",
                json!({"at": place, "panic": panic.payload_as_str()}),
            );
        }));
    });
}
