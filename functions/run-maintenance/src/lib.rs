//! Rolls samples up by the hour and the day, and removes what has had its day.
//!
//! Triggers: cron, and `curl -X POST -H "authorization: Bearer $TOKEN" localhost:3000/run-maintenance`.
//!
//! Partitions are made ahead at the start of every run of every function, because none can write without them. What may
//! wait is done here, in transactions that are short, or whose loss costs nothing: a run that is cut off, or beside
//! another, leaves everything as it should be.
//!
//! - `rolling`: bucket after bucket, oldest first, for as long as there is time
//! - `lib`: the order of the work

mod rolling;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use db::{DbError, unit_of_work};
use function::{Context, Host, Report};
use store::retention;

/// How long a run may take: a bucket may begin until [`LAST_BEGIN`], and takes no longer than [`rolling::LONGEST`].
const DEADLINE: Duration = Duration::from_secs(100);

/// After this long nothing more is begun. What is left over is first in the next run.
const LAST_BEGIN: Duration = Duration::from_secs(30);

/// How long a statement that removes may run. Each removes a bounded bite.
const REMOVAL: Duration = Duration::from_secs(15);

function::export! {
    name: "run-maintenance",
    deadline: DEADLINE,
    run: run,
}

/// Rolls up what is complete, then removes what nothing needs any more.
///
/// # Errors
///
/// What kept the monitoring database from being read or written. A bucket that cannot be rolled up is no error of the
/// run: it is reported, its samples are kept, and the others go on.
pub async fn run<H: Host>(context: &Context<H>) -> anyhow::Result<Report> {
    let begin = Instant::now();
    let monitoring = context
        .monitoring()
        .await
        .context("cannot open the monitoring database")?;
    let rolled = rolling::roll_up(context, &monitoring, begin + LAST_BEGIN)
        .await
        .context("cannot roll samples up")?;
    context.touched("rolled_up", rolled.buckets);
    context.touched("rows", rolled.rows);
    context.touched("behind", rolled.behind);
    let removed = remove(context, &monitoring, begin + LAST_BEGIN).await?;
    context.touched("dropped_partitions", removed.partitions);
    context.touched("removed_rows", removed.rows);
    let report = if rolled.failures.is_empty() {
        Report::ok()
    } else {
        Report::partial()
    };
    Ok(report.with("failed", rolled.failures))
}

/// What was removed.
struct Removed {
    partitions: i64,
    rows: i64,
}

/// Drops partitions and removes rows: one bite at least, and more for as long as there is time.
async fn remove<H: Host>(
    context: &Context<H>,
    monitoring: &H::Client,
    until: Instant,
) -> anyhow::Result<Removed> {
    let preamble = context.preamble().with_statement_timeout(REMOVAL);
    let partitions = unit_of_work(monitoring, &preamble, async |client| {
        retention::drop_partitions(client).await
    })
    .await
    .context("cannot drop old partitions")?;
    let mut rows = 0;
    loop {
        let bite = unit_of_work(monitoring, &preamble, async |client| {
            Ok::<_, DbError>(retention::remove_rows(client).await? + retention::remove_samples(client).await?)
        })
        .await
        .context("cannot remove old rows")?;
        rows += bite;
        if bite == 0 || Instant::now() >= until {
            return Ok(Removed { partitions, rows });
        }
    }
}
