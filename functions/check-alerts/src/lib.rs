//! Evaluates rules over stored samples, moves alerts through their states and queues notifications.
//!
//! Triggers: cron, and `curl -X POST -H "authorization: Bearer $TOKEN" localhost:3000/check-alerts`.
//!
//! - `evaluation`: from what is observed to how each alert stands; no database
//! - `telling`: who is told of that, and what; no database
//! - `fallback`, `heartbeat`: what is said past the database, when a round went wrong and when it went well
//! - `lib`: the transaction around it

mod evaluation;
mod fallback;
mod heartbeat;
mod telling;

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context as _;
use db::{Client, DbError, unit_of_work};
use function::{Context, Failure, Host, Report};
use store::{Fault, alerts, observations, responses, routes, rules, silences, targets, windows};

use crate::evaluation::{Evaluated, Evaluation};
use crate::telling::{Case, Telling};

/// How long a run may take. The statements are few, whatever the number of rules and targets.
const DEADLINE: Duration = Duration::from_secs(30);

function::export! {
    name: "check-alerts",
    deadline: DEADLINE,
    run: run,
    after: after,
}

/// Says to those outside of the database that all is well, or that it is not, whatever became of the round.
pub async fn after<H: Host>(context: &Context<H>, outcome: &Result<Report, Failure>) {
    fallback::tell(context, outcome).await;
    heartbeat::send(context, outcome).await;
}

/// Evaluates every rule on every target, in one transaction with what is told of it.
///
/// # Errors
///
/// What kept the monitoring database from being read or written. Nothing is changed then. A malformed rule, route, silence
/// or window is no error: it is reported, and all else goes on.
pub async fn run<H: Host>(context: &Context<H>) -> anyhow::Result<Report> {
    let config = context.config().await?;
    let (external_url, dry_run) = (config.external_url.clone(), config.responses_dry_run);
    let monitoring = context
        .monitoring()
        .await
        .context("cannot open the monitoring database")?;
    // Where the server has no second connection, one does all of it.
    let second = context.monitoring().await.ok();
    let preamble = context.preamble();
    let evaluated = unit_of_work(&monitoring, &preamble, async |client| match &second {
        None => evaluate(&[client], &external_url, dry_run).await,
        Some(second) => {
            unit_of_work(second, &preamble, async |other| {
                evaluate(&[client, other], &external_url, dry_run).await
            })
            .await
        }
    })
    .await
    .context("cannot evaluate the rules")?;
    let Some(evaluated) = evaluated else {
        return Ok(Report::ok().with("skipped", "another evaluator is at work"));
    };
    for fault in &evaluated.faults {
        context.log().warn(
            "A rule or a route cannot be used",
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
        .with("queued", applied.queued)
        .with("responses", evaluated.responses))
}

/// What an evaluation came to.
struct Outcome {
    rules: usize,
    faults: Vec<String>,
    observations: usize,
    applied: alerts::Applied,
    responses: u64,
}

/// Reads, decides and writes; nothing when another evaluator holds the lock. All that is decided by and written is one
/// transaction, that of the first client; the others measure with it.
async fn evaluate<C: Client>(
    clients: &[&C],
    external_url: &str,
    dry_run: bool,
) -> Result<Option<Outcome>, DbError> {
    let Some(client) = clients.first().copied() else {
        return Ok(None);
    };
    let Some(now) = alerts::lock_evaluator(client).await? else {
        return Ok(None);
    };
    let rules = rules::all(client).await?;
    let observed = observations::all(clients, &rules).await?;
    let current = alerts::current(client).await?;
    let evaluation = Evaluation {
        rules: &rules,
        current: &current,
        now,
    };
    let evaluated = evaluation.evaluate(&observed);
    let (telling, faults) = telling(client, external_url, &evaluation, &evaluated).await?;
    let cases = telling.cases(&evaluated);
    let told: Vec<_> = cases.iter().filter_map(Case::told).collect();
    let trends = if told.is_empty() {
        HashMap::new()
    } else {
        observations::trends(client, &rules, &told, now).await?
    };
    let trend = |case: &Case<'_>| trends.get(&case.watched()).map_or(&[][..], Vec::as_slice);
    let written = cases.iter().map(|case| telling.change(case, trend(case)));
    let changes: Vec<_> = evaluated.forgotten.iter().cloned().chain(written).collect();
    let applied = alerts::apply(client, &changes).await?;
    let responses = responses::queue(client, dry_run).await?;
    let rule_faults = rules.faults.iter().map(ToString::to_string);
    Ok(Some(Outcome {
        rules: rules.valid.len(),
        faults: rule_faults
            .chain(faults.iter().map(ToString::to_string))
            .collect(),
        observations: observed.len(),
        applied,
        responses,
    }))
}

/// What decides who is told, with the routes, silences and windows that cannot be used.
async fn telling(
    client: &impl Client,
    external_url: &str,
    evaluation: &Evaluation<'_>,
    evaluated: &Evaluated<'_>,
) -> Result<(Telling, Vec<Fault>), DbError> {
    let (routing, mut faults) = routes::routing(client).await?;
    let (silences, silence_faults) = silences::usable(client).await?;
    let (windows, window_faults) = windows::open(client).await?;
    faults.extend(silence_faults);
    faults.extend(window_faults);
    let mut telling = Telling {
        routing,
        silences,
        windows,
        external_url: external_url.to_owned(),
        now: evaluation.now,
        ..Telling::default()
    };
    if evaluated.standing.iter().any(|alert| alert.is_news()) {
        let targets = targets::list(client).await?.into_iter();
        telling.targets = targets.map(|target| (target.target_id, target.name)).collect();
        telling.told = alerts::told(client).await?;
    }
    Ok((telling, faults))
}
