//! The header of a collector's file.

pub(crate) use super::lines::HeaderError;
use super::lines::{Lines, bare, check_times, is_name, malformed, split};

/// One file: a collector, or a variant of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    /// The collector.
    pub(crate) name: String,
    /// What tells this variant from others, if there are any.
    pub(crate) tag: Option<String>,
    pub(crate) reads: String,
    pub(crate) target: String,
    pub(crate) scope: String,
    pub(crate) interval_seconds: Option<u64>,
    pub(crate) timeout_seconds: u64,
    pub(crate) versions: String,
    pub(crate) privileges: Vec<String>,
    pub(crate) extension: Option<String>,
    pub(crate) needs: Vec<String>,
    pub(crate) keeps: String,
    pub(crate) percentiles: Vec<String>,
    pub(crate) columns: Vec<(String, String)>,
    /// The statement, without the header: that would be sent with every run.
    pub(crate) sql: String,
}

/// The lines of a header, and whether each may be there more than once.
const LINES: [(&str, bool); 13] = [
    ("name", false),
    ("reads", false),
    ("target", false),
    ("scope", false),
    ("interval", false),
    ("timeout", false),
    ("versions", false),
    ("privileges", false),
    ("extension", false),
    ("needs", true),
    ("keeps", false),
    ("percentiles", true),
    ("columns", true),
];

const KINDS: [&str; 9] = [
    "key",
    "label",
    "text",
    "statement",
    "expression",
    "setting",
    "counter",
    "gauge",
    "epoch",
];

/// How every collector begins to look for what must not be shown of the name that an application gave itself.
const APPLICATION_NAMES: &str = "'[^ ,|]*@[^ ,|]*|=[^ ,|]+|";
const PRIVILEGES: [&str; 4] = [
    "pg_monitor",
    "pg_read_all_settings",
    "pg_read_all_stats",
    "pg_stat_scan_tables",
];

/// Names that the views over the samples use for themselves.
const RESERVED: [&str; 5] = ["target", "sampled_at", "taken_at", "interval_ms", "target_id"];

/// The longest that a statement may be allowed: a run has to end before its own deadline.
const LONGEST_TIMEOUT: u64 = 30;

impl File {
    /// Reads a file by its name without `.sql`.
    pub(crate) fn parse(stem: &str, text: &str) -> Result<File, HeaderError> {
        let (header, sql) = split(text)?;
        let header = Lines::read(header, &LINES)?;
        let (name, tag) = match stem.split_once('@') {
            Some((name, tag)) => (name, Some(tag.to_owned())),
            None => (stem, None),
        };
        if header.one("name")? != name || !is_name(name) || name.len() > 45 {
            return Err(malformed("name", header.one("name")?));
        }
        let file = File {
            name: name.to_owned(),
            tag,
            reads: header.one("reads")?.to_owned(),
            target: header.choice("target", &["postgres", "pgbouncer"], Some("postgres"))?,
            scope: header.choice("scope", &["instance", "database"], None)?,
            interval_seconds: match header.one("interval")? {
                "on demand" => None,
                text => Some(seconds("interval", text, 86_400)?),
            },
            timeout_seconds: seconds("timeout", header.one("timeout")?, LONGEST_TIMEOUT)?,
            versions: versions(header.one("versions")?)?,
            privileges: privileges(header.one("privileges")?)?,
            extension: header.optional("extension").map(first_word),
            needs: header.words("needs"),
            keeps: header.choice("keeps", &["all", "changes", "own"], Some("all"))?,
            percentiles: header.words("percentiles"),
            columns: columns(&header.words("columns"))?,
            sql: bare(sql),
        };
        file.check()?;
        Ok(file)
    }

    /// What no line shows by itself.
    fn check(&self) -> Result<(), HeaderError> {
        for need in &self.needs {
            let whole = need
                .split_once('.')
                .is_some_and(|(view, column)| is_name(view) && is_name(column));
            if !whole {
                return Err(malformed("needs", need));
            }
        }
        for name in &self.percentiles {
            let gauge = self
                .columns
                .iter()
                .any(|(column, kind)| column == name && kind == "gauge");
            if !gauge || self.keeps != "all" {
                return Err(malformed("percentiles", name));
            }
        }
        let begins = if self.target == "pgbouncer" {
            ["show ", "show "]
        } else {
            ["select", "with "]
        };
        if !begins.iter().any(|begin| self.sql.starts_with(begin)) {
            return Err(HeaderError::Statement("does not begin with select or with"));
        }
        let statement = |line: &str| line.split("--").next().is_some_and(|part| part.contains(';'));
        if self.sql.lines().any(statement) {
            return Err(HeaderError::Statement(
                "has a semicolon: it must be one statement",
            ));
        }
        check_times(&self.sql)?;
        let sessions = self.sql.contains("pg_stat_activity") && self.sql.contains("application_name");
        if sessions && !self.sql.contains(APPLICATION_NAMES) {
            return Err(HeaderError::Statement(
                "tells the names of applications as they are: write them as sql/collectors/connections.sql does",
            ));
        }
        // The collectors of a target share a transaction, at whose beginning these stand still.
        let still = ["now()", "current_timestamp", "transaction_timestamp()"];
        if still.iter().any(|word| self.sql.contains(word)) {
            return Err(HeaderError::Statement(
                "asks for the time of the transaction: write clock_timestamp()",
            ));
        }
        Ok(())
    }
}

fn first_word(text: &str) -> String {
    text.split_whitespace().next().unwrap_or_default().to_owned()
}

fn seconds(line: &'static str, text: &str, most: u64) -> Result<u64, HeaderError> {
    text.strip_suffix('s')
        .and_then(|number| number.parse().ok())
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| malformed(line, text))
}

/// `13-18`, or `16`; for other kinds of targets their own.
fn versions(text: &str) -> Result<String, HeaderError> {
    let number = |part: &str| part.chars().all(|c| c.is_ascii_digit() || c == '.') && !part.is_empty();
    if text.split('-').all(number) && text.split('-').count() <= 2 {
        Ok(text.to_owned())
    } else {
        Err(malformed("versions", text))
    }
}

fn privileges(text: &str) -> Result<Vec<String>, HeaderError> {
    if text == "none" {
        return Ok(Vec::new());
    }
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    match words.iter().find(|word| !PRIVILEGES.contains(&word.as_str())) {
        Some(unknown) => Err(malformed("privileges", unknown)),
        None => Ok(words),
    }
}

fn columns(words: &[String]) -> Result<Vec<(String, String)>, HeaderError> {
    let mut columns: Vec<(String, String)> = Vec::with_capacity(words.len());
    for word in words {
        let (name, kind) = word
            .split_once('=')
            .filter(|(name, kind)| is_name(name) && KINDS.contains(kind) && !RESERVED.contains(name))
            .ok_or_else(|| malformed("columns", word))?;
        let epoch = kind != "epoch" || matches!(name, "since_us" | "stats_reset" | "started_at");
        if !epoch || columns.iter().any(|(known, _)| known == name) {
            return Err(malformed("columns", word));
        }
        columns.push((name.to_owned(), kind.to_owned()));
    }
    if columns.is_empty() {
        return Err(HeaderError::Missing("columns"));
    }
    Ok(columns)
}
