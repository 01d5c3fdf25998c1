//! Fills the tables: a thread makes the rows, this sends them, and never is more than one cohort in memory.
//!
//! Each cohort is a transaction with a row of `guardian.seeded_cohorts`. A run that is interrupted leaves whole cohorts,
//! and the next one goes on after them; a larger scale than before adds cohorts to those that are there.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use db::{Client, Connection, DbError};
use tokio::sync::mpsc;

use crate::copy::{Chunk, RowWriter, Stopped};
use crate::generate::{
    CLINICAL_EVENTS, Cohort, DOCUMENTS, INTERACTIONS, PATIENTS, Plan, TABLES, TIMELINE_EVENTS, Table,
};

/// The session may take as long as it needs, whatever its role's limits are for requests. Its commits are written at
/// once: `vacuum` cannot mark rows as visible to all whose commit is not written yet.
const SETTINGS: &str = "
    set statement_timeout = 0;
    set synchronous_commit = on;
    set idle_in_transaction_session_timeout = 0;
    set timezone = 'UTC'";
const JOURNAL: &str = include_str!("../sql/journal.sql");
const SEEDED_COHORTS: &str = include_str!("../sql/seeded_cohorts.sql");
const ADD_COHORT: &str = include_str!("../sql/add_cohort.sql");

/// How many chunks of rows may wait to be sent.
const CHUNKS_AHEAD: usize = 16;
/// How many dashboards are computed at once, and for how many milliseconds at most.
const DASHBOARDS: &str =
    "select refreshed::int8, waiting::int8 from guardian.process_invalidations(500, 10000)";

/// The tables whose rows a scale fixes, with how many a cohort has.
pub const FIXED: [(&str, usize); 5] = [
    ("patients", PATIENTS),
    ("timeline_events", TIMELINE_EVENTS),
    ("documents", DOCUMENTS),
    ("clinical_events", CLINICAL_EVENTS),
    ("provider_interactions", INTERACTIONS),
];

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many rows of the [`FIXED`] tables will come.
    Expected(u64),
    /// The rows of this table of this cohort come now.
    Filling(u32, &'static str),
    /// So many more rows of the [`FIXED`] tables are on their way.
    Sent(u64),
    /// All rows are there, and this is done now.
    Finishing(&'static str),
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeded {
    /// The cohorts that were added.
    pub cohorts: Vec<u32>,
    /// The rows that were added, by table.
    pub rows: BTreeMap<&'static str, u64>,
    /// Relationships that lack a record at one end, anywhere in the database; none when cohorts were added to nothing.
    pub orphans: u64,
}

/// Why the tables were not filled.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// There is data of another plan.
    #[error("the database has data of seed {seed} until {until} already")]
    OtherPlan {
        /// Its seed.
        seed: i64,
        /// Its last day.
        until: String,
    },
    /// There are more cohorts than are wanted.
    #[error("the database has scale {scale} already")]
    Larger {
        /// How many cohorts there are.
        scale: u32,
    },
    /// Another session adds the same cohort.
    #[error("cohort {cohort} is being added by somebody else")]
    Busy {
        /// The cohort.
        cohort: u32,
    },
    /// The thread that makes the rows has ended early.
    #[error("the rows of table {table} were not made")]
    NotMade {
        /// The table.
        table: &'static str,
    },
    /// The rows of a table were not taken.
    #[error("cannot fill table guardian.{table}")]
    Fill {
        /// The table.
        table: &'static str,
        /// What the server said.
        source: DbError,
    },
    /// Anything else that the server said.
    #[error("cannot seed the database")]
    Database(#[from] DbError),
}

/// Sees to it that the cohorts 1 to `scale` of a plan are there, and brings dashboards, views and statistics up to date.
/// The connection must be of its own: it is in bulk mode meanwhile. After an error it must be closed.
///
/// # Errors
///
/// That there is data of another plan or of a larger scale; and what the server said.
pub async fn seed(
    client: &Connection,
    plan: Plan,
    scale: u32,
    progress: &mut impl FnMut(Progress),
) -> Result<Seeded, SeedError> {
    client.run_all(SETTINGS).await?;
    client.run_all(JOURNAL).await?;
    let there = cohorts(client, plan).await?;
    if let Some(&last) = there.last()
        && last > scale
    {
        return Err(SeedError::Larger { scale: last });
    }
    let missing: Vec<u32> = (1..=scale).filter(|number| !there.contains(number)).collect();
    let fixed: usize = FIXED.iter().map(|(_, rows)| rows).sum();
    progress(Progress::Expected((fixed * missing.len()) as u64));
    let mut seeded = Seeded {
        cohorts: missing.clone(),
        rows: BTreeMap::new(),
        orphans: 0,
    };
    if !missing.is_empty() {
        make_partitions(client, plan).await?;
        client
            .query("select guardian.begin_bulk('seed')::int8", &[])
            .await?;
        fill(client, plan, missing, &mut seeded.rows, progress).await?;
        progress(Progress::Finishing("checking the relationships"));
        let ended = client
            .query("select orphans::int8 from guardian.end_bulk()", &[])
            .await?;
        seeded.orphans = ended.one()?.get::<i64>("orphans")?.unsigned_abs();
    }
    finish(client, progress).await?;
    Ok(seeded)
}

/// The cohorts that are there, all of them of the plan.
async fn cohorts(client: &Connection, plan: Plan) -> Result<BTreeSet<u32>, SeedError> {
    let mut numbers = BTreeSet::new();
    for row in &client.query(SEEDED_COHORTS, &[]).await? {
        let (seed, until): (i64, String) = (row.get("seed")?, row.get("until")?);
        if seed != i64::from(plan.seed) || until != plan.until.to_string() {
            return Err(SeedError::OtherPlan { seed, until });
        }
        numbers.insert(u32::try_from(row.get::<i64>("cohort")?).unwrap_or(u32::MAX));
    }
    Ok(numbers)
}

/// The months that the rows fall into get their partitions first: else they would all be moved later.
async fn make_partitions(client: &Connection, plan: Plan) -> Result<(), DbError> {
    let since: DateTime<Utc> = plan.operations_since().and_time(chrono::NaiveTime::MIN).and_utc();
    client
        .query("select guardian.ensure_partitions(3, $1)::int8", &[since.into()])
        .await?;
    Ok(())
}

/// What comes from the thread that makes the rows.
#[derive(Debug)]
enum Piece {
    Rows(Chunk),
    EndOfTable,
}

async fn fill(
    client: &Connection,
    plan: Plan,
    missing: Vec<u32>,
    rows: &mut BTreeMap<&'static str, u64>,
    progress: &mut impl FnMut(Progress),
) -> Result<(), SeedError> {
    let (sender, mut receiver) = mpsc::channel(CHUNKS_AHEAD);
    let numbers = missing.clone();
    // It ends when it has made everything, or when the receiver is gone.
    tokio::task::spawn_blocking(move || {
        let _ = numbers
            .into_iter()
            .try_for_each(|number| make(&Cohort::generate(plan, number), &sender));
    });
    for number in missing {
        client.run_all("begin").await?;
        add_cohort(client, plan, number).await?;
        for table in TABLES {
            progress(Progress::Filling(number, table.name));
            let added = fill_table(client, table, &mut receiver, progress).await?;
            *rows.entry(table.name).or_default() += added;
        }
        client.run_all("commit").await?;
    }
    Ok(())
}

/// Sends all rows of a cohort, table after table.
fn make(cohort: &Cohort, sender: &mpsc::Sender<Piece>) -> Result<(), Stopped> {
    let send = |piece| sender.blocking_send(piece).map_err(|_| Stopped);
    for table in TABLES {
        let mut take = |chunk| send(Piece::Rows(chunk));
        let mut rows = RowWriter::new(&mut take);
        cohort.write(table, &mut rows)?;
        rows.finish()?;
        send(Piece::EndOfTable)?;
    }
    Ok(())
}

async fn add_cohort(client: &Connection, plan: Plan, number: u32) -> Result<(), SeedError> {
    let parameters = [
        i64::from(number).into(),
        i64::from(plan.seed).into(),
        plan.until.to_string().into(),
    ];
    match client.execute(ADD_COHORT, &parameters).await {
        // unique_violation: somebody was faster.
        Err(error) if error.sqlstate.as_deref() == Some("23505") => Err(SeedError::Busy { cohort: number }),
        outcome => {
            outcome?;
            Ok(())
        }
    }
}

async fn fill_table(
    client: &Connection,
    table: Table,
    receiver: &mut mpsc::Receiver<Piece>,
    progress: &mut impl FnMut(Progress),
) -> Result<u64, SeedError> {
    let failed = |source| SeedError::Fill {
        table: table.name,
        source,
    };
    let is_fixed = FIXED.iter().any(|(name, _)| *name == table.name);
    let mut copy = client.copy_in(&table.copy_statement()).await.map_err(failed)?;
    loop {
        match receiver.recv().await {
            Some(Piece::Rows(chunk)) => {
                copy.send(chunk.bytes).await.map_err(failed)?;
                if is_fixed {
                    progress(Progress::Sent(chunk.rows));
                }
            }
            Some(Piece::EndOfTable) => return copy.finish().await.map_err(failed),
            None => return Err(SeedError::NotMade { table: table.name }),
        }
    }
}

/// Computes what is computed from the records, and lets the planner know them. Does nothing that was done before.
async fn finish(client: &Connection, progress: &mut impl FnMut(Progress)) -> Result<(), SeedError> {
    progress(Progress::Finishing("gathering statistics"));
    for table in TABLES {
        let statement = format!("vacuum (analyze) guardian.{}", table.name);
        client.execute(&statement, &[]).await?;
    }
    progress(Progress::Finishing("computing dashboards"));
    loop {
        let rows = client.query(DASHBOARDS, &[]).await?;
        let row = rows.one()?;
        let (refreshed, waiting): (i64, i64) = (row.get("refreshed")?, row.get("waiting")?);
        // What cannot be computed now stays in the queue, and whoever processes it will say why.
        if waiting == 0 || refreshed == 0 {
            break;
        }
    }
    progress(Progress::Finishing("refreshing views"));
    client
        .query(
            "select view_name::text from guardian.process_view_refreshes()",
            &[],
        )
        .await?;
    for table in ["dashboard_cache", "invalidation_queue"] {
        client
            .execute(&format!("vacuum (analyze) guardian.{table}"), &[])
            .await?;
    }
    Ok(())
}
