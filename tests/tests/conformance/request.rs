//! Sends the requests of a claim and compares the answers.

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Method;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use integration_tests::http::{self, Response};
use tokio::task::JoinSet;

use crate::expectation::Request;

impl Request {
    /// Sends it as often as it says; every answer must be as expected.
    pub(crate) async fn check(&self, address: &str) -> Result<()> {
        if let Some(bytes) = self.hang_up_after {
            return self.hang_up(address, bytes).await;
        }
        let mut bodies = Vec::new();
        let mut under_way = JoinSet::new();
        for _ in 0..self.times {
            if under_way.len() >= self.at_once {
                bodies.extend(next(&mut under_way).await?);
            }
            let (request, address) = (self.clone(), address.to_owned());
            under_way.spawn(async move { request.ask(&address).await });
        }
        while let Some(body) = next(&mut under_way).await? {
            bodies.push(body);
        }
        if let Some(expected) = &self.some_answer {
            ensure!(
                bodies.contains(expected),
                "no answer was {expected:?}, only {bodies:?}"
            );
        }
        Ok(())
    }

    /// Sends it once, and gives the body of an answer that is as expected.
    async fn ask(&self, address: &str) -> Result<String> {
        let response = self.send(address).await?;
        self.judge(&response)?;
        Ok(response.body)
    }

    async fn send(&self, address: &str) -> Result<Response> {
        let method: Method = self.method.parse().context("not a method")?;
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        http::send(method, &self.url(address), &headers, &self.sent_body()).await
    }

    fn url(&self, address: &str) -> String {
        format!("http://{address}{}", self.path)
    }

    fn sent_body(&self) -> String {
        self.body.repeat(self.body_times)
    }

    fn judge(&self, response: &Response) -> Result<()> {
        let shown: String = response.body.chars().take(2000).collect();
        ensure!(
            response.status.as_u16() == self.status,
            "expected status {}, found {}: {shown}",
            self.status,
            response.status.as_u16()
        );
        if let Some(answer) = &self.answer {
            ensure!(response.body == *answer, "expected {answer:?}, found {shown:?}");
        }
        if self.answer_is_body && response.body != self.sent_body() {
            bail!(
                "{} bytes came back, and not those that were sent",
                response.body.len()
            );
        }
        for part in &self.contains {
            ensure!(response.body.contains(part), "expected {part:?} in {shown:?}");
        }
        for (name, expected) in &self.answer_headers {
            let found = response.header(name);
            ensure!(
                found == expected,
                "expected the header {name}: {expected}, found {found:?}"
            );
        }
        Ok(())
    }

    /// Reads the first bytes of an answer that may have no end.
    async fn hang_up(&self, address: &str, bytes: usize) -> Result<()> {
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let response = client
            .get(self.url(address).parse()?)
            .await
            .context("no answer")?;
        ensure!(
            response.status().as_u16() == self.status,
            "the status is {}",
            response.status()
        );
        let mut body = response.into_body();
        let mut read = 0;
        while read < bytes {
            let frame = body
                .frame()
                .await
                .with_context(|| format!("the answer ended after {read} bytes"))?;
            read += frame
                .context("the answer broke off")?
                .data_ref()
                .map_or(0, Bytes::len);
        }
        Ok(())
    }
}

/// The outcome of one of the requests that are under way, if there is one.
async fn next(under_way: &mut JoinSet<Result<String>>) -> Result<Option<String>> {
    under_way
        .join_next()
        .await
        .transpose()
        .context("a request was dropped")?
        .transpose()
}
