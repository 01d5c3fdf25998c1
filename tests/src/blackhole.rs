//! A listener that accepts connections and never answers: what a hanging server looks like from outside.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// Accepts, writes nothing, closes nothing, until it is dropped. What it is sent it reads and forgets, to notice who
/// hangs up.
#[derive(Debug)]
pub struct Blackhole {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Blackhole {
    /// Listens on a free port of 127.0.0.1.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("cannot listen on 127.0.0.1")?;
        let address = listener.local_addr()?;
        let accepted = Arc::new(AtomicUsize::new(0));
        let open = Arc::new(AtomicUsize::new(0));
        let (count, holding) = (Arc::clone(&accepted), Arc::clone(&open));
        let task = tokio::spawn(async move {
            let mut held = JoinSet::new();
            while let Ok((mut connection, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                holding.fetch_add(1, Ordering::Relaxed);
                let holding = Arc::clone(&holding);
                held.spawn(async move {
                    // However it ends, the other side has hung up.
                    let _ = tokio::io::copy(&mut connection, &mut tokio::io::sink()).await;
                    holding.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Ok(Self {
            address,
            accepted,
            open,
            task,
        })
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address of a database server that will never answer.
    pub fn postgres_url(&self) -> String {
        format!("postgres://nobody:nothing@127.0.0.1:{}/postgres", self.port())
    }

    /// The address of a web server that will never answer.
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port())
    }

    /// How many have fallen for it.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// How many of them have not hung up.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

impl Drop for Blackhole {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn it_accepts_and_says_nothing() {
        let blackhole = Blackhole::start().await.unwrap();
        let mut connection = TcpStream::connect(("127.0.0.1", blackhole.port())).await.unwrap();
        let mut buffer = [0; 1];
        let read = tokio::time::timeout(Duration::from_millis(200), connection.read(&mut buffer)).await;
        assert!(read.is_err(), "the blackhole answered or hung up");
        assert_eq!((blackhole.accepted(), blackhole.open()), (1, 1));
        drop(connection);
        while blackhole.open() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
