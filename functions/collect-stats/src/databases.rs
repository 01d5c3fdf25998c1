//! What every database of a target did since the last reading.

use std::collections::HashMap;

use db::{Client, DbError};
use store::collectors::Fitting;
use store::samples::Planned;
use store::snapshots::{self, DatabaseSample, Swap};
use vitals::delta::{self, NewRows};
use vitals::exposed::Reading;

use crate::counters;
use crate::exposed::Showing;
use crate::target::{Collecting, Sampled, StepError};

const COLLECTOR: &str = "databases";

/// Reads the counters, and stores what happened since the last reading.
pub(crate) async fn collect<C: Client>(
    collecting: &Collecting<'_, C>,
    planned: &Planned,
    fitting: &Fitting,
) -> Result<Sampled, StepError> {
    let target_id = collecting.target.target_id;
    let last = planned.last.as_ref().map(|last| &last.stored);
    let rows = collecting.read(fitting, &[]).await?;
    let snapshot = counters::snapshot(
        &rows,
        "database_key",
        &DatabaseSample::COLUMNS,
        collecting.look,
        "",
    )?;
    let named: HashMap<String, (String, i64)> = rows
        .iter()
        .map(|row| {
            Ok((
                row.get("database_key")?,
                (row.get("database")?, row.get("backends")?),
            ))
        })
        .collect::<Result<_, DbError>>()?;

    // A database that was not there may have been renamed or closed, with all its history.
    let deltas = delta::between(last.map(|last| &last.snapshot), &snapshot, NewRows::Skip);
    let measured = deltas.measured();
    let samples: Vec<DatabaseSample> = counters::in_order(deltas.clone(), DatabaseSample::COLUMNS)
        .into_iter()
        .filter_map(|(key, deltas)| {
            let (database, backends) = named.get(&key)?.clone();
            Some(DatabaseSample {
                database,
                size_bytes: None,
                backends,
                deltas: deltas.map(Option::unwrap_or_default),
            })
        })
        .collect();
    let swap = Swap {
        target_id,
        collector: COLLECTOR,
        expected: last.map(|last| last.version),
        snapshot: &snapshot,
        interval_ms: measured.map_or(1, counters::milliseconds),
    };
    let backends: Vec<i64> = snapshot
        .keys()
        .iter()
        .map(|key| named.get(key).map_or(0, |(_, backends)| *backends))
        .collect();
    let showing = Showing {
        target_id,
        collector: COLLECTOR,
        expected: swap.expected,
        reading: Reading {
            keys: snapshot.keys(),
            roots: &[],
            counter_columns: snapshot.columns(),
            counters: snapshot.counters(),
            gauge_columns: &["backends".to_owned()],
            gauges: &store::exposed::known(&backends),
        },
        deltas: &deltas,
    };
    let write = collecting
        .monitoring
        .unit(async |client| {
            let write = snapshots::write_databases(client, &swap, &backends, &samples).await?;
            showing.keep(client, write).await?;
            Ok(write)
        })
        .await
        .map_err(StepError::Store)?;
    Ok(Sampled::of(measured, write))
}
