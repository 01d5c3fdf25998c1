//! The statements that are sent to targets, one file each in `sql/collectors/`.
//!
//! A file begins with a header that names the collector, its interval, timeout, privileges and what each column is. Where
//! columns differ between versions a collector has variants, `NAME@VERSION.sql`; which one fits is found by looking at
//! the columns that are there (`needs`), never by the version of the server.

use std::time::Duration;

use db::{DbError, Rows};

/// One file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// Its name without `.sql`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(File { name: $name, text: include_str!(concat!("../../../sql/collectors/", $name, ".sql")) }),+]
    };
}

/// Every file, a collector's variants from the newest to the oldest.
pub const FILES: &[File] = files![
    "activity",
    "databases",
    "server",
    "statement_shape",
    "statement_texts@1.9",
    "statement_texts@1.4",
    "statements@1.11",
    "statements@1.9",
    "statements@1.8",
    "statements@1.4",
];

/// What the server is: `server_version`, `started_at`, `in_recovery`, `at`.
pub const SERVER: &str = include_str!("../../../sql/collectors/server.sql");
/// The client connections, in one row. See [`ActivitySample::read`](crate::snapshots::ActivitySample::read).
pub const ACTIVITY: &str = include_str!("../../../sql/collectors/activity.sql");
/// Where `pg_stat_statements` is and what it has. See [`StatementShape::read`].
pub const STATEMENT_SHAPE: &str = include_str!("../../../sql/collectors/statement_shape.sql");
/// The counters of every database.
pub const DATABASES: &str = include_str!("../../../sql/collectors/databases.sql");

/// What a column of a collector is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Part of what tells one row from another, over time.
    Key,
    /// A name to show.
    Label,
    /// A text to keep.
    Text,
    /// A number that only grows, unless it is reset.
    Counter,
    /// A number that says how things are now.
    Gauge,
    /// When counters began (`since_us` in microseconds since 1970, 0 if unknown): later than before means anew.
    Epoch,
}

impl ColumnKind {
    fn parse(word: &str) -> Option<ColumnKind> {
        Some(match word {
            "key" => ColumnKind::Key,
            "label" => ColumnKind::Label,
            "text" => ColumnKind::Text,
            "counter" => ColumnKind::Counter,
            "gauge" => ColumnKind::Gauge,
            "epoch" => ColumnKind::Epoch,
            _ => return None,
        })
    }
}

/// The header of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'text> {
    /// The collector.
    pub name: &'text str,
    /// What it reads, in words.
    pub reads: &'text str,
    /// How often; none for what is asked for on demand.
    pub interval: Option<Duration>,
    /// How long it may take.
    pub timeout: Duration,
    /// The versions of PostgreSQL that it was tried on.
    pub versions: &'text str,
    /// What the login needs.
    pub privileges: &'text str,
    /// The extension that it reads, with its versions.
    pub extension: Option<&'text str>,
    /// The columns that must be there for this variant to fit.
    pub needs: Vec<&'text str>,
    /// The columns of the result, in order.
    pub columns: Vec<(&'text str, ColumnKind)>,
}

/// Why a header cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// A line that must be there is not.
    #[error("the header has no line {0}")]
    Missing(&'static str),
    /// A line does not say what it should.
    #[error("the header line {line} cannot be read: {text}")]
    Malformed {
        /// Which line.
        line: &'static str,
        /// What it says.
        text: String,
    },
}

impl<'text> Header<'text> {
    /// Reads the header of a file.
    ///
    /// # Errors
    ///
    /// The line that is missing or malformed.
    pub fn parse(text: &'text str) -> Result<Header<'text>, HeaderError> {
        let one = |line: &'static str| lines(text, line).next().ok_or(HeaderError::Missing(line));
        let columns = lines(text, "columns")
            .flat_map(str::split_whitespace)
            .map(parse_column);
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        if columns.is_empty() {
            return Err(HeaderError::Missing("columns"));
        }
        Ok(Header {
            name: one("name")?,
            reads: one("reads")?,
            interval: match one("interval")? {
                text if text.starts_with("on demand") => None,
                text => Some(parse_seconds("interval", text)?),
            },
            timeout: parse_seconds("timeout", one("timeout")?)?,
            versions: one("versions")?,
            privileges: one("privileges")?,
            extension: lines(text, "extension").next(),
            needs: lines(text, "needs").flat_map(str::split_whitespace).collect(),
            columns,
        })
    }
}

/// The lines `-- WORD: …` before the first empty line.
fn lines<'text>(text: &'text str, word: &'static str) -> impl Iterator<Item = &'text str> {
    text.lines()
        .take_while(|line| line.starts_with("--"))
        .filter_map(move |line| {
            let rest = line.strip_prefix("-- ")?.strip_prefix(word)?.strip_prefix(": ")?;
            Some(rest.trim())
        })
}

fn parse_seconds(line: &'static str, text: &str) -> Result<Duration, HeaderError> {
    let seconds = text
        .strip_suffix('s')
        .and_then(|number| number.parse::<u64>().ok())
        .filter(|number| *number > 0);
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| HeaderError::Malformed {
            line,
            text: text.to_owned(),
        })
}

fn parse_column(text: &str) -> Result<(&str, ColumnKind), HeaderError> {
    text.split_once('=')
        .and_then(|(name, kind)| Some((name, ColumnKind::parse(kind)?)))
        .ok_or_else(|| HeaderError::Malformed {
            line: "columns",
            text: text.to_owned(),
        })
}

/// Where `pg_stat_statements` is on a target, and what it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementShape {
    schema: String,
    columns: Vec<String>,
    /// The version of the extension.
    pub extension_version: String,
    /// Whether the login may see the statements of others. If not, most of them are hidden.
    pub reads_all: bool,
    /// Whether the login may use the schema of the extension. If not, nothing can be read.
    pub usable: bool,
}

impl StatementShape {
    /// Reads what [`STATEMENT_SHAPE`] gave; none where the extension was not created in this database.
    ///
    /// # Errors
    ///
    /// A column that is missing or of another type.
    pub fn read(rows: &Rows) -> Result<Option<StatementShape>, DbError> {
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(StatementShape {
            schema: row.get("extension_schema")?,
            columns: row.get("columns")?,
            extension_version: row.get("extension_version")?,
            reads_all: row.get("reads_all")?,
            usable: row.get("usable")?,
        }))
    }

    /// The statement that reads all counters. None when no variant fits, which a server of 13 or later does not have.
    pub fn statements(&self) -> Option<String> {
        self.fitting("statements")
    }

    /// The statement that reads the texts of the statements whose keys are its first parameter.
    pub fn texts(&self) -> Option<String> {
        self.fitting("statement_texts")
    }

    fn fitting(&self, collector: &str) -> Option<String> {
        let variants = FILES
            .iter()
            .filter(|file| file.name.split('@').next() == Some(collector));
        let mut fitting = variants.filter(|file| {
            let mut needs = lines(file.text, "needs").flat_map(str::split_whitespace);
            needs.all(|column| self.columns.iter().any(|present| present == column))
        });
        // The schema was quoted by the server. The header is left out: it would be sent with every run.
        let statement = fitting.next()?.text.split_once("\n\n")?.1;
        Some(statement.replace("extension_schema.", &format!("{}.", self.schema)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_what_is_in_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sql/collectors");
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let mut listed: Vec<String> = FILES.iter().map(|file| format!("{}.sql", file.name)).collect();
        found.sort();
        listed.sort();
        assert_eq!(listed, found);
    }

    #[test]
    fn every_header_is_whole_and_names_its_file() {
        for file in FILES {
            let header = Header::parse(file.text).unwrap();
            assert_eq!(Some(header.name), file.name.split('@').next(), "{}", file.name);
            assert_eq!(file.name.contains('@'), !header.needs.is_empty(), "{}", file.name);
            assert!(
                file.text.contains("\n\n"),
                "{} has no empty line after its header",
                file.name
            );
        }
    }

    #[test]
    fn variants_of_a_collector_have_the_same_columns() {
        for file in FILES {
            let header = Header::parse(file.text).unwrap();
            let first = FILES
                .iter()
                .find(|other| other.name.split('@').next() == Some(header.name))
                .unwrap();
            assert_eq!(
                header.columns,
                Header::parse(first.text).unwrap().columns,
                "{}",
                file.name
            );
        }
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        assert_eq!(Header::parse(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_header_says_what_is_wrong_with_it() {
        check_refused("select 1", "the header has no line columns");
        check_refused(
            "-- columns: calls=number",
            "the header line columns cannot be read: calls=number",
        );
        check_refused(
            "-- columns: calls",
            "the header line columns cannot be read: calls",
        );
        check_refused("-- columns: calls=counter", "the header has no line name");
        let text = "-- name: a\n-- reads: b\n-- columns: c=key\n-- interval: often";
        check_refused(text, "the header line interval cannot be read: often");
    }

    fn shape(columns: &[&str]) -> StatementShape {
        StatementShape {
            schema: "\"My Extensions\"".to_owned(),
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            extension_version: String::new(),
            reads_all: true,
            usable: true,
        }
    }

    #[test]
    fn the_newest_variant_that_fits_is_taken() {
        let newest = shape(&[
            "toplevel",
            "total_exec_time",
            "shared_blk_read_time",
            "stats_since",
            "queryid",
        ]);
        assert!(
            newest
                .statements()
                .unwrap()
                .contains("extract(epoch from s.stats_since)")
        );
        let middle = shape(&["toplevel", "total_exec_time", "blk_read_time", "queryid"]);
        assert!(middle.statements().unwrap().contains("info.stats_reset"));
        let old = shape(&["total_exec_time", "blk_read_time", "queryid"]);
        assert!(old.statements().unwrap().contains("s.total_plan_time"));
        assert!(old.texts().unwrap().contains("|| 't'"));
        assert!(
            shape(&["total_time", "blk_read_time"])
                .statements()
                .unwrap()
                .contains("s.total_time")
        );
        assert_eq!(shape(&["calls"]).statements(), None);
    }

    #[test]
    fn the_schema_of_the_extension_is_written_into_the_statement() {
        let statement = shape(&["total_time", "blk_read_time"]).statements().unwrap();
        assert!(
            statement.contains("from \"My Extensions\".pg_stat_statements(false) as s"),
            "{statement}"
        );
        assert!(!statement.contains("extension_schema"));
    }
}
