//! What is measured against the rules: one statement per metric, for all targets and rules at once.

use db::{Client, DbError, Row};
use vitals::alert::Observation;

/// What is known of one subject of one rule on one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The rule.
    pub rule_id: String,
    /// The target.
    pub target_id: i32,
    /// What of the target: the key of a statement, the name of a database, or empty.
    pub subject: String,
    /// The same for people: a normalised text, the name of a database or of the target.
    pub subject_label: String,
    /// The database that it belongs to.
    pub database: Option<String>,
    /// The user that it belongs to.
    pub user_name: Option<String>,
    /// What is seen. Subjects that rest or are not watched are reported only where an alert is open.
    pub observation: Observation,
    /// What the value is made of: calls, block accesses or samples.
    pub traffic: i64,
}

/// The statements, by the name of the metric; the last is what nothing observes any more.
const STATEMENTS: [&str; 5] = [
    include_str!("../sql/observations/statement_mean_ms.sql"),
    include_str!("../sql/observations/connection_use_percent.sql"),
    include_str!("../sql/observations/cache_hit_percent.sql"),
    include_str!("../sql/observations/target_down_seconds.sql"),
    include_str!("../sql/observations/retired.sql"),
];

/// Everything that the enabled rules may have to act on, on the enabled targets: of statements only those beyond a
/// threshold and those that an alert is open for. And, as [`Observation::Idle`], whatever an alert is open for whose rule
/// or target was switched off.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn all(client: &impl Client) -> Result<Vec<Observed>, DbError> {
    let mut observations = Vec::new();
    for statement in STATEMENTS {
        for row in &client.query(statement, &[]).await? {
            observations.push(read(row)?);
        }
    }
    Ok(observations)
}

fn read(row: &Row) -> Result<Observed, DbError> {
    let condition: String = row.get("condition")?;
    Ok(Observed {
        rule_id: row.get("rule_id")?,
        target_id: row.get("target_id")?,
        subject: row.get("subject")?,
        subject_label: row.get("subject_label")?,
        database: row.get("database")?,
        user_name: row.get("user_name")?,
        observation: match condition.as_str() {
            "measured" => Observation::Value(row.get("value")?),
            "idle" => Observation::Idle,
            _ => Observation::NoData,
        },
        traffic: row.get("traffic")?,
    })
}
