//! One answer for all who ask at about the same time.
//!
//! An instance answers several requests at once, and statics survive between them. Where many ask for what is dear to make,
//! one of them makes it and the others wait for that, so that a hundred questions are one look at the database. Another
//! instance makes its own: that is right either way, only dearer.

use std::cell::RefCell;
use std::thread::LocalKey;
use std::time::{Duration, Instant};

use crate::deadlines::sleep;
use crate::failure::Failure;
use crate::http::{self as web, Response};

/// How often those who wait look whether there is an answer. They cannot be woken: a task of a component sleeps on what its
/// host does, not on what another task does.
const LOOK: Duration = Duration::from_millis(3);

/// Answers that are shared; for a `thread_local`, of which an instance has one.
#[derive(Debug)]
pub struct SharedAnswer {
    lasts: Duration,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    /// The last answer of each kind, and when it was made.
    answers: Vec<(&'static str, Instant, Response)>,
    /// Whether somebody makes one now.
    at_work: bool,
}

impl SharedAnswer {
    /// Answers that serve those who ask within so long after they were made.
    pub const fn new(lasts: Duration) -> SharedAnswer {
        SharedAnswer {
            lasts,
            state: RefCell::new(State {
                answers: Vec::new(),
                at_work: false,
            }),
        }
    }

    fn recent(&self, kind: &str) -> Option<Response> {
        let state = self.state.borrow();
        let mut answers = state.answers.iter();
        let (_, _, answer) = answers.find(|(of, made, _)| *of == kind && made.elapsed() < self.lasts)?;
        Some(answer.clone())
    }

    fn keep(&self, kind: &'static str, answer: Response) {
        let mut state = self.state.borrow_mut();
        state.answers.retain(|(of, _, _)| *of != kind);
        state.answers.push((kind, Instant::now(), answer));
    }

    /// Whether it is us who make the next answer.
    fn begin(&self) -> bool {
        !std::mem::replace(&mut self.state.borrow_mut().at_work, true)
    }
}

/// Lets the next one make an answer, also where the request was dropped for which we made one.
struct Turn(&'static LocalKey<SharedAnswer>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.with(|shared| shared.state.borrow_mut().at_work = false);
    }
}

/// The answer of a kind: one that was made just now, or a new one, for which all wait who ask meanwhile.
///
/// # Errors
///
/// Why it could not be made. Those who waited are answered with that too, so that they do not all try what just failed.
pub async fn shared_answer(
    shared: &'static LocalKey<SharedAnswer>,
    kind: &'static str,
    make: impl AsyncFnOnce() -> anyhow::Result<Response>,
) -> anyhow::Result<Response> {
    loop {
        if let Some(answer) = shared.with(|shared| shared.recent(kind)) {
            return Ok(answer);
        }
        if shared.with(SharedAnswer::begin) {
            break;
        }
        sleep(LOOK).await;
    }
    let _turn = Turn(shared);
    let outcome = make().await;
    let answer = match &outcome {
        Ok(answer) => answer.clone(),
        Err(error) => web::failed(&Failure::of(error)),
    };
    shared.with(|shared| shared.keep(kind, answer));
    outcome
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::future::join_all;

    use super::*;

    thread_local! {
        static SHARED: SharedAnswer = const { SharedAnswer::new(Duration::from_millis(200)) };
        static MADE: Cell<u32> = const { Cell::new(0) };
    }

    async fn make() -> anyhow::Result<Response> {
        MADE.set(MADE.get() + 1);
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(Response::new(format!("answer {}", MADE.get())))
    }

    #[tokio::test]
    async fn a_hundred_questions_are_one_look() {
        let asked = (0..100).map(|_| shared_answer(&SHARED, "one", make));
        for answer in join_all(asked).await {
            assert_eq!(answer.unwrap().body(), "answer 1");
        }
        let other = shared_answer(&SHARED, "other", make).await;
        assert_eq!(
            other.unwrap().body(),
            "answer 2",
            "another kind is another answer"
        );
        tokio::time::sleep(Duration::from_millis(250)).await;
        let later = shared_answer(&SHARED, "one", make).await;
        assert_eq!(later.unwrap().body(), "answer 3", "it lasts for a while only");
    }

    async fn fail() -> anyhow::Result<Response> {
        MADE.set(MADE.get() + 1);
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(db::DbError::new(db::ErrorKind::TooManyConnections, "full").into())
    }

    #[tokio::test]
    async fn what_failed_is_told_to_all() {
        let asked = (0..10).map(|_| shared_answer(&SHARED, "one", fail));
        let answers = join_all(asked).await;
        assert_eq!(MADE.get(), 1);
        let failed = answers.iter().filter(|answer| answer.is_err()).count();
        assert_eq!(failed, 1, "who made it is given the reason");
        for answer in answers.into_iter().flatten() {
            assert_eq!(answer.status(), 503);
            assert_eq!(answer.headers()["retry-after"], "1");
        }
    }

    #[tokio::test]
    async fn who_goes_away_lets_the_next_one_make_it() {
        let first = shared_answer(&SHARED, "one", make);
        assert!(
            tokio::time::timeout(Duration::from_millis(5), first)
                .await
                .is_err()
        );
        let next = shared_answer(&SHARED, "one", make).await;
        assert_eq!(next.unwrap().body(), "answer 2");
    }
}
