//! Flapping: what comes and goes again and again is told once, and kept open until it is calm.
//!
//! As routers damp routes that come and go ([RFC 2439](https://www.rfc-editor.org/rfc/rfc2439)): every turn for the
//! worse adds to a penalty that halves with time. Beyond one bound the alert is damped: it does not resolve and gets no
//! better, so that nobody is told of every turn. Below another it may again.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::elapsed;

/// In this time a penalty halves.
const HALF_LIFE: Duration = Duration::from_secs(15 * 60);

/// Beyond this an alert is damped: at the third firing within some minutes.
const DAMPED_ABOVE: f64 = 2.0;

/// Below this it is damped no more.
const CALM_BELOW: f64 = 0.75;

/// No penalty is greater, so that an alert that is calm at last is over within an hour, however it flapped before.
const GREATEST_PENALTY: f64 = 12.0;

/// After this time a penalty makes no difference any more, and need not be remembered.
pub const MEMORY: Duration = Duration::from_secs(60 * 60);

/// How often an alert turned for the worse of late.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flaps {
    /// The penalty at `counted_at`.
    pub penalty: f64,
    /// When it was counted.
    pub counted_at: DateTime<Utc>,
    /// Whether the alert is damped.
    pub damped: bool,
}

/// A turn for the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// From well to bad.
    Began,
    /// From bad to worse.
    Worsened,
}

impl Turn {
    const fn penalty(self) -> f64 {
        match self {
            Self::Began => 1.0,
            Self::Worsened => 0.5,
        }
    }
}

impl Flaps {
    /// Of an alert that begins.
    pub(super) const fn none(now: DateTime<Utc>) -> Self {
        Self {
            penalty: 0.0,
            counted_at: now,
            damped: false,
        }
    }

    /// Counts a turn for the worse.
    pub(super) fn after(self, turn: Turn, now: DateTime<Utc>) -> Self {
        let penalty = (self.penalty_at(now) + turn.penalty()).min(GREATEST_PENALTY);
        Self {
            penalty,
            // A clock that was set back must not let the same time count twice.
            counted_at: now.max(self.counted_at),
            damped: self.is_damped(now) || penalty > DAMPED_ABOVE,
        }
    }

    /// Whether the alert is to be kept as it is at this time.
    pub(super) fn is_damped(self, now: DateTime<Utc>) -> bool {
        self.damped && self.penalty_at(now) >= CALM_BELOW
    }

    fn penalty_at(self, now: DateTime<Utc>) -> f64 {
        let halvings = elapsed(self.counted_at, now).as_secs_f64() / HALF_LIFE.as_secs_f64();
        self.penalty * 0.5_f64.powf(halvings)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    #[test]
    fn the_third_turn_within_minutes_is_one_too_many() {
        let mut flaps = Flaps::none(at(0));
        for (minute, damped) in [(0, false), (5, false), (10, true)] {
            flaps = flaps.after(Turn::Began, at(minute));
            assert_eq!(flaps.is_damped(at(minute)), damped, "{minute}");
        }
        assert!(flaps.is_damped(at(30)));
        assert!(!flaps.is_damped(at(40)));
    }

    #[test]
    fn what_happens_every_quarter_of_an_hour_is_no_flapping() {
        let mut flaps = Flaps::none(at(0));
        for quarter in 0..100 {
            flaps = flaps.after(Turn::Began, at(15 * quarter));
            assert!(!flaps.damped, "{quarter}");
        }
    }

    proptest! {
        #[test]
        fn whatever_happened_it_is_forgotten_in_time(turns in prop::collection::vec((-2i64..10, any::<bool>()), 0..50)) {
            let (mut flaps, mut minute) = (Flaps::none(at(0)), 0);
            for (minutes, began) in turns {
                minute += minutes;
                flaps = flaps.after(if began { Turn::Began } else { Turn::Worsened }, at(minute));
                prop_assert!((0.0..=GREATEST_PENALTY).contains(&flaps.penalty));
            }
            let calm = flaps.counted_at + TimeDelta::from_std(MEMORY).unwrap() + TimeDelta::seconds(1);
            prop_assert!(!flaps.is_damped(calm));
        }
    }
}
