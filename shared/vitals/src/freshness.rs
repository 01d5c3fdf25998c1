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
        /// It has never happened.
        Never = "never",
    }
}

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
        let Some(last_success) = last_success else {
            return Self::Never;
        };
        let allowed = TimeDelta::from_std(interval)
            .ok()
            .and_then(|interval| interval.checked_mul(ROUNDS))
            .map_or(TimeDelta::MAX, |allowed| allowed.max(LEAST));
        if now - last_success <= allowed {
            Self::Fresh
        } else {
            Self::Stale
        }
    }
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
}
