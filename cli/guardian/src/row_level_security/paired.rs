//! Two ways to run the same query, compared pair by pair: what disturbs the machine for a while disturbs both.

use serde::Serialize;

/// How much longer one way takes than the other, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// The median of the differences.
    pub median_ms: f64,
    /// A quarter of the differences is less.
    pub first_quartile_ms: f64,
    /// A quarter of the differences is more.
    pub third_quartile_ms: f64,
}

impl Cost {
    /// Of the times of both ways, pair by pair; nothing where there is no pair.
    pub(super) fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let differences: Vec<f64> = pairs.iter().map(|(with, without)| with - without).collect();
        Some(Self {
            median_ms: quantile(&differences, 0.5)?,
            first_quartile_ms: quantile(&differences, 0.25)?,
            third_quartile_ms: quantile(&differences, 0.75)?,
        })
    }

    /// Whether it is more than chance: three quarters of the pairs agree on which way is slower.
    pub fn is_clear(&self) -> bool {
        self.first_quartile_ms > 0.0 || self.third_quartile_ms < 0.0
    }
}

/// The value with a share of the others below it, between two of them where it falls there.
pub(super) fn quantile(values: &[f64], quantile: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let place = quantile.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (
        sorted.get(place.floor() as usize)?,
        sorted.get(place.ceil() as usize)?,
    );
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_cost_is_the_median_of_the_differences() {
        let cost = Cost::of(&[(2.0, 1.0), (13.0, 10.0), (3.0, 1.0), (100.0, 96.0), (6.0, 1.0)]).unwrap();
        assert_eq!(
            (cost.first_quartile_ms, cost.median_ms, cost.third_quartile_ms),
            (2.0, 3.0, 4.0)
        );
        assert!(cost.is_clear());
        assert!(
            !Cost::of(&[(1.0, 2.0), (2.0, 1.0), (1.0, 1.0)])
                .unwrap()
                .is_clear()
        );
        assert_eq!(Cost::of(&[]), None);
    }

    proptest! {
        #[test]
        fn a_shift_of_one_way_is_the_cost(times in prop::collection::vec(0.0..1e3f64, 1..60), shift in -5.0..5.0f64) {
            let pairs: Vec<(f64, f64)> = times.iter().map(|time| (time + shift, *time)).collect();
            let cost = Cost::of(&pairs).unwrap();
            prop_assert!((cost.median_ms - shift).abs() < 1e-9);
        }
    }
}
