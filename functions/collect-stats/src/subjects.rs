//! Collectors whose rows become samples of subjects: all that have no tables of their own.
//!
//! What a collector's columns are stands in its header; nothing here knows any of them by name.

mod compare;
mod rows;
#[cfg(test)]
mod tests;

use db::Client;
use store::collectors::{Collector, Fitting};
use store::samples::{self, Planned, Reading};
use vitals::exposed;

use crate::counters::milliseconds;
use crate::exposed::Showing;
use crate::source;
use crate::target::{Collecting, Sampled, StepError};

use self::compare::Comparison;
use self::rows::Table;

/// Reads what is there, and stores what is new since the last reading.
pub(crate) async fn collect<C: Client>(
    collecting: &Collecting<'_, C>,
    collector: &'static Collector,
    planned: &Planned,
    fitting: &Fitting,
) -> Result<Sampled, StepError> {
    let rows = collecting.read(fitting, &[]).await?;
    let look = source::life_of(collecting.look, collector, &rows, planned.last.as_ref());
    let table = Table::read(collector, &rows, &look)?;
    let comparison = Comparison::new(collector, &table, planned.last.as_ref())?;
    let measured = comparison.measured();
    let reading = Reading {
        target_id: collecting.target.target_id,
        collector: collector.name,
        expected: planned.last.as_ref().map(|last| last.stored.version),
        snapshot: &table.snapshot,
        gauge_columns: comparison.gauge_columns(),
        gauges: table.gauges.clone(),
        fingerprints: table.fingerprints.clone(),
        interval_ms: measured.map(milliseconds),
        described: comparison.described(),
        gone: comparison.gone(),
        samples: comparison.samples(&planned.stored_columns),
    };
    let showing = Showing {
        target_id: reading.target_id,
        collector: collector.name,
        expected: reading.expected,
        reading: exposed::Reading {
            keys: table.snapshot.keys(),
            roots: &store::exposed::roots(table.labels.iter().map(Some)),
            counter_columns: table.snapshot.columns(),
            counters: table.snapshot.counters(),
            gauge_columns: &reading.gauge_columns,
            gauges: &store::exposed::known(&table.gauges),
        },
        deltas: comparison.deltas(),
    };
    let write = collecting
        .monitoring
        .unit(async |client| {
            let write = samples::write(client, &reading).await?;
            showing.keep(client, write).await?;
            Ok(write)
        })
        .await
        .map_err(StepError::Store)?;
    Ok(Sampled::written(write, !comparison.is_gap()))
}
