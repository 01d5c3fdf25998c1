//! How long the derived views take over a month of a large target.

use std::time::Instant;

use anyhow::{Context, Result};
use integration_tests::monitored::COLLECTOR_PASSWORD;
use integration_tests::{Database, Monitored, Server};
use store::logins::Login;
use store::views;

use crate::table::Table;

/// How often each is read; the median is told.
const ROUNDS: usize = 5;

/// Each view, as the command reads it.
pub(crate) async fn measure(server: &Server, table: &mut Table) -> Result<()> {
    let database = Database::new(server, "bench::views").await?;
    let monitored = Monitored::on(&database).await?;
    database
        .batch(include_str!("views.sql"))
        .await
        .context("cannot make the samples of a large target")?;
    let url = database.url_as(Login::Operator.role(), COLLECTOR_PASSWORD);
    let client = db::connect(&url.parse()?).await?;
    for view in views::ALL {
        let mut took = Vec::new();
        for _ in 0..ROUNDS {
            let begin = Instant::now();
            views::read(&client, view, Some("large"), None)
                .await
                .with_context(|| format!("cannot read {}", view.name))?;
            took.push(begin.elapsed());
        }
        took.sort();
        let median = took[ROUNDS / 2].as_secs_f64() * 1000.0;
        table.below(
            &format!("view {}, a large target", view.name),
            median,
            1000.0,
            "ms",
        );
    }
    drop(monitored);
    Ok(())
}
