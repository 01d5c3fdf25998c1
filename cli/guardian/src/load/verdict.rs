//! What came of a load: every request beside its threshold, and beside the last run.

use std::time::Duration;

use serde::Serialize;
use vitals::level::Level;

/// A load that handled less of what was asked for than this could not keep up. The rest is chance: the times at which
/// requests come are random.
const KEPT_UP: f64 = 0.9;
/// Slower than in the last run, by so much of it, is worth a word: that is where a regression begins.
const SLOWER: f64 = 0.2;
/// A difference of less than this is noise, whatever its share, in milliseconds.
const NOISE_MS: f64 = 0.5;
/// So many requests make a percentile worth comparing.
const ENOUGH: u64 = 100;

/// What came of one request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// What was asked for.
    pub request: String,
    /// Which promise it falls under.
    pub class: String,
    /// How long it may take at most.
    pub threshold_ms: f64,
    /// How many were done.
    pub transactions: u64,
    /// How many failed.
    pub failed: u64,
    /// How many were done, a second.
    pub rate: f64,
    /// Half of them were as fast, waiting for a free session included.
    pub p50_ms: f64,
    /// Of a hundred 95 were as fast.
    pub p95_ms: f64,
    /// Of a hundred 99 were as fast.
    pub p99_ms: f64,
    /// The slowest.
    pub maximum_ms: f64,
    /// How long they waited for a free session, on average.
    pub mean_wait_ms: f64,
    /// How bad that is: by the share of the threshold that the 99th percentile takes. None: well.
    pub level: Option<Level>,
    /// The last run, where it had the same request.
    pub last: Option<Last>,
}

/// The same request in the last run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Last {
    /// How many were done then.
    pub transactions: u64,
    /// Half of them were as fast.
    pub p50_ms: f64,
    /// Of a hundred 95 were as fast.
    pub p95_ms: f64,
    /// Of a hundred 99 were as fast.
    pub p99_ms: f64,
}

impl Outcome {
    /// By how much slower the 95th percentile is than in the last run, in percent; less than 0 where it is faster.
    pub fn change_percent(&self) -> Option<f64> {
        let last = self.last.filter(|last| last.p95_ms > 0.0)?;
        Some((self.p95_ms / last.p95_ms - 1.0) * 100.0)
    }

    /// Whether it became slower than chance explains.
    pub fn is_slower(&self) -> bool {
        self.last.is_some_and(|last| {
            self.transactions >= ENOUGH
                && last.transactions >= ENOUGH
                && self.p95_ms > last.p95_ms * (1.0 + SLOWER)
                && self.p95_ms > last.p95_ms + NOISE_MS
        })
    }

    /// Whether its promise is kept.
    pub fn is_kept(&self) -> bool {
        self.failed == 0 && self.level.is_none_or(|level| level < Level::Critical)
    }
}

/// How bad it is that something takes so long: a warning from half of the threshold on, critical beyond it, an emergency
/// beyond twice as much.
pub fn level(took_ms: f64, threshold: Duration) -> Option<Level> {
    let share = took_ms / (threshold.as_secs_f64() * 1000.0);
    match share {
        share if share > 2.0 => Some(Level::Emergency),
        share if share > 1.0 => Some(Level::Critical),
        share if share > 0.5 => Some(Level::Warning),
        _ => None,
    }
}

/// What keeps a load from having passed, each in a line; nothing where it passed.
pub(crate) fn troubles(
    asked_rate: f64,
    rate: f64,
    outcomes: &[Outcome],
    broken_off: &[String],
) -> Vec<String> {
    let mut troubles = Vec::new();
    for error in broken_off {
        troubles.push(format!("a session broke off: {error}"));
    }
    if rate < asked_rate * KEPT_UP {
        troubles.push(format!(
            "{rate:.1} requests a second were handled where {asked_rate:.1} were asked for"
        ));
    }
    for outcome in outcomes {
        let Outcome {
            request,
            failed,
            p99_ms,
            threshold_ms,
            ..
        } = outcome;
        if *failed > 0 {
            troubles.push(format!("{request}: {failed} failed"));
        }
        if outcome.level.is_some_and(|level| level >= Level::Critical) {
            troubles.push(format!(
                "{request}: p99 is {p99_ms:.1} ms where {threshold_ms:.0} ms were promised"
            ));
        }
        if outcome.transactions == 0 && *failed == 0 {
            troubles.push(format!("{request}: none was handled"));
        }
    }
    troubles
}

/// What became slower, each in a line.
pub(crate) fn slower(outcomes: &[Outcome]) -> Vec<String> {
    let slower = outcomes.iter().filter(|outcome| outcome.is_slower());
    slower
        .filter_map(|outcome| {
            let last = outcome.last?;
            Some(format!(
                "{}: p95 is {:.1} ms, {:.0} % more than the {:.1} ms of the last run",
                outcome.request,
                outcome.p95_ms,
                outcome.change_percent()?,
                last.p95_ms
            ))
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A request that took so long, in milliseconds.
    pub(crate) fn outcome(request: &str, p95_ms: f64) -> Outcome {
        let threshold = Duration::from_millis(100);
        Outcome {
            request: request.to_owned(),
            class: "timeline".to_owned(),
            threshold_ms: 100.0,
            transactions: 1_000,
            failed: 0,
            rate: 20.0,
            p50_ms: p95_ms / 2.0,
            p95_ms,
            p99_ms: p95_ms * 2.0,
            maximum_ms: p95_ms * 4.0,
            mean_wait_ms: 0.1,
            level: level(p95_ms * 2.0, threshold),
            last: None,
        }
    }

    fn with_last(p95_ms: f64, last_ms: f64, transactions: u64) -> Outcome {
        Outcome {
            last: Some(Last {
                transactions,
                p50_ms: last_ms / 2.0,
                p95_ms: last_ms,
                p99_ms: last_ms * 2.0,
            }),
            ..outcome("page", p95_ms)
        }
    }

    #[test]
    fn levels_begin_at_half_the_threshold_at_it_and_at_twice_as_much() {
        let of = |took| level(took, Duration::from_millis(100));
        assert_eq!([of(50.0), of(50.1)], [None, Some(Level::Warning)]);
        assert_eq!(
            [of(100.0), of(100.1)],
            [Some(Level::Warning), Some(Level::Critical)]
        );
        assert_eq!(
            [of(200.0), of(200.1)],
            [Some(Level::Critical), Some(Level::Emergency)]
        );
    }

    #[test]
    fn slower_is_more_than_a_fifth_and_more_than_noise_of_enough_requests() {
        assert!(with_last(13.0, 10.0, 1_000).is_slower());
        assert!(!with_last(11.9, 10.0, 1_000).is_slower(), "less than a fifth");
        assert!(
            !with_last(0.8, 0.4, 1_000).is_slower(),
            "twice as much, and noise all the same"
        );
        assert!(!with_last(13.0, 10.0, 99).is_slower(), "of too few");
        assert!(!with_last(5.0, 10.0, 1_000).is_slower(), "faster");
        assert!(!outcome("page", 13.0).is_slower(), "for the first time");
        assert_eq!(
            slower(&[with_last(13.0, 10.0, 1_000)]),
            ["page: p95 is 13.0 ms, 30 % more than the 10.0 ms of the last run"]
        );
    }

    #[test]
    fn a_load_passes_only_without_any_trouble() {
        let well = outcome("page", 10.0);
        assert_eq!(
            troubles(20.0, 18.1, std::slice::from_ref(&well), &[]),
            Vec::<String>::new()
        );
        let slow = outcome("search", 60.0);
        let failing = Outcome {
            failed: 3,
            ..well.clone()
        };
        let never = Outcome {
            transactions: 0,
            ..well
        };
        assert!(!slow.is_kept() && !failing.is_kept());
        assert_eq!(
            troubles(
                20.0,
                17.9,
                &[slow, failing, never],
                &["deadlock detected".to_owned()]
            ),
            [
                "a session broke off: deadlock detected",
                "17.9 requests a second were handled where 20.0 were asked for",
                "search: p99 is 120.0 ms where 100 ms were promised",
                "page: 3 failed",
                "page: none was handled",
            ]
        );
    }
}
