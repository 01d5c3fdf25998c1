//! What a client sends, handed on as far as there is only one way to read it.
//!
//! Where a server and what stands before it do not agree where a request ends, one client's request can be made a part of
//! another's (request smuggling). hyper reads some requests that others read differently: lines that end in LF alone, a
//! `Transfer-Encoding` beside a `Content-Length`. Such a request is not handed on. In its stead comes one that is none,
//! which is answered with 400 after all that was asked before it, and the connection ends.
//!
//! Of HTTP/2, which has no such ambiguities, only the first bytes are looked at.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes of a head, or of the trailers of a body.
pub(crate) const LONGEST_HEAD: usize = 64 << 10;

/// Most bytes of the line before a chunk.
const LONGEST_CHUNK_LINE: usize = 4 << 10;

/// How much is read at once.
const READ_AT_ONCE: usize = 8 << 10;

/// What a connection of HTTP/2 begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What no server takes for a request.
const NO_REQUEST: &[u8] = b"\0\r\n\r\n";

/// A connection of which only unambiguous requests can be read.
pub(crate) struct Strict<S> {
    stream: S,
    reader: Reader,
    /// What was looked at and may be read.
    ready: BytesMut,
    ended: bool,
}

impl<S> Strict<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            reader: Reader::default(),
            ready: BytesMut::new(),
            ended: false,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Strict<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if !this.ready.is_empty() {
                let length = this.ready.len().min(buffer.remaining());
                buffer.put_slice(&this.ready[..length]);
                this.ready.advance(length);
                return Poll::Ready(Ok(()));
            }
            if this.ended {
                return Poll::Ready(Ok(()));
            }
            let mut read = [0; READ_AT_ONCE];
            let mut read = ReadBuf::new(&mut read);
            std::task::ready!(Pin::new(&mut this.stream).poll_read(context, &mut read))?;
            let went_on = !read.filled().is_empty() && this.reader.read(read.filled(), &mut this.ready);
            this.ended = !went_on;
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Strict<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Follows the requests on a connection, byte by byte.
#[derive(Debug, Default)]
struct Reader {
    place: Place,
    /// The head, line or beginning that is not whole yet.
    held: Vec<u8>,
    /// Where in it the line begins that is not whole yet.
    line: usize,
    framing: Framing,
}

/// Where in a request the next byte belongs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before anything is known of the client.
    #[default]
    Beginning,
    Head,
    /// So many bytes of the body are still to come.
    Body(u64),
    ChunkLine,
    /// So many bytes of the chunk are still to come.
    Chunk(u64),
    /// The line end after a chunk, of which so many bytes were there.
    ChunkEnd(usize),
    Trailers,
    /// HTTP/2.
    Elsewhere,
    /// Nothing is read any more.
    Over,
}

/// Two ways to read it, or none.
#[derive(Debug, PartialEq, Eq)]
struct Ambiguous;

impl Reader {
    /// Looks at the next bytes and appends what may be handed on. Whether there may be more after that.
    fn read(&mut self, mut bytes: &[u8], ready: &mut BytesMut) -> bool {
        while !bytes.is_empty() && self.place != Place::Over {
            let in_head = matches!(self.place, Place::Beginning | Place::Head);
            match self.step(bytes, ready) {
                Ok(read) => bytes = &bytes[read..],
                Err(Ambiguous) => {
                    // A body that breaks off is an error already.
                    if in_head {
                        ready.extend_from_slice(NO_REQUEST);
                    }
                    self.place = Place::Over;
                }
            }
        }
        self.place != Place::Over
    }

    /// Reads some bytes and tells how many.
    fn step(&mut self, bytes: &[u8], ready: &mut BytesMut) -> Result<usize, Ambiguous> {
        match self.place {
            Place::Beginning => self.beginning(bytes, ready),
            Place::Head => self.head(bytes, ready),
            Place::Body(left) => {
                let (read, left) = pass(bytes, left, ready);
                self.place = if left == 0 { Place::Head } else { Place::Body(left) };
                Ok(read)
            }
            Place::ChunkLine => self.chunk_line(bytes, ready),
            Place::Chunk(left) => {
                let (read, left) = pass(bytes, left, ready);
                self.place = if left == 0 {
                    Place::ChunkEnd(0)
                } else {
                    Place::Chunk(left)
                };
                Ok(read)
            }
            Place::ChunkEnd(had) => {
                if bytes.first() != b"\r\n".get(had) {
                    return Err(Ambiguous);
                }
                ready.extend_from_slice(&bytes[..1]);
                self.place = if had == 0 {
                    Place::ChunkEnd(1)
                } else {
                    Place::ChunkLine
                };
                Ok(1)
            }
            Place::Trailers => self.trailers(bytes, ready),
            Place::Elsewhere | Place::Over => {
                ready.extend_from_slice(bytes);
                Ok(bytes.len())
            }
        }
    }

    /// Finds out whether the client speaks HTTP/2.
    fn beginning(&mut self, bytes: &[u8], ready: &mut BytesMut) -> Result<usize, Ambiguous> {
        let had = self.held.len();
        let missing = &PREFACE[had..];
        let common = bytes
            .iter()
            .zip(missing)
            .take_while(|(byte, expected)| byte == expected)
            .count();
        if common == missing.len() {
            ready.extend_from_slice(PREFACE);
            self.held.clear();
            self.place = Place::Elsewhere;
        } else if common == bytes.len() {
            self.held.extend_from_slice(bytes);
        } else {
            self.place = Place::Head;
            let begun = std::mem::take(&mut self.held);
            let mut begun = begun.as_slice();
            while !begun.is_empty() {
                let read = self.step(begun, ready)?;
                begun = &begun[read..];
            }
            return Ok(0);
        }
        Ok(common)
    }

    fn head(&mut self, bytes: &[u8], ready: &mut BytesMut) -> Result<usize, Ambiguous> {
        let Some((read, line)) = self.next_line(bytes, LONGEST_HEAD)? else {
            return Ok(bytes.len());
        };
        if self.held.len() > LONGEST_HEAD {
            // What is too long for a head is handed on as it is, to be refused as such.
            ready.extend_from_slice(&self.held);
            self.place = Place::Over;
            return Ok(read);
        }
        let first = line.start == 0;
        match (&self.held[line.clone()], first) {
            // An empty line before a request is what old clients send after the body of the one before it.
            ([], true) => {}
            ([], false) => {
                self.place = self.framing.body()?;
                ready.extend_from_slice(&self.held);
            }
            (_, true) => return Ok(read),
            (field, false) => {
                self.framing.field(field)?;
                return Ok(read);
            }
        }
        self.start_over();
        Ok(read)
    }

    fn chunk_line(&mut self, bytes: &[u8], ready: &mut BytesMut) -> Result<usize, Ambiguous> {
        let Some((read, line)) = self.next_line(bytes, LONGEST_CHUNK_LINE)? else {
            return Ok(bytes.len());
        };
        let size = chunk_size(&self.held[line])?;
        ready.extend_from_slice(&self.held);
        self.place = if size == 0 {
            Place::Trailers
        } else {
            Place::Chunk(size)
        };
        self.start_over();
        Ok(read)
    }

    fn trailers(&mut self, bytes: &[u8], ready: &mut BytesMut) -> Result<usize, Ambiguous> {
        let Some((read, line)) = self.next_line(bytes, LONGEST_HEAD)? else {
            return Ok(bytes.len());
        };
        match &self.held[line] {
            [] => {
                ready.extend_from_slice(&self.held);
                self.place = Place::Head;
                self.start_over();
            }
            field => {
                name_and_value(field)?;
            }
        }
        Ok(read)
    }

    fn start_over(&mut self) {
        self.held.clear();
        self.line = 0;
        self.framing = Framing::default();
    }

    /// Adds to what is held until a line is whole, and tells how many bytes that took and where the line is, without its
    /// end.
    ///
    /// What is longer than `longest` counts as whole in a head, so that it can be refused as too long; elsewhere nobody
    /// sends such.
    fn next_line(
        &mut self,
        bytes: &[u8],
        longest: usize,
    ) -> Result<Option<(usize, std::ops::Range<usize>)>, Ambiguous> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let read = end.map_or(bytes.len(), |end| end + 1);
        self.held.extend_from_slice(&bytes[..read]);
        if self.held.len() > longest {
            return match self.place {
                Place::Head => Ok(Some((read, self.line..self.line))),
                _ => Err(Ambiguous),
            };
        }
        if end.is_none() {
            return Ok(None);
        }
        let line = &self.held[self.line..];
        let content = line.strip_suffix(b"\r\n").ok_or(Ambiguous)?;
        if content.iter().any(|byte| matches!(byte, b'\r' | b'\0')) {
            return Err(Ambiguous);
        }
        let range = self.line..self.line + content.len();
        self.line = self.held.len();
        Ok(Some((read, range)))
    }
}

/// Hands on up to `left` bytes, and tells how many that were and how many are left then.
fn pass(bytes: &[u8], left: u64, ready: &mut BytesMut) -> (usize, u64) {
    let read = usize::try_from(left).map_or(bytes.len(), |left| bytes.len().min(left));
    ready.extend_from_slice(&bytes[..read]);
    // A number of bytes in memory fits.
    (read, left - read as u64)
}

/// What the fields of a head say of the body.
#[derive(Debug, Default)]
struct Framing {
    length: Option<u64>,
    chunked: bool,
}

impl Framing {
    fn field(&mut self, line: &[u8]) -> Result<(), Ambiguous> {
        let (name, value) = name_and_value(line)?;
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = number(value, 10)?;
            if self.length.replace(length).is_some() {
                return Err(Ambiguous);
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Ambiguous);
            }
            self.chunked = true;
        }
        Ok(())
    }

    /// Where the bytes after the head belong.
    fn body(&self) -> Result<Place, Ambiguous> {
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(Ambiguous),
            (true, None) => Ok(Place::ChunkLine),
            (false, None | Some(0)) => Ok(Place::Head),
            (false, Some(length)) => Ok(Place::Body(length)),
        }
    }
}

/// A field: nothing stands before its name or between that and the colon.
fn name_and_value(line: &[u8]) -> Result<(&[u8], &[u8]), Ambiguous> {
    let colon = line.iter().position(|byte| *byte == b':').ok_or(Ambiguous)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    if name.is_empty() || !name.iter().all(is_token) {
        return Err(Ambiguous);
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value
        .iter()
        .position(|byte| !is_space(byte))
        .unwrap_or(value.len());
    let end = value
        .iter()
        .rposition(|byte| !is_space(byte))
        .map_or(start, |last| last + 1);
    Ok((name, &value[start..end]))
}

/// The number before a chunk; what follows it after a semicolon means nothing to anybody.
fn chunk_size(line: &[u8]) -> Result<u64, Ambiguous> {
    number(line.split(|byte| *byte == b';').next().unwrap_or_default(), 16)
}

/// A number of nothing but digits.
fn number(text: &[u8], base: u32) -> Result<u64, Ambiguous> {
    let text = std::str::from_utf8(text).map_err(|_| Ambiguous)?;
    if text.is_empty() || !text.chars().all(|digit| digit.is_digit(base)) {
        return Err(Ambiguous);
    }
    u64::from_str_radix(text, base).map_err(|_| Ambiguous)
}

#[cfg(test)]
mod tests;
