//! When nobody is to be told: silences, and maintenance windows that come again by a schedule.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Timelike, Utc};
use croner::Cron;

use crate::matcher::{Labels, Matchers};

/// Why nobody is told of an alert at present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quiet {
    /// Somebody silenced it.
    Silence(i64),
    /// A maintenance window is open.
    Window(String),
    /// It follows from what another rule found on the same target.
    Rule(String),
}

/// As it stands in the column `suppressed_by`: `silence 3`, `window nights`, `rule target_down`.
impl fmt::Display for Quiet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence(silence_id) => write!(formatter, "silence {silence_id}"),
            Self::Window(name) => write!(formatter, "window {name}"),
            Self::Rule(rule_id) => write!(formatter, "rule {rule_id}"),
        }
    }
}

/// A time within which alerts that match are not told.
#[derive(Clone, Debug)]
pub struct Silence {
    /// Its number.
    pub silence_id: i64,
    /// Which alerts.
    pub matchers: Matchers,
    /// From when on.
    pub starts_at: DateTime<Utc>,
    /// Until when.
    pub ends_at: DateTime<Utc>,
}

impl Silence {
    /// Whether an alert with these labels is silenced at a time.
    pub fn covers(&self, labels: &Labels, now: DateTime<Utc>) -> bool {
        (self.starts_at..self.ends_at).contains(&now) && self.matchers.matches(labels)
    }
}

/// The longest maintenance window: a week. What is to be quiet for longer is better switched off.
pub const LONGEST_WINDOW: Duration = Duration::from_secs(7 * 86_400);

/// A maintenance window: within it alerts that match are not told.
#[derive(Clone, Debug)]
pub struct Window {
    /// Its name.
    pub name: String,
    /// Which alerts.
    pub matchers: Matchers,
    /// When it begins.
    schedule: Cron,
    /// How long it lasts.
    duration: TimeDelta,
    /// The time on the clocks of its time zone.
    local_now: NaiveDateTime,
}

/// What is wrong with a maintenance window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// The schedule is no cron expression.
    #[error("{schedule:?} is no schedule of five fields (minute hour day month weekday): {problem}")]
    Schedule {
        /// The schedule.
        schedule: String,
        /// What is wrong with it.
        problem: String,
    },
    /// It would last no time, or forever.
    #[error("a window lasts from a minute to a week, not {seconds} s")]
    Duration {
        /// How long it would last.
        seconds: i64,
    },
}

impl Window {
    /// Checks a window. `schedule` has five fields, `local_now` is the time on the clocks of its time zone: which time it
    /// is elsewhere is known to the database.
    ///
    /// # Errors
    ///
    /// What is wrong with the schedule or the duration.
    pub fn new(
        name: String,
        matchers: Matchers,
        schedule: &str,
        duration_seconds: i64,
        local_now: NaiveDateTime,
    ) -> Result<Self, WindowError> {
        let longest = i64::try_from(LONGEST_WINDOW.as_secs()).unwrap_or(i64::MAX);
        if !(60..=longest).contains(&duration_seconds) {
            return Err(WindowError::Duration {
                seconds: duration_seconds,
            });
        }
        Ok(Self {
            name,
            matchers,
            schedule: parse(schedule)?,
            duration: TimeDelta::seconds(duration_seconds),
            local_now,
        })
    }

    /// Whether it is open now: it began no longer ago than it lasts. On the day on which clocks change it lasts as long as
    /// the clock says.
    pub fn is_open(&self) -> bool {
        let now = self
            .local_now
            .with_nanosecond(0)
            .unwrap_or(self.local_now)
            .and_utc();
        self.schedule
            .find_next_occurrence(&(now - self.duration), false)
            .is_ok_and(|begin| begin <= now)
    }

    /// Whether an alert with these labels is not to be told now.
    pub fn covers(&self, labels: &Labels) -> bool {
        self.matchers.matches(labels) && self.is_open()
    }
}

fn parse(schedule: &str) -> Result<Cron, WindowError> {
    Cron::new(schedule)
        .parse()
        .map_err(|error| WindowError::Schedule {
            schedule: schedule.to_owned(),
            problem: error.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    fn window(schedule: &str, minutes: i64, now: &str) -> Window {
        Window::new(
            "w".to_owned(),
            Matchers::default(),
            schedule,
            60 * minutes,
            time(now),
        )
        .unwrap()
    }

    #[test]
    fn a_window_is_open_from_its_time_on_for_as_long_as_it_lasts() {
        for (now, open) in [
            ("2026-11-21T01:59:59.9", false),
            ("2026-11-21T02:00:00", true),
            ("2026-11-21T02:00:00.5", true),
            ("2026-11-21T02:29:59.9", true),
            ("2026-11-21T02:30:00", false),
            ("2026-11-21T12:00:00", false),
        ] {
            assert_eq!(window("0 2 * * *", 30, now).is_open(), open, "{now}");
        }
        // The 21st is a Saturday: the window of Saturday night reaches into Sunday.
        assert!(window("0 22 * * 6", 240, "2026-11-22T01:00:00").is_open());
        assert!(!window("0 22 * * 6", 240, "2026-11-21T01:00:00").is_open());
    }

    #[test]
    fn a_window_that_comes_again_before_it_ends_stays_open() {
        for minute in 0..60 {
            assert!(window("*/10 * * * *", 10, &format!("2026-11-21T02:{minute:02}:30")).is_open());
        }
    }

    #[test]
    fn a_schedule_that_never_comes_is_never_open() {
        assert!(!window("0 0 31 2 *", 60, "2026-11-21T00:00:00").is_open());
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let refused = |schedule: &str, seconds: i64| {
            let window = Window::new(
                "w".to_owned(),
                Matchers::default(),
                schedule,
                seconds,
                time("2026-11-21T02:00:00"),
            );
            window.map(|_| ()).unwrap_err()
        };
        for schedule in ["", "soon", "* * *", "61 * * * *", "* * * * * *"] {
            assert!(
                matches!(refused(schedule, 60), WindowError::Schedule { .. }),
                "{schedule}"
            );
        }
        for seconds in [-1, 0, 59, 604_801] {
            assert_eq!(refused("0 2 * * *", seconds), WindowError::Duration { seconds });
        }
    }

    #[test]
    fn a_silence_holds_from_its_start_until_its_end() {
        let at = |text: &str| time(text).and_utc();
        let silence = Silence {
            silence_id: 1,
            matchers: Matchers::new(&["target=shop".parse().unwrap()]).unwrap(),
            starts_at: at("2026-11-21T02:00:00"),
            ends_at: at("2026-11-21T03:00:00"),
        };
        let shop = Labels::from([("target".to_owned(), "shop".to_owned())]);
        for (now, silent) in [
            ("01:59:59", false),
            ("02:00:00", true),
            ("02:59:59", true),
            ("03:00:00", false),
        ] {
            assert_eq!(
                silence.covers(&shop, at(&format!("2026-11-21T{now}"))),
                silent,
                "{now}"
            );
        }
        assert!(!silence.covers(&Labels::new(), at("2026-11-21T02:30:00")));
    }
}
