//! Every run is written down: when it began, and how it ended.
//!
//! Each entry has a connection of its own, so that none is held while the run goes on. A run that is cut off by its
//! host leaves its entry `running`; the next run of the same function turns it into `abandoned`.

use std::time::Duration;

use db::unit_of_work;
use serde_json::Value;
use store::runs::{self, Run, Trigger};
use vitals::outcome::RunOutcome;

use crate::context::Context;
use crate::deadlines::{JOURNAL, with_deadline};
use crate::host::Host;

/// Writes down that a run begins.
pub(crate) async fn start<H: Host>(
    context: &Context<H>,
    trigger: Trigger,
    deadline: Duration,
) -> anyhow::Result<Run> {
    let entry = async {
        let client = context.monitoring().await?;
        let begin = async |client: &_| runs::start(client, context.function(), trigger, deadline).await;
        anyhow::Ok(unit_of_work(&client, &context.preamble(), begin).await?)
    };
    with_deadline("beginning the journal entry", JOURNAL, entry).await?
}

/// Writes down how a run ended.
pub(crate) async fn finish<H: Host>(
    context: &Context<H>,
    run: &Run,
    outcome: RunOutcome,
    report: Value,
    error: Option<&str>,
) -> anyhow::Result<()> {
    let entry = async {
        let client = context.monitoring().await?;
        let end = async |client: &_| runs::finish(client, run, outcome, Some(report), error).await;
        unit_of_work(&client, &context.preamble(), end).await?;
        anyhow::Ok(())
    };
    with_deadline("ending the journal entry", JOURNAL, entry).await?
}
