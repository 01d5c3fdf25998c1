//! A unit of work: one transaction that brings everything it needs along.
//!
//! Connections are pooled by the host, and a run that was cut off leaves its transaction open behind it. So nothing
//! relies on what an earlier unit set, and nothing is assumed to be clean.
//!
//! A plain `rollback` before each `begin` would make sure, but costs a round trip and a warning in the server's log
//! each time. `begin not deferrable` does so for nothing: it has no effect on a new transaction, and within one that
//! has run a query already PostgreSQL refuses it (`25001`; in a failed one, `25P02`). Only then we roll back. A
//! transaction that was cut off before its first query holds nothing but an old `now()`, which the preamble notices.

use std::time::Duration;

use crate::client::Client;
use crate::error::{DbError, ErrorKind};
use crate::pinned;
use crate::value::Value;

/// How long the server waits for the next statement of a unit, unless the unit says otherwise: longer than any
/// computation between two statements takes, and short enough that what a cut-off run locked is free again soon.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(30);

/// What each unit of work sets for its own transaction and no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preamble {
    /// What `pg_stat_activity` shows: `pgvitals/FUNCTION`.
    pub application_name: String,
    /// How long one statement may run.
    pub statement_timeout: Duration,
    /// How long one statement may wait for a lock.
    pub lock_timeout: Duration,
    /// How long the server waits for the next statement before it gives the transaction up.
    pub idle_timeout: Duration,
    /// Whether the unit may only read.
    pub read_only: bool,
}

/// Pins every setting, in one statement that holds no operator and only qualified names: it is parsed under whatever
/// search path the session came with. The columns after the first tell when the transaction began and when this
/// statement did, which a run that was cut off between its `begin` and its preamble leaves far apart, and whether
/// triggers do their work. How long a session may wait between two units is all that is set for longer than the unit.
pub(crate) const SETTINGS: &str = "
    select
        pg_catalog.count(
            case when pg_catalog.current_setting(setting.name, true) is null then null
                 else pg_catalog.set_config(setting.name, setting.value, $3) end
        ) as pinned,
        pg_catalog.date_part('epoch', pg_catalog.transaction_timestamp()) as began_at,
        pg_catalog.date_part('epoch', pg_catalog.statement_timestamp()) as sent_at,
        case when pg_catalog.current_setting('is_superuser')::pg_catalog.bool
             then pg_catalog.set_config('session_replication_role', 'origin', $3)
             else pg_catalog.current_setting('session_replication_role') end as replication_role,
        case when pg_catalog.current_setting('idle_session_timeout', true) is null then null
             else pg_catalog.set_config('idle_session_timeout', '0', false) end as unlimited
    from rows from (pg_catalog.unnest($1), pg_catalog.unnest($2)) as setting (name, value)";

const BEGIN_READING: &str = "begin isolation level read committed, read only, not deferrable";
const BEGIN_WRITING: &str = "begin isolation level read committed, read write, not deferrable";

/// Age in seconds at which a transaction is taken to have been begun by an earlier run.
const STALE: f64 = 1.0;

impl Preamble {
    /// A preamble with limits that suit short statements: ten seconds a statement, one second a lock.
    pub fn new(application_name: impl Into<String>) -> Preamble {
        Preamble {
            application_name: application_name.into(),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(1),
            idle_timeout: IDLE_IN_TRANSACTION,
            read_only: false,
        }
    }

    /// The same, for a unit that may only read.
    #[must_use]
    pub fn read_only(mut self) -> Preamble {
        self.read_only = true;
        self
    }

    /// The same, with another limit for each statement.
    #[must_use]
    pub fn with_statement_timeout(mut self, limit: Duration) -> Preamble {
        self.statement_timeout = limit;
        self
    }

    /// The same, for a unit that waits for something else between its statements.
    #[must_use]
    pub fn with_idle_timeout(mut self, limit: Duration) -> Preamble {
        self.idle_timeout = limit;
        self
    }

    fn begin(&self) -> &'static str {
        if self.read_only {
            BEGIN_READING
        } else {
            BEGIN_WRITING
        }
    }

    fn settings(&self) -> [Value; 3] {
        let own = [
            ("application_name", self.application_name.clone()),
            ("statement_timeout", milliseconds(self.statement_timeout)),
            ("lock_timeout", milliseconds(self.lock_timeout)),
            (
                "idle_in_transaction_session_timeout",
                milliseconds(self.idle_timeout),
            ),
        ];
        pinned::parameters(&own, true)
    }
}

/// A limit as PostgreSQL takes it. Zero would mean no limit at all, so that the shortest is a millisecond.
fn milliseconds(limit: Duration) -> String {
    limit.as_millis().clamp(1, i32::MAX as u128).to_string()
}

/// Does a piece of work in a transaction of its own: begins, sets what the preamble says, runs the work, commits; or
/// rolls back when the work failed.
///
/// # Errors
///
/// What the work gave, or what the server said to the begin, the preamble or the commit.
pub async fn unit_of_work<C, T, E>(
    client: &C,
    preamble: &Preamble,
    work: impl AsyncFnOnce(&C) -> Result<T, E>,
) -> Result<T, E>
where
    C: Client,
    E: From<DbError>,
{
    begin(client, preamble).await?;
    match work(client).await {
        Ok(outcome) => {
            client.execute("commit", &[]).await?;
            Ok(outcome)
        }
        Err(error) => {
            // The work's own error is the one to tell. Where the rollback fails too the connection is broken, and
            // the server rolls back by itself.
            let _ = client.execute("rollback", &[]).await;
            Err(error)
        }
    }
}

/// Begins and sets; once again from a clean state when the session carried an older transaction.
pub(crate) async fn begin(client: &impl Client, preamble: &Preamble) -> Result<(), DbError> {
    let carried = match client.execute(preamble.begin(), &[]).await {
        Ok(_) => set(client, preamble).await?,
        Err(error) if carries_transaction(&error) => true,
        Err(error) => return Err(error),
    };
    if carried {
        client.execute("rollback", &[]).await?;
        client.execute(preamble.begin(), &[]).await?;
        set(client, preamble).await?;
    }
    Ok(())
}

/// Whether a statement is the beginning of a unit of work.
pub(crate) fn is_begin(sql: &str) -> bool {
    sql == BEGIN_READING || sql == BEGIN_WRITING
}

/// Changes how long the statements of the open transaction may run.
pub(crate) async fn set_statement_timeout(client: &impl Client, limit: Duration) -> Result<(), DbError> {
    client
        .query(
            "select pg_catalog.set_config('statement_timeout', $1, true)",
            &[milliseconds(limit).into()],
        )
        .await?;
    Ok(())
}

/// Sets what the preamble says and tells whether the transaction is an old one.
async fn set(client: &impl Client, preamble: &Preamble) -> Result<bool, DbError> {
    let rows = client.query(SETTINGS, &preamble.settings()).await?;
    let row = rows.one()?;
    let (began_at, sent_at): (f64, f64) = (row.get("began_at")?, row.get("sent_at")?);
    let replication_role: String = row.get("replication_role")?;
    if !preamble.read_only && replication_role != "origin" {
        // The refusal is the error to tell; a rollback that fails too leaves it to the server.
        let _ = client.execute("rollback", &[]).await;
        return Err(without_triggers(&replication_role));
    }
    Ok(sent_at - began_at > STALE)
}

/// Why nothing is written in a session whose triggers and foreign keys are off.
fn without_triggers(replication_role: &str) -> DbError {
    DbError::new(
        ErrorKind::Other,
        format!("sessions of this login have session_replication_role = {replication_role}, so that triggers and foreign keys do not work"),
    )
    .with_hint("take it back: alter role ... reset session_replication_role, or alter database ... reset session_replication_role")
}

/// Whether a `begin` was refused because the session is in a transaction: a living one (`25001`) or a failed one
/// (`25P02`).
fn carries_transaction(error: &DbError) -> bool {
    matches!(error.sqlstate.as_deref(), Some("25001" | "25P02"))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::row::Rows;

    /// Answers `begin` from a script and writes down what it was sent.
    struct Script {
        refusals: RefCell<Vec<&'static str>>,
        stale: RefCell<Vec<bool>>,
        replication_role: &'static str,
        sent: RefCell<Vec<String>>,
    }

    impl Script {
        fn new(refusals: &[&'static str], stale: &[bool]) -> Script {
            let (refusals, stale) = (RefCell::new(refusals.to_vec()), RefCell::new(stale.to_vec()));
            Script {
                refusals,
                stale,
                replication_role: "origin",
                sent: RefCell::default(),
            }
        }

        fn sent(&self) -> String {
            self.sent.borrow().join("; ")
        }
    }

    impl Client for Script {
        async fn query(&self, sql: &str, _: &[Value]) -> Result<Rows, DbError> {
            let name = if sql == SETTINGS { "settings" } else { sql };
            self.sent.borrow_mut().push(name.to_owned());
            let stale = self.stale.borrow_mut().pop().unwrap_or(false);
            let columns = ["began_at", "sent_at", "replication_role"].map(str::to_owned);
            let sent_at = if stale { 101.5 } else { 100.5 };
            let role = self.replication_role.into();
            Ok(Rows::new(
                columns.to_vec(),
                vec![vec![100.0.into(), sent_at.into(), role]],
            ))
        }

        async fn execute(&self, sql: &str, _: &[Value]) -> Result<u64, DbError> {
            self.sent.borrow_mut().push(sql.to_owned());
            match self.refusals.borrow_mut().pop() {
                Some(sqlstate) if sql.starts_with("begin") => Err(DbError::server(sqlstate, "refused", None)),
                _ => Ok(0),
            }
        }
    }

    #[track_caller]
    fn check(script: &Script, work: Result<(), DbError>, expected: &str) {
        let preamble = Preamble::new("pgvitals/test").read_only();
        let wanted = work.is_ok();
        let unit = unit_of_work(script, &preamble, async |client| {
            client.execute("work", &[]).await?;
            work
        });
        let outcome = futures_executor(unit);
        assert_eq!(outcome.is_ok(), wanted);
        assert_eq!(script.sent(), expected);
    }

    /// Nothing here waits, so that one poll is all it takes.
    fn futures_executor<T>(future: impl Future<Output = T>) -> T {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::pin!(future).as_mut().poll(&mut context) {
            std::task::Poll::Ready(outcome) => outcome,
            std::task::Poll::Pending => panic!("a scripted client does not wait"),
        }
    }

    const BEGIN: &str = "begin isolation level read committed, read only, not deferrable; settings";

    #[test]
    fn a_unit_begins_sets_works_and_commits() {
        check(&Script::new(&[], &[]), Ok(()), &format!("{BEGIN}; work; commit"));
    }

    #[test]
    fn a_failed_unit_rolls_back() {
        let error = Err(DbError::decode("work failed"));
        check(&Script::new(&[], &[]), error, &format!("{BEGIN}; work; rollback"));
    }

    #[test]
    fn an_abandoned_transaction_is_rolled_back_first() {
        for sqlstate in ["25001", "25P02"] {
            let begin = "begin isolation level read committed, read only, not deferrable";
            let expected = format!("{begin}; rollback; {BEGIN}; work; commit");
            check(&Script::new(&[sqlstate], &[]), Ok(()), &expected);
        }
    }

    #[test]
    fn a_transaction_that_was_abandoned_before_its_first_query_is_too_old() {
        let expected = format!("{BEGIN}; rollback; {BEGIN}; work; commit");
        check(&Script::new(&[], &[true]), Ok(()), &expected);
    }

    #[test]
    fn a_limit_is_never_none_at_all() {
        assert_eq!(milliseconds(Duration::ZERO), "1");
        assert_eq!(milliseconds(Duration::from_secs(u64::MAX)), i32::MAX.to_string());
    }

    #[test]
    fn nothing_is_written_where_triggers_do_not_work() {
        let mut script = Script::new(&[], &[]);
        script.replication_role = "replica";
        check(&script, Ok(()), &format!("{BEGIN}; work; commit"));
        script.sent.borrow_mut().clear();
        let preamble = Preamble::new("pgvitals/test");
        let unit = unit_of_work(&script, &preamble, async |_| Ok::<(), DbError>(()));
        let error = futures_executor(unit).unwrap_err();
        assert!(
            error.to_string().contains("session_replication_role = replica"),
            "{error}"
        );
        assert!(script.sent().ends_with("settings; rollback"), "{}", script.sent());
    }

    #[test]
    fn the_preamble_holds_no_operator_and_no_unqualified_name() {
        let words = SETTINGS.split_whitespace().collect::<Vec<_>>().join(" ");
        for call in words.match_indices('(').map(|(at, _)| &words[..at]) {
            let name = call.rsplit([' ', '(']).next().unwrap_or_default();
            assert!(
                name.is_empty() || name.starts_with("pg_catalog.") || ["from", "setting"].contains(&name),
                "{name}"
            );
        }
        for cast in words.split("::").skip(1) {
            assert!(cast.starts_with("pg_catalog."), "{cast}");
        }
        assert!(
            !words.contains(['=', '<', '>', '+', '-', '|', '~', '*', '/', '!']),
            "{words}"
        );
    }
}
