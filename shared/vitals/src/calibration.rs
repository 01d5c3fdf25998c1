//! Thresholds from what is normal: where a rule should begin to alarm, by the history of what it watches.

use crate::level::Level;
use crate::rule::{Comparison, Rule};
use crate::unit::Unit;

/// What one subject was like on one day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day {
    /// The greatest value.
    pub greatest: f64,
    /// The least value.
    pub least: f64,
}

/// Where the levels of a rule should begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suggestion {
    /// The worst that is normal: that of a usual day of the worst subject.
    pub normal: f64,
    /// Where the levels should begin, mildest first; those that the rule has.
    pub levels: [Option<f64>; 3],
    /// Where all should be well again.
    pub resolve: f64,
}

/// How far beyond normal a warning begins at least, as a share of it.
const MARGIN: f64 = 0.25;

/// How far beyond normal a warning begins at least, in the distances by which the days of a subject usually differ.
const SPREADS: f64 = 4.0;

/// What a rule should alarm at, given the days of every subject that it watches; nothing where nothing was seen, or where
/// it already begins above what is normal.
///
/// Normal is the worst moment of a usual day: the median over the days, which a day of trouble does not move, of the worst
/// subject. Deployments and nightly reports are part of it. A warning begins a quarter beyond, or further where days differ
/// much (four times their median absolute deviation); the other levels and `resolve` move in the proportions that the rule
/// has now. What is a share of a hundred stays one.
pub fn suggest(rule: &Rule, subjects: &[Vec<Day>]) -> Option<Suggestion> {
    let comparison = rule.comparison();
    let usual = subjects
        .iter()
        .filter_map(|days| Usual::of(comparison, days))
        .reduce(|worst, usual| {
            if comparison.is_beyond(usual.normal, worst.normal) {
                usual
            } else {
                worst
            }
        })?;
    let scale = Scale::of(rule, usual);
    let begin = scale.begin();
    // Nothing lies below zero of what is bad below: there is no place left for a threshold.
    let has_place = begin.is_finite() && (comparison == Comparison::Above || begin > 0.0);
    if !has_place || !comparison.is_beyond(begin, rule.mildest()) {
        return None;
    }
    let levels = [Level::Warning, Level::Critical, Level::Emergency];
    Some(Suggestion {
        normal: usual.normal,
        levels: levels.map(|level| rule.threshold(level).map(|value| scale.apply(value))),
        resolve: scale.apply(rule.resolve()),
    })
}

/// How the thresholds of a rule move.
struct Scale {
    mildest: f64,
    usual: Usual,
    comparison: Comparison,
    /// Shares of a hundred that are bad above have less room the higher they are; those that are bad below are judged by
    /// what is missing to a hundred.
    is_share: bool,
}

impl Scale {
    fn of(rule: &Rule, usual: Usual) -> Self {
        Self {
            mildest: rule.mildest(),
            usual,
            comparison: rule.comparison(),
            is_share: rule.metric().unit() == Unit::Percent && (0.0..100.0).contains(&usual.normal),
        }
    }

    /// Where the mildest level should begin.
    fn begin(&self) -> f64 {
        let normal = self.usual.normal;
        let beyond = |of: f64| (of * MARGIN).max(self.usual.spread * SPREADS);
        let begin = match (self.comparison, self.is_share) {
            (Comparison::Above, true) => normal + beyond(normal).min((100.0 - normal) / 2.0),
            (Comparison::Above, false) => normal + beyond(normal),
            (Comparison::Below, true) => (normal - beyond(100.0 - normal)).max(0.0),
            (Comparison::Below, false) => normal - beyond(normal),
        };
        match rounded(begin) {
            // No share is above a hundred.
            round if self.is_share && round >= 100.0 => begin,
            round => round,
        }
    }

    /// Where another threshold moves with it.
    fn apply(&self, value: f64) -> f64 {
        let (begin, mildest) = (self.begin(), self.mildest);
        if value == mildest {
            begin
        } else if mildest == 0.0 {
            value + begin
        } else if self.comparison == Comparison::Above && self.is_share && mildest < 100.0 {
            100.0 - (100.0 - value) * (100.0 - begin) / (100.0 - mildest)
        } else {
            value * (begin / mildest)
        }
    }
}

/// What the days of one subject are usually like.
#[derive(Clone, Copy)]
struct Usual {
    /// The worst moment of a usual day.
    normal: f64,
    /// By how much that of another day usually differs.
    spread: f64,
}

impl Usual {
    fn of(comparison: Comparison, days: &[Day]) -> Option<Self> {
        let worst = days.iter().map(|day| match comparison {
            Comparison::Above => day.greatest,
            Comparison::Below => day.least,
        });
        let worst: Vec<f64> = worst.filter(|value| value.is_finite()).collect();
        let normal = median(worst.clone())?;
        let spread = median(worst.iter().map(|value| (value - normal).abs()).collect())?;
        Some(Self { normal, spread })
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Two digits are as many as a threshold needs; more would look like knowledge.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let step = 10f64.powf(value.abs().log10().floor() - 1.0);
    (value / step).round() * step
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rule::tests::{cache_hit, slow_statement};
    use crate::rule::{Metric, RuleDefinition};

    fn day(greatest: f64) -> Day {
        Day {
            greatest,
            least: greatest / 4.0,
        }
    }

    #[test]
    fn a_threshold_below_what_is_normal_is_raised_with_its_proportions() {
        let rule = Rule::new(slow_statement()).unwrap();
        // A day of trouble in seven moves nothing.
        let days = [400.0, 410.0, 420.0, 9_000.0, 400.0, 300.0, 310.0].map(day);
        let suggestion = suggest(&rule, &[days.to_vec(), vec![day(10.0)]]).unwrap();
        assert_eq!(suggestion.normal, 400.0);
        assert_eq!(suggestion.levels, [Some(500.0), Some(1_000.0), Some(2_000.0)]);
        assert_eq!(suggestion.resolve, 450.0);
    }

    #[test]
    fn where_days_differ_much_a_warning_begins_further_off() {
        let rule = Rule::new(slow_statement()).unwrap();
        let days = [400.0, 600.0, 300.0, 500.0, 450.0, 250.0, 350.0].map(day);
        let suggestion = suggest(&rule, &[days.to_vec()]).unwrap();
        assert_eq!(suggestion.normal, 400.0);
        assert_eq!(
            suggestion.levels[0],
            Some(800.0),
            "four times the 100 by which days differ"
        );
    }

    #[test]
    fn a_threshold_above_what_is_normal_stays() {
        let rule = Rule::new(slow_statement()).unwrap();
        assert_eq!(suggest(&rule, &[vec![day(100.0)]]), None);
        assert_eq!(suggest(&rule, &[]), None);
        assert_eq!(suggest(&rule, &[vec![]]), None);
    }

    #[test]
    fn less_is_worse_for_a_rule_that_compares_below() {
        let rule = Rule::new(cache_hit()).unwrap();
        let down_to = |least| Day {
            greatest: 99.9,
            least,
        };
        let suggestion = suggest(&rule, &[vec![down_to(80.0)]]).unwrap();
        assert_eq!(
            suggestion.levels[0],
            Some(75.0),
            "a quarter more is missing than on a usual day"
        );
        assert!(suggestion.levels[1] < suggestion.levels[0]);
        assert!(suggestion.resolve > 75.0 && suggestion.resolve < 80.0);
        assert_eq!(suggest(&rule, &[vec![down_to(99.9)]]), None);
    }

    fn connection_use() -> RuleDefinition {
        RuleDefinition {
            metric: Metric::new("connection_use_percent", Unit::Percent, "connection use"),
            warning: Some(70.0),
            critical: Some(85.0),
            emergency: Some(95.0),
            resolve: 65.0,
            ..slow_statement()
        }
    }

    proptest! {
        #[test]
        fn what_is_suggested_is_a_rule(
            which in 0..3usize,
            days in prop::collection::vec((0.0..1e6f64, 0.0..1.0f64), 1..20),
        ) {
            let definition = [slow_statement(), cache_hit(), connection_use()][which].clone();
            let rule = Rule::new(definition.clone()).unwrap();
            let most = if which == 0 { 1e6 } else { 100.0 };
            let days = days.iter().map(|(value, share)| Day {
                greatest: value % most,
                least: value % most * share,
            });
            if let Some(suggestion) = suggest(&rule, &[days.collect()]) {
                let [warning, critical, emergency] = suggestion.levels;
                let suggested = RuleDefinition {
                    warning,
                    critical,
                    emergency,
                    resolve: suggestion.resolve,
                    ..definition
                };
                prop_assert!(Rule::new(suggested.clone()).is_ok(), "{:?}", Rule::new(suggested));
                prop_assert!(rule.level_of(warning.unwrap()).is_some(), "it begins beyond what it was");
            }
        }
    }

    #[test]
    fn a_share_of_a_hundred_stays_below_it() {
        let rule = Rule::new(connection_use()).unwrap();
        let suggestion = suggest(&rule, &[vec![day(90.0)]]).unwrap();
        let [Some(warning), Some(critical), Some(emergency)] = suggestion.levels else {
            panic!("{suggestion:?}")
        };
        assert_eq!(warning, 95.0);
        assert!(
            warning < critical && critical < emergency && emergency < 100.0,
            "{suggestion:?}"
        );
        assert!(suggestion.resolve < warning);
    }
}
