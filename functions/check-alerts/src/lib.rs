//! Evaluates rules over stored samples, moves alerts through their states and queues notifications.
//!
//! Triggers: cron, and `curl -X POST -H "authorization: Bearer $TOKEN" localhost:3000/check-alerts`.
//!
//! - `evaluation`: from what is observed to what becomes of each alert; no database
//! - `lib`: the transaction around it

mod evaluation;

use std::time::Duration;

use anyhow::Context as _;
use db::{DbError, unit_of_work};
use function::{Context, Host, Report};
use store::{alerts, observations, rules};

use crate::evaluation::Evaluation;

/// How long a run may take. The statements are few, whatever the number of rules and targets.
const DEADLINE: Duration = Duration::from_secs(30);

function::export! {
    name: "check-alerts",
    deadline: DEADLINE,
    run: run,
}

/// Evaluates every rule on every target, in one transaction with what is told of it.
///
/// # Errors
///
/// What kept the monitoring database from being read or written. Nothing is changed then. A malformed rule is no error:
/// it is reported, and the others are evaluated.
pub async fn run<H: Host>(context: &Context<H>) -> anyhow::Result<Report> {
    let external_url = context.config().await?.external_url.clone();
    let monitoring = context
        .monitoring()
        .await
        .context("cannot open the monitoring database")?;
    let evaluated = unit_of_work(&monitoring, &context.preamble(), async |client| {
        evaluate(client, &external_url).await
    })
    .await
    .context("cannot evaluate the rules")?;
    let Some(evaluated) = evaluated else {
        return Ok(Report::ok().with("skipped", "another evaluator is at work"));
    };
    for fault in &evaluated.faults {
        context.log().warn(
            "A rule cannot be evaluated",
            serde_json::json!({ "fault": fault }),
        );
    }
    let applied = evaluated.applied;
    let report = if evaluated.faults.is_empty() {
        Report::ok()
    } else {
        Report::partial()
    };
    Ok(report
        .with("rules", evaluated.rules)
        .with("faults", evaluated.faults)
        .with("observations", evaluated.observations)
        .with("opened", applied.opened)
        .with("changed", applied.changed)
        .with("forgotten", applied.forgotten)
        .with("transitions", applied.transitions)
        .with("queued", applied.queued))
}

/// What an evaluation came to.
struct Evaluated {
    rules: usize,
    faults: Vec<String>,
    observations: usize,
    applied: alerts::Applied,
}

/// Reads, decides and writes; nothing when another evaluator holds the lock.
async fn evaluate(client: &impl db::Client, external_url: &str) -> Result<Option<Evaluated>, DbError> {
    let Some(now) = alerts::lock_evaluator(client).await? else {
        return Ok(None);
    };
    let rules = rules::all(client).await?;
    let observed = observations::all(client, &rules).await?;
    let current = alerts::current(client).await?;
    let targets = store::targets::list(client).await?;
    let targets = targets
        .into_iter()
        .map(|target| (target.target_id, target.name))
        .collect();
    let evaluation = Evaluation {
        rules: &rules,
        current: &current,
        targets: &targets,
        external_url,
        now,
    };
    let applied = alerts::apply(client, &evaluation.changes(&observed)).await?;
    Ok(Some(Evaluated {
        rules: rules.valid.len(),
        faults: rules.faults.iter().map(ToString::to_string).collect(),
        observations: observed.len(),
        applied,
    }))
}
