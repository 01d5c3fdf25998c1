//! Requests to the application.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::failure::Failure;

/// Longer than any function may run.
const DEADLINE: Duration = Duration::from_secs(90);

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
}

/// Sends an empty POST with a token.
pub(crate) async fn post(url: &str, token: &str) -> Result<Answer> {
    if !url.starts_with("http://") {
        return Err(Failure::new(
            format!("cannot send to {url}: only http:// is spoken here"),
            format!("curl -X POST -H 'authorization: Bearer TOKEN' {url}"),
        )
        .into());
    }
    let request = Request::post(url)
        .header("authorization", format!("Bearer {token}"))
        .body(Full::new(Bytes::new()))
        .with_context(|| format!("{url} is not the address of an application"))?;
    let exchange = async {
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let response = client.request(request).await.map_err(|error| {
            Failure::new(
                format!("cannot reach the application at {url}"),
                "start it by `pgvitals up`",
            )
            .because(error)
        })?;
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .context("the answer broke off")?
            .to_bytes();
        Ok(Answer {
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    };
    tokio::time::timeout(DEADLINE, exchange)
        .await
        .with_context(|| format!("{url} does not answer within {} s", DEADLINE.as_secs()))?
}
