//! What went wrong, in words of a bounded list.
//!
//! The SQLSTATE decides where the server gave one. A host may flatten a failed connection to text before a component
//! sees it; then the text is searched for the same SQLSTATE and for the few phrases that stand for one.

mod tls;

use std::fmt;

use crate::value::Value;

/// A text that went with an error from below: the next link of the `source` chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

/// What kind of failure it was. The list is closed: the codes label metrics, alerts and runbooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The server could not be reached, or refused to talk.
    ConnectFailed,
    /// The server did not answer in time while connecting.
    ConnectTimeout,
    /// No encrypted connection came about: the certificate cannot be verified, or the server has no TLS.
    Tls,
    /// The login was refused: wrong user, password or database.
    AuthenticationFailed,
    /// The server has no connection left.
    TooManyConnections,
    /// An established connection broke.
    ConnectionLost,
    /// The login may not do this.
    MissingPrivilege,
    /// A table, column, function or extension is not there.
    MissingObject,
    /// The statement ran longer than it may.
    StatementTimeout,
    /// A lock was not granted in time.
    LockTimeout,
    /// A value arrived as another type than was asked for.
    Decode,
    /// Anything else; the SQLSTATE and the message tell more.
    Other,
}

impl ErrorKind {
    /// The code, as logs, the journal and metrics say it.
    pub fn code(self) -> &'static str {
        match self {
            ErrorKind::ConnectFailed => "connect_failed",
            ErrorKind::ConnectTimeout => "connect_timeout",
            ErrorKind::Tls => "tls",
            ErrorKind::AuthenticationFailed => "authentication_failed",
            ErrorKind::TooManyConnections => "too_many_connections",
            ErrorKind::ConnectionLost => "connection_lost",
            ErrorKind::MissingPrivilege => "missing_privilege",
            ErrorKind::MissingObject => "missing_object",
            ErrorKind::StatementTimeout => "statement_timeout",
            ErrorKind::LockTimeout => "lock_timeout",
            ErrorKind::Decode => "decode",
            ErrorKind::Other => "other",
        }
    }

    /// The kind that a SQLSTATE stands for. The classes are those of PostgreSQL's manual, appendix A.
    pub fn from_sqlstate(sqlstate: &str) -> ErrorKind {
        match sqlstate {
            "28000" | "28P01" | "3D000" => ErrorKind::AuthenticationFailed,
            "53300" => ErrorKind::TooManyConnections,
            "57P01" | "57P02" | "25P03" | "57P05" => ErrorKind::ConnectionLost,
            // The server is starting, stopping or recovering: it was reached but does not serve.
            "57P03" => ErrorKind::ConnectFailed,
            "42501" => ErrorKind::MissingPrivilege,
            "42P01" | "42703" | "42883" | "42704" | "3F000" => ErrorKind::MissingObject,
            "57014" => ErrorKind::StatementTimeout,
            "55P03" => ErrorKind::LockTimeout,
            "08001" | "08004" => ErrorKind::ConnectFailed,
            state if state.starts_with("08") => ErrorKind::ConnectionLost,
            _ => ErrorKind::Other,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

/// A failure at the door to PostgreSQL.
///
/// `Display` is the message alone; what lies below it is its `source`, and what the operator can do is its `hint`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DbError {
    /// What kind of failure it was.
    pub kind: ErrorKind,
    /// The five characters of the server's SQLSTATE, where there was one.
    pub sqlstate: Option<String>,
    /// What happened, lower case and without a full stop. Never holds a password.
    pub message: String,
    /// What the operator can do about it.
    pub hint: Option<String>,
    #[source]
    cause: Option<Cause>,
}

impl DbError {
    /// An error of a kind, without SQLSTATE, hint or cause.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> DbError {
        DbError {
            kind,
            sqlstate: None,
            message: message.into(),
            hint: None,
            cause: None,
        }
    }

    /// An error that the server reported.
    pub fn server(sqlstate: &str, message: &str, hint: Option<&str>) -> DbError {
        let kind = ErrorKind::from_sqlstate(sqlstate);
        let hint = mend(kind, message)
            .map(str::to_owned)
            .or_else(|| hint.map(str::to_owned));
        let sqlstate = Some(sqlstate.to_owned());
        DbError {
            kind,
            sqlstate,
            message: message.to_owned(),
            hint,
            cause: None,
        }
    }

    /// A value that is not what was asked for.
    pub fn decode(message: impl Into<String>) -> DbError {
        DbError::new(ErrorKind::Decode, message)
    }

    pub(crate) fn mismatch(column: &str, expected: &str, value: &Value) -> DbError {
        DbError::decode(format!(
            "column {column} holds {} where {expected} was expected",
            value.type_name()
        ))
        .with_hint(format!("cast the column to {expected} in the statement"))
    }

    pub(crate) fn unsupported(column: &str, type_name: &str) -> DbError {
        DbError::decode(format!(
            "column {column} is of type {type_name}, which cannot be carried"
        ))
        .with_hint(match type_name {
            "timestamptz" => format!("write (... at time zone 'UTC')::timestamp as {column}"),
            _ => {
                "cast it to int8, float8, text, bool, timestamp (in UTC), jsonb, int8[] or text[]".to_owned()
            }
        })
    }

    /// A value that the driver could not read, from what it said.
    pub(crate) fn unreadable(column: &str, reason: &str) -> DbError {
        if reason.contains("the Postgres type `timestamptz`") {
            return DbError::unsupported(column, "timestamptz");
        }
        let error = DbError::decode(format!("column {column} cannot be read")).with_cause(one_line(reason));
        if reason.contains("too large to decode") {
            return error.with_hint("a time that is infinite or beyond the year 262142 cannot be carried");
        }
        error
    }

    /// The same of the text that a host gives, which has the place of the column; `None` for any other text.
    #[cfg(any(target_family = "wasm", test))]
    pub(crate) fn unreadable_within(columns: &[String], reason: &str) -> Option<DbError> {
        let (_, told) = reason.split_once("error deserializing column ")?;
        let place = told.split(|c: char| !c.is_ascii_digit()).next()?;
        let column = place.parse().ok().and_then(|place: usize| columns.get(place));
        Some(DbError::unreadable(column.map_or(place, String::as_str), reason))
    }

    /// A connection that was not made, from the text that is left of the reason.
    pub(crate) fn connect(subject: &str, reason: &str) -> DbError {
        let sqlstate = sqlstate_within(reason);
        let kind = sqlstate.map_or_else(|| connect_kind(reason), ErrorKind::from_sqlstate);
        let mut error =
            DbError::new(kind, format!("cannot connect to {subject}")).with_cause(one_line(reason));
        error.sqlstate = sqlstate.map(str::to_owned);
        error.hint = mend(kind, reason).map(str::to_owned);
        error
    }

    /// A statement that failed for a reason of which only text is left.
    pub(crate) fn statement(reason: &str) -> DbError {
        let lost = [
            "kind: Closed",
            "kind: Io",
            "connection closed",
            "error communicating with the server",
        ];
        if lost.iter().any(|phrase| reason.contains(phrase)) {
            return DbError::lost(reason);
        }
        DbError::new(ErrorKind::Other, "the statement failed").with_cause(one_line(reason))
    }

    /// A connection that broke.
    pub(crate) fn lost(reason: &str) -> DbError {
        DbError::new(ErrorKind::ConnectionLost, "the connection to the server was lost")
            .with_cause(one_line(reason))
    }

    /// Adds what the operator can do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> DbError {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what lies below, as the next link of the `source` chain.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<String>) -> DbError {
        self.cause = Some(Cause(cause.into()));
        self
    }

    /// The code of the kind, as logs, the journal and metrics say it.
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// Whether the server could not be talked to at all; the next try needs a new connection.
    pub fn is_connection(&self) -> bool {
        use ErrorKind::{
            AuthenticationFailed, ConnectFailed, ConnectTimeout, ConnectionLost, Tls, TooManyConnections,
        };
        matches!(
            self.kind,
            ConnectFailed | ConnectTimeout | Tls | AuthenticationFailed | TooManyConnections | ConnectionLost
        )
    }

    /// Whether a rule of `pg_hba.conf` refused the connection as it was made: with TLS, or without.
    pub(crate) fn is_refused_by_rule(&self) -> bool {
        let cause = self.cause.as_ref().map_or("", |Cause(cause)| cause.as_str());
        self.kind == ErrorKind::AuthenticationFailed && cause.contains("pg_hba.conf")
    }

    /// Whether time ran out: of a statement, of a lock, or of connecting.
    pub fn is_timeout(&self) -> bool {
        use ErrorKind::{ConnectTimeout, LockTimeout, StatementTimeout};
        matches!(self.kind, ConnectTimeout | StatementTimeout | LockTimeout)
    }

    /// Whether a table, column, function or extension is not there.
    pub fn is_missing_object(&self) -> bool {
        self.kind == ErrorKind::MissingObject
    }

    /// Whether the login may not do what was asked.
    pub fn is_privilege(&self) -> bool {
        self.kind == ErrorKind::MissingPrivilege
    }
}

/// What the operator can do about an error of this kind.
fn mend(kind: ErrorKind, text: &str) -> Option<&'static str> {
    let has = |phrase: &str| text.contains(phrase);
    match kind {
        ErrorKind::MissingPrivilege if has("schema monitoring") => {
            Some("run pgvitals migrate: the login lacks a privilege on the monitoring schema")
        }
        ErrorKind::MissingPrivilege => {
            Some("grant pg_monitor to the login, or run pgvitals doctor for the exact grant")
        }
        ErrorKind::MissingObject if has("pg_stat_statements") => Some(
            "load pg_stat_statements in shared_preload_libraries and create the extension in this database",
        ),
        ErrorKind::MissingObject if has("monitoring") => Some("run pgvitals migrate"),
        ErrorKind::AuthenticationFailed if has(tls::GIVEN_AWAY) => Some(
            "have the server ask for scram-sha-256 (password_encryption, then a new password, and pg_hba.conf), reach it \
             with TLS that can be verified, or name it in the variable weak_authentication: HOST:PORT=md5",
        ),
        ErrorKind::AuthenticationFailed
            if has(tls::CLIENT_CERTIFICATE) || has("certificate authentication") =>
        {
            Some(
                "let the login in by its password: functions cannot show a client certificate (hostssl … scram-sha-256, \
             without clientcert, in pg_hba.conf)",
            )
        }
        ErrorKind::AuthenticationFailed if has("no encryption") || has("SSL off") => Some(
            "the server has no rule for this login without TLS: leave sslmode out of the address, or add a rule to \
             pg_hba.conf",
        ),
        ErrorKind::AuthenticationFailed => {
            Some("check the user, the password and the database in the address")
        }
        ErrorKind::Tls => Some(tls::hint(text)),
        ErrorKind::TooManyConnections if has("--connections-per-server") => Some(
            "ask again, or let the runner have more connections to this server: PGVITALS_CONNECTIONS_PER_SERVER",
        ),
        ErrorKind::TooManyConnections => Some("raise max_connections, or find what holds the connections"),
        ErrorKind::LockTimeout => Some("another session holds the lock: see pg_locks and pg_blocking_pids"),
        ErrorKind::ConnectFailed if has("not permitted") || has("not allowed") => {
            Some("add the host to allowed_outbound_hosts (variables monitoring_hosts, target_hosts)")
        }
        ErrorKind::ConnectFailed => {
            Some("check that the server runs and that the host and the port are right")
        }
        _ => None,
    }
}

/// The longest text from below that is kept.
const LONGEST_CAUSE: usize = 300;

/// The links of a chain that was printed over several lines, in one; a stack that was printed after them is left out.
fn one_line(text: &str) -> String {
    let mut links: Vec<&str> = Vec::new();
    for line in text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Stack backtrace"))
    {
        let numbered = line
            .split_once(": ")
            .filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()));
        let link = numbered.map_or(line, |(_, link)| link);
        if !link.is_empty() && link != "Caused by:" && links.last() != Some(&link) {
            links.push(link);
        }
    }
    let mut line = links.join(": ");
    line.truncate(line.floor_char_boundary(LONGEST_CAUSE));
    line
}

/// The SQLSTATE in the debug form of a driver's error: `SqlState(E28P01)` or `code: "28P01"`.
fn sqlstate_within(text: &str) -> Option<&str> {
    let marked = ["SqlState(E", "SQLSTATE ", "SQLSTATE: "];
    marked.iter().find_map(|mark| {
        let start = text.find(mark)? + mark.len();
        let state = text.get(start..start + 5)?;
        state
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            .then_some(state)
    })
}

fn connect_kind(reason: &str) -> ErrorKind {
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| reason.contains(phrase));
    if has(&[
        "password authentication failed",
        "no pg_hba.conf entry",
        "pg_hba.conf rejects",
        "password missing",
        "channel binding",
        "certificate authentication failed",
        tls::CLIENT_CERTIFICATE,
        tls::GIVEN_AWAY,
    ]) {
        ErrorKind::AuthenticationFailed
    } else if has(&[
        "too many connections",
        "too many clients",
        "remaining connection slots",
    ]) {
        ErrorKind::TooManyConnections
    } else if tls::is_refused(reason) {
        ErrorKind::Tls
    } else if has(&["timed out", "TimedOut", "timeout"]) {
        ErrorKind::ConnectTimeout
    } else {
        ErrorKind::ConnectFailed
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_sqlstate_decides_the_code() {
        let table = [
            ("28P01", "authentication_failed"),
            ("3D000", "authentication_failed"),
            ("53300", "too_many_connections"),
            ("57P01", "connection_lost"),
            ("57P03", "connect_failed"),
            ("08006", "connection_lost"),
            ("08001", "connect_failed"),
            ("42501", "missing_privilege"),
            ("42P01", "missing_object"),
            ("42703", "missing_object"),
            ("42883", "missing_object"),
            ("57014", "statement_timeout"),
            ("55P03", "lock_timeout"),
            ("22012", "other"),
        ];
        for (sqlstate, code) in table {
            assert_eq!(DbError::server(sqlstate, "text", None).code(), code, "{sqlstate}");
        }
    }

    #[test]
    fn a_refused_privilege_says_what_to_grant() {
        let error = DbError::server("42501", "permission denied for function pg_ls_waldir", None);
        assert!(error.is_privilege());
        assert!(error.hint.unwrap().starts_with("grant pg_monitor to the login"));
    }

    #[test]
    fn the_hint_of_the_server_is_kept_where_we_know_none_better() {
        let error = DbError::server("22012", "division by zero", Some("do not"));
        assert_eq!(error.hint.as_deref(), Some("do not"));
    }

    #[track_caller]
    fn check_connect(reason: &str, code: &str, sqlstate: Option<&str>) {
        let error = DbError::connect("127.0.0.1:5432", reason);
        assert_eq!(
            (error.code(), error.sqlstate.as_deref()),
            (code, sqlstate),
            "{reason}"
        );
        assert!(error.is_connection());
        assert_eq!(error.to_string(), "cannot connect to 127.0.0.1:5432");
        assert_eq!(error.source().unwrap().to_string(), reason);
    }

    #[test]
    fn a_flattened_connection_failure_finds_its_code_again() {
        check_connect(
            "Error { cause: Some(DbError { code: SqlState(E28P01) }) }",
            "authentication_failed",
            Some("28P01"),
        );
        check_connect(
            "Error { cause: Some(DbError { code: SqlState(E53300) }) }",
            "too_many_connections",
            Some("53300"),
        );
        check_connect(
            "Error { kind: Connect, cause: Some(Os { code: 111 }) }",
            "connect_failed",
            None,
        );
        check_connect(
            "address postgres://db:5432 is not permitted",
            "connect_failed",
            None,
        );
        check_connect("connection timed out", "connect_timeout", None);
    }

    #[test]
    fn a_closed_connection_is_told_from_a_failed_statement() {
        assert_eq!(
            DbError::statement("Error { kind: Closed, cause: None }").code(),
            "connection_lost"
        );
        assert_eq!(DbError::statement("Error { kind: ToSql(0) }").code(), "other");
    }

    #[track_caller]
    fn check_unreadable(reason: &str, message: &str, hint: Option<&str>) {
        let columns = ["run_id".to_owned(), "started_at".to_owned()];
        let error = DbError::unreadable_within(&columns, reason).unwrap();
        assert_eq!((error.code(), error.to_string().as_str()), ("decode", message));
        assert_eq!(error.hint.as_deref(), hint);
    }

    #[test]
    fn what_a_host_could_not_read_has_the_name_of_its_column() {
        check_unreadable(
            "error deserializing column 1: cannot convert between the Rust type \
             `core::option::Option<chrono::naive::datetime::NaiveDateTime>` and the Postgres type `timestamptz`",
            "column started_at is of type timestamptz, which cannot be carried",
            Some("write (... at time zone 'UTC')::timestamp as started_at"),
        );
        check_unreadable(
            "error deserializing column 1\n\nCaused by:\n    value too large to decode",
            "column started_at cannot be read",
            Some("a time that is infinite or beyond the year 262142 cannot be carried"),
        );
        check_unreadable(
            "error deserializing column 7: odd",
            "column 7 cannot be read",
            None,
        );
        assert_eq!(DbError::unreadable_within(&[], "Error { kind: ToSql(0) }"), None);
    }

    #[test]
    fn a_chain_over_several_lines_becomes_one() {
        let reason = "cannot make an object: error connecting\n\nCaused by:\n    0: error connecting\n    1: refused (os error 111)\n\nStack backtrace:\n   0: main";
        let error = DbError::connect("db:5432", reason);
        let cause = error.source().unwrap().to_string();
        assert_eq!(
            cause,
            "cannot make an object: error connecting: error connecting: refused (os error 111)"
        );
        assert!(
            DbError::statement(&"ß".repeat(500))
                .source()
                .unwrap()
                .to_string()
                .len()
                <= LONGEST_CAUSE
        );
    }

    #[test]
    fn a_host_that_is_not_allowed_is_answered_with_the_variable_to_change() {
        let error = DbError::connect("db:5432", "address postgres://db:5432 is not permitted");
        assert!(error.hint.unwrap().contains("allowed_outbound_hosts"));
    }
}
