//! A rule on stored samples: what it would have told (`rules test`), and where it should begin (`rules suggest`).

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use db::Connection;
use serde_json::{Value, json};
use store::{exposition, observations, rules, targets};
use vitals::alert::Observation;
use vitals::calibration::{self, Suggestion};
use vitals::replay::{Episode, Replay};
use vitals::rule::{Rule, RuleDefinition};
use vitals::text::truncate;
use vitals::unit::format_duration;

use super::{find, set};
use crate::arguments::{Suggest, TestRule};
use crate::failure::Failure;
use crate::output::{Listing, Output};

/// A target and what of it.
type Subject = (i32, String);

/// How many moments one statement looks at.
const AT_ONCE: usize = 240;

/// The longest label of a subject in a table.
const LONGEST_LABEL: usize = 60;

pub(super) async fn test(client: &Connection, arguments: &TestRule, output: &Output) -> Result<()> {
    let rule = changed(find(client, &arguments.name).await?, arguments)?;
    let names = target_names(client).await?;
    let only = only(&names, arguments.target.as_deref())?;
    // As often as it is evaluated, where that could make a difference.
    let tick = (rule.definition().window_seconds / 4).clamp(15, 900);
    let now = now(client).await?;
    let moments = moments(now, arguments.since, tick);
    let step = output.step(&format!(
        "evaluating {} at {} moments",
        rule.rule_id(),
        moments.len()
    ));
    let history = History::read(client, &rule, moments, only.as_deref()).await?;
    let seen_at_all = !observations::days(client, &rule, &[now], only.as_deref())
        .await
        .context("cannot look for what the rule is about")?
        .is_empty();
    drop(step);
    let episodes = history.replay(&rule);
    let mut listing = Listing::new(
        &["target", "about", "level", "from", "for", "worst", "notices"],
        "it would have told nothing",
    );
    for episode in &episodes {
        listing.row(
            cells(&rule, episode, &history, &names, now),
            &item(episode, &history, &names),
        )?;
    }
    output.listing(listing)?;
    if !output.is_json() {
        output.say(&told(&episodes, arguments.since));
        if !seen_at_all {
            output.say("note: nothing that the rule is about is seen at present: look at its labels and its minimum traffic");
        }
    }
    Ok(())
}

/// The rule with what was given on the command line in place of what it has.
fn changed(rule: Rule, arguments: &TestRule) -> Result<Rule> {
    let fields = set::thresholds(&arguments.thresholds, Some(&rule));
    let mut definition = rule.definition().clone();
    for (name, value) in &fields {
        let seconds = value.as_i64();
        match name.as_str() {
            "warning" => definition.warning = value.as_f64(),
            "critical" => definition.critical = value.as_f64(),
            "emergency" => definition.emergency = value.as_f64(),
            "threshold" => definition.threshold = value.as_f64(),
            "resolve" => definition.resolve = value.as_f64().unwrap_or(definition.resolve),
            "for_seconds" => definition.for_seconds = seconds.unwrap_or(definition.for_seconds),
            "window_seconds" => definition.window_seconds = seconds.unwrap_or(definition.window_seconds),
            _ => definition.minimum_traffic = seconds.unwrap_or(definition.minimum_traffic),
        }
    }
    Ok(Rule::new(definition)?)
}

fn cells(
    rule: &Rule,
    episode: &Episode<Subject>,
    history: &History,
    names: &HashMap<i32, String>,
    now: DateTime<Utc>,
) -> [String; 7] {
    let end = episode.resolved_at.unwrap_or(now);
    let lasted = (end - episode.fired_at).to_std().unwrap_or(Duration::ZERO);
    let still = if episode.resolved_at.is_none() { "+" } else { "" };
    [
        names.get(&episode.subject.0).cloned().unwrap_or_default(),
        truncate(&history.label(&episode.subject), LONGEST_LABEL),
        episode.level.to_string(),
        episode.fired_at.format("%Y-%m-%d %H:%M").to_string(),
        format!("{}{still}", format_duration(lasted)),
        rule.metric().unit().format(episode.value),
        episode.notices.to_string(),
    ]
}

fn item(episode: &Episode<Subject>, history: &History, names: &HashMap<i32, String>) -> Value {
    json!({
        "target": names.get(&episode.subject.0),
        "subject": episode.subject.1,
        "subject_label": history.label(&episode.subject),
        "level": episode.level,
        "fired_at": episode.fired_at,
        "resolved_at": episode.resolved_at,
        "value": episode.value,
        "notices": episode.notices,
    })
}

/// `3 alerts, 7 notices in 1 d`.
fn told(episodes: &[Episode<Subject>], since: i64) -> String {
    let notices: u32 = episodes.iter().map(|episode| episode.notices).sum();
    let span = format_duration(Duration::from_secs(since.unsigned_abs()));
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    format!(
        "{} alert{}, {notices} notice{} in {span}",
        episodes.len(),
        plural(episodes.len()),
        plural(notices as usize)
    )
}

pub(super) async fn suggest(client: &Connection, arguments: &Suggest, output: &Output) -> Result<()> {
    let watched = match &arguments.name {
        Some(name) => vec![find(client, name).await?],
        None => {
            let all = rules::all(client).await.context("cannot read the rules")?;
            let enabled = all.valid.into_iter().filter(Rule::is_enabled);
            enabled.collect()
        }
    };
    let names = target_names(client).await?;
    let only = only(&names, arguments.target.as_deref())?;
    let now = now(client).await?;
    let mut listing = Listing::new(
        &[
            "rule",
            "normal",
            "warning",
            "alerts",
            "suggested",
            "critical",
            "alerts then",
        ],
        "nothing to change: every rule begins above what is normal",
    );
    let step = output.step("reading what is normal");
    for rule in &watched {
        step.now(&format!("reading what is normal for {}", rule.rule_id()));
        let Some(calibrated) = Calibrated::of(client, rule, now, arguments.since, only.as_deref()).await?
        else {
            continue;
        };
        if calibrated.suggestion.is_some() || arguments.all || arguments.name.is_some() {
            listing.row(calibrated.cells(rule), &calibrated.item(rule))?;
        }
    }
    drop(step);
    let nothing = listing.is_empty();
    output.listing(listing)?;
    if !output.is_json() && !nothing {
        output.say("set one with `pgvitals rules set RULE --warning N --critical N`; `rules test` tells what it would have told");
    }
    Ok(())
}

/// What the history of a rule says of its thresholds.
struct Calibrated {
    alerts: usize,
    suggestion: Option<Suggestion>,
    alerts_then: usize,
}

impl Calibrated {
    /// Nothing where the rule saw nothing.
    async fn of(
        client: &Connection,
        rule: &Rule,
        now: DateTime<Utc>,
        since: i64,
        only: Option<&[i32]>,
    ) -> Result<Option<Self>> {
        let window = rule.definition().window_seconds;
        let mut subjects: BTreeMap<Subject, Vec<calibration::Day>> = BTreeMap::new();
        let mut is_passed = false;
        for moments in days_of(moments(now, since, window.clamp(60, 3600))) {
            let days = observations::days(client, rule, &moments, only)
                .await
                .with_context(|| format!("cannot read the history of {}", rule.rule_id()))?;
            for day in days {
                let calibration::Day { greatest, least } = day.day;
                is_passed |= rule.level_of(greatest).is_some() || rule.level_of(least).is_some();
                subjects
                    .entry((day.target_id, day.subject))
                    .or_default()
                    .push(day.day);
            }
        }
        if subjects.is_empty() {
            return Ok(None);
        }
        let days: Vec<_> = subjects.into_values().collect();
        let suggestion = calibration::suggest(rule, &days);
        let (mut alerts, mut alerts_then) = (0, 0);
        if is_passed {
            let history = History::read(
                client,
                rule,
                moments(now, since, (window / 2).clamp(60, 900)),
                only,
            )
            .await?;
            alerts = history.replay(rule).len();
            alerts_then = match &suggestion {
                Some(suggestion) => history.replay(&suggested(rule, suggestion)?).len(),
                None => alerts,
            };
        }
        Ok(Some(Self {
            alerts,
            suggestion,
            alerts_then,
        }))
    }

    fn cells(&self, rule: &Rule) -> [String; 7] {
        let shown = |value: Option<f64>| {
            value.map_or_else(|| "-".to_owned(), |value| rule.metric().unit().format(value))
        };
        let level = |place: usize| shown(self.suggestion.and_then(|suggestion| suggestion.levels[place]));
        [
            rule.rule_id().to_owned(),
            shown(self.suggestion.map(|suggestion| suggestion.normal)),
            shown(Some(rule.mildest())),
            self.alerts.to_string(),
            level(0),
            level(1),
            self.alerts_then.to_string(),
        ]
    }

    fn item(&self, rule: &Rule) -> Value {
        let suggested = self.suggestion.map(|suggestion| {
            let [warning, critical, emergency] = suggestion.levels;
            json!({
                "normal": suggestion.normal, "warning": warning, "critical": critical, "emergency": emergency,
                "resolve": suggestion.resolve,
            })
        });
        json!({
            "rule": rule.rule_id(), "warning": rule.mildest(), "unit": rule.metric().unit(), "alerts": self.alerts,
            "suggested": suggested, "alerts_then": self.alerts_then,
        })
    }
}

/// The rule with the suggested thresholds.
fn suggested(rule: &Rule, suggestion: &Suggestion) -> Result<Rule> {
    let [warning, critical, emergency] = suggestion.levels;
    Ok(Rule::new(RuleDefinition {
        warning,
        critical,
        emergency,
        threshold: None,
        resolve: suggestion.resolve,
        ..rule.definition().clone()
    })?)
}

/// What a rule saw, moment after moment.
struct History {
    moments: BTreeMap<DateTime<Utc>, BTreeMap<Subject, Observation>>,
    labels: HashMap<Subject, String>,
}

impl History {
    async fn read(
        client: &Connection,
        rule: &Rule,
        moments: Vec<DateTime<Utc>>,
        only: Option<&[i32]>,
    ) -> Result<Self> {
        let mut history = Self {
            moments: moments.iter().map(|moment| (*moment, BTreeMap::new())).collect(),
            labels: HashMap::new(),
        };
        for moments in moments.chunks(AT_ONCE) {
            let past = observations::past(client, rule, moments, only)
                .await
                .with_context(|| format!("cannot evaluate {} in the past", rule.rule_id()))?;
            for (at, observed) in past {
                let subject = (observed.target_id, observed.subject);
                history
                    .labels
                    .entry(subject.clone())
                    .or_insert(observed.subject_label);
                history
                    .moments
                    .entry(at)
                    .or_default()
                    .insert(subject, observed.observation);
            }
        }
        Ok(history)
    }

    fn replay(&self, rule: &Rule) -> Vec<Episode<Subject>> {
        let mut replay = Replay::new(rule);
        for (at, seen) in &self.moments {
            replay.see(*at, seen);
        }
        replay.into_episodes()
    }

    fn label(&self, subject: &Subject) -> String {
        self.labels.get(subject).cloned().unwrap_or_default()
    }
}

/// Moments a tick apart, up to now.
fn moments(now: DateTime<Utc>, since: i64, tick: i64) -> Vec<DateTime<Utc>> {
    let count = since / tick;
    (0..=count)
        .rev()
        .map(|place| now - TimeDelta::seconds(place * tick))
        .collect()
}

/// The moments day by day, as their values are summed up by the day.
fn days_of(moments: Vec<DateTime<Utc>>) -> impl Iterator<Item = Vec<DateTime<Utc>>> {
    let mut days: BTreeMap<_, Vec<DateTime<Utc>>> = BTreeMap::new();
    for moment in moments {
        days.entry(moment.date_naive()).or_default().push(moment);
    }
    days.into_values()
}

/// The time of the database, by which samples are stored.
async fn now(client: &Connection) -> Result<DateTime<Utc>> {
    let seconds = exposition::now(client).await.context("cannot ask for the time")?;
    DateTime::from_timestamp_micros((seconds * 1e6) as i64).context("the database's clock is out of range")
}

async fn target_names(client: &Connection) -> Result<HashMap<i32, String>> {
    let targets = targets::list(client).await.context("cannot list the targets")?;
    Ok(targets
        .into_iter()
        .map(|target| (target.target_id, target.name))
        .collect())
}

/// The number of a target by its name; nothing where none is named.
fn only(names: &HashMap<i32, String>, target: Option<&str>) -> Result<Option<Vec<i32>>> {
    let Some(wanted) = target else {
        return Ok(None);
    };
    let found = names.iter().find(|(_, name)| name.as_str() == wanted);
    let (target_id, _) = found.ok_or_else(|| {
        Failure::new(
            format!("there is no target `{wanted}`"),
            "see `pgvitals targets list`",
        )
    })?;
    Ok(Some(vec![*target_id]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_a_tick_apart_and_end_now() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1) + TimeDelta::seconds(30);
        let moments = moments(now, 60, 15);
        assert_eq!(moments.len(), 5);
        assert_eq!(moments.last(), Some(&now));
        let days: Vec<_> = days_of(moments).map(|day| day.len()).collect();
        assert_eq!(days, [2, 3], "23:59:30 and :45 of the day before");
    }
}
