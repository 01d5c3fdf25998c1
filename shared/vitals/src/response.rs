//! What may be done about an alert without asking anybody: named actions, each with its limits.
//!
//! A rule names an action and its arguments; there is no way from a table to a statement. What may be done, with which
//! rights and how often at most, stands here; that it is done within these bounds is for whoever does it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::name::names;

names! {
    /// What can be done.
    "action" pub enum ActionName {
        /// Make the planner's statistics of a table anew.
        AnalyzeTable = "analyze_table",
        /// Let the application refresh the caches that wait in its queue.
        RefreshCacheQueue = "refresh_cache_queue",
        /// Run one of the jobs that keep the monitoring database in order.
        RunMaintenance = "run_maintenance",
        /// End sessions that hold a transaction open and do nothing.
        TerminateIdleInTransaction = "terminate_idle_in_transaction",
    }
}

names! {
    /// A job that keeps the monitoring database in order.
    "maintenance task" pub enum Task {
        /// Drops partitions and removes rows that have had their day.
        Retention = "retention",
    }
}

names! {
    /// What became of a response.
    "response state" pub enum RunState {
        /// It waits for its turn.
        Queued = "queued",
        /// It is being done.
        Running = "running",
        /// It was done; of a dry run, what would have been done is known.
        Done = "done",
        /// It was begun and went wrong.
        Failed = "failed",
        /// It was not begun: it is not allowed, not possible, or no longer needed.
        Refused = "refused",
    }
}

impl ActionName {
    /// What it does, in one line.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::AnalyzeTable => "makes the planner's statistics of a table anew",
            Self::RefreshCacheQueue => "has the application refresh the caches that wait in its queue",
            Self::RunMaintenance => "runs a job that keeps the monitoring database in order: retention",
            Self::TerminateIdleInTransaction => "ends sessions that hold a transaction open and do nothing",
        }
    }

    /// What the maintenance login needs for it, beside being let in.
    pub const fn rights(self) -> &'static str {
        match self {
            Self::AnalyzeTable => {
                "owner of the table or of the database; from PostgreSQL 17 on `grant maintain on TABLE` or pg_maintain"
            }
            Self::RefreshCacheQueue => "execute on the function pgvitals.refresh_cache_queue(int8)",
            Self::RunMaintenance => "none",
            Self::TerminateIdleInTransaction => "pg_signal_backend and pg_read_all_stats",
        }
    }

    /// Its arguments, and what each may be.
    pub const fn arguments(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::AnalyzeTable => &[
                ("schema", "the schema of the table; with `table`"),
                (
                    "table",
                    "the table; without both, the one that the alert is about",
                ),
            ],
            Self::RefreshCacheQueue => &[],
            Self::RunMaintenance => &[("task", "retention")],
            Self::TerminateIdleInTransaction => &[
                (
                    "older_than_seconds",
                    "5 to 86400: how long a session has been idle in its transaction",
                ),
                (
                    "all_databases",
                    "true: of the whole server, not only of the target's database",
                ),
            ],
        }
    }

    /// What is counted against the limit of an hour.
    pub const fn counted(self) -> &'static str {
        match self {
            Self::TerminateIdleInTransaction => "sessions",
            Self::AnalyzeTable | Self::RefreshCacheQueue | Self::RunMaintenance => "runs",
        }
    }

    /// How many of them an hour, unless the rule says otherwise.
    const fn usual_limit(self) -> i64 {
        match self {
            Self::TerminateIdleInTransaction => 10,
            Self::AnalyzeTable | Self::RefreshCacheQueue | Self::RunMaintenance => 4,
        }
    }
}

/// The arguments that every action takes.
pub const COMMON_ARGUMENTS: [(&str, &str); 3] = [
    (
        "at_most_per_hour",
        "1 to 100: how much of it may be done to one target within an hour",
    ),
    (
        "repeat_after_seconds",
        "60 to 86400: do it again while the alert fires; without it, once",
    ),
    ("dry_run", "true: only say what would be done"),
];

/// How long a response may wait for its turn. After that it would be one to something else.
pub const LONGEST_WAIT: Duration = Duration::from_secs(600);

const LIMITS: std::ops::RangeInclusive<i64> = 1..=100;
const SECONDS: std::ops::RangeInclusive<i64> = 60..=86_400;
const IDLE_SECONDS: std::ops::RangeInclusive<i64> = 5..=86_400;
const LONGEST_NAME: usize = 63;

/// What is to be done, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// See [`ActionName::AnalyzeTable`].
    AnalyzeTable {
        /// Schema and name; `None` is the table that the alert is about.
        table: Option<(String, String)>,
    },
    /// See [`ActionName::RefreshCacheQueue`].
    RefreshCacheQueue,
    /// See [`ActionName::RunMaintenance`].
    RunMaintenance {
        /// Which job.
        task: Task,
    },
    /// See [`ActionName::TerminateIdleInTransaction`].
    TerminateIdleInTransaction {
        /// How long a session must have been idle.
        older_than: Duration,
        /// Whether sessions of other databases of the server are meant too.
        all_databases: bool,
    },
}

impl Action {
    /// Its name.
    pub const fn name(&self) -> ActionName {
        match self {
            Self::AnalyzeTable { .. } => ActionName::AnalyzeTable,
            Self::RefreshCacheQueue => ActionName::RefreshCacheQueue,
            Self::RunMaintenance { .. } => ActionName::RunMaintenance,
            Self::TerminateIdleInTransaction { .. } => ActionName::TerminateIdleInTransaction,
        }
    }
}

/// What a rule asks for when it fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// What is to be done.
    pub action: Action,
    /// How much of it within an hour, on one target; see [`ActionName::counted`].
    pub at_most_per_hour: i64,
    /// After how long it is done again while the alert fires.
    pub repeat_after: Option<Duration>,
    /// Whether only to say what would be done.
    pub dry_run: bool,
}

/// Why a response cannot be made of what a rule says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// The action is not on the list.
    #[error(transparent)]
    Action(#[from] crate::UnknownName),
    /// The arguments are not what the action takes.
    #[error("cannot use the arguments of {action}: {problem}")]
    Arguments {
        /// The action.
        action: ActionName,
        /// What is wrong, with what would be right.
        problem: String,
    },
}

/// The arguments as they are written down. Which of them an action takes is checked afterwards.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    schema: Option<String>,
    table: Option<String>,
    task: Option<Task>,
    older_than_seconds: Option<i64>,
    all_databases: Option<bool>,
    at_most_per_hour: Option<i64>,
    repeat_after_seconds: Option<i64>,
    dry_run: Option<bool>,
}

impl Response {
    /// Checks what a rule says: an action, and its arguments as a JSON object.
    ///
    /// # Errors
    ///
    /// An action that is not on the list, an argument that it does not take or that is out of its bounds.
    pub fn parse(action: &str, arguments: &Json) -> Result<Self, ResponseError> {
        let name: ActionName = action.parse()?;
        let refused = |problem: String| ResponseError::Arguments {
            action: name,
            problem,
        };
        check_names(name, arguments).map_err(refused)?;
        let arguments: Arguments =
            serde_json::from_value(arguments.clone()).map_err(|error| refused(error.to_string()))?;
        Self::new(name, arguments).map_err(refused)
    }

    fn new(name: ActionName, arguments: Arguments) -> Result<Self, String> {
        let within = |name: &str, value: Option<i64>, range: &std::ops::RangeInclusive<i64>| match value {
            Some(value) if !range.contains(&value) => Err(format!(
                "{name} is not between {} and {}",
                range.start(),
                range.end()
            )),
            value => Ok(value),
        };
        let repeat_after = within("repeat_after_seconds", arguments.repeat_after_seconds, &SECONDS)?;
        let limit = within("at_most_per_hour", arguments.at_most_per_hour, &LIMITS)?;
        let action = match name {
            ActionName::AnalyzeTable => Action::AnalyzeTable {
                table: table(arguments.schema, arguments.table)?,
            },
            ActionName::RefreshCacheQueue => Action::RefreshCacheQueue,
            ActionName::RunMaintenance => Action::RunMaintenance {
                task: arguments.task.ok_or("task is missing: write retention")?,
            },
            ActionName::TerminateIdleInTransaction => {
                let older_than = within("older_than_seconds", arguments.older_than_seconds, &IDLE_SECONDS)?;
                Action::TerminateIdleInTransaction {
                    older_than: seconds(older_than.ok_or("older_than_seconds is missing")?),
                    all_databases: arguments.all_databases.unwrap_or(false),
                }
            }
        };
        Ok(Self {
            action,
            at_most_per_hour: limit.unwrap_or(name.usual_limit()),
            repeat_after: repeat_after.map(seconds),
            dry_run: arguments.dry_run.unwrap_or(false),
        })
    }

    /// How much of it may be done now.
    ///
    /// # Errors
    ///
    /// Why nothing of it may.
    pub fn allowance(&self, turn: &Turn) -> Result<i64, Refusal> {
        if !turn.alert_fires {
            return Err(Refusal::AlertIsOver);
        }
        if turn.waited > LONGEST_WAIT {
            return Err(Refusal::WaitedTooLong);
        }
        let left = self.at_most_per_hour - turn.used_within_hour;
        match self.action {
            _ if left < 1 => Err(Refusal::LimitReached {
                limit: self.at_most_per_hour,
                counted: self.action.name().counted(),
            }),
            Action::TerminateIdleInTransaction { .. } => Ok(left),
            _ => Ok(1),
        }
    }
}

/// What is known when the turn of a response has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Whether its alert still fires.
    pub alert_fires: bool,
    /// How long it waited.
    pub waited: Duration,
    /// How much of the action was done to the target within the last hour, by whichever rule; what was begun and may
    /// have been done counts too.
    pub used_within_hour: i64,
}

/// Why a response is not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is nothing left to respond to.
    #[error("the alert was over before its turn came")]
    AlertIsOver,
    /// It would be a response to something else.
    #[error("it waited for its turn for more than {} minutes", LONGEST_WAIT.as_secs() / 60)]
    WaitedTooLong,
    /// Enough has been done.
    #[error("the limit of {limit} {counted} an hour is reached")]
    LimitReached {
        /// The limit.
        limit: i64,
        /// What it counts.
        counted: &'static str,
    },
}

fn check_names(action: ActionName, arguments: &Json) -> Result<(), String> {
    let arguments = arguments.as_object().ok_or("they are not a JSON object")?;
    let known = || {
        let all = action.arguments().iter().chain(&COMMON_ARGUMENTS);
        all.map(|(name, _)| *name)
    };
    for (name, value) in arguments {
        if !known().any(|known| known == name) {
            let known: Vec<_> = known().collect();
            return Err(format!("it takes no {name:?}, only {}", known.join(", ")));
        }
        if value.is_null() {
            return Err(format!("{name} is null: leave it out"));
        }
    }
    Ok(())
}

fn table(schema: Option<String>, table: Option<String>) -> Result<Option<(String, String)>, String> {
    let is_name = |name: &String| !name.is_empty() && name.len() <= LONGEST_NAME;
    match (schema, table) {
        (None, None) => Ok(None),
        (Some(schema), Some(table)) if is_name(&schema) && is_name(&table) => Ok(Some((schema, table))),
        (Some(_), Some(_)) => Err("schema and table are names of 1 to 63 bytes".to_owned()),
        _ => Err("schema and table go together".to_owned()),
    }
}

/// Only of what was found to be positive.
fn seconds(count: i64) -> Duration {
    Duration::from_secs(count.unsigned_abs())
}

#[cfg(test)]
mod tests;
