//! Rules: which value is watched, and where alarming begins.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alert::Observation;
use crate::level::Level;
use crate::name::{UnknownName, names};
use crate::unit::Unit;

names! {
    /// What a rule watches.
    "metric" pub enum Metric {
        /// Mean execution time of a statement over the window, in milliseconds. One subject per statement.
        StatementMeanMs = "statement_mean_ms",
        /// Client connections in percent of those that `max_connections` leaves to clients. One subject per target.
        ConnectionUsePercent = "connection_use_percent",
        /// Blocks found in shared buffers in percent of all asked for in the window. One subject per database.
        CacheHitPercent = "cache_hit_percent",
        /// Seconds since the target was last reached. One subject per target.
        TargetDownSeconds = "target_down_seconds",
    }
}

impl Metric {
    /// What its values are measured in.
    pub const fn unit(self) -> Unit {
        match self {
            Self::StatementMeanMs => Unit::Milliseconds,
            Self::ConnectionUsePercent | Self::CacheHitPercent => Unit::Percent,
            Self::TargetDownSeconds => Unit::Seconds,
        }
    }

    /// What its values say, for the middle of a sentence.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::StatementMeanMs => "mean execution time",
            Self::ConnectionUsePercent => "connection use",
            Self::CacheHitPercent => "cache hit ratio",
            Self::TargetDownSeconds => "time without an answer",
        }
    }

    /// What one alert of such a rule is about, or `None` where it is about the target itself.
    pub const fn subject(self) -> Option<&'static str> {
        match self {
            Self::StatementMeanMs => Some("statement"),
            Self::CacheHitPercent => Some("database"),
            Self::ConnectionUsePercent | Self::TargetDownSeconds => None,
        }
    }
}

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

/// A rule as it is written down: a row of `monitoring.rules`, not checked yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleDefinition {
    /// Its name, such as `slow_statement`.
    pub rule_id: String,
    /// What it is for, in a few words.
    pub summary: String,
    /// The name of a [`Metric`].
    pub metric: String,
    /// The name of a [`Comparison`].
    pub comparison: String,
    /// Where a warning begins, in the unit of the metric.
    pub warning: Option<f64>,
    /// Where critical begins.
    pub critical: Option<f64>,
    /// Where an emergency begins.
    pub emergency: Option<f64>,
    /// Where all is well again: on the good side of the mildest threshold, or on it.
    pub resolve: f64,
    /// How far back values are taken together, in seconds.
    pub window_seconds: i64,
    /// How long a value must be bad before the alert fires, in seconds.
    pub for_seconds: i64,
    /// How long after a recovery, or a change of level, the next notice of no greater urgency may go out, in seconds.
    pub cooldown_seconds: i64,
    /// How much must have happened in the window (calls, block accesses) for a value to mean anything.
    pub minimum_traffic: i64,
    /// Where it is written what to do: an address or a path below the documentation.
    pub runbook: Option<String>,
    /// Whether it is evaluated.
    pub enabled: bool,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RuleError {
    /// The metric or the comparison has a name that is not known.
    #[error("cannot use rule {rule_id}")]
    Name {
        /// The rule.
        rule_id: String,
        /// What is not known.
        #[source]
        source: UnknownName,
    },
    /// There is nothing that the rule could fire at.
    #[error(
        "cannot use rule {rule_id}: it has no threshold, set at least one of warning, critical, emergency"
    )]
    NoThreshold {
        /// The rule.
        rule_id: String,
    },
    /// A number is not finite.
    #[error("cannot use rule {rule_id}: {field} is not a finite number")]
    NotFinite {
        /// The rule.
        rule_id: String,
        /// Which number.
        field: &'static str,
    },
    /// A level would begin before a milder one.
    #[error(
        "cannot use rule {rule_id}: {worse} at {worse_value} is not {comparison} {milder} at {milder_value}"
    )]
    Order {
        /// The rule.
        rule_id: String,
        /// The direction in which levels get worse.
        comparison: Comparison,
        /// The milder level.
        milder: Level,
        /// Where it begins.
        milder_value: f64,
        /// The worse level.
        worse: Level,
        /// Where it begins.
        worse_value: f64,
    },
    /// The alert would resolve while it still fires.
    #[error(
        "cannot use rule {rule_id}: it would resolve at {resolve}, which is {comparison} its threshold {threshold}"
    )]
    Resolve {
        /// The rule.
        rule_id: String,
        /// The bad direction.
        comparison: Comparison,
        /// The mildest threshold.
        threshold: f64,
        /// The resolve value.
        resolve: f64,
    },
    /// A duration or a count that is negative, a window that is empty, or one of more than a year.
    #[error("cannot use rule {rule_id}: {field} is {value}, expected {minimum} to {maximum}")]
    Range {
        /// The rule.
        rule_id: String,
        /// Which number.
        field: &'static str,
        /// Its value.
        value: i64,
        /// The least it may be.
        minimum: i64,
        /// The most it may be.
        maximum: i64,
    },
}

/// A rule that was checked: its thresholds are ordered, its resolve value is on their good side, its times are sane.
///
/// There is no other way to get one than [`Rule::new`], so that nothing evaluates a rule that was not checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    definition: RuleDefinition,
    metric: Metric,
    comparison: Comparison,
    window: Duration,
    hold: Duration,
    cooldown: Duration,
}

const A_YEAR: i64 = 366 * 86_400;

impl Rule {
    /// Checks a definition.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the definition, the first thing first.
    pub fn new(definition: RuleDefinition) -> Result<Self, RuleError> {
        let name_error = |source| RuleError::Name {
            rule_id: definition.rule_id.clone(),
            source,
        };
        let metric = definition.metric.parse::<Metric>().map_err(name_error)?;
        let comparison = definition.comparison.parse::<Comparison>().map_err(name_error)?;
        check_thresholds(&definition, comparison)?;
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
            definition,
            metric,
            comparison,
            window,
            hold,
            cooldown,
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
    pub const fn metric(&self) -> Metric {
        self.metric
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
        threshold(&self.definition, level)
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
        let mildest = self.levels().next().map_or(threshold, |(_, mildest)| mildest);
        // The mildest threshold is released at the resolve value itself, not at a rounded sum.
        if threshold == mildest {
            self.resolve()
        } else {
            threshold + (self.resolve() - mildest)
        }
    }

    fn levels(&self) -> impl DoubleEndedIterator<Item = (Level, f64)> {
        levels(&self.definition)
    }
}

const fn threshold(definition: &RuleDefinition, level: Level) -> Option<f64> {
    match level {
        Level::Warning => definition.warning,
        Level::Critical => definition.critical,
        Level::Emergency => definition.emergency,
    }
}

fn levels(definition: &RuleDefinition) -> impl DoubleEndedIterator<Item = (Level, f64)> {
    Level::ALL
        .iter()
        .filter_map(|level| Some((*level, threshold(definition, *level)?)))
}

fn check_thresholds(definition: &RuleDefinition, comparison: Comparison) -> Result<(), RuleError> {
    let rule_id = || definition.rule_id.clone();
    if !definition.resolve.is_finite() {
        return Err(RuleError::NotFinite {
            rule_id: rule_id(),
            field: "resolve",
        });
    }
    if let Some((level, _)) = levels(definition).find(|(_, threshold)| !threshold.is_finite()) {
        return Err(RuleError::NotFinite {
            rule_id: rule_id(),
            field: level.as_str(),
        });
    }
    let Some((_, mildest)) = levels(definition).next() else {
        return Err(RuleError::NoThreshold { rule_id: rule_id() });
    };
    for ((milder, milder_value), (worse, worse_value)) in levels(definition).zip(levels(definition).skip(1)) {
        if !comparison.is_beyond(worse_value, milder_value) {
            let rule_id = rule_id();
            return Err(RuleError::Order {
                rule_id,
                comparison,
                milder,
                milder_value,
                worse,
                worse_value,
            });
        }
    }
    if comparison.is_beyond(definition.resolve, mildest) {
        let resolve = definition.resolve;
        return Err(RuleError::Resolve {
            rule_id: rule_id(),
            comparison,
            threshold: mildest,
            resolve,
        });
    }
    Ok(())
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
