//! The client connections of a target at this moment.

use db::Client;
use store::collectors::Fitting;
use store::snapshots::{self, ActivitySample};

use crate::target::{Collecting, Sampled, StepError};

/// Reads and stores one sample.
pub(crate) async fn collect<C: Client>(
    collecting: &Collecting<'_, C>,
    fitting: &Fitting,
) -> Result<Sampled, StepError> {
    let rows = collecting.read(fitting, &[]).await?;
    let sample = ActivitySample::read(rows.one()?)?;
    let target_id = collecting.target.target_id;
    collecting
        .monitoring
        .unit(async |client| snapshots::write_activity(client, target_id, &sample).await)
        .await
        .map_err(StepError::Store)?;
    Ok(Sampled::Rows(1))
}
