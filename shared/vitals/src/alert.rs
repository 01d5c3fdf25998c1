//! Alerts as a state machine: ok → pending → firing (warning, critical, emergency, both ways) → resolved; and no data.
//!
//! [`step`] is a pure function of the rule, the last state and what is seen now. Whoever calls it writes the next state
//! and, in the same transaction, one notification per [`Transition`]; between them a transaction-level lock of the
//! evaluator makes "now" agree, so that there is one open alert per rule, target and subject however many evaluate.

mod flaps;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::level::Level;
use crate::name::names;
use crate::rule::{NoDataPolicy, Rule};

use flaps::Turn;
pub use flaps::{Flaps, MEMORY as FLAPS_MEMORY};

names! {
    /// Where in its life an alert is.
    "alert state" pub enum Phase {
        /// It is not known whether it is bad: nothing was collected. Told only if the rule asks for it.
        NoData = "no_data",
        /// Bad, but not for long enough to be told.
        Pending = "pending",
        /// Told, and still bad.
        Firing = "firing",
        /// Over, and told so.
        Resolved = "resolved",
    }
}

/// An alert as it stands: the part of a row of `monitoring.alerts` that decides what comes next.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertState {
    /// Where in its life it is (column `state`).
    pub phase: Phase,
    /// How bad it is. Of a resolved alert: how bad it was last.
    pub level: Level,
    /// The value last seen, if any was.
    pub value: Option<f64>,
    /// Where the level begins.
    pub threshold: f64,
    /// Since when the value has been bad, or not known.
    pub pending_since: DateTime<Utc>,
    /// When it fired first.
    pub opened_at: Option<DateTime<Utc>>,
    /// Since when it has been as bad as it is. Every change of level is told, so this is also when it was told last.
    pub level_since: DateTime<Utc>,
    /// When there was last something to see, good or bad.
    pub last_seen_at: DateTime<Utc>,
    /// Since when nothing is known of the value any more.
    pub no_data_since: Option<DateTime<Utc>>,
    /// Since when the value has been good while the alert is kept open, because it flaps.
    pub calm_since: Option<DateTime<Utc>>,
    /// How often it came and went of late.
    pub flaps: Flaps,
    /// When it was over.
    pub resolved_at: Option<DateTime<Utc>>,
    /// The number of transitions so far: 1 is the first firing.
    pub sequence: i32,
}

impl AlertState {
    /// Whether it is bad, or was until it flapped, and has been told.
    pub fn is_firing(&self) -> bool {
        self.phase == Phase::Firing
    }
}

/// What is seen of a subject now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Observation {
    /// A value, with enough traffic behind it.
    Value(f64),
    /// Nothing happens there: no calls of the statement, no accesses to the database. That is well.
    Idle,
    /// It is not known: nothing was collected. That is neither well nor bad.
    NoData,
}

/// Something that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// It fires, at this level.
    Fired {
        /// How bad.
        level: Level,
    },
    /// It still fires, better or worse than before.
    LevelChanged {
        /// How bad it was.
        from: Level,
        /// How bad it is.
        to: Level,
    },
    /// It is over.
    Resolved {
        /// How bad it was last.
        from: Level,
    },
}

/// What comes of an observation.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing to write.
    Keep,
    /// What was pending, or not known, came to nothing: its row goes, nobody was told.
    Drop,
    /// An alert begins: a new row, pending or without data (no transition), or firing at once.
    Open {
        /// The new alert.
        next: AlertState,
        /// What is told, with sequence `next.sequence`.
        transition: Option<Transition>,
    },
    /// The open alert goes on, or ends.
    Update {
        /// The same alert, as it is now.
        next: AlertState,
        /// What is told, with sequence `next.sequence`.
        transition: Option<Transition>,
    },
}

impl Step {
    /// The state to write, if any.
    pub const fn next(&self) -> Option<&AlertState> {
        match self {
            Self::Keep | Self::Drop => None,
            Self::Open { next, .. } | Self::Update { next, .. } => Some(next),
        }
    }

    /// What is told, if anything.
    pub const fn transition(&self) -> Option<Transition> {
        match self {
            Self::Keep | Self::Drop => None,
            Self::Open { transition, .. } | Self::Update { transition, .. } => *transition,
        }
    }
}

/// What comes next for one rule, target and subject.
///
/// `previous` is the open alert, or else the one resolved last if that was within the rule's cooldown or
/// [`FLAPS_MEMORY`] (an older one makes no difference), or else nothing. The rules of it:
///
/// - A bad value fires once it has been bad for the rule's hold; the level it fires with is that of the moment.
/// - Level up: told at once. Level down: told when the value is past that level's threshold by the rule's hysteresis,
///   and not within the cooldown of the last notice. Recovery: told at once, whenever the value reaches `resolve`.
/// - Within the cooldown of a recovery an alert fires again only if it is worse than it was.
/// - What flaps stays open, at its worst level, until it has been calm for some time.
/// - Idle is well. Without data what fires goes on firing, and what does not fire is known to be unknown; if the rule says
///   so, that is told at its mildest level once it has lasted for the hold.
/// - Time that runs backwards counts as no time.
pub fn step(
    rule: &Rule,
    previous: Option<&AlertState>,
    observation: Observation,
    now: DateTime<Utc>,
) -> Step {
    let value = match observation {
        Observation::Value(value) if value.is_finite() => Some(value),
        Observation::Value(_) | Observation::NoData => return without_data(rule, previous, now),
        Observation::Idle => None,
    };
    match previous {
        Some(alert) if alert.phase == Phase::Firing => step_firing(rule, alert, value, now),
        Some(alert) if alert.phase != Phase::Resolved => step_waiting(rule, alert, value, now),
        resolved => open(rule, resolved, value, now),
    }
}

fn without_data(rule: &Rule, previous: Option<&AlertState>, now: DateTime<Utc>) -> Step {
    match previous {
        Some(alert) if alert.phase != Phase::Resolved => unknown(rule, alert, now),
        // A row of its own would make the rest after a recovery forgotten.
        Some(resolved) if is_resting(rule, resolved, now) => Step::Keep,
        resolved => {
            let (level, threshold) = mildest(rule);
            let mut next = begin(resolved, level, threshold, now);
            next.phase = Phase::NoData;
            next.no_data_since = Some(now);
            Step::Open {
                next,
                transition: None,
            }
        }
    }
}

/// The next step of an open alert of which nothing is known now: it is written since when, and told if the rule asks for it
/// and nothing has been told yet.
fn unknown(rule: &Rule, alert: &AlertState, now: DateTime<Utc>) -> Step {
    let since = alert.no_data_since.unwrap_or(now);
    let is_told = !alert.is_firing()
        && rule.no_data() == NoDataPolicy::Alert
        && elapsed(since, now) >= rule.hold()
        // At the first look it may be only late.
        && alert.no_data_since.is_some();
    if is_told {
        let (level, threshold) = mildest(rule);
        let next = AlertState {
            level,
            threshold,
            value: None,
            pending_since: since,
            ..alert.clone()
        };
        return Step::Update {
            next: fire(next, now),
            transition: Some(Transition::Fired { level }),
        };
    }
    if alert.no_data_since.is_some() {
        return Step::Keep;
    }
    Step::Update {
        next: AlertState {
            no_data_since: Some(now),
            ..alert.clone()
        },
        transition: None,
    }
}

fn open(rule: &Rule, resolved: Option<&AlertState>, value: Option<f64>, now: DateTime<Utc>) -> Step {
    let Some((value, level)) = bad(rule, value) else {
        return Step::Keep;
    };
    if resolved.is_some_and(|resolved| level <= resolved.level && is_resting(rule, resolved, now)) {
        return Step::Keep;
    }
    let mut pending = begin(resolved, level, rule.threshold(level).unwrap_or(value), now);
    pending.value = Some(value);
    if rule.hold().is_zero() {
        let next = fire(pending, now);
        Step::Open {
            next,
            transition: Some(Transition::Fired { level }),
        }
    } else {
        Step::Open {
            next: pending,
            transition: None,
        }
    }
}

/// The next step of an alert that nobody was told of: one that is pending, or of which nothing is known.
fn step_waiting(rule: &Rule, alert: &AlertState, value: Option<f64>, now: DateTime<Utc>) -> Step {
    let Some((value, level)) = bad(rule, value) else {
        return Step::Drop;
    };
    let mut next = seen(rule, alert, level, value, now);
    if alert.phase == Phase::NoData {
        next.phase = Phase::Pending;
        next.pending_since = now;
    }
    if elapsed(next.pending_since, now) < rule.hold() {
        return Step::Update {
            next,
            transition: None,
        };
    }
    next = fire(next, now);
    Step::Update {
        next,
        transition: Some(Transition::Fired { level }),
    }
}

fn step_firing(rule: &Rule, alert: &AlertState, value: Option<f64>, now: DateTime<Utc>) -> Step {
    let from = alert.level;
    let Some((value, level)) = value.and_then(|value| Some((value, rule.level_after(from, value)?))) else {
        return recover(alert, value, now);
    };
    let damped = alert.flaps.is_damped(now);
    // Good news that may turn within minutes can wait; bad news cannot.
    let too_soon = level < from && (damped || elapsed(alert.level_since, now) < rule.cooldown());
    let level = if too_soon { from } else { level };
    let mut next = seen(rule, alert, level, value, now);
    if alert.calm_since.is_some() {
        next.calm_since = None;
        next.flaps = next.flaps.after(Turn::Began, now);
    }
    if level == from {
        return Step::Update {
            next,
            transition: None,
        };
    }
    if level > from {
        next.flaps = next.flaps.after(Turn::Worsened, now);
    }
    next.sequence = alert.sequence.saturating_add(1);
    Step::Update {
        next,
        transition: Some(Transition::LevelChanged { from, to: level }),
    }
}

/// The end of an alert, or, if it flaps, the hope for it.
fn recover(alert: &AlertState, value: Option<f64>, now: DateTime<Utc>) -> Step {
    let mut next = AlertState {
        value: value.or(alert.value),
        last_seen_at: now,
        no_data_since: None,
        calm_since: Some(alert.calm_since.unwrap_or(now)),
        ..alert.clone()
    };
    if alert.flaps.is_damped(now) {
        return Step::Update {
            next,
            transition: None,
        };
    }
    next.phase = Phase::Resolved;
    next.resolved_at = Some(now);
    next.flaps.damped = false;
    next.sequence = alert.sequence.saturating_add(1);
    Step::Update {
        next,
        transition: Some(Transition::Resolved { from: alert.level }),
    }
}

fn bad(rule: &Rule, value: Option<f64>) -> Option<(f64, Level)> {
    value.and_then(|value| Some((value, rule.level_of(value)?)))
}

/// The mildest level that the rule has, and where it begins.
fn mildest(rule: &Rule) -> (Level, f64) {
    let levels = Level::ALL.iter().copied();
    levels
        .filter_map(|level| Some((level, rule.threshold(level)?)))
        .next()
        // A rule without a threshold cannot be made.
        .unwrap_or((Level::Warning, rule.resolve()))
}

/// Whether the cooldown of a recovery runs. What is pending now fires when the hold is over, and that is soon enough to
/// wait for.
fn is_resting(rule: &Rule, resolved: &AlertState, now: DateTime<Utc>) -> bool {
    resolved
        .resolved_at
        .is_some_and(|resolved_at| elapsed(resolved_at, now).saturating_add(rule.hold()) < rule.cooldown())
}

/// A new alert, pending. It goes on counting the flaps of the one before it.
fn begin(resolved: Option<&AlertState>, level: Level, threshold: f64, now: DateTime<Utc>) -> AlertState {
    AlertState {
        phase: Phase::Pending,
        level,
        value: None,
        threshold,
        pending_since: now,
        opened_at: None,
        level_since: now,
        last_seen_at: now,
        no_data_since: None,
        calm_since: None,
        flaps: resolved.map_or(Flaps::none(now), |resolved| resolved.flaps),
        resolved_at: None,
        sequence: 0,
    }
}

fn seen(rule: &Rule, alert: &AlertState, level: Level, value: f64, now: DateTime<Utc>) -> AlertState {
    let level_since = if level == alert.level {
        alert.level_since
    } else {
        now
    };
    let threshold = rule.threshold(level).unwrap_or(alert.threshold);
    AlertState {
        level,
        value: Some(value),
        threshold,
        level_since,
        last_seen_at: now,
        no_data_since: None,
        ..alert.clone()
    }
}

fn fire(pending: AlertState, now: DateTime<Utc>) -> AlertState {
    AlertState {
        phase: Phase::Firing,
        opened_at: Some(now),
        level_since: now,
        flaps: pending.flaps.after(Turn::Began, now),
        sequence: 1,
        ..pending
    }
}

fn elapsed(since: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (now - since).max(TimeDelta::zero()).to_std().unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests;
