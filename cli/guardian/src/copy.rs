//! Rows as `copy … from stdin` takes them: PostgreSQL's text format.
//!
//! A row is a line, its fields are apart by tabs, `\N` is null, and `\`, tab and the ends of lines are written with a `\`
//! before them (PostgreSQL's manual, COPY, "Text Format").

use std::fmt::{self, Write};

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// How many bytes are gathered before they go on. This, and not the number of rows, is what waits in memory.
const CHUNK_BYTES: usize = 64 * 1024;

/// Nobody wants the rows any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody takes the rows any more")]
pub struct Stopped;

/// Writes rows field by field, and hands them on in chunks of whole rows.
pub struct RowWriter<'taker> {
    chunk: BytesMut,
    rows: u64,
    is_within_row: bool,
    take: &'taker mut dyn FnMut(Chunk) -> Result<(), Stopped>,
}

/// Some rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The rows in PostgreSQL's text format.
    pub bytes: Bytes,
    /// How many they are.
    pub rows: u64,
}

impl fmt::Debug for RowWriter<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RowWriter")
            .field("bytes", &self.chunk.len())
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl<'taker> RowWriter<'taker> {
    /// A writer that hands its chunks to `take`.
    pub fn new(take: &'taker mut dyn FnMut(Chunk) -> Result<(), Stopped>) -> Self {
        Self {
            chunk: BytesMut::with_capacity(CHUNK_BYTES),
            rows: 0,
            is_within_row: false,
            take,
        }
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.begin_field();
        let mut rest = text;
        while let Some(position) = rest.find(['\\', '\t', '\n', '\r']) {
            let (plain, special) = rest.split_at(position);
            self.chunk.extend_from_slice(plain.as_bytes());
            let escaped = match special.as_bytes()[0] {
                b'\t' => b"\\t",
                b'\n' => b"\\n",
                b'\r' => b"\\r",
                _ => b"\\\\",
            };
            self.chunk.extend_from_slice(escaped);
            rest = &special[1..];
        }
        self.chunk.extend_from_slice(rest.as_bytes());
        self
    }

    pub(crate) fn null(&mut self) -> &mut Self {
        self.begin_field();
        self.chunk.extend_from_slice(b"\\N");
        self
    }

    pub(crate) fn uuid(&mut self, key: Uuid) -> &mut Self {
        self.plain(format_args!("{}", key.hyphenated()))
    }

    pub(crate) fn integer(&mut self, number: i64) -> &mut Self {
        self.plain(format_args!("{number}"))
    }

    pub(crate) fn float(&mut self, number: f64) -> &mut Self {
        self.plain(format_args!("{number}"))
    }

    pub(crate) fn date(&mut self, day: NaiveDate) -> &mut Self {
        self.plain(format_args!("{day}"))
    }

    pub(crate) fn time(&mut self, time: DateTime<Utc>) -> &mut Self {
        self.plain(format_args!("{}+00", time.naive_utc()))
    }

    pub(crate) fn maybe_time(&mut self, time: Option<DateTime<Utc>>) -> &mut Self {
        match time {
            Some(time) => self.time(time),
            None => self.null(),
        }
    }

    pub(crate) fn maybe_uuid(&mut self, key: Option<Uuid>) -> &mut Self {
        match key {
            Some(key) => self.uuid(key),
            None => self.null(),
        }
    }

    /// Ends the row.
    pub(crate) fn end(&mut self) -> Result<(), Stopped> {
        self.chunk.extend_from_slice(b"\n");
        self.is_within_row = false;
        self.rows += 1;
        if self.chunk.len() < CHUNK_BYTES {
            return Ok(());
        }
        self.hand_on()
    }

    /// Hands on what is left.
    ///
    /// # Errors
    ///
    /// That nobody takes it.
    pub fn finish(mut self) -> Result<(), Stopped> {
        self.hand_on()
    }

    fn hand_on(&mut self) -> Result<(), Stopped> {
        let chunk = Chunk {
            bytes: self.chunk.split().freeze(),
            rows: std::mem::take(&mut self.rows),
        };
        if chunk.rows == 0 {
            return Ok(());
        }
        (self.take)(chunk)
    }

    /// A field whose text has nothing that must be escaped.
    fn plain(&mut self, text: fmt::Arguments<'_>) -> &mut Self {
        self.begin_field();
        // Writing to memory cannot fail.
        let _ = self.chunk.write_fmt(text);
        self
    }

    fn begin_field(&mut self) {
        if self.is_within_row {
            self.chunk.extend_from_slice(b"\t");
        }
        self.is_within_row = true;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl Fn(&mut RowWriter<'_>) -> Result<(), Stopped>) -> (String, Vec<u64>) {
        let (mut text, mut chunks) = (String::new(), Vec::new());
        let mut take = |chunk: Chunk| {
            text.push_str(std::str::from_utf8(&chunk.bytes).unwrap());
            chunks.push(chunk.rows);
            Ok(())
        };
        let mut rows = RowWriter::new(&mut take);
        write(&mut rows).unwrap();
        rows.finish().unwrap();
        (text, chunks)
    }

    #[test]
    fn fields_are_as_postgresql_reads_them() {
        let time = "2026-02-03T04:05:06.5Z".parse().unwrap();
        let (text, chunks) = written(|rows| {
            rows.uuid(Uuid::nil()).text("a\tb\\c\nd\r").null().integer(-5);
            rows.float(1.5).time(time).date("2026-02-03".parse().unwrap());
            rows.maybe_time(None).maybe_uuid(None).end()?;
            rows.text("").end()
        });
        assert_eq!(
            text,
            "00000000-0000-0000-0000-000000000000\ta\\tb\\\\c\\nd\\r\t\\N\t-5\t1.5\t2026-02-03 04:05:06.500+00\t\
             2026-02-03\t\\N\t\\N\n\n"
        );
        assert_eq!(chunks, [2]);
    }

    #[test]
    fn many_rows_come_in_chunks_that_are_counted() {
        let line = "x".repeat(999);
        let (text, chunks) = written(|rows| (0..200).try_for_each(|_| rows.text(&line).end()));
        assert_eq!(text.len(), 200_000);
        assert_eq!(chunks.iter().sum::<u64>(), 200);
        assert!(
            chunks.len() > 2 && chunks.iter().all(|rows| *rows <= 66),
            "{chunks:?}"
        );
    }

    #[test]
    fn who_takes_no_more_stops_the_writer() {
        let mut take = |_| Err(Stopped);
        let mut rows = RowWriter::new(&mut take);
        rows.text("a").end().unwrap();
        assert_eq!(rows.finish(), Err(Stopped));
    }

    proptest! {
        #[test]
        fn no_text_ends_a_field_or_a_row(text in ".*") {
            let (written, _) = written(|rows| rows.text(&text).end());
            let line = written.strip_suffix('\n').unwrap();
            prop_assert!(!line.contains(['\t', '\n', '\r']));
            let unescaped = line.replace("\\\\", "\0").replace("\\t", "\t").replace("\\n", "\n").replace("\\r", "\r");
            // A text with a zero byte would be refused by PostgreSQL; none is made.
            prop_assume!(!text.contains('\0'));
            prop_assert_eq!(unescaped.replace('\0', "\\"), text);
        }
    }
}
