//! What every database of a target did since the last reading.

use std::collections::HashMap;

use db::{Client, DbError};
use store::collectors::DATABASES;
use store::snapshots::{self, DatabaseSample, Swap};

use crate::counters;
use crate::target::{Collecting, Sampled, StepError};

const COLLECTOR: &str = "databases";

/// Reads the counters, and stores what happened since the last reading.
pub(crate) async fn collect<C: Client>(collecting: &Collecting<'_, C>) -> Result<Sampled, StepError> {
    let target_id = collecting.target.target_id;
    let last = collecting.last(COLLECTOR).await?;
    let rows = collecting
        .budget
        .read(collecting.client, COLLECTOR, DATABASES, &[])
        .await?;
    let snapshot = counters::snapshot(&rows, "database", &DatabaseSample::COLUMNS, collecting.server, "")?;
    let backends: HashMap<String, i64> = rows
        .iter()
        .map(|row| Ok((row.get("database")?, row.get("backends")?)))
        .collect::<Result<_, DbError>>()?;

    let deltas = counters::since(last.as_ref().map(|last| &last.snapshot), &snapshot);
    let measured = deltas.measured();
    let samples: Vec<DatabaseSample> = counters::in_order(deltas, DatabaseSample::COLUMNS)
        .into_iter()
        .map(|(database, deltas)| DatabaseSample {
            backends: backends.get(&database).copied().unwrap_or_default(),
            database,
            size_bytes: None,
            deltas,
        })
        .collect();
    let swap = Swap {
        target_id,
        collector: COLLECTOR,
        expected: last.map(|last| last.version),
        snapshot: &snapshot,
        interval_ms: measured.map_or(1, counters::milliseconds),
    };
    let write = collecting
        .monitoring
        .unit(async |client| snapshots::write_databases(client, &swap, &samples).await)
        .await
        .map_err(StepError::Store)?;
    Ok(Sampled::of(measured, write))
}
