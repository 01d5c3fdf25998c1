//! What can be typed about rules.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Remove, telling};

#[derive(Debug, Subcommand)]
pub(crate) enum Rules {
    /// All rules, with their thresholds.
    List,
    /// One rule, with everything it says.
    Show(RuleName),
    /// Change a rule, or make a new one.
    Set(Box<SetRule>),
    /// Evaluate a rule.
    Enable(RuleName),
    /// Do not evaluate a rule any more; its alerts end.
    Disable(RuleName),
    /// Remove a rule with its alerts.
    Remove(Remove),
    /// What a rule would have told on the samples that are stored.
    Test(TestRule),
    /// Thresholds above what is normal, from the history of the targets.
    Suggest(Suggest),
    /// What rules can watch.
    Metrics,
}

#[derive(Debug, Args)]
pub(crate) struct RuleName {
    /// The name of the rule.
    pub(crate) name: String,
}

/// Where the levels begin, and when it counts.
#[derive(Debug, Default, Args)]
pub(crate) struct Thresholds {
    /// Where a warning begins; `none` for no such level.
    #[arg(long, value_parser = number_or_none, allow_hyphen_values = true)]
    pub(crate) warning: Option<Value>,
    /// Where critical begins.
    #[arg(long, value_parser = number_or_none, allow_hyphen_values = true)]
    pub(crate) critical: Option<Value>,
    /// Where an emergency begins.
    #[arg(long, value_parser = number_or_none, allow_hyphen_values = true)]
    pub(crate) emergency: Option<Value>,
    /// In place of the three: a warning at half of it, critical at it, an emergency at twice as much.
    #[arg(long, value_parser = number_or_none, conflicts_with_all = ["warning", "critical", "emergency"])]
    pub(crate) threshold: Option<Value>,
    /// Where all is well again; moves along with the thresholds if it is not given.
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) resolve: Option<f64>,
    /// How long a value must be bad: 90s, 15m.
    #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
    pub(crate) for_seconds: Option<i64>,
    /// How far back values are taken together.
    #[arg(long = "window", value_name = "TIME", value_parser = seconds)]
    pub(crate) window_seconds: Option<i64>,
    /// How much must have happened for a value to mean anything.
    #[arg(long)]
    pub(crate) minimum_traffic: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct SetRule {
    /// The name of the rule: lower case letters, digits and `_`.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) thresholds: Thresholds,
    /// What it watches: `pgvitals rules metrics` lists it.
    #[arg(long)]
    pub(crate) metric: Option<String>,
    /// How the values of the window become one: last, avg, min, max, sum, rate, p50, p95, p99.
    #[arg(long)]
    pub(crate) aggregate: Option<String>,
    /// Which subjects, as LABEL=TEXT, or LABEL={"like": "…"}, or LABEL={"not": "…"}; all have to fit. Takes the place of
    /// the conditions that it had.
    #[arg(long = "label", value_name = "LABEL=TEXT", value_parser = condition)]
    pub(crate) labels: Vec<(String, Value)>,
    /// Which side of the thresholds is bad: above or below.
    #[arg(long, value_parser = ["above", "below"])]
    pub(crate) comparison: Option<String>,
    /// How long the next notice of no greater urgency waits.
    #[arg(long = "cooldown", value_name = "TIME", value_parser = seconds)]
    pub(crate) cooldown_seconds: Option<i64>,
    /// What it means that nothing is known: keep or alert.
    #[arg(long, value_parser = ["keep", "alert"])]
    pub(crate) no_data: Option<String>,
    /// Rules that keep this one from being told while they fire for the same target; an empty text for none.
    #[arg(long, value_name = "RULE,RULE")]
    pub(crate) inhibited_by: Option<String>,
    /// A label of the rule itself, as KEY=VALUE. Takes the place of those that it had.
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = condition)]
    pub(crate) tags: Vec<(String, Value)>,
    /// What it is for, in a few words.
    #[arg(long)]
    pub(crate) summary: Option<String>,
    /// The next step, in one line.
    #[arg(long)]
    pub(crate) advice: Option<String>,
    /// Where it is written what to do.
    #[arg(long)]
    pub(crate) runbook: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TestRule {
    /// The name of the rule.
    pub(crate) name: String,
    /// How far back.
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = seconds)]
    pub(crate) since: i64,
    /// One target; all of them when none is named.
    #[arg(long)]
    pub(crate) target: Option<String>,
    /// Try other values than the rule has, without changing it.
    #[command(flatten)]
    pub(crate) thresholds: Thresholds,
}

#[derive(Debug, Args)]
pub(crate) struct Suggest {
    /// One rule; all that are enabled when none is named.
    pub(crate) name: Option<String>,
    /// How far back; a week at least knows the rhythm of a week.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = seconds)]
    pub(crate) since: i64,
    /// One target; all of them when none is named.
    #[arg(long)]
    pub(crate) target: Option<String>,
    /// Also rules that may stay as they are.
    #[arg(long)]
    pub(crate) all: bool,
}

/// A time as people write it, in seconds.
fn seconds(text: &str) -> Result<i64, String> {
    let time = telling::duration(text)?;
    i64::try_from(time.as_secs()).map_err(|error| error.to_string())
}

fn number_or_none(text: &str) -> Result<Value, String> {
    if text == "none" {
        return Ok(Value::Null);
    }
    text.parse::<f64>()
        .map(|number| json!(number))
        .map_err(|_| "write a number, or none".to_owned())
}

/// A text, or a condition as JSON.
fn condition(text: &str) -> Result<(String, Value), String> {
    let (label, condition) = text
        .split_once('=')
        .filter(|(label, _)| !label.is_empty())
        .ok_or_else(|| "write it as LABEL=TEXT".to_owned())?;
    let value = serde_json::from_str::<Value>(condition)
        .ok()
        .filter(Value::is_object)
        .unwrap_or_else(|| json!(condition));
    Ok((label.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_be_taken_away() {
        assert_eq!(number_or_none("none"), Ok(Value::Null));
        assert_eq!(number_or_none("1.5e3"), Ok(json!(1_500.0)));
        assert!(number_or_none("many").is_err());
    }

    #[test]
    fn a_condition_is_a_text_or_json() {
        let named = |value| Ok(("table".to_owned(), value));
        assert_eq!(condition("table=orders"), named(json!("orders")));
        assert_eq!(condition(r#"table={"not": "a=b"}"#), named(json!({"not": "a=b"})));
        assert_eq!(condition("table=5"), named(json!("5")));
        assert!(condition("=x").is_err() && condition("x").is_err());
    }
}
