//! When a cron trigger fires: six-field cron expressions, in UTC.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SubsecRound, Utc};
use croner::Cron;
use croner::errors::CronError;

/// A cron expression of six fields: second, minute, hour, day of month, month, day of week.
///
/// It is read by the same crate, with the same settings, as in Spin's cron trigger. The shorthands `@hourly`,
/// `@daily` and so on stand for six fields.
///
/// ```
/// use application::Schedule;
///
/// let schedule: Schedule = "*/15 * * * * *".parse()?;
/// let now = "2026-01-01T00:00:01Z".parse()?;
/// assert_eq!(schedule.next_after(now), Some("2026-01-01T00:00:15Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Schedule {
    expression: String,
    cron: Cron,
}

/// A cron expression that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the cron expression {expression:?}")]
pub struct ScheduleError {
    expression: String,
    source: CronError,
}

impl ScheduleError {
    pub(crate) fn hint(&self) -> String {
        const SIX: &str = "write six fields: second minute hour day-of-month month day-of-week";
        let expression = self.expression.trim();
        match expression.split_whitespace().count() {
            5 if !expression.starts_with('@') => format!("{SIX}; for example \"0 {expression}\""),
            _ => format!("{SIX}; for example \"*/15 * * * * *\" for every 15 seconds"),
        }
    }
}

impl Schedule {
    /// The expression as it was written.
    #[must_use]
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The first time the schedule fires after `time`, to the second; none when it never does, such as on
    /// 30 February.
    #[must_use]
    pub fn next_after(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.cron.find_next_occurrence(&time.trunc_subsecs(0), false).ok()
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(expression: &str) -> Result<Self, Self::Err> {
        match Cron::new(expression).with_seconds_required().parse() {
            Ok(cron) => Ok(Self {
                expression: expression.to_owned(),
                cron,
            }),
            Err(source) => Err(ScheduleError {
                expression: expression.to_owned(),
                source,
            }),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.expression)
    }
}
