//! What each collector costs a large database: time to plan and run its statements, and the blocks they touch.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, ensure};
use integration_tests::{Application, Workload};

use crate::large::{Cost, Large, Place};
use crate::processor;
use crate::table::Table;

/// How many cycles are measured.
const CYCLES: usize = 20;
/// How many statements run between two cycles.
const ACTIVE: usize = 500;
/// How many statements of the monitoring database are shown, where every collector is.
const SHOWN: usize = 12;

/// Every collector in every cycle, whatever its own interval: the dearest cycle there is.
pub(crate) async fn measure(table: &mut Table, verbose: bool) -> Result<()> {
    let large = Large::build(Place::Apart).await?;
    large
        .monitored
        .run(
            "update monitoring.collectors set custom_interval_seconds = 1 where interval_seconds is not null",
        )
        .await?;
    let names = large.query_ids().await?;
    let application = Application::builder(large.monitored.url())
        .without_other_schedules()
        .start()
        .await?;
    // The first cycles learn names and texts, which happens once in the life of each.
    for _ in 0..2 {
        Workload::LARGE
            .run(&large.client, 0..Workload::LARGE.statements)
            .await?;
        cycle(&application).await?;
    }
    let stored_before = large.stored().await?;
    let runner = application.process().context("the runner has ended")?;
    let runner_before = processor::time_of(&[runner])?;
    let mut cycles: Vec<HashMap<String, Cost>> = Vec::new();
    for number in 0..CYCLES {
        let begin = number * ACTIVE;
        Workload::LARGE.run(&large.client, begin..begin + ACTIVE).await?;
        let before = large.spent(&names).await?;
        cycle(&application).await?;
        let mut spent = large.spent(&names).await?;
        for (name, cost) in &mut spent {
            let before = before.get(name).copied().unwrap_or_default();
            cost.ms -= before.ms;
            cost.blocks -= before.blocks;
        }
        cycles.push(spent);
    }
    let components = processor::time_of(&[runner])?.since(&runner_before);
    let mut stored = large.stored().await?;
    for (statement, ms) in &mut stored {
        *ms -= stored_before.get(statement).copied().unwrap_or_default();
    }
    application.stop().await?;
    report(table, &cycles, verbose)?;
    let of_cycle = 1.0 / CYCLES as f64;
    let components = components.as_secs_f64() * 1000.0 * of_cycle;
    table.plain("processor time of the components, a cycle", components, "ms");
    let total = stored.values().sum::<f64>() * of_cycle;
    table.plain(
        "what they keep costs the monitoring database, a cycle",
        total,
        "ms",
    );
    if verbose {
        let mut stored: Vec<_> = stored.into_iter().collect();
        stored.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        for (statement, ms) in stored.into_iter().take(SHOWN) {
            let begin: String = statement.split_whitespace().collect::<Vec<_>>().join(" ");
            let begin: String = begin.chars().take(60).collect();
            table.plain(&format!("monitoring: {begin}"), ms * of_cycle, "ms");
        }
    }
    Ok(())
}

async fn cycle(application: &Application) -> Result<()> {
    // No interval is shorter than a second.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let answer = application.post("/collect-stats").await?;
    ensure!(answer.json()?["outcome"] == "ok", "{}", answer.body);
    Ok(())
}

fn report(table: &mut Table, cycles: &[HashMap<String, Cost>], verbose: bool) -> Result<()> {
    let totals = cycles.iter().map(|cycle| Cost {
        ms: cycle.values().map(|cost| cost.ms).sum(),
        blocks: cycle.values().map(|cost| cost.blocks).sum(),
    });
    let total = median(totals.collect()).context("no cycle was measured")?;
    let mut collectors: BTreeMap<&str, Vec<Cost>> = BTreeMap::new();
    for (name, cost) in cycles.iter().flatten() {
        collectors.entry(name).or_default().push(*cost);
    }
    let mut collectors: Vec<(&str, Cost)> = collectors
        .into_iter()
        .filter_map(|(name, costs)| Some((name, median(costs)?)))
        .filter(|(_, cost)| cost.ms > 0.0)
        .collect();
    collectors.sort_by(|(_, one), (_, other)| other.ms.total_cmp(&one.ms));
    let (dearest, most) = collectors.first().context("no collector ran")?;
    let size = "2,000 tables, 6,000 indexes, 5,000 statements";
    table.below(
        &format!("all collectors on {size}, median of {CYCLES} cycles"),
        total.ms,
        500.0,
        "ms",
    );
    table.plain("blocks that they touch", total.blocks as f64, "blocks");
    table.below(
        &format!("the dearest of {} collectors: {dearest}", collectors.len()),
        most.ms,
        150.0,
        "ms",
    );
    if verbose {
        for (name, cost) in &collectors {
            table.plain(
                &format!("collector {name}"),
                cost.ms,
                &format!("ms, {} blocks", cost.blocks),
            );
        }
    }
    Ok(())
}

/// The middle one by time.
fn median(mut costs: Vec<Cost>) -> Option<Cost> {
    costs.sort_by(|one, other| one.ms.total_cmp(&other.ms));
    costs.get(costs.len() / 2).copied()
}
