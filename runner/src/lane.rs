//! A thread of its own for each component.
//!
//! A component that computes keeps a thread busy. Were the threads shared, every step of every other answer would wait
//! behind it; with one for each component it is the operating system that shares out the processors, and it lets whoever
//! did little go first. So a question that is answered in a blink is answered in a blink whatever else is asked, and no
//! component takes more than one processor.

use std::future::Future;
use std::io;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;

/// Where the instances of a component run.
#[derive(Clone)]
pub(crate) struct Lane {
    thread: Handle,
    _runtime: Arc<Running>,
}

struct Running(Option<Runtime>);

impl Drop for Running {
    fn drop(&mut self) {
        // Whoever drops the last one may be on a thread that must not wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Lane {
    /// A lane for one component.
    pub(crate) fn new(component: &str) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(component)
            .enable_all()
            .build()?;
        Ok(Self {
            thread: runtime.handle().clone(),
            _runtime: Arc::new(Running(Some(runtime))),
        })
    }

    /// Works on something here until it is done or nobody waits for it any more; nothing if it panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        AbortOnDropHandle::new(self.thread.spawn(work)).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[tokio::test]
    async fn who_computes_keeps_nobody_else_waiting() {
        let (busy, other) = (Lane::new("busy").unwrap(), Lane::new("other").unwrap());
        let computing = {
            let busy = busy.clone();
            tokio::spawn(async move {
                busy.run(async {
                    let begin = Instant::now();
                    while begin.elapsed() < Duration::from_secs(1) {
                        std::hint::spin_loop();
                    }
                })
                .await
            })
        };
        tokio::time::sleep(Duration::from_millis(50)).await;
        let begin = Instant::now();
        assert_eq!(other.run(async { 7 }).await, Some(7));
        assert!(
            begin.elapsed() < Duration::from_millis(500),
            "{:?}",
            begin.elapsed()
        );
        assert_eq!(computing.await.unwrap(), Some(()));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_ends() {
        struct Told(Option<tokio::sync::oneshot::Sender<()>>);
        impl Drop for Told {
            fn drop(&mut self) {
                self.0.take().unwrap().send(()).unwrap();
            }
        }
        let lane = Lane::new("one").unwrap();
        let (ended, told) = tokio::sync::oneshot::channel();
        let held = Told(Some(ended));
        let work = lane.run(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        assert!(
            tokio::time::timeout(Duration::from_millis(20), work)
                .await
                .is_err()
        );
        told.await.unwrap();
    }
}
