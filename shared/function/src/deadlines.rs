//! Every wait has a name, a limit and a reason.
//!
//! The limits nest: a wait within another is shorter, so that the inner one is told and not just the outer.

use std::time::Duration;

use futures::future::{Either, select};

/// Connecting to a server, TLS and login included. A local server takes milliseconds, one across an ocean a second.
pub const CONNECT: Duration = Duration::from_secs(5);

/// One entry in the journal: connect, write, commit. When the monitoring database cannot do that in this time, it
/// cannot take the run's results either.
pub const JOURNAL: Duration = Duration::from_secs(7);

/// The check that `health` answers by. The answer is promised within 100 ms; the rest is for the way, and for timers
/// that a busy machine wakes late (up to 30 ms with five runnable processes per core).
pub const READINESS: Duration = Duration::from_millis(70);

/// One notification, sent and answered. Receivers that take longer are tried again later, so that one slow receiver
/// does not keep the others waiting.
pub const NOTIFICATION: Duration = Duration::from_secs(10);

/// A wait that was cut off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} did not end within {} ms", .limit.as_millis())]
pub struct DeadlineExceeded {
    /// What was waited for, in words that name the place.
    pub operation: &'static str,
    /// How long.
    pub limit: Duration,
}

/// Waits for a future no longer than the limit. What is cut off is dropped before this returns, which cancels the
/// host's call that is under way, so that nothing builds up behind a server that hangs.
///
/// # Errors
///
/// [`DeadlineExceeded`] when the limit passed first.
pub async fn with_deadline<F: Future>(
    operation: &'static str,
    limit: Duration,
    future: F,
) -> Result<F::Output, DeadlineExceeded> {
    let future = std::pin::pin!(future);
    let limited = std::pin::pin!(sleep(limit));
    match select(future, limited).await {
        Either::Left((output, _)) => Ok(output),
        Either::Right(((), _)) => Err(DeadlineExceeded { operation, limit }),
    }
}

/// Waits.
#[cfg(target_family = "wasm")]
pub(crate) async fn sleep(duration: Duration) {
    spin_sdk::time::sleep(duration).await;
}

/// Waits.
#[cfg(not(target_family = "wasm"))]
pub(crate) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn what_ends_in_time_is_given_back() {
        let outcome = with_deadline("count", Duration::from_secs(60), async { 7 }).await;
        assert_eq!(outcome, Ok(7));
    }

    #[tokio::test]
    async fn what_is_cut_off_is_dropped_and_named() {
        struct Told<'flag>(&'flag AtomicBool);
        impl Drop for Told<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let dropped = AtomicBool::new(false);
        let held = Told(&dropped);
        let outcome = with_deadline("wait for nothing", Duration::from_millis(5), async {
            let _held = held;
            std::future::pending::<()>().await;
        })
        .await;
        assert!(dropped.load(Ordering::Relaxed));
        assert_eq!(
            outcome.unwrap_err().to_string(),
            "wait for nothing did not end within 5 ms"
        );
    }
}
