//! Measures what the README and docs/benchmarks.md claim, and prints it beside its target.
//!
//! Run it by `scripts/bench`: it builds what is measured and passes where it is. Every figure comes from the real
//! components on the real runner against a real PostgreSQL on this machine; nothing here fails on a slow one.

mod collect;
mod cost;
mod delivery;
mod exporter;
mod fleet;
mod guardian;
mod health;
mod instances;
mod large;
mod load;
mod load_test;
mod memory;
mod overhead;
mod processor;
mod roll_ups;
mod rules;
mod seed;
mod sizes;
mod table;
mod views;

use std::io::Write;

use anyhow::{Context, Result};
use integration_tests::Server;

use crate::large::Place;
use crate::overhead::{Beside, Pace};
use crate::table::Table;

/// The server that is measured against: the newest supported.
const VERSION: u32 = 18;

#[tokio::main]
async fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let verbose = std::env::args().any(|argument| argument == "--verbose");
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    let mut table = Table::default();
    if wants("sizes") {
        sizes::measure(&mut table)?;
    }
    let server = Server::shared(VERSION)
        .await
        .context("no server to measure against")?;
    if wants("instances") {
        instances::measure(&server, &mut table).await?;
    }
    if wants("health") {
        health::measure(&server, &mut table).await?;
    }
    if wants("collect") {
        collect::measure(&mut table).await?;
    }
    if wants("delivery") {
        delivery::measure(&server, &mut table).await?;
    }
    if wants("memory") {
        memory::measure(&server, &mut table).await?;
    }
    if wants("rollups") {
        roll_ups::measure(&server, &mut table).await?;
    }
    if wants("rules") {
        rules::measure(&server, &mut table).await?;
    }
    if wants("cost") {
        cost::measure(&mut table, verbose).await?;
    }
    if wants("exporter") {
        exporter::measure(&mut table).await?;
    }
    if wants("fleet") {
        fleet::measure(&mut table).await?;
    }
    if wants("overhead") {
        overhead::measure(Beside::Nothing, Place::Same, Pace::EveryCycle, &mut table).await?;
    }
    if wants("overhead-large") {
        overhead::measure(Beside::Large, Place::Same, Pace::Own, &mut table).await?;
    }
    if wants("overhead-apart") {
        overhead::measure(Beside::Large, Place::Apart, Pace::Own, &mut table).await?;
    }
    if wants("overhead-all") {
        overhead::measure(Beside::Large, Place::Same, Pace::EveryCycle, &mut table).await?;
    }
    if wants("load") {
        load_test::measure(&mut table).await?;
    }
    if wants("views") {
        views::measure(&server, &mut table).await?;
    }
    if wants("guardian") {
        guardian::measure(&server, &mut table).await?;
    }
    if wants("seed") {
        seed::measure(&mut table).await?;
    }
    // Only where it is asked for: it takes half an hour.
    if wanted.iter().any(|wanted| wanted == "seed-100") {
        seed::measure_hundred(&mut table).await?;
    }
    write!(std::io::stdout(), "{table}").context("cannot print the table")
}
