//! An open-loop load of GET requests: each request has its time, and what it waits for its turn counts too, so that a
//! slow answer is not hidden by the requests that were not sent meanwhile (coordinated omission).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Empty};
use hyper::{StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// What a load saw.
#[derive(Debug)]
pub(crate) struct Outcome {
    latencies: Histogram<u64>,
    /// Requests that failed or were answered by anything but what was expected.
    pub(crate) failed: u64,
}

impl Outcome {
    /// A quantile of the latencies, in milliseconds.
    pub(crate) fn quantile_ms(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1000.0
    }
}

/// Sends `rate` requests a second for a while.
pub(crate) async fn run(url: &str, rate: u32, duration: Duration) -> Result<Outcome> {
    let uri: Uri = url.parse().context("the address of the load")?;
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let outcome = Arc::new(Mutex::new(Outcome {
        latencies: Histogram::new_with_bounds(1, 60_000_000, 3)?,
        failed: 0,
    }));
    let begin = Instant::now();
    let count = u64::from(rate) * duration.as_secs();
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..count {
        let due = begin + Duration::from_secs_f64(number as f64 / f64::from(rate));
        sleep_until(due).await;
        let (client, uri, outcome) = (client.clone(), uri.clone(), Arc::clone(&outcome));
        requests.spawn(async move {
            let answered = get(&client, uri).await;
            let took = due.elapsed();
            let mut outcome = outcome.lock().await;
            outcome
                .latencies
                .saturating_record(took.as_micros().try_into().unwrap_or(u64::MAX));
            if !answered {
                outcome.failed += 1;
            }
        });
    }
    while let Some(finished) = requests.join_next().await {
        finished.context("a request of the load broke off")?;
    }
    let outcome = Arc::into_inner(outcome)
        .context("a request of the load is still running")?
        .into_inner();
    ensure!(outcome.latencies.len() == count, "not every request was counted");
    Ok(outcome)
}

/// Asks over so many connections, again as soon as there is an answer, until `stop`. Gives back how many were 200.
pub(crate) async fn closed(url: &str, connections: usize, stop: Arc<AtomicBool>) -> Result<u64> {
    let uri: Uri = url.parse().context("the address of the load")?;
    let mut loops = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (uri, stop) = (uri.clone(), Arc::clone(&stop));
        let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        loops.spawn(async move {
            let mut answered = 0;
            while !stop.load(Ordering::Relaxed) {
                answered += u64::from(get(&client, uri.clone()).await);
            }
            answered
        });
    }
    let mut answered = 0;
    while let Some(ended) = loops.join_next().await {
        answered += ended.context("a connection of the load broke off")?;
    }
    Ok(answered)
}

/// Whether the answer was 200 and came whole.
async fn get(
    client: &Client<hyper_util::client::legacy::connect::HttpConnector, Empty<Bytes>>,
    uri: Uri,
) -> bool {
    match client.get(uri).await {
        Ok(response) => response.status() == StatusCode::OK && response.into_body().collect().await.is_ok(),
        Err(_) => false,
    }
}
