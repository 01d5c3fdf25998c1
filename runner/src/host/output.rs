//! What a component prints, line by line in the log of the runner.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// A longer line is cut into pieces of this length, so that a component cannot fill the memory of the runner.
const LONGEST_LINE: usize = 16 << 10;

/// Which of the two streams of a component.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Standard output or standard error of one instance.
#[derive(Clone)]
pub(crate) struct Output(Arc<Mutex<Lines>>);

struct Lines {
    component: String,
    stream: Stream,
    unfinished: Vec<u8>,
}

impl Output {
    pub(crate) fn new(component: &str, stream: Stream) -> Self {
        let component = component.to_owned();
        Self(Arc::new(Mutex::new(Lines {
            component,
            stream,
            unfinished: Vec::new(),
        })))
    }

    fn print(&self, bytes: &[u8]) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = &mut *lines;
        split(&mut lines.unfinished, bytes, |line| {
            log(&lines.component, lines.stream, line);
        });
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.unfinished.is_empty() {
            log(&self.component, self.stream, &self.unfinished);
        }
    }
}

/// Calls `print` with each line that `bytes` completes and keeps the rest in `unfinished`.
fn split(unfinished: &mut Vec<u8>, bytes: &[u8], mut print: impl FnMut(&[u8])) {
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        for part in piece.chunks(LONGEST_LINE) {
            unfinished.extend_from_slice(part);
            let complete = unfinished.ends_with(b"\n");
            if complete || unfinished.len() >= LONGEST_LINE {
                print(unfinished.strip_suffix(b"\n").unwrap_or(unfinished));
                unfinished.clear();
            }
        }
    }
}

fn log(component: &str, stream: Stream, line: &[u8]) {
    let line = String::from_utf8_lossy(line);
    let line = visible(line.trim_end_matches('\r'));
    match stream {
        Stream::Stdout => tracing::info!(target: "component", component, stream = "stdout", "{line}"),
        Stream::Stderr => tracing::warn!(target: "component", component, stream = "stderr", "{line}"),
    }
}

/// The line with its control characters written as Rust writes them: the terminal that shows the log shall not obey them.
fn visible(line: &str) -> Cow<'_, str> {
    if !line.contains(char::is_control) {
        return Cow::Borrowed(line);
    }
    let shown = line.chars().map(|character| match character.is_control() {
        true => character.escape_default().to_string(),
        false => character.to_string(),
    });
    Cow::Owned(shown.collect())
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    // Printed at once: what a component says just before it traps would otherwise be lost.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.print(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.print(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LONGEST_LINE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(writes: &[&str], lines: &[&str], rest: &str) {
        let mut unfinished = Vec::new();
        let mut printed = Vec::new();
        for write in writes {
            split(&mut unfinished, write.as_bytes(), |line| {
                printed.push(String::from_utf8_lossy(line).into_owned());
            });
        }
        assert_eq!(printed, lines);
        assert_eq!(String::from_utf8_lossy(&unfinished), rest);
    }

    #[test]
    fn a_line_may_come_in_pieces() {
        check(&["on", "e\ntwo\nth", "ree"], &["one", "two"], "three");
    }

    #[test]
    fn an_empty_line_is_a_line() {
        check(&["\n\na\n"], &["", "", "a"], "");
    }

    #[test]
    fn a_terminal_is_told_nothing() {
        assert_eq!(visible("a\u{1b}[2J\tb\u{9b}"), "a\\u{1b}[2J\\tb\\u{9b}");
        assert_eq!(visible("a line"), "a line");
    }

    #[test]
    fn a_long_line_is_cut() {
        let long = "x".repeat(LONGEST_LINE + 1);
        check(&[&long, "\n"], &[&long[1..], "x"], "");
    }
}
