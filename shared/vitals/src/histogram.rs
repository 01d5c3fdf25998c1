//! How values are distributed, in buckets that can be added: what percentiles of roll-ups are read from.
//!
//! The buckets are those of DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with
//! relative-error guarantees", PVLDB 12(12), 2019): with γ = (1 + α) / (1 − α), bucket *i* holds the values in
//! (γ^(i−1), γ^i], and 2γ^i / (γ + 1) is within α of each of them. The buckets do not depend on what was counted before,
//! so that the histogram of a day is the sum of those of its hours, and a quantile of it is within α of the true one.
//!
//! `monitoring.histogram_bucket`, `…_value` and `…_quantile` are the same in SQL.

use std::collections::BTreeMap;

/// The relative error of a quantile, α.
pub const RELATIVE_ERROR: f64 = 0.02;

/// ln γ, γ = 1.02 / 0.98. Written out because SQL has to use the very same number.
const LN_GAMMA: f64 = 0.040_005_334_613_699_13;

/// The number of the bucket that a value belongs to. Zero has bucket 0, positive values the positive numbers (DDSketch's
/// number and one), and a negative value the negated number of its opposite: the numbers have the order of the values.
pub fn bucket(value: i64) -> i32 {
    // Far from the limits of i32: the greatest magnitude there is, 2^63, has the number 1,093.
    let magnitude = |value: f64| 1 + (value.ln() / LN_GAMMA).ceil() as i32;
    match value {
        0 => 0,
        1.. => magnitude(value as f64),
        ..0 => -magnitude(-(value as f64)),
    }
}

/// The value that is within [`RELATIVE_ERROR`] of every value in a bucket.
pub fn value(bucket: i32) -> f64 {
    // 2γ^i / (γ + 1) = (1 − α) γ^i
    let exponent = f64::from(bucket.unsigned_abs()) - 1.0;
    f64::from(bucket.signum()) * (1.0 - RELATIVE_ERROR) * (exponent * LN_GAMMA).exp()
}

/// How many values fell into each bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    held: BTreeMap<i32, u64>,
}

impl Histogram {
    /// Counts a value, `weight` times.
    pub fn add(&mut self, value: i64, weight: u64) {
        if weight > 0 {
            let held = self.held.entry(bucket(value)).or_default();
            *held = held.saturating_add(weight);
        }
    }

    /// Adds what another histogram holds.
    pub fn merge(&mut self, other: &Histogram) {
        for (bucket, count) in &other.held {
            let held = self.held.entry(*bucket).or_default();
            *held = held.saturating_add(*count);
        }
    }

    /// How many values it holds.
    pub fn count(&self) -> u64 {
        self.held
            .values()
            .fold(0, |total, held| total.saturating_add(*held))
    }

    /// The value with a share `quantile` (0 to 1) of the others below it, within [`RELATIVE_ERROR`]: of n values in order
    /// the one at ⌊quantile · (n − 1)⌋, counted from 0. `None` where nothing was counted.
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        let count = self.count();
        let rank = (quantile.clamp(0.0, 1.0) * count.saturating_sub(1) as f64).floor();
        let mut up_to = 0u64;
        let found = self.held.iter().find(|(_, held)| {
            up_to = up_to.saturating_add(**held);
            up_to as f64 > rank
        });
        found.map(|(bucket, _)| value(*bucket))
    }

    /// One histogram of a roll-up, as the tables have it: counts by bucket. `None` for what is none.
    pub fn from_json(json: &serde_json::Value) -> Option<Histogram> {
        let held = json.as_object()?.iter();
        let held = held.map(|(bucket, count)| Some((bucket.parse().ok()?, count.as_u64()?)));
        Some(Histogram {
            held: held.collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The value at the rank that [`Histogram::quantile`] looks for, of all values.
    fn exact(values: &[i64], quantile: f64) -> f64 {
        let mut values = values.to_vec();
        values.sort_unstable();
        values[(quantile * (values.len() - 1) as f64).floor() as usize] as f64
    }

    fn of(values: &[i64]) -> Histogram {
        let mut histogram = Histogram::default();
        for value in values {
            histogram.add(*value, 1);
        }
        histogram
    }

    /// Numbers of every magnitude, not only great ones.
    fn any_value() -> impl Strategy<Value = i64> {
        (0u32..64, any::<i64>()).prop_map(|(shift, value)| value >> shift)
    }

    proptest! {
        #[test]
        fn the_value_of_a_bucket_is_within_the_error_of_all_it_holds(value in any_value()) {
            let error = (super::value(bucket(value)) - value as f64).abs();
            // Rounding costs the last digits.
            prop_assert!(error <= RELATIVE_ERROR * (value as f64).abs() * (1.0 + 1e-9), "{value}: {error}");
        }

        #[test]
        fn buckets_have_the_order_of_the_values(one in any_value(), other in any_value()) {
            prop_assert!(one > other || bucket(one) <= bucket(other));
        }

        #[test]
        fn a_quantile_is_within_the_error_of_the_true_one(
            values in prop::collection::vec(any_value(), 1..200), quantile in 0.0..=1.0f64,
        ) {
            let exact = exact(&values, quantile);
            let read = of(&values).quantile(quantile).unwrap();
            prop_assert!((read - exact).abs() <= RELATIVE_ERROR * exact.abs() * (1.0 + 1e-9), "{read} for {exact}");
        }

        #[test]
        fn parts_merged_in_any_order_are_the_whole(
            parts in prop::collection::vec(prop::collection::vec(any_value(), 0..50), 0..8),
        ) {
            let whole = of(&parts.concat());
            let merge = |histogram: Histogram, part: &Vec<i64>| {
                let mut merged = histogram;
                merged.merge(&of(part));
                merged
            };
            prop_assert_eq!(parts.iter().fold(Histogram::default(), merge), whole.clone());
            prop_assert_eq!(parts.iter().rev().fold(Histogram::default(), merge), whole);
        }
    }

    #[test]
    fn the_constant_is_the_logarithm_of_gamma() {
        let gamma: f64 = (1.0 + RELATIVE_ERROR) / (1.0 - RELATIVE_ERROR);
        assert!((gamma.ln() - LN_GAMMA).abs() < 1e-15);
        assert_eq!(
            [
                bucket(i64::MIN),
                bucket(-1),
                bucket(0),
                bucket(1),
                bucket(i64::MAX)
            ],
            [-1093, -1, 0, 1, 1093]
        );
    }

    #[test]
    fn weights_count_as_often_as_they_say() {
        let mut histogram = Histogram::default();
        histogram.add(1000, 99);
        histogram.add(1_000_000, 1);
        histogram.add(5, 0);
        assert_eq!(histogram.count(), 100);
        let median = histogram.quantile(0.5).unwrap();
        assert!((980.0..=1020.0).contains(&median), "{median}");
        let worst = histogram.quantile(1.0).unwrap();
        assert!((980_000.0..=1_020_000.0).contains(&worst), "{worst}");
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    #[test]
    fn what_the_tables_hold_is_read_and_what_is_none_is_not() {
        let read = Histogram::from_json(&json!({"0": 2, "-1": 1})).unwrap();
        assert_eq!(read, of(&[0, 0, -1]));
        for none in [json!(null), json!([1]), json!({"x": 1}), json!({"1": -1})] {
            assert_eq!(Histogram::from_json(&none), None, "{none}");
        }
    }
}
