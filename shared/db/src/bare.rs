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

impl Pinning {
    /// Sends something by `send`, once, in a session or a transaction that is pinned. `sql` is what is sent.
    pub(crate) async fn around<C: Client, T>(
        &self,
        client: &C,
        sql: &str,
        send: impl AsyncFn() -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let open = self.in_transaction.load(Ordering::Relaxed);
        match boundary(sql) {
            // The unit of work pins by its preamble.
            Some(Boundary::Begin) if session::is_begin(sql) => {
                let sent = send().await?;
                self.in_transaction.store(true, Ordering::Relaxed);
                Ok(sent)
            }
            Some(Boundary::Begin) => {
                let by_startup = self.by_startup(client).await?;
                if !by_startup {
                    client.execute("begin", &[]).await?;
                    pin(client, true).await?;
                }
                let sent = send().await?;
                self.in_transaction.store(!ends(sql), Ordering::Relaxed);
                Ok(sent)
            }
            Some(Boundary::End) => {
                self.in_transaction.store(false, Ordering::Relaxed);
                send().await
            }
            None if open => {
                let sent = send().await?;
                if ends(sql) {
                    self.in_transaction.store(false, Ordering::Relaxed);
                }
                Ok(sent)
            }
            None if self.by_startup(client).await? => send().await,
            None => in_a_transaction(client, send).await,
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

async fn in_a_transaction<C: Client, T>(
    client: &C,
    send: impl AsyncFn() -> Result<T, DbError>,
) -> Result<T, DbError> {
    client.execute("begin", &[]).await?;
    let sent = match pin(client, true).await {
        Ok(()) => send().await,
        Err(error) => Err(error),
    };
    match sent {
        Ok(sent) => {
            client.execute("commit", &[]).await?;
            Ok(sent)
        }
        Err(error) => {
            // The statement's own error is the one to tell; a broken connection rolls back by itself.
            let _ = client.execute("rollback", &[]).await;
            if error.sqlstate.as_deref() == Some("25001") {
                // A statement that runs in no transaction (`vacuum`, `create index concurrently`) holds no operator.
                return send().await;
            }
            Err(error)
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
    let word = sql
        .split(|letter: char| !letter.is_ascii_alphabetic())
        .find(|word| !word.is_empty());
    match word {
        Some("begin") => Some(Boundary::Begin),
        Some("commit" | "rollback") => Some(Boundary::End),
        _ => None,
    }
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
            // The ones that fail are meant to.
            let _ = pinning
                .around(&script, sql, async || script.execute(sql, &[]).await)
                .await;
        }
        assert_eq!(script.sent.borrow().join("; "), expected);
    }

    #[tokio::test]
    async fn a_session_of_ours_is_pinned_once() {
        check("pg_catalog,pg_temp", &["one", "two"], "ask; pin; one; two").await;
        check(
            "pg_catalog, pg_temp",
            &["begin", "one", "commit"],
            "ask; begin; one; commit",
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
