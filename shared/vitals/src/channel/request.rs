//! A request as it goes out, and the answer as it comes back.

use std::fmt;

use serde::Serialize;

/// What is done at the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Something is asked.
    Get,
    /// Something is made.
    Post,
    /// Something is changed in part.
    Patch,
    /// Something is set.
    Put,
}

impl Method {
    /// The word that stands in the request.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Put => "PUT",
        }
    }
}

/// A request to a receiver. Address and headers may hold secrets: its `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// What is done.
    pub method: Method,
    /// Where.
    pub url: String,
    /// Headers, those that every request has left out.
    pub headers: Vec<(&'static str, String)>,
    /// The body, empty if there is none.
    pub body: String,
}

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Request")
            .field("method", &self.method)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

impl Request {
    /// A request with a body of JSON.
    ///
    /// # Errors
    ///
    /// None that is known of: the payloads are made of text and finite numbers.
    pub(crate) fn json(
        method: Method,
        url: impl Into<String>,
        body: &impl Serialize,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self::text(
            method,
            url,
            "application/json",
            serde_json::to_string(body)?,
        ))
    }

    /// A request with a body of some type.
    pub(crate) fn text(
        method: Method,
        url: impl Into<String>,
        content_type: &'static str,
        body: String,
    ) -> Self {
        Self {
            method,
            url: url.into(),
            headers: vec![("content-type", content_type.to_owned())],
            body,
        }
    }

    /// A question without a body.
    pub(crate) fn get(url: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            url: url.into(),
            headers: Vec::new(),
            body: String::new(),
        }
    }

    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What a receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, with their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The beginning of the body.
    pub body: String,
}

impl Answer {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null if it is none, or was cut.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}
