//! Bucket after bucket, oldest first, for as long as there is time.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use db::{DbError, Preamble, unit_of_work};
use function::{Context, Host};
use serde_json::json;
use store::roll_ups::{self, Due};

/// How long one bucket may take. An hour of a target with 13,000 subjects takes about ten seconds on a busy machine.
pub(crate) const LONGEST: Duration = Duration::from_secs(45);

/// What was rolled up.
#[derive(Debug, Default)]
pub(crate) struct Rolled {
    /// How many buckets.
    pub(crate) buckets: u64,
    /// How many rows they have.
    pub(crate) rows: i64,
    /// How many targets and tables still have buckets to make.
    pub(crate) behind: usize,
    /// What could not be rolled up, and why.
    pub(crate) failures: Vec<String>,
}

/// Rolls up what is complete, one bucket of each target and table after the other, so that all keep pace after a long
/// stop. Nothing is begun after `until`.
pub(crate) async fn roll_up<H: Host>(
    context: &Context<H>,
    monitoring: &H::Client,
    until: Instant,
) -> Result<Rolled, DbError> {
    let preamble = context.preamble().with_statement_timeout(LONGEST);
    let mut rolled = Rolled::default();
    let mut failed = HashSet::new();
    unit_of_work(monitoring, &preamble, async |client| {
        roll_ups::begin(client).await
    })
    .await?;
    loop {
        let mut due = unit_of_work(monitoring, &preamble, async |client| roll_ups::due(client).await).await?;
        // What failed waits for the next run, so that it does not keep the others from their turn.
        due.retain(|due| !failed.contains(&key(due)));
        rolled.behind = due.len() + failed.len();
        let before = rolled.buckets;
        for due in &due {
            if Instant::now() >= until {
                return Ok(rolled);
            }
            match one(monitoring, &preamble, due).await {
                Ok(Some(rows)) => {
                    rolled.buckets += 1;
                    rolled.rows += rows;
                }
                // Another run is at it.
                Ok(None) => {}
                Err(error) => {
                    let fields = json!({"target": due.target, "table": due.sample_table, "bucket": due.rolled_to, "error": error.to_string()});
                    context.log().warn("A bucket cannot be rolled up", fields);
                    rolled
                        .failures
                        .push(format!("{} of {}: {error}", due.sample_table, due.target));
                    failed.insert(key(due));
                }
            }
        }
        if rolled.buckets == before {
            return Ok(rolled);
        }
    }
}

async fn one(client: &impl db::Client, preamble: &Preamble, due: &Due) -> Result<Option<i64>, DbError> {
    unit_of_work(client, preamble, async |client| {
        roll_ups::roll_up(client, due).await
    })
    .await
}

/// What is rolled up bucket by bucket.
fn key(due: &Due) -> (i32, String, String) {
    (due.target_id, due.sample_table.clone(), due.resolution.clone())
}
