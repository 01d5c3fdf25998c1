//! Thresholds.

use db::{Client, DbError, Row};
use vitals::rule::{Rule, RuleDefinition, RuleError};

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
        match Rule::new(read_definition(row)?) {
            Ok(rule) => rules.valid.push(rule),
            Err(fault) => rules.faults.push(fault),
        }
    }
    Ok(rules)
}

fn read_definition(row: &Row) -> Result<RuleDefinition, DbError> {
    Ok(RuleDefinition {
        rule_id: row.get("rule_id")?,
        summary: row.get("summary")?,
        metric: row.get("metric")?,
        comparison: row.get("comparison")?,
        warning: row.get("warning")?,
        critical: row.get("critical")?,
        emergency: row.get("emergency")?,
        resolve: row.get("resolve")?,
        window_seconds: row.get("window_seconds")?,
        for_seconds: row.get("for_seconds")?,
        cooldown_seconds: row.get("cooldown_seconds")?,
        minimum_traffic: row.get("minimum_traffic")?,
        runbook: row.get("runbook")?,
        enabled: row.get("enabled")?,
    })
}
