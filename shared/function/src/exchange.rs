//! Requests of channels, as they are sent, and answers, as channels read them.

use vitals::channel::{Answer, Request};

/// A request as it is sent.
///
/// # Errors
///
/// An address or a header that cannot be used.
pub fn outgoing(request: Request) -> Result<http::Request<String>, http::Error> {
    let mut builder = http::Request::builder()
        .method(request.method.as_str())
        .uri(request.url)
        .header("user-agent", concat!("pgvitals/", env!("CARGO_PKG_VERSION")));
    if !request.body.is_empty() {
        // Without it the body would be sent in chunks, which not every receiver of webhooks understands.
        builder = builder.header("content-length", request.body.len());
    }
    for (name, value) in request.headers {
        builder = builder.header(name, value);
    }
    builder.body(request.body)
}

/// An answer as channels read it. Headers that are no text are left out.
pub fn answer(response: &http::Response<String>) -> Answer {
    let headers = response.headers().iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    Answer {
        status: response.status().as_u16(),
        headers: headers.collect(),
        body: response.body().clone(),
    }
}
