//! Statements outside of a unit of work, pinned.
//!
//! Before the first of them the session is asked whether its startup packet has pinned the search path. Then it is a
//! session of ours, and the other settings are set for all of it. Where a pooler refused or ignored the `options` of the
//! packet, the session may be shared with others and is left as it is: each statement gets a transaction that is pinned.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::client::Client;
use crate::error::DbError;
use crate::pinned;
use crate::session;

/// Asks for the search path, without an operator.
const SEARCH_PATH: &str = "select pg_catalog.current_setting('search_path') as search_path";

/// What is known about the settings of a session.
#[derive(Debug, Default)]
pub(crate) struct Pinning {
    state: AtomicU8,
    in_transaction: AtomicBool,
}

const UNKNOWN: u8 = 0;
const BY_STARTUP: u8 = 1;
const EACH_STATEMENT: u8 = 2;

/// The beginning or the end of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Boundary {
    Begin,
    End,
}

/// How a statement is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// In a session or a transaction that is pinned already.
    AsItIs,
    /// In a transaction of its own, which has begun.
    Wrapped,
}

/// What is left to do with a statement after it was sent.
#[derive(Debug)]
pub(crate) enum Sent<T> {
    /// Nothing: this is its outcome.
    Done(Result<T, DbError>),
    /// It has to be sent again, outside of any transaction.
    Again,
}

impl Pinning {
    /// Has a statement run in a session or a transaction that is pinned. Comes before it is sent, and
    /// [`after`](Self::after) comes then.
    pub(crate) async fn before<C: Client>(&self, client: &C, sql: &str) -> Result<Turn, DbError> {
        match boundary(sql) {
            // The unit of work pins by its preamble.
            Some(Boundary::Begin) if session::is_begin(sql) => {}
            Some(Boundary::Begin) => {
                if !self.by_startup(client).await? {
                    client.execute("begin", &[]).await?;
                    pin(client, true).await?;
                }
            }
            Some(Boundary::End) => self.in_transaction.store(false, Ordering::Relaxed),
            None if self.in_transaction.load(Ordering::Relaxed) => {}
            None if self.by_startup(client).await? => {}
            None => {
                client.execute("begin", &[]).await?;
                if let Err(error) = pin(client, true).await {
                    let _ = client.execute("rollback", &[]).await;
                    return Err(error);
                }
                return Ok(Turn::Wrapped);
            }
        }
        Ok(Turn::AsItIs)
    }

    /// Ends what [`before`](Self::before) began.
    pub(crate) async fn after<C: Client, T>(
        &self,
        client: &C,
        sql: &str,
        turn: Turn,
        sent: Result<T, DbError>,
    ) -> Sent<T> {
        match (turn, sent) {
            (Turn::AsItIs, sent) => {
                if sent.is_ok() && ends(sql) {
                    self.in_transaction.store(false, Ordering::Relaxed);
                } else if sent.is_ok() && boundary(sql) == Some(Boundary::Begin) {
                    self.in_transaction.store(true, Ordering::Relaxed);
                }
                Sent::Done(sent)
            }
            (Turn::Wrapped, Ok(sent)) => Sent::Done(client.execute("commit", &[]).await.map(|_| sent)),
            (Turn::Wrapped, Err(error)) => {
                // The statement's own error is the one to tell; a broken connection rolls back by itself.
                let _ = client.execute("rollback", &[]).await;
                if error.sqlstate.as_deref() == Some("25001") {
                    // What runs in no transaction (`vacuum`, `create index concurrently`) holds no operator.
                    return Sent::Again;
                }
                Sent::Done(Err(error))
            }
        }
    }

    /// Whether the session is pinned as a whole, which is seen to at the first call.
    async fn by_startup<C: Client>(&self, client: &C) -> Result<bool, DbError> {
        match self.state.load(Ordering::Relaxed) {
            UNKNOWN => {
                let rows = client.query(SEARCH_PATH, &[]).await?;
                let path: String = rows.one()?.get("search_path")?;
                let pinned = path.replace(' ', "") == pinned::SEARCH_PATH.replace(' ', "");
                if pinned {
                    pin(client, false).await?;
                }
                let state = if pinned { BY_STARTUP } else { EACH_STATEMENT };
                self.state.store(state, Ordering::Relaxed);
                Ok(pinned)
            }
            state => Ok(state == BY_STARTUP),
        }
    }
}

/// Sets everything, for the transaction or for the session.
async fn pin<C: Client>(client: &C, is_local: bool) -> Result<(), DbError> {
    let parameters = pinned::parameters(&[], is_local);
    client.query(session::SETTINGS, &parameters).await?;
    Ok(())
}

fn boundary(sql: &str) -> Option<Boundary> {
    match first_word(sql) {
        "begin" => Some(Boundary::Begin),
        "commit" | "rollback" => Some(Boundary::End),
        _ => None,
    }
}

/// The word that a statement begins with, after the comments before it.
fn first_word(sql: &str) -> &str {
    let mut rest = sql.trim_start();
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, after)| after).trim_start();
    }
    let end = rest.find(|letter: char| !letter.is_ascii_alphabetic());
    &rest[..end.unwrap_or(rest.len())]
}

/// Whether several statements end with the transaction.
fn ends(sql: &str) -> bool {
    let sql = sql.trim_end().trim_end_matches(';').trim_end();
    sql.ends_with("commit") || sql.ends_with("rollback")
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::row::Rows;
    use crate::value::Value;

    /// Has a search path, refuses some statements within a transaction, and writes down what it was sent.
    struct Script {
        search_path: &'static str,
        sent: RefCell<Vec<String>>,
    }

    impl Script {
        fn new(search_path: &'static str) -> Script {
            Script {
                search_path,
                sent: RefCell::default(),
            }
        }

        fn note(&self, sql: &str) {
            let name = match sql {
                SEARCH_PATH => "ask",
                session::SETTINGS => "pin",
                sql => sql,
            };
            self.sent.borrow_mut().push(name.to_owned());
        }
    }

    impl Client for Script {
        async fn query(&self, sql: &str, _: &[Value]) -> Result<Rows, DbError> {
            self.note(sql);
            let row = vec![self.search_path.into()];
            Ok(Rows::new(vec!["search_path".to_owned()], vec![row]))
        }

        async fn execute(&self, sql: &str, _: &[Value]) -> Result<u64, DbError> {
            let first = !self.sent.borrow().iter().any(|sent| sent == sql);
            self.note(sql);
            match sql {
                "vacuum" if first => Err(DbError::server(
                    "25001",
                    "cannot run inside a transaction block",
                    None,
                )),
                "fail" => Err(DbError::server("22012", "division by zero", None)),
                _ => Ok(0),
            }
        }
    }

    async fn check(search_path: &'static str, statements: &[&str], expected: &str) {
        let (script, pinning) = (Script::new(search_path), Pinning::default());
        for sql in statements {
            let turn = pinning.before(&script, sql).await.unwrap();
            let sent = script.execute(sql, &[]).await;
            // The ones that fail are meant to.
            if let Sent::Again = pinning.after(&script, sql, turn, sent).await {
                let _ = script.execute(sql, &[]).await;
            }
        }
        assert_eq!(script.sent.borrow().join("; "), expected);
    }

    #[tokio::test]
    async fn a_session_of_ours_is_pinned_once() {
        check("pg_catalog,pg_temp", &["one", "two"], "ask; pin; one; two").await;
        check(
            "pg_catalog, pg_temp",
            &["begin", "one", "commit"],
            "ask; pin; begin; one; commit",
        )
        .await;
    }

    #[tokio::test]
    async fn elsewhere_each_statement_is_pinned_by_a_transaction_of_its_own() {
        check(
            "public",
            &["one", "two"],
            "ask; begin; pin; one; commit; begin; pin; two; commit",
        )
        .await;
        check("public", &["fail"], "ask; begin; pin; fail; rollback").await;
        check("public", &["vacuum"], "ask; begin; pin; vacuum; rollback; vacuum").await;
    }

    #[tokio::test]
    async fn a_transaction_is_pinned_once() {
        check(
            "public",
            &["begin", "one", "commit", "two"],
            "ask; begin; pin; begin; one; commit; begin; pin; two; commit",
        )
        .await;
        check(
            "public",
            &["begin; make all; commit", "two"],
            "ask; begin; pin; begin; make all; commit; begin; pin; two; commit",
        )
        .await;
    }

    #[test]
    fn a_comment_begins_no_transaction() {
        assert_eq!(boundary("-- begin of the day\n\n  select 1"), None);
        assert_eq!(boundary("-- users\nbegin;\nselect 1"), Some(Boundary::Begin));
        assert_eq!(boundary("-- begin"), None);
        assert_eq!(boundary("rollback"), Some(Boundary::End));
    }

    #[tokio::test]
    async fn a_unit_of_work_pins_by_itself() {
        let begin = "begin isolation level read committed, read only, not deferrable";
        check(
            "public",
            &[begin, "one", "commit"],
            &format!("{begin}; one; commit"),
        )
        .await;
    }
}
