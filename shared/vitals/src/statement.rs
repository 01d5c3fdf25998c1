//! Which statement this is, and what may be shown of its text.

mod normalise;

use std::fmt;
use std::str::FromStr;

use crate::text::truncate;

pub use normalise::{LONGEST_TEXT, PLACEHOLDER};

/// The key by which `pg_stat_statements` keeps a statement apart from others.
///
/// `top_level` belongs to it: with `track = all` the same query id is there twice, once as a client sent it and once
/// as a function ran it. Written as `16384/10/-5231246523/t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementKey {
    /// The database it ran in.
    pub database_oid: i64,
    /// The user who ran it.
    pub user_oid: i64,
    /// The hash of its parse tree, stable within a major version of PostgreSQL.
    pub query_id: i64,
    /// Whether a client sent it, rather than a function run it. Always true before PostgreSQL 14.
    pub top_level: bool,
}

/// A text that is no statement key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read statement key {text:?}, expected database/user/query/t or database/user/query/f")]
pub struct StatementKeyError {
    text: String,
}

impl fmt::Display for StatementKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let top_level = if self.top_level { 't' } else { 'f' };
        write!(
            formatter,
            "{}/{}/{}/{top_level}",
            self.database_oid, self.user_oid, self.query_id
        )
    }
}

impl FromStr for StatementKey {
    type Err = StatementKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_key(text).ok_or_else(|| StatementKeyError {
            text: text.to_owned(),
        })
    }
}

fn parse_key(text: &str) -> Option<StatementKey> {
    let mut parts = text.split('/');
    let database_oid = parts.next()?.parse().ok()?;
    let user_oid = parts.next()?.parse().ok()?;
    let query_id = parts.next()?.parse().ok()?;
    let top_level = match parts.next()? {
        "t" => true,
        "f" => false,
        _ => return None,
    };
    parts.next().is_none().then_some(StatementKey {
        database_oid,
        user_oid,
        query_id,
        top_level,
    })
}

/// What the text of a statement is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// A statement on data, normalised.
    Normalised(String),
    /// Any other statement. Its text is not kept: PostgreSQL does not normalise `CREATE USER … PASSWORD '…'`.
    Utility,
    /// The server did not show it.
    Hidden,
}

/// What `pg_stat_statements` shows to those who may not read the texts of others.
const HIDDEN: &str = "<insufficient privilege>";

/// Tells what the text of a statement is, and normalises it if that makes it fit to be kept.
pub fn classify(text: &str) -> Text {
    if text.trim() == HIDDEN {
        return Text::Hidden;
    }
    normalise(text).map_or(Text::Utility, Text::Normalised)
}

/// The text of a statement on data without anything that could be data, or `None` for any other statement.
///
/// Statements on data begin with `select`, `insert`, `update`, `delete`, `merge`, `with`, `values` or `table`. Of them
///
/// - comments go, since applications write names and ids into them;
/// - literals of every kind, which `pg_stat_statements` leaves in some places, become [`PLACEHOLDER`]; parameters
///   (`$1`), identifiers and operators stay;
/// - a list of parameters after `IN` becomes `(…)`, whatever its length, as PostgreSQL 18 counts them as one as well;
/// - white space is squeezed, and what is longer than [`LONGEST_TEXT`] characters is cut between two words.
///
/// A literal that has no end swallows the rest. So does one with a backslash before its closing quote: whether that
/// is its end depends on a setting of the session that ran it. Doing this twice is the same as doing it once.
pub fn normalise(text: &str) -> Option<String> {
    normalise::normalise(text)
}

/// A piece of SQL that the server made, such as the definition of an index, in which every literal is [`PLACEHOLDER`]: a
/// predicate may name a person. It is read and written as [`normalise`] does, whatever it begins with.
pub fn mask(text: &str) -> String {
    normalise::mask(text)
}

/// The longest title, in characters.
pub const LONGEST_TITLE: usize = 120;

/// A normalised text in one short line, for a message or a table.
pub fn title(normalised: &str) -> String {
    // A quoted identifier may hold a line break.
    let line = normalised.split_whitespace().collect::<Vec<_>>().join(" ");
    truncate(&line, LONGEST_TITLE)
}

#[cfg(test)]
mod tests;
