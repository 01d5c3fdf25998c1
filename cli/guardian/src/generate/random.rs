//! Numbers by chance that are the same on every machine: ChaCha's streams are specified, and the functions on floats
//! are those of `libm` rather than the system's.

use std::f64::consts::PI;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use uuid::Uuid;

/// What a stream of numbers is for. Each has its own, so that a change to one kind of row leaves the others as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Providers,
    Patients,
    Burden,
    Histories,
    Operations,
}

/// A stream of numbers.
#[derive(Debug)]
pub(crate) struct Random {
    numbers: ChaCha8Rng,
}

impl Random {
    /// The stream of a seed for one purpose in one cohort.
    pub(crate) fn new(seed: u32, cohort: u32, purpose: Purpose) -> Self {
        let mut numbers = ChaCha8Rng::seed_from_u64(u64::from(seed));
        numbers.set_stream((u64::from(cohort) << 8) | purpose as u64);
        Self { numbers }
    }

    /// The stream that a single row has of its own.
    pub(crate) fn of_row(seed: u64) -> Self {
        Self {
            numbers: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// Any number at all.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers.next_u64()
    }

    /// Evenly within 0 and 1, neither of which comes.
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.number() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Evenly one of 0, 1, ... `count` - 1; 0 where there is none.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.number()) * count as u128) >> 64) as usize
    }

    /// Evenly one of the whole numbers from `low` to `high`, both of which come.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).max(1) as usize) as i64
    }

    /// Yes, as often as `probability` says.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Normally around 0 with standard deviation 1.
    pub(crate) fn normal(&mut self) -> f64 {
        // Box and Muller 1958; the second number of each pair is not used, so that nothing is kept between calls.
        let radius = (-2.0 * libm::log(self.unit())).sqrt();
        radius * libm::cos(2.0 * PI * self.unit())
    }

    /// Normally around `mean`.
    pub(crate) fn around(&mut self, mean: f64, deviation: f64) -> f64 {
        mean + deviation * self.normal()
    }

    /// Positive, with a long tail: half are below `median`, and its logarithm spreads by `sigma`.
    pub(crate) fn skewed(&mut self, median: f64, sigma: f64) -> f64 {
        median * libm::exp(sigma * self.normal())
    }

    /// How many times it goes on, where it goes on each time with `probability`; never more than `most`.
    pub(crate) fn repetitions(&mut self, probability: f64, most: usize) -> usize {
        (0..most).take_while(|_| self.chance(probability)).count()
    }

    /// Evenly one of some things. There must be one.
    pub(crate) fn pick<'things, T>(&mut self, things: &'things [T]) -> &'things T {
        &things[self.below(things.len())]
    }

    /// One of some things, each as often as its weight says. There must be one.
    pub(crate) fn pick_by<'things, T>(
        &mut self,
        things: &'things [T],
        weight: impl Fn(&T) -> f64,
    ) -> &'things T {
        let total: f64 = things.iter().map(&weight).sum();
        let mut left = self.unit() * total;
        for thing in things {
            left -= weight(thing);
            if left < 0.0 {
                return thing;
            }
        }
        // What rounding left over is the last one's.
        &things[things.len() - 1]
    }

    /// The index of one of some weights, as often as each says.
    pub(crate) fn index_by(&mut self, weights: &[f64]) -> usize {
        let total: f64 = weights.iter().sum();
        let mut left = self.unit() * total;
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
        }
        weights.len().saturating_sub(1)
    }

    /// Another order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last + 1));
        }
    }

    /// A key as `gen_random_uuid()` makes them: version 4.
    pub(crate) fn uuid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        self.numbers.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random() -> Random {
        Random::new(1, 1, Purpose::Patients)
    }

    #[test]
    fn streams_are_their_own_and_always_the_same() {
        let first = |seed, cohort, purpose| Random::new(seed, cohort, purpose).number();
        let all = [
            first(1, 1, Purpose::Patients),
            first(2, 1, Purpose::Patients),
            first(1, 2, Purpose::Patients),
            first(1, 1, Purpose::Providers),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(first(1, 1, Purpose::Patients), all[0]);
    }

    #[test]
    fn whole_numbers_reach_both_ends_and_nothing_beyond() {
        let mut random = random();
        let seen: std::collections::BTreeSet<_> = (0..1_000).map(|_| random.between(-2, 3)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [-2, -1, 0, 1, 2, 3]);
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn normal_numbers_have_the_mean_and_the_spread_they_should() {
        let mut random = random();
        let numbers: Vec<f64> = (0..20_000).map(|_| random.around(10.0, 2.0)).collect();
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        let variance =
            numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / numbers.len() as f64;
        assert!((mean - 10.0).abs() < 0.06, "{mean}");
        assert!((variance.sqrt() - 2.0).abs() < 0.06, "{variance}");
    }

    #[test]
    fn things_come_as_often_as_they_weigh() {
        let mut random = random();
        let picked = (0..10_000)
            .filter(|_| *random.pick_by(&[1.0, 3.0], |weight| *weight) == 3.0)
            .count();
        assert!((7_200..7_800).contains(&picked), "{picked}");
        assert_eq!(random.index_by(&[0.0, 1.0, 0.0]), 1);
    }
}
