//! What all files with a header have in common: lines `-- word: rest`, an empty line, and one statement.

use std::fmt;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// A line that must be there is not.
    Missing(&'static str),
    /// A line is there that no header has.
    Unknown(String),
    /// A line that may be there once is there twice.
    Repeated(&'static str),
    /// A line does not say what it should.
    Malformed { line: &'static str, text: String },
    /// The statement is none, or more than one.
    Statement(&'static str),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(line) => write!(formatter, "the header has no line `{line}`"),
            Self::Unknown(line) => write!(formatter, "no header has a line `{line}`"),
            Self::Repeated(line) => write!(formatter, "the header has the line `{line}` twice"),
            Self::Malformed { line, text } => {
                write!(formatter, "the header line `{line}` cannot be read: {text}")
            }
            Self::Statement(what) => write!(formatter, "the statement {what}"),
        }
    }
}

/// Tells the header from the statement.
pub(crate) fn split(text: &str) -> Result<(&str, &str), HeaderError> {
    text.split_once("\n\n").ok_or(HeaderError::Statement(
        "does not follow the header after an empty line",
    ))
}

/// The lines of a header by their words.
pub(crate) struct Lines<'text>(Vec<(&'static str, &'text str)>);

impl<'text> Lines<'text> {
    /// Reads the lines that are known, each with whether it may be there more than once.
    pub(crate) fn read(
        text: &'text str,
        known_lines: &[(&'static str, bool)],
    ) -> Result<Lines<'text>, HeaderError> {
        let mut lines = Vec::new();
        // After a bare `--` come remarks for people.
        for line in text.lines().take_while(|line| line.trim_end() != "--") {
            let (word, rest) = line
                .strip_prefix("-- ")
                .and_then(|line| line.split_once(": "))
                .ok_or_else(|| HeaderError::Unknown(line.to_owned()))?;
            let (known, often) = known_lines
                .iter()
                .find(|(known, _)| *known == word)
                .ok_or_else(|| HeaderError::Unknown(word.to_owned()))?;
            if !often && lines.iter().any(|(present, _)| present == known) {
                return Err(HeaderError::Repeated(known));
            }
            lines.push((*known, rest.trim()));
        }
        Ok(Lines(lines))
    }

    fn all(&self, word: &str) -> impl Iterator<Item = &'text str> {
        self.0
            .iter()
            .filter(move |(known, _)| *known == word)
            .map(|(_, rest)| *rest)
    }

    pub(crate) fn optional(&self, word: &str) -> Option<&'text str> {
        self.all(word).next()
    }

    pub(crate) fn one(&self, word: &'static str) -> Result<&'text str, HeaderError> {
        self.optional(word)
            .filter(|rest| !rest.is_empty())
            .ok_or(HeaderError::Missing(word))
    }

    pub(crate) fn words(&self, word: &str) -> Vec<String> {
        self.all(word)
            .flat_map(str::split_whitespace)
            .map(str::to_owned)
            .collect()
    }

    pub(crate) fn choice(
        &self,
        word: &'static str,
        known: &[&str],
        default: Option<&'static str>,
    ) -> Result<String, HeaderError> {
        let chosen = match (self.optional(word), default) {
            (None, Some(default)) => default,
            _ => self.one(word)?,
        };
        if known.contains(&chosen) {
            Ok(chosen.to_owned())
        } else {
            Err(malformed(word, chosen))
        }
    }
}

/// A statement without what is for people only: indentation and lines of remarks. All statements together are an eighth of
/// the component that sends them, and none is sent longer than it has to be.
pub(crate) fn bare(sql: &str) -> String {
    let lines = sql
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("--"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Refuses a column of a type that Spin cannot read. What is sent may be cast to it: `$3::timestamptz`.
pub(crate) fn check_times(sql: &str) -> Result<(), HeaderError> {
    let mut casts: Vec<&str> = sql.split("::timestamptz").collect();
    casts.pop();
    let is_sent = |before: &&str| {
        let value = before.strip_suffix("::text").unwrap_or(before);
        value
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .ends_with('$')
    };
    if casts.iter().all(is_sent) {
        return Ok(());
    }
    Err(HeaderError::Statement(
        "casts a column to timestamptz: write (... at time zone 'UTC')::timestamp",
    ))
}

pub(crate) fn malformed(line: &'static str, text: &str) -> HeaderError {
    HeaderError::Malformed {
        line,
        text: text.to_owned(),
    }
}

pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_lowercase())
        && text
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}
