//! How many requests a component answers at once, and how many wait for that.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::{Error as HttpError, WasiBody};

use super::connections::InHand;

/// How many requests wait for their turn; further ones are told to come back.
const QUEUE: usize = 512;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a client that takes its answer slowly keeps others from their turn.
const SLOW_CLIENT: Duration = Duration::from_secs(10);

/// The turns of one component. Others have their own, so that one that everybody asks for costs them nothing.
pub(crate) struct Turns {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    patience: Duration,
}

/// The right to an answer, which goes with it.
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Turns {
    /// So many at once, for which nobody waits for longer than a run may take.
    pub(crate) fn new(at_once: usize, deadline: Duration) -> Self {
        Self {
            free: Arc::new(Semaphore::new(at_once)),
            waiting: AtomicUsize::new(0),
            patience: PATIENCE.min(deadline),
        }
    }

    /// A turn, when it comes; none when too many wait, or when it takes too long.
    pub(crate) async fn turn(&self) -> Option<Turn> {
        if let Ok(turn) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(Turn { _permit: turn });
        }
        let _waiting = Waiting::among(&self.waiting)?;
        let turn = tokio::time::timeout(self.patience, Arc::clone(&self.free).acquire_owned()).await;
        turn.ok()?.ok().map(|permit| Turn { _permit: permit })
    }
}

/// One of those who wait.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn among(all: &'a AtomicUsize) -> Option<Self> {
        let waiting = Self(all);
        // Counted first, so that it is given back in any case.
        (all.fetch_add(1, Ordering::Relaxed) < QUEUE).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer on its way to a client, with what has to last until it is there.
pub(crate) struct Answer {
    body: WasiBody,
    _turn: Option<AbortOnDropHandle<()>>,
    _in_hand: InHand,
}

impl Answer {
    /// Must be called where tasks can be spawned.
    pub(crate) fn new(body: WasiBody, turn: Option<Turn>, in_hand: InHand) -> Self {
        let keep = |turn: Turn| {
            AbortOnDropHandle::new(tokio::spawn(async move {
                tokio::time::sleep(SLOW_CLIENT).await;
                drop(turn);
            }))
        };
        Self {
            // What is there already is not waited for.
            _turn: turn.filter(|_| !body.is_end_stream()).map(keep),
            body,
            _in_hand: in_hand,
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_for_too_long_is_sent_away() {
        let turns = Turns::new(1, Duration::from_millis(50));
        let first = turns.turn().await;
        assert!(first.is_some());
        let begin = tokio::time::Instant::now();
        assert!(turns.turn().await.is_none());
        assert!(begin.elapsed() >= Duration::from_millis(50));
        drop(first);
        assert!(turns.turn().await.is_some());
    }

    #[tokio::test]
    async fn when_too_many_wait_the_next_is_sent_away_at_once() {
        let turns = Arc::new(Turns::new(1, Duration::from_secs(60)));
        let first = turns.turn().await;
        let waiting: Vec<_> = (0..QUEUE)
            .map(|_| {
                let turns = Arc::clone(&turns);
                tokio::spawn(async move { turns.turn().await.is_some() })
            })
            .collect();
        while turns.waiting.load(Ordering::Relaxed) < QUEUE {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let begin = tokio::time::Instant::now();
        assert!(turns.turn().await.is_none());
        assert!(begin.elapsed() < Duration::from_secs(5));
        drop(first);
        for turn in waiting {
            assert!(turn.await.unwrap(), "everybody has a turn, one after the other");
        }
        assert_eq!(turns.waiting.load(Ordering::Relaxed), 0);
    }
}
