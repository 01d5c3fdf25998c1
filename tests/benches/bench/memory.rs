//! What the runner holds in memory with every component loaded and used.

use anyhow::{Context, Result};
use integration_tests::{Application, Database, Monitored, Server};

use crate::table::Table;

/// Resident memory after every function has run, with the compiled components at hand and without them.
pub(crate) async fn measure(server: &Server, table: &mut Table) -> Result<()> {
    let database = Database::new(server, "bench::memory").await?;
    let monitored = Monitored::on(&database).await?;
    let warm = Application::builder(monitored.url()).without_other_schedules();
    let application = warm.clone().start().await?;
    table.plain(
        "resident memory of the runner, just started",
        resident(&application)?,
        "MB",
    );
    use_all(&application).await?;
    table.below(
        "resident memory of the runner, every component used",
        resident(&application)?,
        120.0,
        "MB",
    );
    application.stop().await?;

    // The compiler keeps some of what it allocated.
    let cache = tempfile::tempdir().context("cannot create an empty cache")?;
    let application = warm
        .environment("XDG_CACHE_HOME", &cache.path().to_string_lossy())
        .start()
        .await?;
    use_all(&application).await?;
    table.below(
        "the same after it compiled them itself",
        resident(&application)?,
        120.0,
        "MB",
    );
    application.stop().await?;
    Ok(())
}

/// Every component, a few times.
async fn use_all(application: &Application) -> Result<()> {
    for _ in 0..5 {
        for path in ["/collect-stats", "/check-alerts", "/deliver-notifications"] {
            application.post(path).await?;
        }
        for path in ["/health/targets", "/metrics"] {
            application.get(path).await?;
        }
    }
    Ok(())
}

/// The resident memory of the runner at this moment, in MB.
pub(crate) fn resident(application: &Application) -> Result<f64> {
    let process = application.process().context("the runner has ended")?;
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS in /proc")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}
