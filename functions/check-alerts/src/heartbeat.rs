//! A sign of life to somebody outside, who notices when it stays away: the dead man's switch.
//!
//! It is given only while the whole chain works: alerts are evaluated, every function succeeds, and messages leave. So
//! whatever of it stops, what stops with it is this.

use std::time::Duration;

use db::{DbError, unit_of_work};
use function::{Context, Failure, Host, Report, Secret};
use serde_json::json;
use store::FUNCTIONS;

/// How long a message may wait before nobody can be said to be told any more.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// Gives the sign after a good round. That this fails is said in the log: it is for the one outside to notice.
pub(crate) async fn send<H: Host>(context: &Context<H>, outcome: &Result<Report, Failure>) {
    let address = match (outcome, context.config().await) {
        (Ok(_), Ok(config)) => config.heartbeat_url.clone(),
        _ => None,
    };
    let Some(address) = address else { return };
    let log = context.log();
    match troubles(context).await {
        Ok(troubles) if troubles.is_empty() => {
            if let Err(error) = ask(context, &address).await {
                log.warn("The heartbeat was not answered", Failure::of(&error).to_json());
            }
        }
        Ok(troubles) => log.warn("The heartbeat is withheld", json!({ "troubles": troubles })),
        Err(error) => log.warn("The heartbeat is withheld", Failure::of(&error).to_json()),
    }
}

/// What of the chain does not work.
async fn troubles<H: Host>(context: &Context<H>) -> anyhow::Result<Vec<String>> {
    let monitoring = context.monitoring().await?;
    let preamble = context.preamble().read_only();
    let (runs, waiting) = unit_of_work(&monitoring, &preamble, async |client| {
        let runs = store::runs::latest(client, &FUNCTIONS).await?;
        let waiting = store::health::oldest_waiting(client).await?;
        Ok::<_, DbError>((runs, waiting))
    })
    .await?;
    let late = runs.iter().filter(|run| !run.freshness().is_well());
    let mut troubles: Vec<String> = late.map(|run| format!("{} is stale", run.function)).collect();
    if waiting > LONGEST_WAIT {
        troubles.push(format!("a message waits for {} s", waiting.as_secs()));
    }
    Ok(troubles)
}

async fn ask<H: Host>(context: &Context<H>, address: &Secret) -> anyhow::Result<()> {
    let request = http::Request::get(address.expose())
        .header("user-agent", concat!("pgvitals/", env!("CARGO_PKG_VERSION")))
        .body(String::new())?;
    let answer = context.send(request).await?;
    anyhow::ensure!(answer.status().is_success(), "it answered {}", answer.status());
    Ok(())
}
