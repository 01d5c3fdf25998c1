//! One response, from its connection to what came of it.

use std::time::Duration;

use db::{Client, DbError, ErrorKind, Preamble, unit_of_work};
use function::{Context, Failure, Host, TargetRow, with_deadline};
use store::actions::{self, IdleSession, TableName};
use store::collectors::TargetKind;
use store::responses::{Due, End};
use store::retention;
use vitals::response::{Action, RunState, Task};
use vitals::unit::format_duration;

use crate::turns::Begun;

/// How long a response may take, its connection included.
const LONGEST: Duration = Duration::from_secs(35);

/// How long a statement of it may run.
const STATEMENT: Duration = Duration::from_secs(25);

/// How long an application may refresh caches in one go.
const REFRESHING: Duration = Duration::from_secs(15);

/// How many sessions are told by name; of the others only their number.
const NAMED: usize = 5;

/// Does it. Whatever goes wrong is an end too.
pub(crate) async fn perform<H: Host>(context: &Context<H>, begun: &Begun) -> End {
    match with_deadline("the response", LONGEST, try_perform(context, begun)).await {
        Ok(end) => end,
        Err(exceeded) => failed(None, exceeded.to_string()),
    }
}

async fn try_perform<H: Host>(context: &Context<H>, begun: &Begun) -> End {
    if let Action::RunMaintenance { task } = begun.response.action {
        return match context.monitoring_maintenance().await {
            Ok(client) => ended(maintain(&client, &preamble(context), task, begun.due.dry_run).await),
            Err(error) => not_begun(&error),
        };
    }
    let Due { target, .. } = &begun.due;
    if target.kind == TargetKind::PgBouncer {
        return refused("there is nothing that can be done to a PgBouncer");
    }
    let row = TargetRow {
        name: &target.name,
        address: &target.address,
        secret: &target.secret,
    };
    match context.maintenance(row).await {
        Ok(client) => ended(act(&client, &preamble(context), begun).await),
        Err(error) => not_begun(&error),
    }
}

fn preamble<H: Host>(context: &Context<H>) -> Preamble {
    context.preamble().with_statement_timeout(STATEMENT)
}

/// Acts on a target.
async fn act<C: Client>(client: &C, preamble: &Preamble, begun: &Begun) -> Result<End, DbError> {
    let dry_run = begun.due.dry_run;
    match &begun.response.action {
        Action::TerminateIdleInTransaction {
            older_than,
            all_databases,
        } => {
            let rights = unit_of_work(client, preamble, actions::session_rights).await?;
            if !rights.sees || !rights.ends {
                return Ok(refused(
                    "the maintenance login may not end sessions: grant pg_signal_backend, pg_read_all_stats to \
                     pgvitals_maintenance",
                ));
            }
            let (limit, older_than, all_databases) = (begun.allowance, *older_than, *all_databases);
            let sessions = unit_of_work(client, preamble, async |client| {
                actions::terminate_idle_in_transaction(client, older_than, limit, all_databases, dry_run)
                    .await
            })
            .await?;
            Ok(terminated(&sessions, older_than, dry_run))
        }
        Action::AnalyzeTable { table } => {
            let name = match table {
                Some((schema, table)) => TableName::Parts(schema, table),
                None => TableName::Dotted(&begun.due.subject_label),
            };
            unit_of_work(client, preamble, async |client| {
                analyze(client, name, dry_run).await
            })
            .await
        }
        Action::RefreshCacheQueue => {
            unit_of_work(client, preamble, async |client| refresh(client, dry_run).await).await
        }
        Action::RunMaintenance { .. } => Ok(refused("it is not done to a target")),
    }
}

async fn analyze(client: &impl Client, name: TableName<'_>, dry_run: bool) -> Result<End, DbError> {
    let shown = match name {
        TableName::Parts(schema, table) => format!("{schema}.{table}"),
        TableName::Dotted(dotted) => dotted.to_owned(),
    };
    let Some(table) = actions::find_table(client, name).await? else {
        return Ok(refused(format!(
            "there is no table {shown}; name one with the arguments schema and table"
        )));
    };
    if !table.may_analyze {
        return Ok(refused(format!(
            "the maintenance login may not analyze {shown}: from PostgreSQL 17 on grant maintain on it to \
             pgvitals_maintenance, before that make pgvitals_maintenance a member of its owner"
        )));
    }
    if dry_run {
        return Ok(done(0, format!("would analyze {shown}")));
    }
    actions::analyze(client, &table).await?;
    Ok(done(1, format!("analyzed {shown}")))
}

async fn refresh(client: &impl Client, dry_run: bool) -> Result<End, DbError> {
    let queue = actions::cache_queue(client).await?;
    if !queue.is_there {
        return Ok(refused(
            "the database has no function pgvitals.refresh_cache_queue(int8): its application provides it",
        ));
    }
    if !queue.may_call {
        return Ok(refused(
            "the maintenance login may not call it: grant execute on function pgvitals.refresh_cache_queue(int8) to \
             pgvitals_maintenance",
        ));
    }
    if dry_run {
        return Ok(done(0, "would refresh the caches that wait".to_owned()));
    }
    let refreshed = actions::refresh_cache_queue(client, REFRESHING).await?;
    Ok(done(1, format!("refreshed {refreshed} caches")))
}

async fn maintain<C: Client>(
    client: &C,
    preamble: &Preamble,
    task: Task,
    dry_run: bool,
) -> Result<End, DbError> {
    match task {
        Task::Retention if dry_run => Ok(done(
            0,
            "would drop the partitions and remove the rows that have had their day".to_owned(),
        )),
        Task::Retention => {
            let (partitions, rows) = unit_of_work(client, preamble, async |client| {
                let partitions = retention::drop_partitions(client).await?;
                let rows = retention::remove_rows(client).await? + retention::remove_samples(client).await?;
                Ok::<_, DbError>((partitions, rows))
            })
            .await?;
            Ok(done(
                1,
                format!("dropped {partitions} partitions and removed {rows} rows that had had their day"),
            ))
        }
    }
}

fn terminated(sessions: &[IdleSession], older_than: Duration, dry_run: bool) -> End {
    let limit = format_duration(older_than);
    if sessions.is_empty() {
        return done(
            0,
            format!("no session was idle in a transaction for more than {limit}"),
        );
    }
    let ended = sessions.iter().filter(|session| session.ended).count();
    let mut names: Vec<String> = sessions.iter().take(NAMED).map(described).collect();
    if sessions.len() > NAMED {
        names.push(format!("and {} more", sessions.len() - NAMED));
    }
    let names = names.join(", ");
    let found = sessions.len();
    if dry_run {
        return done(
            0,
            format!(
                "would end {found} sessions that were idle in a transaction for more than {limit}: {names}"
            ),
        );
    }
    let affected = i64::try_from(ended).unwrap_or(i64::MAX);
    done(
        affected,
        format!(
            "ended {ended} of {found} sessions that were idle in a transaction for more than {limit}: {names}"
        ),
    )
}

/// Who it was and how long; nothing of what it did.
fn described(session: &IdleSession) -> String {
    let idle = Duration::from_secs_f64(session.idle_seconds.max(0.0));
    format!(
        "{} in {} (pid {}, idle for {})",
        session.user_name,
        session.database,
        session.pid,
        format_duration(idle)
    )
}

fn ended(outcome: Result<End, DbError>) -> End {
    outcome.unwrap_or_else(|error| {
        let (lacks, reason) = (lacks(error.kind), reason(&anyhow::Error::new(error)));
        if lacks {
            refused(reason)
        } else {
            failed(None, reason)
        }
    })
}

/// Without a connection nothing was done.
fn not_begun(error: &anyhow::Error) -> End {
    let lacks = match error.downcast_ref::<DbError>() {
        Some(error) => lacks(error.kind),
        None => Failure::of(error).code == "configuration",
    };
    if lacks {
        refused(reason(error))
    } else {
        failed(Some(0), reason(error))
    }
}

/// What is missing is how the target was set up, and no fault of the response: nothing was done.
fn lacks(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::MissingPrivilege | ErrorKind::MissingObject | ErrorKind::AuthenticationFailed
    )
}

fn reason(error: &anyhow::Error) -> String {
    let failure = Failure::of(error);
    match failure.hint {
        Some(hint) => format!("{} ({hint})", failure.error),
        None => failure.error,
    }
}

fn done(affected: i64, result: String) -> End {
    End {
        state: RunState::Done,
        affected: Some(affected),
        result,
    }
}

fn refused(reason: impl Into<String>) -> End {
    End {
        state: RunState::Refused,
        affected: Some(0),
        result: reason.into(),
    }
}

fn failed(affected: Option<i64>, reason: String) -> End {
    End {
        state: RunState::Failed,
        affected,
        result: reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(pid: i64, ended: bool) -> IdleSession {
        IdleSession {
            pid,
            user_name: "app".to_owned(),
            database: "shop".to_owned(),
            idle_seconds: 420.0,
            ended,
        }
    }

    #[test]
    fn sessions_are_told_by_who_they_were_and_the_rest_by_number() {
        let minutes = Duration::from_secs(300);
        let one = terminated(&[session(7, true)], minutes, false);
        assert_eq!(
            one.result,
            "ended 1 of 1 sessions that were idle in a transaction for more than 5 min: app in shop (pid 7, idle for 7 min)"
        );
        assert_eq!(one.affected, Some(1));
        let many: Vec<_> = (0..8).map(|pid| session(pid, pid > 0)).collect();
        let many = terminated(&many, minutes, false);
        assert!(
            many.result.starts_with("ended 7 of 8 sessions"),
            "{}",
            many.result
        );
        assert!(many.result.ends_with("and 3 more"), "{}", many.result);
        assert_eq!(many.affected, Some(7));
    }

    #[test]
    fn a_dry_run_has_done_nothing() {
        let end = terminated(&[session(7, false)], Duration::from_secs(60), true);
        assert!(end.result.starts_with("would end 1 sessions"), "{}", end.result);
        assert_eq!((end.state, end.affected), (RunState::Done, Some(0)));
    }

    #[test]
    fn a_lack_is_a_refusal_and_anything_else_a_failure_of_which_the_extent_is_not_known() {
        let lacking = ended(Err(DbError::server("42501", "permission denied", None)));
        assert_eq!((lacking.state, lacking.affected), (RunState::Refused, Some(0)));
        let broken = ended(Err(DbError::new(ErrorKind::ConnectionLost, "connection lost")));
        assert_eq!((broken.state, broken.affected), (RunState::Failed, None));
        let away = not_begun(&DbError::new(ErrorKind::ConnectFailed, "cannot connect").into());
        assert_eq!((away.state, away.affected), (RunState::Failed, Some(0)));
    }
}
