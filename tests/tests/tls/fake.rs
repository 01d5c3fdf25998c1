//! A server that asks for a password in a way that gives it away, and keeps what it is sent.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// `AuthenticationCleartextPassword`.
pub(crate) const CLEAR_TEXT: &[u8] = b"R\0\0\0\x08\0\0\0\x03";
/// `AuthenticationMD5Password`.
pub(crate) const MD5: &[u8] = b"R\0\0\0\x0c\0\0\0\x05salt";

pub(crate) struct Fake {
    pub(crate) port: u16,
    given: Arc<Mutex<Vec<Vec<u8>>>>,
    task: JoinHandle<()>,
}

impl Fake {
    pub(crate) async fn asking(request: &'static [u8]) -> Fake {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let given = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&given);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    // Kept before the connection ends, which is when the other side goes on.
                    if let Some(answer) = ask(&mut stream, request).await {
                        kept.lock().unwrap().push(answer);
                    }
                });
            }
        });
        Fake { port, given, task }
    }

    /// The answers to the request, one for each connection that got so far.
    pub(crate) fn given(&self) -> Vec<Vec<u8>> {
        self.given.lock().unwrap().clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What comes after the request; empty where the other side hangs up. None before a login begins.
async fn ask(stream: &mut TcpStream, request: &[u8]) -> Option<Vec<u8>> {
    loop {
        let length = stream.read_u32().await.ok()?;
        let mut body = vec![0; usize::try_from(length).ok()?.checked_sub(4)?];
        stream.read_exact(&mut body).await.ok()?;
        // A request for TLS; there is none.
        if body == [0x04, 0xd2, 0x16, 0x2f] {
            stream.write_all(b"N").await.ok()?;
            continue;
        }
        stream.write_all(request).await.ok()?;
        let mut answer = vec![0; 1024];
        let read = stream.read(&mut answer).await.unwrap_or(0);
        answer.truncate(read);
        return Some(answer);
    }
}
