//! What it takes to evaluate a thousand rules on a hundred targets.

use std::cell::Cell;
use std::time::Instant;

use anyhow::Result;
use db::{Client, Connection, DbError, Rows, SafeUrl, Value};
use integration_tests::{Database, Monitored, Server};
use store::logins::Login;
use store::{observations, rules};

use crate::table::Table;

/// How often it is measured; the middle one counts.
const ROUNDS: usize = 5;

/// A connection that counts what is sent.
struct Counting<'a> {
    client: Connection,
    statements: &'a Cell<usize>,
}

impl Client for Counting<'_> {
    async fn query(&self, sql: &str, parameters: &[Value]) -> Result<Rows, DbError> {
        self.statements.set(self.statements.get() + 1);
        self.client.query(sql, parameters).await
    }

    async fn execute(&self, sql: &str, parameters: &[Value]) -> Result<u64, DbError> {
        self.statements.set(self.statements.get() + 1);
        self.client.execute(sql, parameters).await
    }
}

/// Reads a thousand rules and measures everything that they watch, as `check-alerts` does.
pub(crate) async fn measure(server: &Server, table: &mut Table) -> Result<()> {
    let database = Database::new(server, "bench::rules").await?;
    let monitored = Monitored::on(&database).await?;
    database.batch(include_str!("rules.sql")).await?;
    let url: SafeUrl = monitored.url_as(Login::Alerter)?.parse()?;
    let statements = Cell::new(0);
    let counting = async || {
        db::connect(&url).await.map(|client| Counting {
            client,
            statements: &statements,
        })
    };
    let (client, second) = (counting().await?, counting().await?);
    let mut seconds = Vec::with_capacity(ROUNDS);
    let mut seen = 0;
    for _ in 0..ROUNDS {
        // Or what was read would be too old to be looked at in the later rounds.
        monitored
            .run("update monitoring.collector_status set last_success_at = now()")
            .await?;
        let begin = Instant::now();
        let rules = rules::all(&client).await?;
        seen = observations::all(&[&client, &second], &rules).await?.len();
        seconds.push(begin.elapsed().as_secs_f64());
        anyhow::ensure!(rules.valid.len() == 1000, "{} rules", rules.valid.len());
    }
    seconds.sort_by(f64::total_cmp);
    table.below(
        "evaluating 1,000 rules on 100 targets, median of 5",
        seconds[ROUNDS / 2],
        2.0,
        "s",
    );
    let count = statements.get() / ROUNDS;
    table.plain("statements that it takes", count as f64, "");
    table.plain("observations that come of it", seen as f64, "");
    Ok(())
}
