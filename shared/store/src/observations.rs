//! What is measured against the rules: one statement per metric, for all targets and rules at once.
//!
//! The same statements answer for a moment in the past ([`past`]), which is how rules are tried on history, and for the
//! last minutes of a subject ([`trends`]). A statement is put together of three: what is asked (`asked.sql`), the metric
//! (`sql/metrics/NAME.sql`, or `samples.sql` for the columns of collectors), and what comes of it (`observe.sql`).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use db::{Client, DbError, Row, Rows, Value};
use futures::future::try_join_all;
use serde::Serialize;
use serde_json::Value as Json;
use vitals::alert::Observation;
use vitals::calibration::Day;
use vitals::rule::{Comparison, LabelFilter, Rule};

use crate::metrics;
use crate::rules::Rules;

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
    /// What routes and silences can ask for: the target and its own labels, the database, the user, the table, ...
    pub labels: BTreeMap<String, String>,
    /// What is seen. Subjects that rest are reported only where an alert is open; what is not known, also under an empty
    /// subject for the rule as a whole.
    pub observation: Observation,
    /// What the value is made of: calls, block accesses or samples.
    pub traffic: i64,
}

/// One subject of one rule on one target.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Watched {
    /// The rule.
    pub rule_id: String,
    /// The target.
    pub target_id: i32,
    /// What of the target.
    pub subject: String,
}

const ASKED: &str = include_str!("../sql/observations/asked.sql");
const OBSERVE: &str = include_str!("../sql/observations/observe.sql");
const DAYS: &str = include_str!("../sql/observations/days.sql");
const SAMPLES: &str = include_str!("../sql/observations/samples.sql");

/// Where the statement of the metric stands in `observe.sql` and `days.sql`.
const METRIC: &str = "/* the metric */";

/// How many values a trend has at most.
pub const LONGEST_TREND: usize = 20;

/// For how many subjects a run asks for trends: what is told in a storm is told without.
pub const MOST_TRENDS: usize = 50;

/// Everything that the enabled rules may have to act on, on the enabled targets: what is beyond a threshold, what an alert
/// is open for or was until its cooldown ends, and what is not known. And, as [`Observation::Idle`], whatever an alert is
/// open for whose rule or target was switched off.
///
/// The metrics are measured over all connections at once, each over the one that is free first: two take two processors
/// of the server, and about half of the time.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn all<C: Client>(clients: &[&C], rules: &Rules) -> Result<Vec<Observed>, DbError> {
    let asked = rules
        .valid
        .iter()
        .filter(|rule| rule.is_enabled())
        .map(Asked::now);
    let mut questions: Vec<_> = by_metric(asked).into_iter().collect();
    // What most is asked of comes first (from the end), so that no connection is left alone with it.
    questions.sort_by_key(|(_, asked)| asked.len());
    let questions = RefCell::new(questions);
    let measured = clients.iter().map(async |client| {
        let mut observations = Vec::new();
        loop {
            let Some((metric, asked)) = questions.borrow_mut().pop() else {
                return Ok::<_, DbError>(observations);
            };
            for row in &ask(*client, OBSERVE, metric, &asked, None).await? {
                observations.push(read(row)?);
            }
        }
    });
    let mut observations = try_join_all(measured).await?.concat();
    if let Some(client) = clients.first() {
        let retired = client
            .query(include_str!("../sql/observations/retired.sql"), &[])
            .await?;
        for row in &retired {
            observations.push(read(row)?);
        }
    }
    Ok(observations)
}

/// What a rule would have seen at each of some moments in the past, on some targets or on all that are enabled. What is
/// not there had a value on the good side of `resolve`, or none. Collectors are taken to have worked.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn past(
    client: &impl Client,
    rule: &Rule,
    moments: &[DateTime<Utc>],
    targets: Option<&[i32]>,
) -> Result<Vec<(DateTime<Utc>, Observed)>, DbError> {
    let asked: Vec<Asked> = moments.iter().map(|at| Asked::past(rule, *at)).collect();
    let rows = ask(client, OBSERVE, statement_of(rule), &asked, targets).await?;
    rows.iter().map(|row| Ok((row.get("at")?, read(row)?))).collect()
}

/// What one subject of a rule was like on one day.
#[derive(Debug, Clone, PartialEq)]
pub struct SubjectDay {
    /// The target.
    pub target_id: i32,
    /// What of the target.
    pub subject: String,
    /// Between what its values were.
    pub day: Day,
}

/// Between what the values of a rule's subjects were on each day (of UTC), looked at at some moments.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn days(
    client: &impl Client,
    rule: &Rule,
    moments: &[DateTime<Utc>],
    targets: Option<&[i32]>,
) -> Result<Vec<SubjectDay>, DbError> {
    let asked: Vec<Asked> = moments.iter().map(|at| Asked::past(rule, *at)).collect();
    let rows = ask(client, DAYS, statement_of(rule), &asked, targets).await?;
    rows.iter()
        .map(|row| {
            Ok(SubjectDay {
                target_id: row.get("target_id")?,
                subject: row.get("subject")?,
                day: Day {
                    greatest: row.get("greatest")?,
                    least: row.get("least")?,
                },
            })
        })
        .collect()
}

/// The last values of some subjects up to a moment, oldest first, a window apart (an hour at most). Of more than
/// [`MOST_TRENDS`] subjects only the first have one.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn trends(
    client: &impl Client,
    rules: &Rules,
    watched: &[Watched],
    at: DateTime<Utc>,
) -> Result<HashMap<Watched, Vec<f64>>, DbError> {
    let watched = &watched[..watched.len().min(MOST_TRENDS)];
    let subjects: BTreeSet<(&str, &str)> = watched
        .iter()
        .map(|watched| (watched.rule_id.as_str(), watched.subject.as_str()))
        .collect();
    let asked = subjects.iter().flat_map(|(rule_id, subject)| {
        let rule = rules.find(rule_id);
        rule.into_iter().flat_map(|rule| Asked::trend(rule, subject, at))
    });
    let targets: BTreeSet<i32> = watched.iter().map(|watched| watched.target_id).collect();
    let targets: Vec<i32> = targets.into_iter().collect();
    let mut values: HashMap<Watched, BTreeMap<DateTime<Utc>, f64>> = HashMap::new();
    for (metric, asked) in by_metric(asked) {
        for row in &ask(client, OBSERVE, metric, &asked, Some(&targets)).await? {
            let observed = read(row)?;
            if let Observation::Value(value) = observed.observation {
                let subject = Watched {
                    rule_id: observed.rule_id,
                    target_id: observed.target_id,
                    subject: observed.subject,
                };
                values.entry(subject).or_default().insert(row.get("at")?, value);
            }
        }
    }
    Ok(values
        .into_iter()
        .map(|(subject, values)| (subject, values.into_values().collect()))
        .collect())
}

/// One question: what a rule sees, now or at a moment.
#[derive(Debug, Serialize)]
struct Asked<'a> {
    rule_id: &'a str,
    metric: &'a str,
    collector: Option<&'a str>,
    aggregate: &'static str,
    labels: Json,
    window_seconds: i64,
    minimum_traffic: i64,
    comparison: &'static str,
    mildest: f64,
    at: Option<DateTime<Utc>>,
    #[serde(skip)]
    statement: &'static str,
}

impl<'a> Asked<'a> {
    fn now(rule: &'a Rule) -> Self {
        Self {
            rule_id: rule.rule_id(),
            metric: rule.metric().name(),
            collector: rule.metric().collector(),
            aggregate: rule.aggregate().as_str(),
            labels: filter(rule.labels()),
            window_seconds: rule.definition().window_seconds,
            minimum_traffic: rule.minimum_traffic(),
            comparison: rule.comparison().as_str(),
            mildest: rule.mildest(),
            at: None,
            statement: statement_of(rule),
        }
    }

    /// What is on the good side of `resolve` makes no difference to any alert, and is left out.
    fn past(rule: &'a Rule, at: DateTime<Utc>) -> Self {
        Self {
            mildest: rule.resolve(),
            at: Some(at),
            ..Self::now(rule)
        }
    }

    /// Every value of one subject.
    fn trend(rule: &'a Rule, subject: &str, at: DateTime<Utc>) -> impl Iterator<Item = Self> {
        let step = TimeDelta::seconds(rule.definition().window_seconds.min(3600));
        let labels = serde_json::json!({ "subject": subject });
        (0..LONGEST_TREND as i32).map(move |place| Self {
            labels: labels.clone(),
            minimum_traffic: 0,
            comparison: Comparison::Above.as_str(),
            mildest: f64::MIN,
            at: Some(at - step * place),
            ..Self::now(rule)
        })
    }
}

/// A filter is texts all through, which JSON has.
fn filter(labels: &LabelFilter) -> Json {
    serde_json::to_value(labels).unwrap_or_default()
}

/// The statement that answers the metric of a rule.
fn statement_of(rule: &Rule) -> &'static str {
    let name = rule.metric().name();
    metrics::ALL
        .iter()
        .find(|metric| metric.name == name)
        .map_or(SAMPLES, |metric| metric.sql)
}

/// What is asked, by the statement that answers it.
fn by_metric<'a>(asked: impl Iterator<Item = Asked<'a>>) -> BTreeMap<&'static str, Vec<Asked<'a>>> {
    let mut questions: BTreeMap<&'static str, Vec<Asked<'a>>> = BTreeMap::new();
    for asked in asked {
        questions.entry(asked.statement).or_default().push(asked);
    }
    questions
}

/// Sends a question: what is wanted of a metric.
async fn ask(
    client: &impl Client,
    wanted: &str,
    metric: &str,
    asked: &[Asked<'_>],
    targets: Option<&[i32]>,
) -> Result<Rows, DbError> {
    let statement = format!("{ASKED}{}", wanted.replace(METRIC, metric));
    let targets = targets.map(|targets| targets.iter().copied().map(i64::from).collect::<Vec<_>>());
    let parameters: [Value; 2] = [crate::json::encode(&asked)?.into(), targets.into()];
    client.query(&statement, &parameters).await
}

fn read(row: &Row) -> Result<Observed, DbError> {
    let state: String = row.get("state")?;
    Ok(Observed {
        rule_id: row.get("rule_id")?,
        target_id: row.get("target_id")?,
        subject: row.get("subject")?,
        subject_label: row.get("subject_label")?,
        labels: labels(row.get("labels")?),
        observation: match state.as_str() {
            "value" => Observation::Value(row.get("value")?),
            "idle" => Observation::Idle,
            _ => Observation::NoData,
        },
        traffic: row.get("traffic")?,
    })
}

/// The labels that are known. The text of a statement is the subject's label already.
fn labels(labels: Json) -> BTreeMap<String, String> {
    let Json::Object(labels) = labels else {
        return BTreeMap::new();
    };
    let texts = labels.into_iter().filter_map(|(name, value)| match value {
        Json::String(text) if name != "query" => Some((name, text)),
        _ => None,
    });
    texts.collect()
}
