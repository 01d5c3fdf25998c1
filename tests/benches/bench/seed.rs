//! How long the reference workload takes to make, and what it holds in memory meanwhile.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use integration_tests::{DedicatedServer, binaries, project_root};
use tokio::process::{Child, Command};

use crate::VERSION;
use crate::table::Table;

/// How often the memory of the command is looked at. Its highest is kept by the system, and gone with the process.
const LOOK: Duration = Duration::from_millis(50);

/// Seconds and megabytes.
struct Run {
    seconds: f64,
    highest_memory: f64,
}

/// Scale 1, and scale 10 beside ten times of it.
pub(crate) async fn measure(table: &mut Table) -> Result<()> {
    let one = seed(1).await?;
    table.below("pgvitals seed --scale 1", one.seconds, 30.0, "s");
    table.plain(
        "the same, highest memory of the command",
        one.highest_memory,
        "MB",
    );
    let ten = seed(10).await?;
    table.plain("pgvitals seed --scale 10", ten.seconds, "s");
    table.below(
        "the same, for each of the ten",
        ten.seconds / 10.0,
        1.3 * one.seconds,
        "s",
    );
    table.below(
        "the same, highest memory of the command",
        ten.highest_memory,
        200.0,
        "MB",
    );
    Ok(())
}

/// Scale 100, which takes as long as a hundred times scale 1.
pub(crate) async fn measure_hundred(table: &mut Table) -> Result<()> {
    let hundred = seed(100).await?;
    table.plain("pgvitals seed --scale 100", hundred.seconds, "s");
    table.below(
        "the same, highest memory of the command",
        hundred.highest_memory,
        200.0,
        "MB",
    );
    Ok(())
}

/// Seeds an empty server of its own.
async fn seed(scale: u32) -> Result<Run> {
    let server = DedicatedServer::start_with(VERSION, &[("max_wal_size", "4GB")]).await?;
    let began = Instant::now();
    let mut command = Command::new(binaries::pgvitals()?)
        .args(["seed", "--scale", &scale.to_string(), "--json"])
        .current_dir(project_root())
        .env("DATABASE_URL", server.url("postgres"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start pgvitals")?;
    let mut highest_memory = 0.0;
    let status = loop {
        if let Ok(memory) = highest(&command) {
            highest_memory = memory;
        }
        match tokio::time::timeout(LOOK, command.wait()).await {
            Ok(status) => break status?,
            Err(_) => continue,
        }
    };
    if !status.success() {
        bail!("pgvitals seed --scale {scale} failed: {status}");
    }
    Ok(Run {
        seconds: began.elapsed().as_secs_f64(),
        highest_memory,
    })
}

/// The highest resident memory of the command so far, in MB.
fn highest(command: &Child) -> Result<f64> {
    let process = command.id().context("the command has ended")?;
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("no VmHWM in /proc")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}
