//! Statements that share one transaction: what a unit of work each would cost in round trips, they pay once.

use std::cell::RefCell;
use std::time::Duration;

use crate::client::Client;
use crate::error::DbError;
use crate::row::Rows;
use crate::session::{self, Preamble};
use crate::value::Value;

/// A series of statements on one connection, each within a time limit of its own.
///
/// The transaction is begun with the first statement. One that fails ends it, and the next statement begins another: so
/// none costs the others more than its own rows. Within one transaction the server's statistics stand still, so that all
/// statements of a series speak of the same moment.
#[derive(Debug)]
pub struct Series<'client, C> {
    client: &'client C,
    preamble: Preamble,
    /// The time limit of the statements in the open transaction; none while there is no open transaction.
    limit: RefCell<Option<Duration>>,
}

impl<'client, C: Client> Series<'client, C> {
    /// A series in which nothing was sent yet. The time limit of the preamble is not used.
    pub fn new(client: &'client C, preamble: Preamble) -> Series<'client, C> {
        Series {
            client,
            preamble,
            limit: RefCell::new(None),
        }
    }

    /// Sends a statement that may take no longer than `limit`, and reads its rows.
    ///
    /// # Errors
    ///
    /// What the server said to the statement, or to what had to be sent before it.
    pub async fn query(&self, limit: Duration, sql: &str, parameters: &[Value]) -> Result<Rows, DbError> {
        // Whoever gives up half-way leaves no transaction that the next statement would rely on.
        let open = self.limit.take();
        match open {
            Some(current) if current == limit => {}
            Some(_) => session::set_statement_timeout(self.client, limit).await?,
            None => {
                let preamble = self.preamble.clone().with_statement_timeout(limit);
                session::begin(self.client, &preamble).await?;
            }
        }
        match self.client.query(sql, parameters).await {
            Ok(rows) => {
                self.limit.replace(Some(limit));
                Ok(rows)
            }
            Err(error) => {
                // The statement's own error is the one to tell; a broken connection rolls back by itself.
                let _ = self.client.execute("rollback", &[]).await;
                Err(error)
            }
        }
    }

    /// Ends the transaction, if one is open. Statements sent after it begin another.
    ///
    /// # Errors
    ///
    /// What the server said.
    pub async fn end(&self) -> Result<(), DbError> {
        if self.limit.take().is_some() {
            self.client.execute("commit", &[]).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_secs(2);
    const LONG: Duration = Duration::from_secs(9);

    /// Answers everything, but for statements that are told to fail, and writes down what it was sent.
    #[derive(Debug, Default)]
    struct Script {
        sent: RefCell<Vec<String>>,
    }

    impl Client for Script {
        async fn query(&self, sql: &str, parameters: &[Value]) -> Result<Rows, DbError> {
            let name = match parameters {
                [] => sql.to_owned(),
                [Value::Text(limit)] => format!("limit {limit}"),
                _ => "settings".to_owned(),
            };
            self.sent.borrow_mut().push(name);
            if sql == "fail" {
                return Err(DbError::server("57014", "canceled", None));
            }
            let columns = ["began_at", "sent_at", "replication_role"].map(str::to_owned);
            let row = vec![100.0.into(), 100.0.into(), "origin".into()];
            Ok(Rows::new(columns.to_vec(), vec![row]))
        }

        async fn execute(&self, sql: &str, _: &[Value]) -> Result<u64, DbError> {
            self.sent
                .borrow_mut()
                .push(sql.split(' ').next().unwrap_or_default().to_owned());
            Ok(0)
        }
    }

    #[tokio::test]
    async fn statements_share_a_transaction_until_one_fails() {
        let script = Script::default();
        let series = Series::new(&script, Preamble::new("pgvitals/test").read_only());
        series.query(SHORT, "one", &[]).await.unwrap();
        series.query(SHORT, "two", &[]).await.unwrap();
        series.query(LONG, "three", &[]).await.unwrap();
        series.query(LONG, "fail", &[]).await.unwrap_err();
        series.query(SHORT, "four", &[]).await.unwrap();
        series.end().await.unwrap();
        // There is nothing left to end.
        series.end().await.unwrap();
        assert_eq!(
            script.sent.borrow().join(", "),
            "begin, settings, one, two, limit 9000, three, fail, rollback, begin, settings, four, commit"
        );
    }
}
