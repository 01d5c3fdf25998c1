//! Whether something that ought to happen regularly still does.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::name::names;

names! {
    /// Whether something that ought to happen regularly still does.
    "freshness" pub enum Freshness {
        /// It happened as lately as it should.
        Fresh = "fresh",
        /// It missed more rounds than bad luck explains.
        Stale = "stale",
        /// It has never happened, and ought to have.
        Never = "never",
        /// It has never happened, but is expected only since a moment ago.
        Starting = "starting",
    }
}

/// How often each function ought to succeed at the least. The schedules stand in `spin.toml`, which no component sees.
pub const FUNCTION_INTERVAL: Duration = Duration::from_secs(60);

/// Rounds that may be missed before something is stale: one that is under way, one that was skipped because the one
/// before it took long, and one to spare.
const ROUNDS: i32 = 3;

/// Never call anything stale within this time of its last success, however short its interval: a schedule of a second
/// is not kept to the second.
const LEAST: TimeDelta = TimeDelta::seconds(10);

impl Freshness {
    /// The freshness of something that should succeed once per `interval` and last did at `last_success`.
    ///
    /// A success in the future (a clock that was set back) is fresh.
    pub fn of(last_success: Option<DateTime<Utc>>, interval: Duration, now: DateTime<Utc>) -> Self {
        match last_success {
            Some(last_success) if now - last_success <= allowed(interval) => Self::Fresh,
            Some(_) => Self::Stale,
            None => Self::Never,
        }
    }

    /// The freshness of a function by how long ago it last succeeded and, if it never did, for how long it has been
    /// expected to: since it was installed. Both in seconds, by the clock of the database.
    pub fn of_function(success_age_seconds: Option<f64>, expected_for_seconds: f64) -> Self {
        let allowed = allowed(FUNCTION_INTERVAL).as_seconds_f64();
        match success_age_seconds {
            Some(age) if age <= allowed => Self::Fresh,
            Some(_) => Self::Stale,
            None if expected_for_seconds <= allowed => Self::Starting,
            None => Self::Never,
        }
    }

    /// Whether there is nothing to worry about.
    pub const fn is_well(self) -> bool {
        matches!(self, Self::Fresh | Self::Starting)
    }
}

/// How long ago the last success may be.
fn allowed(interval: Duration) -> TimeDelta {
    TimeDelta::from_std(interval)
        .ok()
        .and_then(|interval| interval.checked_mul(ROUNDS))
        .map_or(TimeDelta::MAX, |allowed| allowed.max(LEAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_rounds_may_pass() {
        let start = DateTime::<Utc>::UNIX_EPOCH;
        let after = |seconds, interval| {
            Freshness::of(
                Some(start),
                Duration::from_secs(interval),
                start + TimeDelta::seconds(seconds),
            )
        };
        assert_eq!(after(45, 15), Freshness::Fresh);
        assert_eq!(after(46, 15), Freshness::Stale);
        assert_eq!(after(10, 1), Freshness::Fresh);
        assert_eq!(after(11, 1), Freshness::Stale);
        assert_eq!(after(-60, 15), Freshness::Fresh);
        assert_eq!(after(i64::from(u32::MAX), u64::MAX), Freshness::Fresh);
        assert_eq!(
            Freshness::of(None, Duration::from_secs(15), start),
            Freshness::Never
        );
    }

    #[test]
    fn a_function_that_never_succeeded_has_the_time_that_others_have_between_two_successes() {
        let of = Freshness::of_function;
        assert_eq!(of(Some(180.0), 1e6), Freshness::Fresh);
        assert_eq!(of(Some(181.0), 0.0), Freshness::Stale);
        assert_eq!(of(None, 180.0), Freshness::Starting);
        assert_eq!(of(None, 181.0), Freshness::Never);
        let well = Freshness::ALL.iter().filter(|freshness| freshness.is_well());
        assert_eq!(
            well.collect::<Vec<_>>(),
            [&Freshness::Fresh, &Freshness::Starting]
        );
    }
}
