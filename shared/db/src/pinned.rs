//! Settings that change what a statement means or whether it is answered, with the values that pgvitals relies on.
//!
//! The owner of a database and the owner of a role can give every session new defaults (`alter database ... set`,
//! `alter role ... set`). A `search_path` that begins with a schema of theirs makes `=` a function of theirs, which runs
//! with the rights of whoever compares; `standard_conforming_strings = off` changes what a regular expression matches.
//! So every session is pinned, in three layers:
//!
//! 1. the connection's startup packet sets those of [`AT_STARTUP`] by its parameter `options`, which beats the defaults and
//!    is what `reset all` goes back to. A pooler may refuse or ignore it;
//! 2. every unit of work sets all of them once more for its own transaction, in a statement that holds no operator and
//!    only qualified names, because that statement itself is parsed under the search path that it replaces (`session`).
//!    Before the first statement outside of a unit they are set for the session (`bare`);
//! 3. `sql/logins.sql` gives the logins of pgvitals defaults that beat those of a database.
//!
//! The first and the third layer are kept small: what they set is all that the session itself can see of a setting, so
//! that the collector `settings` could not tell any more what the server has.
//!
//! Left alone, because they change how fast a server is or how it is set up and not what is read or written:
//! the planner's costs and switches, `work_mem`, `default_tablespace`, and `synchronous_commit`, which an operator
//! chooses for the whole server. Settings that only a superuser can give a default (`lc_messages`,
//! `session_replication_role`, `plpgsql.extra_errors`) are out of reach of those we guard against; of them
//! `session_replication_role` is pinned for superusers, and checked by units that write, because with `replica` no
//! trigger and no foreign key does its work.

use std::sync::{Mutex, PoisonError};

use crate::error::DbError;
use crate::safe_url::SafeUrl;
use crate::value::Value;

/// The search path of every session: nothing but the catalog. Temporary tables come last, where they hide nothing.
pub(crate) const SEARCH_PATH: &str = "pg_catalog, pg_temp";

/// A setting with the value that every session has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pinned {
    /// Name of the setting.
    pub name: &'static str,
    /// Value that is set.
    pub value: &'static str,
    /// Servers that know the setting.
    pub known: Known,
    /// Damage that another value does.
    pub why: &'static str,
}

/// Servers that know a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Every supported version.
    Everywhere,
    /// This major version and later ones.
    Since(u32),
    /// Some minor releases of every major version.
    SomeReleases,
}

const fn everywhere(name: &'static str, value: &'static str, why: &'static str) -> Pinned {
    Pinned {
        name,
        value,
        known: Known::Everywhere,
        why,
    }
}

const fn since(version: u32, name: &'static str, value: &'static str, why: &'static str) -> Pinned {
    Pinned {
        name,
        value,
        known: Known::Since(version),
        why,
    }
}

/// Every pinned setting. Limits of time that each unit chooses for itself ([`Preamble`](crate::Preamble)) come on top.
pub const PINNED: &[Pinned] = &[
    // Names and rights.
    everywhere(
        "search_path",
        SEARCH_PATH,
        "operators, functions and types are looked up in it: a schema of somebody else's makes them run code of theirs",
    ),
    everywhere(
        "role",
        "none",
        "the session acts as another role, with other rights and other owners of what it makes",
    ),
    everywhere(
        "row_security",
        "on",
        "off makes a statement fail where a policy would leave rows out",
    ),
    everywhere(
        "check_function_bodies",
        "on",
        "off lets a function be created that cannot run",
    ),
    everywhere(
        "default_table_access_method",
        "heap",
        "tables are made for storage that may know no update",
    ),
    since(
        16,
        "createrole_self_grant",
        "",
        "a role that is created is granted to its creator with rights that were not asked for",
    ),
    Pinned {
        name: "restrict_nonsystem_relation_kind",
        value: "",
        known: Known::SomeReleases,
        why: "views of extensions and of the schema monitoring cannot be read",
    },
    // How text is read.
    everywhere(
        "client_encoding",
        "UTF8",
        "text arrives in an encoding that is not the one it is read in",
    ),
    everywhere(
        "standard_conforming_strings",
        "on",
        "off makes a backslash in a literal an escape, so that a regular expression matches something else",
    ),
    everywhere(
        "backslash_quote",
        "safe_encoding",
        "whether \\' ends a literal decides where it ends",
    ),
    everywhere(
        "escape_string_warning",
        "off",
        "a warning in the server's log for every backslash",
    ),
    everywhere(
        "transform_null_equals",
        "off",
        "on turns `x = null` into `x is null`",
    ),
    everywhere(
        "array_nulls",
        "on",
        "off reads NULL in the text of an array as a word",
    ),
    everywhere("xmloption", "content", "decides which texts can be cast to xml"),
    // How values are written as text.
    everywhere("timezone", "UTC", "times are cut into hours and days by it"),
    everywhere(
        "datestyle",
        "ISO, MDY",
        "dates are written and read in another order",
    ),
    everywhere(
        "intervalstyle",
        "postgres",
        "intervals are written in another form",
    ),
    everywhere("bytea_output", "hex", "bytes are written in another form"),
    everywhere(
        "extra_float_digits",
        "1",
        "fractions lose digits where they become text or JSON",
    ),
    everywhere(
        "quote_all_identifiers",
        "off",
        "on puts quotes around every name in definitions and in regclass",
    ),
    // How statements run.
    everywhere(
        "default_transaction_isolation",
        "read committed",
        "serializable makes concurrent work fail that is right",
    ),
    everywhere(
        "default_transaction_read_only",
        "off",
        "on refuses what is meant to be written",
    ),
    everywhere(
        "default_transaction_deferrable",
        "off",
        "on makes a serializable reader wait",
    ),
    everywhere(
        "exit_on_error",
        "off",
        "on ends the session at the first error, also at one that is expected",
    ),
    everywhere(
        "gin_fuzzy_search_limit",
        "0",
        "another value leaves rows out at random",
    ),
    everywhere(
        "plan_cache_mode",
        "auto",
        "a generic plan ignores the values of parameters",
    ),
    everywhere(
        "jit",
        "off",
        "compiling a statement that runs for milliseconds takes seconds",
    ),
    everywhere(
        "max_parallel_workers_per_gather",
        "0",
        "a monitor takes no workers away from those it watches",
    ),
    everywhere(
        "statement_timeout",
        "0",
        "a limit of milliseconds ends what sets the limit of the unit",
    ),
    everywhere(
        "lock_timeout",
        "0",
        "a limit of milliseconds ends what waits for a moment",
    ),
    everywhere(
        "idle_in_transaction_session_timeout",
        "1min",
        "a limit of milliseconds ends the session between two statements",
    ),
    since(
        14,
        "idle_session_timeout",
        "0",
        "ends the session while it waits in a pool",
    ),
    since(
        17,
        "transaction_timeout",
        "0",
        "ends the session in the middle of several short statements",
    ),
    since(
        15,
        "stats_fetch_consistency",
        "cache",
        "decides whether statistics stand still within a transaction",
    ),
];

/// The part of [`PINNED`] that has to hold before the first statement, as command-line options of the session.
pub(crate) const AT_STARTUP: &str = "-c search_path=pg_catalog,pg_temp -c role=none";

/// The address with [`AT_STARTUP`] in its parameter `options`, after those that it has already: of two values for a
/// setting the server takes the later one.
fn with_options(url: &SafeUrl) -> SafeUrl {
    url.clone().with_options(AT_STARTUP)
}

/// The options with which another program that is given this address pins its sessions; none where the server is known
/// to refuse them.
pub fn startup_options(url: &SafeUrl) -> Option<String> {
    address(url)?.parameter("options")
}

fn is_refusing(server: &str) -> bool {
    let refusing = REFUSING.lock().unwrap_or_else(PoisonError::into_inner);
    refusing.iter().any(|known| known == server)
}

/// Servers, and poolers in front of them, that turned the parameter `options` away while this process lives. They are not
/// asked again, which would cost a connection each time.
static REFUSING: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Most servers that are remembered.
const MOST_REFUSING: usize = 256;

/// The address with the options, unless its server is known to refuse them.
pub(crate) fn address(url: &SafeUrl) -> Option<SafeUrl> {
    (!is_refusing(&url.server())).then(|| with_options(url))
}

/// Remembers that a server refused the options and took the same connection without them.
pub(crate) fn remember_refusal(url: &SafeUrl) {
    let mut refusing = REFUSING.lock().unwrap_or_else(PoisonError::into_inner);
    if refusing.len() < MOST_REFUSING && !refusing.contains(&url.server()) {
        refusing.push(url.server());
    }
}

/// Whether a connection was turned away for what its startup packet asked: by PgBouncer ("unsupported startup
/// parameter", a protocol violation), RDS Proxy ("command-line options", not supported), or a server that does not know
/// a setting or its value.
pub(crate) fn refuses_options(error: &DbError) -> bool {
    let because = std::error::Error::source(error)
        .map(ToString::to_string)
        .unwrap_or_default();
    matches!(
        error.sqlstate.as_deref(),
        Some("08P01" | "0A000" | "22023" | "42601" | "42704")
    ) || because.contains("startup parameter")
        || because.contains("command-line options")
}

/// The parameters of the statement that pins: names and values as two arrays, and whether they are for the transaction
/// only. `own` are settings of the unit, which take the place of those in the list.
pub(crate) fn parameters(own: &[(&str, String)], is_local: bool) -> [Value; 3] {
    let own_name = |name: &str| own.iter().any(|(other, _)| *other == name);
    let listed = PINNED.iter().filter(|pinned| !own_name(pinned.name));
    let settings = listed
        .map(|pinned| (pinned.name.to_owned(), pinned.value.to_owned()))
        .chain(
            own.iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
    let (names, values): (Vec<String>, Vec<String>) = settings.unzip();
    [names.into(), values.into(), is_local.into()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_pinned_once_and_says_why() {
        let mut names: Vec<&str> = PINNED.iter().map(|pinned| pinned.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        for pinned in PINNED {
            assert!(!pinned.why.is_empty(), "{}", pinned.name);
            let documented =
                include_str!("../../../docs/reference.md").contains(&format!("| `{}`", pinned.name));
            assert!(documented, "{} is not in docs/reference.md", pinned.name);
        }
    }

    #[test]
    fn the_options_follow_those_of_the_address_and_say_what_the_list_says() {
        let url: SafeUrl = "postgres://user:secret@host/db?options=-c%20search_path%3Dtheirs"
            .parse()
            .unwrap();
        let options = with_options(&url).parameter("options").unwrap();
        assert_eq!(options, format!("-c search_path=theirs {AT_STARTUP}"));
        assert_eq!(startup_options(&url), Some(options));
        assert!(!with_options(&url).expose().contains('+'));
        for option in AT_STARTUP.split("-c ").skip(1) {
            let (name, value) = option.trim().split_once('=').unwrap();
            let pinned = PINNED.iter().find(|pinned| pinned.name == name).unwrap();
            assert_eq!(
                (pinned.value.replace(' ', ""), pinned.known),
                (value.to_owned(), Known::Everywhere)
            );
        }
    }

    #[test]
    fn a_pooler_that_refuses_options_is_told_from_other_failures_and_remembered() {
        let refused = |reason: &str| refuses_options(&DbError::connect("pool:6432", reason));
        assert!(refused("FATAL: unsupported startup parameter: options"));
        assert!(refused(
            "Error { kind: Db, cause: Some(DbError { code: SqlState(E08P01) }) }"
        ));
        assert!(refused(
            "RDS Proxy currently doesn't support command-line options."
        ));
        assert!(!refused(
            "Error { kind: Db, cause: Some(DbError { code: SqlState(E28P01) }) }"
        ));
        assert!(!refused("Connection refused"));
        let url: SafeUrl = "postgres://user@pool:6432/db".parse().unwrap();
        assert!(address(&url).is_some());
        remember_refusal(&url);
        remember_refusal(&url);
        assert_eq!((address(&url), startup_options(&url)), (None, None));
    }

    #[test]
    fn a_setting_of_the_unit_takes_the_place_of_the_listed_one() {
        let [names, values, _] = parameters(&[("lock_timeout", "5".to_owned())], true);
        let (Value::TextArray(names), Value::TextArray(values)) = (names, values) else {
            panic!("two arrays of text")
        };
        assert_eq!((names.len(), values.len()), (PINNED.len(), PINNED.len()));
        assert_eq!(names.last().unwrap().as_deref(), Some("lock_timeout"));
        assert_eq!(values.last().unwrap().as_deref(), Some("5"));
    }
}
