//! Thresholds.

use std::collections::BTreeMap;

use db::{Client, DbError, Row};
use serde_json::{Map, Value as Json};
use vitals::rule::{Aggregate, Metric, Rule, RuleDefinition, RuleError};
use vitals::unit::Unit;

/// The rules, checked one by one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// Those that can be evaluated, by name, whether enabled or not.
    pub valid: Vec<Rule>,
    /// What is wrong with the others. The table refuses malformed rows, so that these come from elsewhere: a restored
    /// dump, or another release.
    pub faults: Vec<RuleError>,
}

impl Rules {
    /// The rule of a name, enabled or not.
    pub fn find(&self, rule_id: &str) -> Option<&Rule> {
        self.valid.iter().find(|rule| rule.rule_id() == rule_id)
    }
}

/// All rules. A malformed one does not keep the others from being evaluated.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn all(client: &impl Client) -> Result<Rules, DbError> {
    let mut rules = Rules::default();
    for row in &client.query(include_str!("../sql/rules/all.sql"), &[]).await? {
        match read(row)? {
            Ok(rule) => rules.valid.push(rule),
            Err(fault) => rules.faults.push(fault),
        }
    }
    Ok(rules)
}

fn read(row: &Row) -> Result<Result<Rule, RuleError>, DbError> {
    let rule_id: String = row.get("rule_id")?;
    let Some(metric) = read_metric(row)? else {
        let metric = row.get("metric")?;
        return Ok(Err(RuleError::Metric { rule_id, metric }));
    };
    Ok(Rule::new(read_definition(row, rule_id, metric)?))
}

/// The metric that a rule names; nothing where this release has none of that name, or cannot read what it says.
fn read_metric(row: &Row) -> Result<Option<Metric>, DbError> {
    if !row.get::<bool>("metric_is_known")? {
        return Ok(None);
    }
    let (unit, aggregates): (String, Vec<String>) = (row.get("unit")?, row.get("aggregates")?);
    let aggregates: Result<Vec<Aggregate>, _> = aggregates.iter().map(|name| name.parse()).collect();
    let (Ok(unit), Ok(aggregates)) = (unit.parse::<Unit>(), aggregates) else {
        return Ok(None);
    };
    let mut metric = Metric::new(row.get::<String>("metric")?, unit, row.get::<String>("phrase")?)
        .with_aggregates(aggregates);
    if let Some(subject) = row.get::<Option<String>>("subject_kind")? {
        metric = metric.about(subject);
    }
    if let Some(collector) = row.get::<Option<String>>("collector")? {
        metric = metric.read_by(collector);
    }
    if row.get("is_generic")? {
        metric = metric.generic();
    }
    Ok(Some(metric))
}

fn read_definition(row: &Row, rule_id: String, metric: Metric) -> Result<RuleDefinition, DbError> {
    let tags: BTreeMap<String, String> = serde_json::from_value(row.get("tags")?).unwrap_or_default();
    Ok(RuleDefinition {
        rule_id,
        summary: row.get("summary")?,
        metric,
        aggregate: row.get("aggregate")?,
        labels: row.get("labels")?,
        comparison: row.get("comparison")?,
        warning: row.get("warning")?,
        critical: row.get("critical")?,
        emergency: row.get("emergency")?,
        threshold: row.get("threshold")?,
        resolve: row.get("resolve")?,
        window_seconds: row.get("window_seconds")?,
        for_seconds: row.get("for_seconds")?,
        cooldown_seconds: row.get("cooldown_seconds")?,
        minimum_traffic: row.get("minimum_traffic")?,
        no_data: row.get("no_data")?,
        inhibited_by: row.get("inhibited_by")?,
        tags,
        advice: row.get("advice")?,
        runbook: row.get("runbook")?,
        response: row.get("response")?,
        response_arguments: row.get("response_arguments")?,
        response_level: row.get("response_level")?,
        enabled: row.get("enabled")?,
    })
}

/// A rule as programs read it: its [`FIELDS`] as they can be written, with its name and the unit of its thresholds.
pub fn fields(rule: &Rule) -> Json {
    let definition = rule.definition();
    let mut fields = serde_json::to_value(definition).unwrap_or_default();
    fields["metric"] = definition.metric.name().into();
    fields["unit"] = definition.metric.unit().as_str().into();
    fields
}

/// The columns of a rule that [`save`] can write.
pub const FIELDS: [&str; 23] = [
    "summary",
    "metric",
    "aggregate",
    "labels",
    "comparison",
    "warning",
    "critical",
    "emergency",
    "threshold",
    "resolve",
    "window_seconds",
    "for_seconds",
    "cooldown_seconds",
    "minimum_traffic",
    "no_data",
    "inhibited_by",
    "tags",
    "advice",
    "runbook",
    "response",
    "response_arguments",
    "response_level",
    "enabled",
];

/// Changes a rule in some of its [`FIELDS`], or makes a new one of them. Gives whether it is new.
///
/// # Errors
///
/// What the server or the connection said: SQLSTATE 23514 with the name of the constraint where the rule would make no
/// sense, 23502 where a new one lacks something; and a `decode` error that names a field that no rule has.
pub async fn save(client: &impl Client, rule_id: &str, fields: &Map<String, Json>) -> Result<bool, DbError> {
    if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(DbError::decode(format!("a rule has no field {unknown}")));
    }
    let parameters = [rule_id.into(), Json::Object(fields.clone()).into()];
    let rows = client
        .query(include_str!("../sql/rules/save.sql"), &parameters)
        .await?;
    rows.one()?.get("is_new")
}

/// Removes a rule with its alerts. Gives whether there was one.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn remove(client: &impl Client, rule_id: &str) -> Result<bool, DbError> {
    let removed = client
        .execute(include_str!("../sql/rules/remove.sql"), &[rule_id.into()])
        .await?;
    Ok(removed > 0)
}
