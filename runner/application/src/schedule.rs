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

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the first times after `2026-01-01T00:00:00Z`, a Thursday.
    #[track_caller]
    fn check(expression: &str, expected: &[&str]) {
        let schedule: Schedule = expression.parse().unwrap();
        let mut time: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut found = Vec::new();
        for _ in expected {
            time = schedule.next_after(time).unwrap();
            found.push(time.format("%Y-%m-%d %H:%M:%S").to_string());
        }
        assert_eq!(found, expected, "expression {expression:?}");
    }

    #[test]
    fn expressions_that_spin_accepts_are_accepted() {
        check("* * * * * *", &["2026-01-01 00:00:01", "2026-01-01 00:00:02"]);
        check("*/5 * * * * *", &["2026-01-01 00:00:05", "2026-01-01 00:00:10"]);
        check("0/2 * * * * *", &["2026-01-01 00:00:02", "2026-01-01 00:00:04"]);
        check("1/3 * * * * *", &["2026-01-01 00:00:01", "2026-01-01 00:00:04"]);
        check(
            "1,30-31 * * * * *",
            &[
                "2026-01-01 00:00:01",
                "2026-01-01 00:00:30",
                "2026-01-01 00:00:31",
            ],
        );
        check(
            "0 0 9 * * MON-FRI",
            &[
                "2026-01-01 09:00:00",
                "2026-01-02 09:00:00",
                "2026-01-05 09:00:00",
            ],
        );
        check("0 0 0 ? JUN ?", &["2026-06-01 00:00:00"]);
        check("0 0 0 L * *", &["2026-01-31 00:00:00", "2026-02-28 00:00:00"]);
        check("0 0 0 * * 1#1", &["2026-01-05 00:00:00", "2026-02-02 00:00:00"]);
        check("0 0 0 * * 7", &["2026-01-04 00:00:00"]);
        check("@hourly", &["2026-01-01 01:00:00", "2026-01-01 02:00:00"]);
        check("@daily", &["2026-01-02 00:00:00"]);
    }

    #[track_caller]
    fn check_refused(expression: &str, hint: &str) {
        let error = expression.parse::<Schedule>().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot read the cron expression {expression:?}")
        );
        assert!(
            error.hint().contains(hint),
            "hint {:?} of {expression:?}",
            error.hint()
        );
    }

    #[test]
    fn expressions_that_spin_rejects_are_refused() {
        check_refused("*/5 * * * *", "\"0 */5 * * * *\"");
        check_refused("0 */5 * * * * 2026", "six fields");
        check_refused("@every 5s", "six fields");
        check_refused("every five seconds", "six fields");
        check_refused("", "six fields");
        check_refused("60 * * * * *", "six fields");
        check_refused("* * * * * MONDAY", "six fields");
    }

    #[test]
    fn a_date_that_never_comes_is_accepted_and_never_fires() {
        let schedule: Schedule = "0 0 0 30 2 *".parse().unwrap();
        assert_eq!(schedule.next_after("2026-01-01T00:00:00Z".parse().unwrap()), None);
    }

    #[test]
    fn the_part_of_a_second_does_not_move_the_next_time() {
        let schedule: Schedule = "*/5 * * * * *".parse().unwrap();
        let next = schedule
            .next_after("2026-01-01T00:00:04.999Z".parse().unwrap())
            .unwrap();
        assert_eq!(next.to_rfc3339(), "2026-01-01T00:00:05+00:00");
    }
}
