//! How soon a process that ended by itself is started again, and when it is given up.

use std::time::Duration;

use tokio::time::Instant;

/// How patient one is with a process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// The delay after the first end; it doubles with each further one.
    pub(super) first_delay: Duration,
    /// The longest delay.
    pub(super) longest_delay: Duration,
    /// A process that ran for this long was well: its earlier ends no longer count.
    pub(super) healthy_after: Duration,
    /// Ends in a row that are put up with.
    pub(super) limit: u32,
}

impl Default for Patience {
    /// With these delays a process is given up after some four minutes.
    fn default() -> Self {
        Self {
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(60),
            healthy_after: Duration::from_secs(600),
            limit: 9,
        }
    }
}

/// The record of one process.
#[derive(Debug)]
pub(super) struct Backoff {
    patience: Patience,
    ends: u32,
    started: Instant,
}

impl Backoff {
    /// A process that was started just now.
    pub(super) fn new(patience: Patience, now: Instant) -> Self {
        Self {
            patience,
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
        if now.duration_since(self.started) >= self.patience.healthy_after {
            self.ends = 0;
        }
        self.ends += 1;
        if self.ends > self.patience.limit {
            return None;
        }
        let doubled = self
            .patience
            .first_delay
            .saturating_mul(1 << (self.ends - 1).min(16));
        Some(doubled.min(self.patience.longest_delay))
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
        let mut backoff = Backoff::new(Patience::default(), now);
        let delays: Vec<u64> =
            std::iter::from_fn(|| backoff.ended(now).map(|delay| delay.as_secs())).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn a_process_that_was_well_for_long_begins_anew() {
        let now = Instant::now();
        let mut backoff = Backoff::new(Patience::default(), now);
        for _ in 0..5 {
            backoff.ended(now);
        }
        backoff.started(now);
        assert_eq!(
            backoff.ended(now + Duration::from_secs(600)),
            Some(Duration::from_secs(1))
        );
        assert_eq!(backoff.ends(), 1);
    }

    #[test]
    fn an_end_soon_after_a_start_counts_on() {
        let now = Instant::now();
        let mut backoff = Backoff::new(Patience::default(), now);
        backoff.ended(now);
        backoff.started(now);
        assert_eq!(
            backoff.ended(now + Duration::from_secs(300)),
            Some(Duration::from_secs(2))
        );
    }
}
