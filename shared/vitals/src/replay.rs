//! A rule on history: what it would have told, by the same state machine that tells it now.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::alert::{AlertState, Observation, Phase, Step, Transition, step};
use crate::level::Level;
use crate::rule::Rule;

/// One alert from its first notice to its last.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode<S> {
    /// What it was about.
    pub subject: S,
    /// When it was told first.
    pub fired_at: DateTime<Utc>,
    /// When it was told to be over; `None` if it was not over at the end.
    pub resolved_at: Option<DateTime<Utc>>,
    /// How bad it was at the worst.
    pub level: Level,
    /// The worst value.
    pub value: f64,
    /// How often something was told of it: that it fires, that it changed its level, that it is over.
    pub notices: u32,
}

/// A rule that is tried on what was seen, moment after moment. `S` is a subject on a target.
#[derive(Debug)]
pub struct Replay<'rule, S> {
    rule: &'rule Rule,
    alerts: BTreeMap<S, AlertState>,
    open: BTreeMap<S, Episode<S>>,
    over: Vec<Episode<S>>,
}

impl<'rule, S: Ord + Clone> Replay<'rule, S> {
    /// A rule that has told nothing yet.
    pub fn new(rule: &'rule Rule) -> Self {
        Self {
            rule,
            alerts: BTreeMap::new(),
            open: BTreeMap::new(),
            over: Vec::new(),
        }
    }

    /// Takes in what was seen at a moment, later than all before. A subject that was not seen rests.
    pub fn see(&mut self, now: DateTime<Utc>, seen: &BTreeMap<S, Observation>) {
        let known: Vec<S> = self
            .alerts
            .keys()
            .filter(|subject| !seen.contains_key(subject))
            .cloned()
            .collect();
        for subject in known {
            self.step(now, &subject, Observation::Idle);
        }
        for (subject, observation) in seen {
            self.step(now, subject, *observation);
        }
    }

    /// Everything that would have been told, by its beginning.
    pub fn into_episodes(self) -> Vec<Episode<S>> {
        let mut episodes = self.over;
        episodes.extend(self.open.into_values());
        episodes.sort_by(|a, b| (a.fired_at, &a.subject).cmp(&(b.fired_at, &b.subject)));
        episodes
    }

    fn step(&mut self, now: DateTime<Utc>, subject: &S, observation: Observation) {
        let step = step(self.rule, self.alerts.get(subject), observation, now);
        match &step {
            Step::Keep => {}
            Step::Drop => {
                self.alerts.remove(subject);
            }
            Step::Open { next, .. } | Step::Update { next, .. } => {
                self.alerts.insert(subject.clone(), next.clone());
            }
        }
        if let (Observation::Value(value), Some(next)) = (observation, step.next())
            && next.phase != Phase::Resolved
        {
            self.worsen(subject, value);
        }
        if let Some(transition) = step.transition() {
            self.tell(now, subject, transition, observation);
        }
    }

    fn worsen(&mut self, subject: &S, value: f64) {
        if let Some(episode) = self.open.get_mut(subject)
            && self.rule.comparison().is_beyond(value, episode.value)
        {
            episode.value = value;
        }
    }

    fn tell(&mut self, now: DateTime<Utc>, subject: &S, transition: Transition, observation: Observation) {
        if let Transition::Fired { level } = transition {
            let value = match observation {
                Observation::Value(value) => value,
                Observation::Idle | Observation::NoData => self.rule.mildest(),
            };
            let episode = Episode {
                subject: subject.clone(),
                fired_at: now,
                resolved_at: None,
                level,
                value,
                notices: 1,
            };
            self.open.insert(subject.clone(), episode);
            return;
        }
        let Some(mut episode) = self.open.remove(subject) else {
            return;
        };
        episode.notices += 1;
        match transition {
            Transition::LevelChanged { to, .. } => {
                episode.level = episode.level.max(to);
                self.open.insert(subject.clone(), episode);
            }
            Transition::Resolved { .. } | Transition::Fired { .. } => {
                episode.resolved_at = Some(now);
                self.over.push(episode);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::rule::RuleDefinition;
    use crate::rule::tests::slow_statement;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn replay(values: &[(i64, &'static str, f64)]) -> Vec<Episode<&'static str>> {
        let rule = Rule::new(RuleDefinition {
            cooldown_seconds: 0,
            for_seconds: 30,
            ..slow_statement()
        })
        .unwrap();
        let mut replay = Replay::new(&rule);
        for moment in 0..40 {
            let now = moment * 15;
            let seen = values
                .iter()
                .filter(|(seconds, ..)| *seconds == now)
                .map(|(_, subject, value)| (*subject, Observation::Value(*value)))
                .collect();
            replay.see(at(now), &seen);
        }
        replay.into_episodes()
    }

    #[test]
    fn an_alert_is_told_once_it_has_held_and_ends_when_nothing_is_seen() {
        let told = replay(&[
            (15, "a", 300.0),
            (30, "a", 600.0),
            (45, "a", 700.0),
            (60, "a", 1_200.0),
            (30, "b", 300.0),
        ]);
        assert_eq!(told.len(), 1, "b did not hold: {told:?}");
        assert_eq!(told[0].subject, "a");
        assert_eq!(told[0].fired_at, at(45));
        assert_eq!(told[0].level, Level::Emergency);
        assert_eq!(told[0].value, 1_200.0);
        assert_eq!((told[0].resolved_at, told[0].notices), (Some(at(75)), 3));
    }

    #[test]
    fn what_is_not_over_has_no_end() {
        let values: Vec<_> = (0..40).map(|moment| (moment * 15, "a", 300.0)).collect();
        let told = replay(&values);
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].resolved_at, told[0].notices), (None, 1));
    }
}
