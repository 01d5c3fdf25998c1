//! Does what rules ask to be done about their alerts: named actions, within their limits, as the maintenance login.
//!
//! Triggers: cron, and `curl -X POST -H "authorization: Bearer $TOKEN" localhost:3000/run-responses`.
//!
//! `check-alerts` queues a response in the transaction of the alert. It is begun here, in a transaction that keeps the
//! limits, done, and ended in one with the message that tells of it. A run that is cut off in between leaves a response
//! that the next run gives up: nothing is done twice.
//!
//! - `turns`: which responses are begun, and which are refused
//! - `action`: one response, from its connection to what came of it
//! - `lib`: the order of the work

mod action;
mod turns;

use std::time::Duration;

use anyhow::Context as _;
use db::{Client, DbError, unit_of_work};
use function::{Context, Host, Report, concurrently};
use serde_json::json;
use store::alerts;
use store::responses::{self, End};
use vitals::notification::{Event, ResponseResult};
use vitals::response::RunState;

use crate::turns::Begun;

/// How long a run may take.
const DEADLINE: Duration = Duration::from_secs(50);

/// How long a response counts as being done: longer than the run that does it may take.
const LEASE: Duration = Duration::from_secs(90);

/// How many responses are begun by one run, and how many are done at once.
const AT_MOST: i64 = 8;
const AT_ONCE: usize = 4;

/// How often the end of a response is written before that is given up. Alerts are written by others too, so that a lock
/// may be waited for in vain; and what was done must not look as if it was not.
const ATTEMPTS_TO_END: usize = 3;

function::export! {
    name: "run-responses",
    deadline: DEADLINE,
    run: run,
}

/// Does what is queued.
///
/// # Errors
///
/// What kept the monitoring database from being read or written. A response that fails or is refused is no error of the
/// run: it is journaled and told.
pub async fn run<H: Host>(context: &Context<H>) -> anyhow::Result<Report> {
    let monitoring = context
        .monitoring()
        .await
        .context("cannot open the monitoring database")?;
    let turns = unit_of_work(&monitoring, &context.preamble(), async |client| {
        turns::take(client).await
    })
    .await
    .context("cannot begin responses")?;
    context.touched("abandoned", turns.abandoned);
    context.touched("refused", turns.refused);
    let ends = concurrently(AT_ONCE, &turns.begun, async |begun| {
        let end = action::perform(context, begun).await;
        log(context, begun, &end);
        (end.state, end_and_tell(context, begun, &end).await)
    })
    .await;
    let count = |state| ends.iter().filter(|(ended, _)| *ended == state).count();
    context.touched("done", count(RunState::Done));
    context.touched("failed", count(RunState::Failed));
    context.touched("refused", turns.refused + count(RunState::Refused));
    for (_, written) in ends {
        written.context("cannot write what came of a response")?;
    }
    Ok(Report::ok())
}

/// Ends a response and tells of it, with a connection of its own: others are still at work with theirs.
async fn end_and_tell<H: Host>(context: &Context<H>, begun: &Begun, end: &End) -> anyhow::Result<()> {
    let monitoring = context.monitoring().await?;
    let mut attempt = 1;
    loop {
        let ended = unit_of_work(&monitoring, &context.preamble(), async |client| {
            close(
                client,
                begun.due.run_id,
                begun.due.alert_id,
                &begun.told(end),
                end,
            )
            .await
        })
        .await;
        match ended {
            Err(error) if attempt < ATTEMPTS_TO_END && !error.is_connection() => attempt += 1,
            ended => return Ok(ended?),
        }
    }
}

/// Writes the end of a response and queues the message about it, in the caller's transaction. What was given up meanwhile
/// was told then; what ended like the one before it is no news.
async fn close(
    client: &impl Client,
    run_id: i64,
    alert_id: i64,
    told: &ResponseResult,
    end: &End,
) -> Result<(), DbError> {
    let ended = responses::end(client, run_id, end).await?;
    if ended.now && !ended.is_no_news {
        tell(client, alert_id, told).await?;
    }
    Ok(())
}

/// Tells whoever knows of the alert what came of a response.
async fn tell(client: &impl Client, alert_id: i64, result: &ResponseResult) -> Result<(), DbError> {
    let extra = json!({ "responses": [result] });
    alerts::announce(client, alert_id, Event::Response, extra).await?;
    Ok(())
}

/// What is journaled stands in the log too, for those who watch that.
fn log<H: Host>(context: &Context<H>, begun: &Begun, end: &End) {
    let fields = json!({
        "response": begun.due.run_id,
        "rule": begun.due.rule_id,
        "target": begun.due.target.name,
        "action": begun.due.action,
        "dry_run": begun.due.dry_run,
        "result": end.result,
    });
    match end.state {
        RunState::Failed => context.log().error("A response failed", fields),
        RunState::Refused => context.log().warn("A response was refused", fields),
        _ => context.log().info("A response was done", fields),
    }
}
