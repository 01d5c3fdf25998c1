//! Alerts as a state machine: ok → pending → firing (warning, critical, emergency, both ways) → resolved.
//!
//! [`step`] is a pure function of the rule, the last state and what is seen now. Whoever calls it writes the next state
//! and, in the same transaction, one notification per [`Transition`]; between them a transaction-level lock of the
//! evaluator makes "now" agree, so that there is one open alert per rule, target and subject however many evaluate.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::level::Level;
use crate::name::names;
use crate::rule::Rule;

names! {
    /// Where in its life an alert is.
    "alert state" pub enum Phase {
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
    /// The value last seen.
    pub value: f64,
    /// Where the level begins.
    pub threshold: f64,
    /// Since when the value has been bad.
    pub pending_since: DateTime<Utc>,
    /// When it fired first.
    pub opened_at: Option<DateTime<Utc>>,
    /// Since when it has been as bad as it is. Every change of level is told, so this is also when it was told last.
    pub level_since: DateTime<Utc>,
    /// When there was last something to see, good or bad.
    pub last_seen_at: DateTime<Utc>,
    /// When it was over.
    pub resolved_at: Option<DateTime<Utc>>,
    /// The number of transitions so far: 1 is the first firing.
    pub sequence: i32,
}

/// What is seen of a subject now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Observation {
    /// A value, with enough traffic behind it.
    Value(f64),
    /// Nothing happens there: no calls of the statement, no accesses to the database. That is well.
    Idle,
    /// It is not known: nothing was collected. That is neither well nor bad, and changes nothing.
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
    /// The pending alert came to nothing: its row goes, nobody was told.
    Drop,
    /// An alert begins: a new row, pending (no transition) or firing at once.
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
/// `previous` is the open alert, or else the one resolved last if that was within the rule's cooldown (an older one
/// makes no difference), or else nothing. The rules of it:
///
/// - A bad value fires once it has been bad for the rule's hold; the level it fires with is that of the moment.
/// - Level up: told at once. Level down: told when the value is past that level's threshold by the rule's hysteresis,
///   and not within the cooldown of the last notice. Recovery: told at once, whenever the value reaches `resolve`.
/// - Within the cooldown of a recovery an alert fires again only if it is worse than it was.
/// - Idle is well. No data keeps everything as it is; it does not resolve, and it does not fire.
/// - Time that runs backwards counts as no time.
pub fn step(
    rule: &Rule,
    previous: Option<&AlertState>,
    observation: Observation,
    now: DateTime<Utc>,
) -> Step {
    let value = match observation {
        Observation::Value(value) if value.is_finite() => Some(value),
        Observation::Value(_) | Observation::NoData => return Step::Keep,
        Observation::Idle => None,
    };
    match previous {
        Some(alert) if alert.phase == Phase::Pending => step_pending(rule, alert, value, now),
        Some(alert) if alert.phase == Phase::Firing => step_firing(rule, alert, value, now),
        resolved => open(rule, resolved, value, now),
    }
}

fn open(rule: &Rule, resolved: Option<&AlertState>, value: Option<f64>, now: DateTime<Utc>) -> Step {
    let Some((value, level)) = value.and_then(|value| Some((value, rule.level_of(value)?))) else {
        return Step::Keep;
    };
    if let Some(resolved) = resolved
        && let Some(resolved_at) = resolved.resolved_at
        && level <= resolved.level
        // What is pending now fires when the hold is over, and that is soon enough to wait for.
        && elapsed(resolved_at, now).saturating_add(rule.hold()) < rule.cooldown()
    {
        return Step::Keep;
    }
    let pending = AlertState {
        phase: Phase::Pending,
        level,
        value,
        threshold: rule.threshold(level).unwrap_or(value),
        pending_since: now,
        opened_at: None,
        level_since: now,
        last_seen_at: now,
        resolved_at: None,
        sequence: 0,
    };
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

fn step_pending(rule: &Rule, alert: &AlertState, value: Option<f64>, now: DateTime<Utc>) -> Step {
    let Some((value, level)) = value.and_then(|value| Some((value, rule.level_of(value)?))) else {
        return Step::Drop;
    };
    let mut next = seen(rule, alert, level, value, now);
    if elapsed(alert.pending_since, now) < rule.hold() {
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
        let mut next = alert.clone();
        next.phase = Phase::Resolved;
        next.value = value.unwrap_or(alert.value);
        next.last_seen_at = now;
        next.resolved_at = Some(now);
        next.sequence = alert.sequence.saturating_add(1);
        return Step::Update {
            next,
            transition: Some(Transition::Resolved { from }),
        };
    };
    // Good news that may turn within minutes can wait; bad news cannot.
    let too_soon = level < from && elapsed(alert.level_since, now) < rule.cooldown();
    if level == from || too_soon {
        return Step::Update {
            next: seen(rule, alert, from, value, now),
            transition: None,
        };
    }
    let mut next = seen(rule, alert, level, value, now);
    next.sequence = alert.sequence.saturating_add(1);
    Step::Update {
        next,
        transition: Some(Transition::LevelChanged { from, to: level }),
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
        value,
        threshold,
        level_since,
        last_seen_at: now,
        ..alert.clone()
    }
}

fn fire(pending: AlertState, now: DateTime<Utc>) -> AlertState {
    AlertState {
        phase: Phase::Firing,
        opened_at: Some(now),
        level_since: now,
        sequence: 1,
        ..pending
    }
}

fn elapsed(since: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (now - since).max(TimeDelta::zero()).to_std().unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests;
