//! How long a run of `collect-stats` takes over one target with 5,000 statements, and how it parts.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use integration_tests::monitored::COLLECTOR_PASSWORD;
use integration_tests::{Application, DedicatedServer, Monitored};
use store::logins::Login;

use crate::table::Table;

/// How many different statements the server has seen.
const STATEMENTS: usize = 5_000;
/// How many of them run between two collections.
const ACTIVE: usize = 500;
/// How many collections are measured.
const ROUNDS: usize = 20;

/// The whole request, from the POST to the answer.
pub(crate) async fn measure(table: &mut Table) -> Result<()> {
    let settings = [("pg_stat_statements.max", "10000")];
    let server = DedicatedServer::start_with(crate::VERSION, &settings).await?;
    let collector = server.url_as(Login::Collector.role(), COLLECTOR_PASSWORD, "postgres");
    let monitored = Monitored::at(&server.url("postgres"), &collector).await?;
    let application = Application::builder(monitored.url())
        .without_other_schedules()
        .start()
        .await?;
    let client = integration_tests::database::connect(&server.url("postgres")).await?;
    client.batch_execute(&wide_table()).await?;
    let statements: Vec<String> = (0..STATEMENTS).map(statement).collect();
    for some in statements.chunks(250) {
        client.batch_execute(&some.join(";")).await?;
    }
    // The first collections learn the texts, which happens once in the life of a statement.
    for _ in 0..2 {
        collect(&application).await?;
        for some in statements.chunks(250) {
            client.batch_execute(&some.join(";")).await?;
        }
    }
    collect(&application).await?;

    let mut took = Vec::new();
    for round in 0..ROUNDS {
        let begin = round * ACTIVE % STATEMENTS;
        client
            .batch_execute(&statements[begin..begin + ACTIVE].join(";"))
            .await?;
        took.push(collect(&application).await?);
    }
    took.sort();
    let known = monitored
        .number("select count(*) from monitoring.statements where query is not null")
        .await?;
    ensure!(known >= STATEMENTS as i64, "only {known} statements are known");
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1000.0;
    table.below(
        "POST /collect-stats, 5,000 statements, median of 20",
        milliseconds(took[ROUNDS / 2]),
        150.0,
        "ms",
    );
    table.plain(
        "POST /collect-stats, 5,000 statements, slowest of 20",
        milliseconds(took[ROUNDS - 1]),
        "ms",
    );
    application.stop().await?;
    Ok(())
}

async fn collect(application: &Application) -> Result<Duration> {
    let begin = Instant::now();
    let answer = application.post("/collect-stats").await?;
    let took = begin.elapsed();
    ensure!(answer.json()?["outcome"] == "ok", "{}", answer.body);
    Ok(took)
}

/// A table of a hundred columns, so that pairs of them make thousands of different statements.
fn wide_table() -> String {
    let columns: Vec<String> = (0..100).map(|column| format!("c{column} int4")).collect();
    format!("create table wide ({})", columns.join(", "))
}

fn statement(number: usize) -> String {
    format!(
        "select c{}, c{} from wide where c0 = {number}",
        number / 100,
        number % 100
    )
}
