//! How soon a process that ended by itself is started again, and when it is given up.

use std::time::Duration;

use tokio::time::Instant;

/// The delay after the first end; it doubles with each further one.
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// The longest delay.
const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// A process that ran for this long was well: its earlier ends no longer count.
const HEALTHY_AFTER: Duration = Duration::from_secs(600);
/// Ends in a row after which a process is given up. With the delays between them that takes about four minutes.
const LIMIT: u32 = 9;

/// The record of one process.
#[derive(Debug)]
pub(super) struct Backoff {
    ends: u32,
    started: Instant,
}

impl Backoff {
    /// A process that was started just now.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            ends: 0,
            started: now,
        }
    }

    /// Notes a start.
    pub(super) fn started(&mut self, now: Instant) {
        self.started = now;
    }

    /// Notes an end and returns the delay before the next start; `None` when the process is to be given up.
    pub(super) fn ended(&mut self, now: Instant) -> Option<Duration> {
        if now.duration_since(self.started) >= HEALTHY_AFTER {
            self.ends = 0;
        }
        self.ends += 1;
        if self.ends > LIMIT {
            return None;
        }
        let doubled = FIRST_DELAY.saturating_mul(1 << (self.ends - 1).min(16));
        Some(doubled.min(LONGEST_DELAY))
    }

    /// The number of ends in a row.
    pub(super) fn ends(&self) -> u32 {
        self.ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_in_a_row_doubles_the_delay_until_the_process_is_given_up() {
        let now = Instant::now();
        let mut backoff = Backoff::new(now);
        let delays: Vec<u64> =
            std::iter::from_fn(|| backoff.ended(now).map(|delay| delay.as_secs())).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn a_process_that_was_well_for_long_begins_anew() {
        let now = Instant::now();
        let mut backoff = Backoff::new(now);
        for _ in 0..5 {
            backoff.ended(now);
        }
        backoff.started(now);
        assert_eq!(backoff.ended(now + HEALTHY_AFTER), Some(FIRST_DELAY));
        assert_eq!(backoff.ends(), 1);
    }

    #[test]
    fn an_end_soon_after_a_start_counts_on() {
        let now = Instant::now();
        let mut backoff = Backoff::new(now);
        backoff.ended(now);
        backoff.started(now);
        assert_eq!(backoff.ended(now + HEALTHY_AFTER / 2), Some(FIRST_DELAY * 2));
    }
}
