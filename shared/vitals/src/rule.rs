//! Rules: which value is watched, and where alarming begins.
//!
//! - `metric`: what can be watched; `labels`: of which subjects
//! - `definition`: a rule as it is written down, and what can be wrong with it
//! - here: a rule that was checked, and what a value means to it

mod definition;
mod labels;
mod metric;

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

pub use self::definition::{RuleDefinition, RuleError};
pub use self::labels::{LabelCondition, LabelFilter};
pub use self::metric::{Aggregate, Metric};
use crate::alert::Observation;
use crate::level::Level;
use crate::name::{UnknownName, names};

names! {
    /// Which side of a threshold is the bad one.
    "comparison" pub enum Comparison {
        /// Values above the threshold are bad.
        Above = "above",
        /// Values below the threshold are bad.
        Below = "below",
    }
}

impl Comparison {
    /// Whether `value` lies beyond `threshold`, strictly.
    pub fn is_beyond(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Above => value > threshold,
            Self::Below => value < threshold,
        }
    }
}

names! {
    /// What it means to a rule that nothing is known of a subject for a while.
    "no-data policy" pub enum NoDataPolicy {
        /// Nothing changes; that there is no data is shown.
        Keep = "keep",
        /// A warning, once it has lasted for the hold of the rule.
        Alert = "alert",
    }
}

/// A rule that was checked: its thresholds are ordered, its resolve value is on their good side, its times are sane.
///
/// There is no other way to get one than [`Rule::new`], so that nothing evaluates a rule that was not checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    definition: RuleDefinition,
    metric: Metric,
    aggregate: Aggregate,
    labels: LabelFilter,
    comparison: Comparison,
    thresholds: [Option<f64>; 3],
    window: Duration,
    hold: Duration,
    cooldown: Duration,
    no_data: NoDataPolicy,
    response_level: Level,
}

const A_YEAR: i64 = 366 * 86_400;

/// Where the levels begin, as shares of `threshold`.
const SHARES: [f64; 3] = [0.5, 1.0, 2.0];

impl Rule {
    /// Checks a definition.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the definition, the first thing first.
    pub fn new(definition: RuleDefinition) -> Result<Self, RuleError> {
        let comparison = name(&definition, &definition.comparison)?;
        let aggregate = aggregate(&definition)?;
        let metric = match aggregate {
            Aggregate::Rate => definition.metric.clone().per_second(),
            _ => definition.metric.clone(),
        };
        let labels = serde_json::from_value(definition.labels.clone()).map_err(|_| RuleError::Labels {
            rule_id: definition.rule_id.clone(),
        })?;
        let thresholds = thresholds(&definition, comparison)?;
        check_thresholds(&definition, &thresholds, comparison)?;
        let window = seconds(&definition, "window_seconds", definition.window_seconds, 1)?;
        let hold = seconds(&definition, "for_seconds", definition.for_seconds, 0)?;
        let cooldown = seconds(&definition, "cooldown_seconds", definition.cooldown_seconds, 0)?;
        within(
            &definition,
            "minimum_traffic",
            definition.minimum_traffic,
            0,
            i64::MAX,
        )?;
        Ok(Self {
            metric,
            aggregate,
            labels,
            comparison,
            thresholds,
            window,
            hold,
            cooldown,
            no_data: name(&definition, &definition.no_data)?,
            response_level: name(&definition, &definition.response_level)?,
            definition,
        })
    }

    /// Its name, such as `slow_statement`.
    pub fn rule_id(&self) -> &str {
        &self.definition.rule_id
    }

    /// What it is for, in a few words.
    pub fn summary(&self) -> &str {
        &self.definition.summary
    }

    /// What it watches.
    pub const fn metric(&self) -> &Metric {
        &self.metric
    }

    /// How the values of the window become one.
    pub const fn aggregate(&self) -> Aggregate {
        self.aggregate
    }

    /// Which subjects it is about.
    pub const fn labels(&self) -> &LabelFilter {
        &self.labels
    }

    /// Which side of its thresholds is bad.
    pub const fn comparison(&self) -> Comparison {
        self.comparison
    }

    /// How far back values are taken together.
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// How long a value must be bad before the alert fires ("for").
    pub const fn hold(&self) -> Duration {
        self.hold
    }

    /// How long after a recovery, or a change of level, the next notice of no greater urgency waits.
    pub const fn cooldown(&self) -> Duration {
        self.cooldown
    }

    /// How much must have happened in the window for a value to mean anything.
    pub const fn minimum_traffic(&self) -> i64 {
        self.definition.minimum_traffic
    }

    /// Where it is written what to do.
    pub fn runbook(&self) -> Option<&str> {
        self.definition.runbook.as_deref()
    }

    /// The next step, in one line.
    pub fn advice(&self) -> Option<&str> {
        self.definition.advice.as_deref()
    }

    /// What it means that nothing is known of a subject.
    pub const fn no_data(&self) -> NoDataPolicy {
        self.no_data
    }

    /// Rules that keep this one from being told while they fire for the same target.
    pub fn inhibited_by(&self) -> &[String] {
        &self.definition.inhibited_by
    }

    /// Labels of the rule itself, which routes and silences can ask for.
    pub const fn tags(&self) -> &BTreeMap<String, String> {
        &self.definition.tags
    }

    /// The action that is to be tried when it fires, if any.
    pub fn response(&self) -> Option<&str> {
        self.definition.response.as_deref()
    }

    /// From which level on the action is tried.
    pub const fn response_level(&self) -> Level {
        self.response_level
    }

    /// Whether it is evaluated.
    pub const fn is_enabled(&self) -> bool {
        self.definition.enabled
    }

    /// Where all is well again.
    pub const fn resolve(&self) -> f64 {
        self.definition.resolve
    }

    /// The rule as it is written down.
    pub const fn definition(&self) -> &RuleDefinition {
        &self.definition
    }

    /// Where a level begins, if the rule has that level.
    pub const fn threshold(&self, level: Level) -> Option<f64> {
        self.thresholds[level as usize]
    }

    /// Where its mildest level begins.
    pub fn mildest(&self) -> f64 {
        self.levels()
            .next()
            .map_or_else(|| self.resolve(), |(_, threshold)| threshold)
    }

    /// What a value and the traffic behind it mean to this rule.
    ///
    /// With less traffic than the rule asks for (an idle database, a statement that nobody runs) the subject is idle,
    /// whatever its value: ratios over a handful of events are noise.
    pub fn observe(&self, value: Option<f64>, traffic: i64) -> Observation {
        match value {
            _ if traffic < self.minimum_traffic() => Observation::Idle,
            Some(value) if value.is_finite() => Observation::Value(value),
            _ => Observation::NoData,
        }
    }

    /// The worst level whose threshold the value is beyond, without regard to what was before.
    pub fn level_of(&self, value: f64) -> Option<Level> {
        self.levels()
            .rev()
            .find(|(_, threshold)| self.comparison.is_beyond(value, *threshold))
            .map(|(level, _)| level)
    }

    /// The level of a value when the level was `current` until now: up at once, down only with hysteresis.
    ///
    /// A level is held until the value has come back past its threshold by as much as `resolve` lies from the mildest
    /// one, so that a value that hovers about any threshold does not flap.
    pub fn level_after(&self, current: Level, value: f64) -> Option<Level> {
        let held = self
            .levels()
            .rev()
            .find(|(level, threshold)| {
                *level <= current && self.comparison.is_beyond(value, self.release(*threshold))
            })
            .map(|(level, _)| level);
        held.max(self.level_of(value))
    }

    fn release(&self, threshold: f64) -> f64 {
        let mildest = self.mildest();
        // The mildest threshold is released at the resolve value itself, not at a rounded sum.
        if threshold == mildest {
            self.resolve()
        } else {
            threshold + (self.resolve() - mildest)
        }
    }

    fn levels(&self) -> impl DoubleEndedIterator<Item = (Level, f64)> {
        levels(&self.thresholds)
    }
}

fn levels(thresholds: &[Option<f64>; 3]) -> impl DoubleEndedIterator<Item = (Level, f64)> {
    Level::ALL
        .iter()
        .zip(thresholds)
        .filter_map(|(level, threshold)| Some((*level, (*threshold)?)))
}

fn name<T: FromStr<Err = UnknownName>>(definition: &RuleDefinition, text: &str) -> Result<T, RuleError> {
    text.parse().map_err(|source| RuleError::Name {
        rule_id: definition.rule_id.clone(),
        source,
    })
}

/// The aggregate that the rule names, or the metric's own.
fn aggregate(definition: &RuleDefinition) -> Result<Aggregate, RuleError> {
    let known = definition.metric.aggregates();
    let own = known.first().copied().unwrap_or(Aggregate::Last);
    let Some(text) = &definition.aggregate else {
        return Ok(own);
    };
    let aggregate = name(definition, text)?;
    if known.contains(&aggregate) {
        return Ok(aggregate);
    }
    let names: Vec<&str> = known.iter().map(|known| known.as_str()).collect();
    Err(RuleError::Aggregate {
        rule_id: definition.rule_id.clone(),
        metric: definition.metric.name().to_owned(),
        aggregate,
        known: names.join(", "),
    })
}

/// Where the levels begin, mildest first: as the rule says it, or as shares of its one threshold.
fn thresholds(definition: &RuleDefinition, comparison: Comparison) -> Result<[Option<f64>; 3], RuleError> {
    let own = [definition.warning, definition.critical, definition.emergency];
    let rule_id = definition.rule_id.clone();
    match definition.threshold {
        None if own == [None; 3] => Err(RuleError::NoThreshold { rule_id }),
        None => Ok(own),
        Some(_) if own != [None; 3] => Err(RuleError::TwoThresholds { rule_id }),
        Some(threshold) if comparison == Comparison::Above && threshold > 0.0 => {
            Ok(SHARES.map(|share| Some(share * threshold)))
        }
        Some(_) => Err(RuleError::Share { rule_id }),
    }
}

fn check_thresholds(
    definition: &RuleDefinition,
    thresholds: &[Option<f64>; 3],
    comparison: Comparison,
) -> Result<(), RuleError> {
    let rule_id = || definition.rule_id.clone();
    let not_finite = |field| RuleError::NotFinite {
        rule_id: rule_id(),
        field,
    };
    if !definition.resolve.is_finite() {
        return Err(not_finite("resolve"));
    }
    if let Some((level, _)) = levels(thresholds).find(|(_, threshold)| !threshold.is_finite()) {
        return Err(not_finite(level.as_str()));
    }
    for ((milder, milder_value), (worse, worse_value)) in levels(thresholds).zip(levels(thresholds).skip(1)) {
        if !comparison.is_beyond(worse_value, milder_value) {
            return Err(RuleError::Order {
                rule_id: rule_id(),
                comparison,
                milder,
                milder_value,
                worse,
                worse_value,
            });
        }
    }
    match levels(thresholds).next() {
        Some((_, mildest)) if comparison.is_beyond(definition.resolve, mildest) => Err(RuleError::Resolve {
            rule_id: rule_id(),
            comparison,
            threshold: mildest,
            resolve: definition.resolve,
        }),
        _ => Ok(()),
    }
}

fn within(
    definition: &RuleDefinition,
    field: &'static str,
    value: i64,
    minimum: i64,
    maximum: i64,
) -> Result<(), RuleError> {
    if (minimum..=maximum).contains(&value) {
        return Ok(());
    }
    Err(RuleError::Range {
        rule_id: definition.rule_id.clone(),
        field,
        value,
        minimum,
        maximum,
    })
}

fn seconds(
    definition: &RuleDefinition,
    field: &'static str,
    value: i64,
    minimum: i64,
) -> Result<Duration, RuleError> {
    within(definition, field, value, minimum, A_YEAR)?;
    Ok(Duration::from_secs(value.unsigned_abs()))
}

#[cfg(test)]
pub(crate) mod tests;
