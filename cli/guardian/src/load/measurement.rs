//! What a load saw: how long each request took, over all and as time went on.

use hdrhistogram::{CreationError, Histogram};
use serde::Serialize;

use super::log::{Ending, Entry};

/// The longest time that is told apart: an hour, in microseconds.
const LONGEST_US: u64 = 3_600_000_000;
/// How many points a chart over time has at most.
const MOST_POINTS: u64 = 300;
/// How many digits of a time are kept: one part in a thousand.
const DIGITS: u8 = 3;
/// The same for the points of a chart, where nobody sees more.
const DIGITS_OF_A_POINT: u8 = 2;
const SECOND_US: i64 = 1_000_000;

/// When a load began to count, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// In microseconds since 1970, by the clock of the machine with pgbench.
    pub(crate) begin_us: i64,
    /// In seconds, at least one.
    pub(crate) seconds: u64,
}

/// What became of the requests of one kind, or of all.
#[derive(Debug)]
pub(crate) struct Observed {
    latencies: Histogram<u64>,
    waited_us: u64,
    /// How many failed.
    pub(crate) failed: u64,
}

/// How long requests took, in microseconds: waiting for a free session included, as their users see it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Quantiles {
    /// Half of them were as fast.
    pub(crate) p50_us: u64,
    /// Of a hundred 95 were as fast.
    pub(crate) p95_us: u64,
    /// Of a hundred 99 were as fast.
    pub(crate) p99_us: u64,
    /// The slowest.
    pub(crate) maximum_us: u64,
}

/// Everything that was seen.
#[derive(Debug)]
pub(crate) struct Measurement {
    window: Window,
    /// How many seconds each point of the charts stands for.
    seconds_per_point: u64,
    requests: Vec<Observed>,
    points: Vec<Observed>,
    /// How many ended within each point, whenever they should have begun.
    ended: Vec<u64>,
}

/// A moment of the load.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Seconds since the warm-up ended.
    pub second: u64,
    /// Requests that ended, a second.
    pub rate: f64,
    /// Half of those that should have begun then were as fast, in milliseconds.
    pub p50_ms: f64,
    /// Of a hundred 95 were as fast.
    pub p95_ms: f64,
    /// Of a hundred 99 were as fast.
    pub p99_ms: f64,
    /// How many of them failed.
    pub failed: u64,
}

impl Observed {
    /// Nothing yet, in a histogram that keeps so many digits: each costs ten times the memory.
    fn new(digits: u8) -> Result<Self, CreationError> {
        Ok(Self {
            latencies: Histogram::new_with_bounds(1, LONGEST_US, digits)?,
            waited_us: 0,
            failed: 0,
        })
    }

    /// Times that were measured elsewhere, and how many failed beside them.
    pub(crate) fn of(took_us: &[i64], failed: u64) -> Result<Self, CreationError> {
        let mut observed = Self::new(DIGITS)?;
        for took in took_us {
            observed.latencies.saturating_record(took.unsigned_abs());
        }
        observed.failed = failed;
        Ok(observed)
    }

    fn add(&mut self, entry: &Entry) {
        match entry.ending {
            Ending::Done { took_us, waited_us } => {
                self.latencies.saturating_record(took_us.unsigned_abs());
                self.waited_us = self.waited_us.saturating_add(waited_us.unsigned_abs());
            }
            Ending::Failed | Ending::Skipped => self.failed += 1,
        }
    }

    /// How many were done.
    pub(crate) fn done(&self) -> u64 {
        self.latencies.len()
    }

    /// How long they took.
    pub(crate) fn quantiles(&self) -> Quantiles {
        if self.latencies.is_empty() {
            return Quantiles::default();
        }
        Quantiles {
            p50_us: self.latencies.value_at_quantile(0.5),
            p95_us: self.latencies.value_at_quantile(0.95),
            p99_us: self.latencies.value_at_quantile(0.99),
            maximum_us: self.latencies.max(),
        }
    }

    /// How long they waited for a free session, on average.
    pub(crate) fn mean_wait_us(&self) -> f64 {
        self.waited_us as f64 / self.done().max(1) as f64
    }
}

impl Measurement {
    /// Nothing yet, of so many kinds of requests.
    pub(crate) fn new(requests: usize, window: Window) -> Result<Self, CreationError> {
        let seconds_per_point = window.seconds.div_ceil(MOST_POINTS).max(1);
        let points = usize::try_from(window.seconds.div_ceil(seconds_per_point)).unwrap_or_default();
        let several = |count, digits| {
            (0..count)
                .map(|_| Observed::new(digits))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            window,
            seconds_per_point,
            requests: several(requests, DIGITS)?,
            points: several(points, DIGITS_OF_A_POINT)?,
            ended: vec![0; points],
        })
    }

    /// Counts a transaction, unless it belongs to the warm-up.
    pub(crate) fn add(&mut self, entry: &Entry) {
        let Some(due) = self.point_of(entry.due_us()) else {
            return;
        };
        if let Some(point) = self.points.get_mut(due) {
            point.add(entry);
        }
        if let Some(request) = self.requests.get_mut(entry.script) {
            request.add(entry);
        }
        if let Some(ended) = self
            .point_of(entry.ended_us)
            .and_then(|point| self.ended.get_mut(point))
        {
            *ended += 1;
        }
    }

    /// Which point of the charts a moment belongs to; none before the window and after it.
    fn point_of(&self, at_us: i64) -> Option<usize> {
        let second = u64::try_from(at_us.checked_sub(self.window.begin_us)?).ok()? / SECOND_US.unsigned_abs();
        let point = usize::try_from(second / self.seconds_per_point).ok()?;
        (second < self.window.seconds).then_some(point)
    }

    /// Each kind of request, in the order of the scripts.
    pub(crate) fn requests(&self) -> &[Observed] {
        &self.requests
    }

    /// The load as time went on.
    pub(crate) fn series(&self) -> Vec<Point> {
        let points = (0..).zip(self.points.iter().zip(&self.ended));
        points
            .map(|(number, (observed, ended))| {
                let second = number * self.seconds_per_point;
                // The last point may be shorter than the others.
                let seconds = self.seconds_per_point.min(self.window.seconds - second);
                let quantiles = observed.quantiles();
                Point {
                    second,
                    rate: *ended as f64 / seconds as f64,
                    p50_ms: milliseconds(quantiles.p50_us),
                    p95_ms: milliseconds(quantiles.p95_us),
                    p99_ms: milliseconds(quantiles.p99_us),
                    failed: observed.failed,
                }
            })
            .collect()
    }
}

/// Microseconds as milliseconds.
pub(crate) fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BEGIN: i64 = 1_700_000_000_000_000;

    fn done(script: usize, due_us: i64, took_us: i64) -> Entry {
        Entry {
            script,
            ended_us: due_us + took_us,
            ending: Ending::Done {
                took_us,
                waited_us: took_us / 2,
            },
        }
    }

    fn measurement(requests: usize, seconds: u64) -> Measurement {
        let window = Window {
            begin_us: BEGIN,
            seconds,
        };
        Measurement::new(requests, window).unwrap()
    }

    #[test]
    fn a_request_counts_by_when_it_should_have_begun() {
        let mut measured = measurement(2, 2);
        // Due in the warm-up, however late it ended; and two that count, of which one ended after the last second.
        measured.add(&done(0, BEGIN - 1, 1_500_000));
        measured.add(&done(0, BEGIN, 4_000));
        measured.add(&done(1, BEGIN + 1_900_000, 200_000));
        let counts: Vec<u64> = measured.requests().iter().map(Observed::done).collect();
        assert_eq!(counts, [1, 1]);
        let series = measured.series();
        assert_eq!(series.len(), 2);
        assert_eq!((series[0].rate, series[1].rate), (1.0, 0.0));
        assert!((series[1].p50_ms - 200.0).abs() < 2.0, "{series:?}");
        assert_eq!(measured.requests()[1].mean_wait_us(), 100_000.0);
    }

    #[test]
    fn what_failed_is_counted_and_has_no_time() {
        let mut measured = measurement(1, 1);
        measured.add(&Entry {
            script: 0,
            ended_us: BEGIN + 5,
            ending: Ending::Failed,
        });
        assert_eq!(
            (measured.requests()[0].failed, measured.requests()[0].done()),
            (1, 0)
        );
        assert_eq!(measured.requests()[0].quantiles(), Quantiles::default());
        assert_eq!(measured.series()[0].failed, 1);
    }

    #[test]
    fn a_long_load_has_no_more_points_than_a_chart_can_show() {
        let mut measured = measurement(1, 3_602);
        measured.add(&done(0, BEGIN + 3_601_500_000, 1_000));
        let series = measured.series();
        assert_eq!(series.len(), 278);
        assert_eq!(series[277].second, 277 * 13);
        // The last point stands for one second.
        assert_eq!(series[277].rate, 1.0);
    }

    proptest! {
        #[test]
        fn quantiles_are_within_a_thousandth_of_the_true_ones(mut took in prop::collection::vec(1i64..60_000_000, 1..500)) {
            let mut measured = measurement(1, 1);
            for took in &took {
                measured.add(&done(0, BEGIN, *took));
            }
            took.sort_unstable();
            let quantiles = measured.requests()[0].quantiles();
            for (quantile, read) in [(0.5, quantiles.p50_us), (0.95, quantiles.p95_us), (0.99, quantiles.p99_us)] {
                let rank = ((quantile * took.len() as f64).ceil() as usize).max(1);
                let exact = took[rank - 1] as f64;
                prop_assert!((read as f64 - exact).abs() <= exact / 1000.0 + 1.0, "{quantile}: {read}, not {exact}");
            }
        }
    }
}
