//! How fast `health` answers, and what making an instance costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use integration_tests::monitored::COLLECTOR_PASSWORD;
use integration_tests::{Application, Database, DedicatedServer, Monitored, Server};

use store::logins::Login;

use crate::load;
use crate::table::Table;

const RATE: u32 = 500;
const DURATION: Duration = Duration::from_secs(10);
/// How many connections ask for the metrics while liveness is measured.
const SCRAPERS: usize = 300;
/// How often it is asked then, in a second.
const PROBES: u32 = 50;

/// Liveness and readiness at 500 requests a second.
pub(crate) async fn measure(server: &Server, table: &mut Table) -> Result<()> {
    let database = Database::new(server, "bench::health").await?;
    let monitored = Monitored::on(&database).await?;
    let application = Application::builder(monitored.url())
        .without_other_schedules()
        .start()
        .await?;
    for (what, path, target) in [
        ("GET /health, p99 at 500/s", "/health", 5.0),
        ("GET /health/ready, p99 at 500/s", "/health/ready", 20.0),
    ] {
        // The first requests make instances and connections; what is measured is the warm state, reached gently.
        load::run(&application.url(path), RATE / 10, Duration::from_secs(3)).await?;
        let outcome = load::run(&application.url(path), RATE, DURATION).await?;
        ensure!(
            outcome.failed == 0,
            "{} requests to {path} failed",
            outcome.failed
        );
        table.below(what, outcome.quantile_ms(0.99), target, "ms");
        table.plain(&what.replace("p99", "p50"), outcome.quantile_ms(0.5), "ms");
    }
    beside_scrapes(&application, table).await?;
    application.stop().await?;
    when_postgres_is_gone(table).await
}

/// How long liveness takes while 300 connections ask for the metrics again and again.
async fn beside_scrapes(application: &Application, table: &mut Table) -> Result<()> {
    ensure!(
        application.post("/collect-stats").await?.status == 200,
        "nothing was collected"
    );
    let stop = Arc::new(AtomicBool::new(false));
    let scrapes = tokio::spawn({
        let (url, stop) = (application.url("/metrics"), Arc::clone(&stop));
        async move { load::closed(&url, SCRAPERS, stop).await }
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    let outcome = load::run(&application.url("/health"), PROBES, DURATION).await;
    stop.store(true, Ordering::Relaxed);
    let scrapes = scrapes.await??;
    let outcome = outcome?;
    ensure!(
        outcome.failed == 0,
        "{} requests to /health failed",
        outcome.failed
    );
    let what = "GET /health beside 300 connections of scrapes";
    table.below(&format!("{what}, p99"), outcome.quantile_ms(0.99), 20.0, "ms");
    table.plain(&format!("{what}, p50"), outcome.quantile_ms(0.5), "ms");
    table.plain("the scrapes meanwhile", scrapes as f64, "pages");
    Ok(())
}

/// How long readiness takes to say that PostgreSQL hangs, and that it is stopped.
async fn when_postgres_is_gone(table: &mut Table) -> Result<()> {
    let mut server = DedicatedServer::start(crate::VERSION).await?;
    let collector = server.url_as(Login::Collector.role(), COLLECTOR_PASSWORD, "postgres");
    let monitored = Monitored::at(&server.url("postgres"), &collector).await?;
    let application = Application::builder(monitored.url())
        .without_other_schedules()
        .start()
        .await?;
    ensure!(
        application.get("/health/ready").await?.status == 200,
        "not ready to begin with"
    );
    server.pause()?;
    // An answer serves those who ask right after.
    tokio::time::sleep(Duration::from_millis(50)).await;
    table.below(
        "GET /health/ready, slowest of 20 while PostgreSQL hangs",
        slowest(&application).await?,
        100.0,
        "ms",
    );
    server.resume()?;
    server.stop().await?;
    table.below(
        "GET /health/ready, slowest of 20 while PostgreSQL is stopped",
        slowest(&application).await?,
        100.0,
        "ms",
    );
    application.stop().await?;
    Ok(())
}

/// The slowest of twenty answers, in milliseconds, all of which have to say that the database is not there.
async fn slowest(application: &Application) -> Result<f64> {
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let begin = std::time::Instant::now();
        let answer = application.get("/health/ready").await?;
        slowest = slowest.max(begin.elapsed());
        ensure!(answer.status == 503, "ready without a database: {}", answer.body);
    }
    Ok(slowest.as_secs_f64() * 1000.0)
}
