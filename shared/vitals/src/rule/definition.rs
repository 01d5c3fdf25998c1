//! A rule as it is written down, and what can be wrong with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Aggregate, Comparison, Metric};
use crate::level::Level;
use crate::name::UnknownName;
use crate::unit::Unit;

/// A rule as it is written down: a row of `monitoring.rules` with the metric that it names, not checked yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleDefinition {
    /// Its name, such as `slow_statement`.
    pub rule_id: String,
    /// What it is for, in a few words.
    pub summary: String,
    /// What it watches.
    pub metric: Metric,
    /// The name of an [`Aggregate`]; without one the metric's own is taken.
    pub aggregate: Option<String>,
    /// Which subjects it is about: a [`LabelFilter`](super::LabelFilter) as JSON.
    pub labels: serde_json::Value,
    /// The name of a [`Comparison`].
    pub comparison: String,
    /// Where a warning begins, in the unit of the metric.
    pub warning: Option<f64>,
    /// Where critical begins.
    pub critical: Option<f64>,
    /// Where an emergency begins.
    pub emergency: Option<f64>,
    /// In place of the three: half of it is a warning, all of it critical, twice as much an emergency.
    pub threshold: Option<f64>,
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
    /// The name of a [`NoDataPolicy`](super::NoDataPolicy).
    pub no_data: String,
    /// Rules that keep this one from being told while they fire for the same target.
    pub inhibited_by: Vec<String>,
    /// Labels of the rule itself, which routes and silences can ask for.
    pub tags: BTreeMap<String, String>,
    /// The next step, in one line.
    pub advice: Option<String>,
    /// Where it is written what to do: an address or a path below the documentation.
    pub runbook: Option<String>,
    /// The action that is to be tried when it fires, if any.
    pub response: Option<String>,
    /// What the action is given.
    pub response_arguments: serde_json::Value,
    /// The name of the [`Level`] from which on the action is tried.
    pub response_level: String,
    /// Whether it is evaluated.
    pub enabled: bool,
}

impl Default for RuleDefinition {
    /// What a row of `monitoring.rules` has where nothing is said, and neither a name nor a threshold.
    fn default() -> Self {
        Self {
            rule_id: String::new(),
            summary: String::new(),
            metric: Metric::new("", Unit::Count, ""),
            aggregate: None,
            labels: serde_json::json!({}),
            comparison: Comparison::Above.to_string(),
            warning: None,
            critical: None,
            emergency: None,
            threshold: None,
            resolve: 0.0,
            window_seconds: 60,
            for_seconds: 0,
            cooldown_seconds: 300,
            minimum_traffic: 0,
            no_data: super::NoDataPolicy::Keep.to_string(),
            inhibited_by: Vec::new(),
            tags: BTreeMap::new(),
            advice: None,
            runbook: None,
            response: None,
            response_arguments: serde_json::json!({}),
            response_level: Level::Critical.to_string(),
            enabled: true,
        }
    }
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RuleError {
    /// There is no such metric, or not any more.
    #[error("cannot use rule {rule_id}: there is no metric {metric}")]
    Metric {
        /// The rule.
        rule_id: String,
        /// What it names.
        metric: String,
    },
    /// The metric cannot be taken together in this way.
    #[error("cannot use rule {rule_id}: {metric} has no {aggregate}, only {known}")]
    Aggregate {
        /// The rule.
        rule_id: String,
        /// The metric.
        metric: String,
        /// What it names.
        aggregate: Aggregate,
        /// What there is.
        known: String,
    },
    /// Something has a name that is not known.
    #[error("cannot use rule {rule_id}")]
    Name {
        /// The rule.
        rule_id: String,
        /// What is not known.
        #[source]
        source: UnknownName,
    },
    /// The label filter is none.
    #[error(
        "cannot use rule {rule_id}: a condition of labels is a text, {{\"like\": pattern}} or {{\"not\": text}}"
    )]
    Labels {
        /// The rule.
        rule_id: String,
    },
    /// There is nothing that the rule could fire at.
    #[error(
        "cannot use rule {rule_id}: it has no threshold, set at least one of warning, critical, emergency, or threshold"
    )]
    NoThreshold {
        /// The rule.
        rule_id: String,
    },
    /// There are two ways to tell where a level begins.
    #[error("cannot use rule {rule_id}: threshold takes the place of warning, critical and emergency")]
    TwoThresholds {
        /// The rule.
        rule_id: String,
    },
    /// Shares of a threshold get worse upwards only.
    #[error(
        "cannot use rule {rule_id}: threshold needs comparison above and more than 0, set the levels themselves"
    )]
    Share {
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
