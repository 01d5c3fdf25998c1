//! Bodies that are large, streamed or without an end.

use std::convert::Infallible;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use spin_sdk::http::{BoxBody, Request, Response, box_body};

/// Reads the whole body and answers how long it was and what its bytes add up to.
pub async fn measure(request: Request) -> Result<String> {
    let mut body = request.into_body();
    let (mut length, mut sum) = (0_u64, 0_u64);
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.context("the body broke off")?.into_data() {
            length += data.len() as u64;
            sum += data.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        }
    }
    Ok(format!("{length} bytes, sum {sum}"))
}

/// Sends the body back while it comes in.
pub fn echo(request: Request) -> Response<BoxBody> {
    Response::new(box_body(request.into_body().map_err(anyhow::Error::new)))
}

/// Sends lines until the other side has had enough: a host that gathers a body before it sends it never sends this.
pub fn endless() -> Response<BoxBody> {
    let line = Bytes::from("all work and no play\n".repeat(200));
    let frames = stream::repeat(line).map(|line| Ok::<_, Infallible>(Frame::data(line)));
    Response::new(box_body(StreamBody::new(frames)))
}
