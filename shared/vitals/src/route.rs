//! Routes: who is told of which alert, and when.
//!
//! Nobody is told because something happened; they are told because what they were told last is not what they should
//! know now. [`Routing::messages`] compares the two. So a silence that ends while an alert still fires is news then, a
//! channel that is added later hears of what is going on, and a run that was killed is made good by the next one.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::level::Level;
use crate::matcher::{Labels, Matchers};
use crate::notification::Event;

/// From matching alerts to channels, step by step.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// Which alerts it is for.
    pub matchers: Matchers,
    /// Whether the routes after it are looked at too.
    pub continues: bool,
    /// Who is told, in the order of their steps. A route without any is for alerts that nobody is to hear of.
    pub steps: Vec<RouteStep>,
    /// After how long those who were told are told again, while nobody has acknowledged the alert.
    pub reminder: Option<Duration>,
}

/// A channel of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteStep {
    /// The number of the step, from 1. Channels of the same step are told together.
    pub step: i32,
    /// How long after the alert fired, if nobody has acknowledged it by then.
    pub after: Duration,
    /// The channel.
    pub channel_id: i32,
}

/// A channel that is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The level from which on it is told of an alert.
    pub minimum_level: Level,
    /// Whether its receiver has been refusing messages, or not answering, for some time.
    pub is_failing: bool,
}

/// What a channel was told of an alert last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// How bad it was said to be; `None` if it was said to be over.
    pub level: Option<Level>,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether a message about it was given up: the channel may never have heard.
    pub is_dead: bool,
}

/// What decides who should know of an alert that fires or has just ended.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Its labels.
    pub labels: &'a Labels,
    /// How bad it is.
    pub level: Level,
    /// Whether it is over.
    pub is_over: bool,
    /// When it fired.
    pub opened_at: DateTime<Utc>,
    /// When somebody acknowledged it, if that still counts.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// Whether nobody is to be told at present: silenced, in a maintenance window, or following from another alert.
    pub is_quiet: bool,
    /// What each channel was told of it, by the channel's number.
    pub told: &'a BTreeMap<i32, Told>,
}

/// Something to tell a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The channel.
    pub channel_id: i32,
    /// What kind of news it is to the channel.
    pub event: Event,
    /// How bad the channel was told it is before, if that changed.
    pub previous_level: Option<Level>,
}

/// Who can be told.
#[derive(Clone, Debug, Default)]
pub struct Routing {
    /// The routes that are switched on, in order.
    pub routes: Vec<Route>,
    /// The channels that are switched on, by their numbers.
    pub channels: BTreeMap<i32, Channel>,
}

/// Why a channel is among those to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// It is told only because those before it have not reacted, or cannot be reached.
    is_escalation: bool,
    reminder: Option<Duration>,
}

impl Routing {
    /// What is to be said of an alert now, and to whom.
    ///
    /// - The end of an alert is told to those who know of it, silence or not, and to nobody else.
    /// - Who knows of an alert hears of every change of its level.
    /// - Who does not is told if a route leads there, from the channel's minimum level on. An alert that no route is for
    ///   goes to every channel: a route that is forgotten must not make an alert forgotten.
    pub fn messages(&self, alert: &Standing<'_>, now: DateTime<Utc>) -> Vec<Message> {
        if alert.is_over {
            let know = |(id, told): (&i32, &Told)| {
                (told.level.is_some() && self.channels.contains_key(id)).then_some(Message {
                    channel_id: *id,
                    event: Event::Resolved,
                    previous_level: None,
                })
            };
            return alert.told.iter().filter_map(know).collect();
        }
        if alert.is_quiet {
            return Vec::new();
        }
        let audience = self.audience(alert, now);
        self.channels
            .iter()
            .filter_map(|(id, channel)| {
                let place = audience.get(id).copied();
                let (event, previous_level) = match alert.told.get(id) {
                    Some(told) => update(alert, *told, place, now)?,
                    None if alert.level < channel.minimum_level => return None,
                    None if place?.is_escalation => (Event::Escalated, None),
                    None => (Event::Firing, None),
                };
                Some(Message {
                    channel_id: *id,
                    event,
                    previous_level,
                })
            })
            .collect()
    }

    /// The channels that routes lead to at this time.
    fn audience(&self, alert: &Standing<'_>, now: DateTime<Utc>) -> BTreeMap<i32, Place> {
        let mut audience = BTreeMap::new();
        let mut is_routed = false;
        for route in &self.routes {
            if !route.matchers.matches(alert.labels) {
                continue;
            }
            is_routed = true;
            self.follow(route, alert, now, &mut audience);
            if !route.continues {
                break;
            }
        }
        if !is_routed {
            let place = Place {
                is_escalation: false,
                reminder: None,
            };
            audience.extend(self.channels.keys().map(|id| (*id, place)));
        }
        audience
    }

    /// Adds the channels of a route whose time has come.
    fn follow(
        &self,
        route: &Route,
        alert: &Standing<'_>,
        now: DateTime<Utc>,
        audience: &mut BTreeMap<i32, Place>,
    ) {
        // What was due when somebody took the alert up stays due; nothing comes after that.
        let age = alert.acknowledged_at.unwrap_or(now).min(now) - alert.opened_at;
        let age = age.max(TimeDelta::zero()).to_std().unwrap_or_default();
        let may_hand_on = alert.level >= Level::Critical && alert.acknowledged_at.is_none();
        let mut all_fail = true;
        for (index, step) in route.steps.chunk_by(|a, b| a.step == b.step).enumerate() {
            let is_handed_on = index > 0 && may_hand_on && all_fail;
            for member in step {
                let is_due = member.after <= age;
                if !is_due && !is_handed_on {
                    continue;
                }
                let place = Place {
                    is_escalation: index > 0 && !(is_due && member.after.is_zero()),
                    reminder: route.reminder,
                };
                audience
                    .entry(member.channel_id)
                    .and_modify(|known: &mut Place| known.join(place))
                    .or_insert(place);
            }
            all_fail &= step
                .iter()
                .all(|member| self.cannot_be_reached(member.channel_id, alert));
        }
    }

    /// Whether a channel does not hear of an alert although it should.
    fn cannot_be_reached(&self, channel_id: i32, alert: &Standing<'_>) -> bool {
        let given_up = alert.told.get(&channel_id).is_some_and(|told| told.is_dead);
        given_up
            || self
                .channels
                .get(&channel_id)
                .is_none_or(|channel| channel.is_failing)
    }
}

impl Place {
    /// Two routes lead to the same channel: the more direct one counts, and the shorter reminder.
    fn join(&mut self, other: Self) {
        self.is_escalation &= other.is_escalation;
        self.reminder = match (self.reminder, other.reminder) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

/// What is new to a channel that knows of the alert.
fn update(
    alert: &Standing<'_>,
    told: Told,
    place: Option<Place>,
    now: DateTime<Utc>,
) -> Option<(Event, Option<Level>)> {
    let before = told.level?;
    if before != alert.level {
        return Some((Event::Level, Some(before)));
    }
    let reminder = place?.reminder.filter(|_| alert.acknowledged_at.is_none())?;
    let since = (now - told.at)
        .max(TimeDelta::zero())
        .to_std()
        .unwrap_or_default();
    (since >= reminder).then_some((Event::Reminder, None))
}

#[cfg(test)]
mod tests;
