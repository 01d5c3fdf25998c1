//! Who waits for whom at this moment.

use std::collections::BTreeMap;

use db::{Client, DbError, Row, Rows};
use store::blocking::{self, BlockedSession, Session};
use store::collectors::Fitting;
use vitals::blocking::roots;
use vitals::statement::{Text, classify};

use crate::target::{Collecting, Sampled, StepError};

/// Reads the sessions that wait for a lock and those they wait for, and stores each that waits with the root of its chain.
pub(crate) async fn collect<C: Client>(
    collecting: &Collecting<'_, C>,
    fitting: &Fitting,
) -> Result<Sampled, StepError> {
    let rows = collecting.read(fitting, &[]).await?;
    let blocked = blocked_sessions(&rows)?;
    if blocked.is_empty() {
        return Ok(Sampled::Rows(0));
    }
    let target_id = collecting.target.target_id;
    let written = collecting
        .monitoring
        .unit(async |client| blocking::write(client, target_id, &blocked).await)
        .await
        .map_err(StepError::Store)?;
    Ok(Sampled::Rows(written))
}

fn blocked_sessions(rows: &Rows) -> Result<Vec<BlockedSession>, DbError> {
    let mut sessions = BTreeMap::new();
    let mut blockers = BTreeMap::new();
    for row in rows {
        let session = session(row)?;
        let waits_for = pids(row.get("blocker_pids")?)?;
        if !waits_for.is_empty() {
            blockers.insert(session.pid, waits_for);
        }
        sessions.insert(session.pid, (session, row));
    }
    let roots = roots(&blockers);
    let blocked = blockers.into_iter().filter_map(|(pid, blocker_pids)| {
        let root = roots.get(&pid).copied().flatten();
        let (session, row) = sessions.get(&pid)?;
        let lock = |column: &str| row.get::<Option<String>>(column);
        Some(lock("lock_type").and_then(|lock_type| {
            Ok(BlockedSession {
                session: session.clone(),
                lock_type,
                lock_mode: lock("lock_mode")?,
                relation: lock("relation")?,
                waiting_ms: past(row, "waiting_ms")?,
                blocker_pids,
                depth: root.map(|root| root.depth),
                root: root.and_then(|root| Some(sessions.get(&root.session)?.0.clone())),
            })
        }))
    });
    blocked.collect()
}

fn session(row: &Row) -> Result<Session, DbError> {
    let pid = pids(row.get("pid")?)?;
    let query: Option<String> = row.get("query")?;
    Ok(Session {
        pid: pid.first().copied().unwrap_or_default(),
        state: row.get("state")?,
        user_name: row.get("user_name")?,
        application: row.get("application")?,
        database: row.get("database")?,
        statement_ms: past(row, "statement_ms")?,
        transaction_ms: past(row, "transaction_ms")?,
        query_id: row.get("query_id")?,
        query: match query.as_deref().map(classify) {
            Some(Text::Normalised(query)) => Some(query),
            Some(Text::Utility | Text::Hidden) | None => None,
        },
    })
}

/// A time that has passed. A clock that was set back makes it negative.
fn past(row: &Row, column: &str) -> Result<Option<i64>, DbError> {
    Ok(row.get::<Option<i64>>(column)?.map(|passed| passed.max(0)))
}

/// Process ids as the collector writes them, with spaces between.
fn pids(text: Option<String>) -> Result<Vec<i64>, DbError> {
    let pids = text.unwrap_or_default();
    let pids: Result<_, _> = pids.split_whitespace().map(str::parse).collect();
    pids.map_err(|_| DbError::decode("the collector gave process ids that are no numbers"))
}
