//! What is told when alerts cannot be evaluated at all, and when: the news that no table can carry.
//!
//! What is known of an outage is remembered outside of the database that is away, under one key. There is no lock on that:
//! whoever tells writes down first that it does, so that others who come at the same time leave it alone.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::level::Level;
use crate::notification::{Event, Notification};
use crate::unit::Unit;

/// What is remembered of an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// When a round failed for the first time.
    pub since: DateTime<Utc>,
    /// When somebody last began to tell of it, or of its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempted_at: Option<DateTime<Utc>>,
    /// When it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<DateTime<Utc>>,
}

/// What is to be done after a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Nothing,
    /// Remember this, and no more.
    Remember(Outage),
    /// Remember this, then tell of the outage, and when that is done remember that it is told.
    Tell(Outage),
    /// Remember this, then tell that it is over, and when that is done forget it.
    TellRecovery(Outage),
    /// Forget it: nobody was told.
    Forget,
}

/// How long rounds must fail before it is told: a server that is restarted is back by then.
const PATIENCE: TimeDelta = TimeDelta::seconds(10);

/// How long telling may take. Whoever began it longer ago was cut off.
const TELLING: TimeDelta = TimeDelta::seconds(12);

impl Outage {
    /// What is to be done after a round that failed.
    pub fn after_failure(known: Option<Self>, now: DateTime<Utc>) -> Step {
        match known {
            Some(outage) if outage.told_at.is_some() => Step::Nothing,
            // A clock that was set back must not make it last for ever.
            Some(outage) if outage.since <= now => {
                if now - outage.since < PATIENCE || outage.is_being_told(now) {
                    Step::Nothing
                } else {
                    Step::Tell(outage.attempted(now))
                }
            }
            _ => Step::Remember(Self {
                since: now,
                attempted_at: None,
                told_at: None,
            }),
        }
    }

    /// What is to be done after a round that went well.
    pub fn after_success(known: Option<Self>, now: DateTime<Utc>) -> Step {
        match known {
            None => Step::Nothing,
            Some(outage) if outage.told_at.is_none() => Step::Forget,
            Some(outage) if outage.is_being_told(now) => Step::Nothing,
            Some(outage) => Step::TellRecovery(outage.attempted(now)),
        }
    }

    /// The same, told.
    #[must_use]
    pub fn told(self, now: DateTime<Utc>) -> Self {
        Self {
            attempted_at: None,
            told_at: Some(now),
            ..self
        }
    }

    fn attempted(self, now: DateTime<Utc>) -> Self {
        Self {
            attempted_at: Some(now),
            ..self
        }
    }

    fn is_being_told(&self, now: DateTime<Utc>) -> bool {
        self.attempted_at
            .is_some_and(|at| at <= now && now - at < TELLING)
    }

    /// The idempotency key of the news: the same on every attempt, and for everybody who tells it. A UUID of version 8,
    /// whose content is free.
    pub fn key(&self, event: Event) -> String {
        let micros = self.since.timestamp_micros().unsigned_abs();
        let is_over = u8::from(event == Event::Resolved);
        format!(
            "{:08x}-{:04x}-8000-8000-0000000000{is_over:02x}",
            (micros >> 16) & 0xffff_ffff,
            micros & 0xffff
        )
    }
}

/// What went wrong, for a message.
#[derive(Clone, Copy, Debug)]
pub struct Trouble<'a> {
    /// What happened, for the beginning of a sentence: `The monitoring database cannot be reached`.
    pub what: &'a str,
    /// The error, without secrets.
    pub error: &'a str,
    /// What to do.
    pub advice: Option<&'a str>,
}

/// The rule that messages about an outage name. It is no row: the tables are what is away.
pub const RULE: &str = "monitoring_database_down";

/// The news of an outage, or, without trouble, of its end.
pub fn notification(
    outage: &Outage,
    trouble: Option<Trouble<'_>>,
    external_url: &str,
    now: DateTime<Utc>,
) -> Notification {
    let since = outage.since.format("%Y-%m-%d %H:%M:%S UTC");
    let (event, summary) = match trouble {
        Some(Trouble { what, error, .. }) => (
            Event::Firing,
            format!("{what} since {since}: no alert is evaluated or sent meanwhile ({error})"),
        ),
        None => (
            Event::Resolved,
            format!("Alerts are evaluated again; they were not since {since}"),
        ),
    };
    let seconds = (now - outage.since).num_milliseconds().max(0) as f64 / 1000.0;
    Notification {
        incident: format!("{RULE}/pgvitals/"),
        alert_id: None,
        sequence: if event == Event::Firing { 1 } else { 2 },
        event,
        rule_id: RULE.to_owned(),
        level: Level::Emergency,
        previous_level: None,
        target: "pgvitals".to_owned(),
        subject: String::new(),
        subject_label: "the monitor itself".to_owned(),
        summary,
        value: Some(seconds),
        threshold: PATIENCE.num_seconds() as f64,
        unit: Unit::Seconds,
        ratio: None,
        since: outage.since,
        at: now,
        trend: Vec::new(),
        runbook_url: Some(format!("docs/runbooks/{RULE}.md")),
        dashboard_url: Some(format!("{external_url}/health/ready")),
        labels: BTreeMap::new(),
        advice: trouble.and_then(|trouble| trouble.advice).map(str::to_owned),
        acknowledged: None,
        responses: Vec::new(),
        no_data_since: None,
        flapping: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(1_000_000 + second)
    }

    /// Plays rounds, each `(second, went well, told if anything is)`, and gives what was told: `+` an outage, `-` its end.
    fn play(rounds: &[(i64, bool, bool)]) -> String {
        let mut known = None;
        let mut told = String::new();
        for (second, went_well, arrives) in rounds {
            let now = at(*second);
            let step = if *went_well {
                Outage::after_success(known, now)
            } else {
                Outage::after_failure(known, now)
            };
            match step {
                Step::Nothing => {}
                Step::Remember(outage) => known = Some(outage),
                Step::Forget => known = None,
                Step::Tell(outage) => {
                    known = Some(if *arrives { outage.told(now) } else { outage });
                    told.extend(arrives.then_some('+'));
                }
                Step::TellRecovery(outage) => {
                    known = (!arrives).then_some(outage);
                    told.extend(arrives.then_some('-'));
                }
            }
        }
        told
    }

    #[test]
    fn an_outage_is_told_once_and_so_is_its_end() {
        let rounds = [
            (0, false, true),
            (15, false, true),
            (30, false, true),
            (3600, false, true),
            (3615, true, true),
            (3630, true, true),
        ];
        assert_eq!(play(&rounds), "+-");
    }

    #[test]
    fn one_round_that_fails_is_no_outage() {
        assert_eq!(
            play(&[
                (0, false, true),
                (15, true, true),
                (30, false, true),
                (45, true, true)
            ]),
            ""
        );
        assert_eq!(play(&[(0, false, true), (1, false, true), (2, false, true)]), "");
    }

    #[test]
    fn what_did_not_arrive_is_told_again() {
        let rounds = [
            (0, false, true),
            (15, false, false),
            (30, false, true),
            (45, true, false),
            (60, true, true),
            (75, true, true),
        ];
        assert_eq!(play(&rounds), "+-");
    }

    #[test]
    fn what_was_never_told_has_no_end() {
        assert_eq!(
            play(&[(0, false, true), (15, false, false), (30, true, true)]),
            ""
        );
    }

    #[test]
    fn two_that_come_at_the_same_time_do_not_both_tell() {
        let first = Outage::after_failure(Outage::begun(at(0)), at(15));
        let Step::Tell(outage) = first else {
            panic!("{first:?}")
        };
        assert_eq!(Outage::after_failure(Some(outage), at(15)), Step::Nothing);
        assert_eq!(
            Outage::after_failure(Some(outage), at(28)),
            Step::Tell(outage.attempted(at(28)))
        );
        let told = outage.told(at(16));
        let Step::TellRecovery(ending) = Outage::after_success(Some(told), at(30)) else {
            panic!()
        };
        assert_eq!(Outage::after_success(Some(ending), at(31)), Step::Nothing);
    }

    #[test]
    fn a_clock_that_was_set_back_begins_anew() {
        assert_eq!(
            play(&[(1000, false, true), (0, false, true), (15, false, true)]),
            "+"
        );
    }

    #[test]
    fn the_key_is_the_same_for_the_same_news_only() {
        let [one, other] = [0, 1].map(|second| Outage::begun(at(second)).unwrap());
        assert_eq!(one.key(Event::Firing), one.attempted(at(9)).key(Event::Firing));
        assert_ne!(one.key(Event::Firing), one.key(Event::Resolved));
        assert_ne!(one.key(Event::Firing), other.key(Event::Firing));
        assert_eq!(one.key(Event::Firing).len(), 36);
    }

    #[test]
    fn the_news_says_what_since_when_and_what_to_do() {
        let outage = Outage::begun(at(0)).unwrap();
        let trouble = Trouble {
            what: "The monitoring database cannot be reached",
            error: "cannot connect to db.example.com:5432",
            advice: Some("check that it runs"),
        };
        let news = notification(&outage, Some(trouble), "https://vitals.example.com", at(15));
        assert_eq!(
            news.summary,
            "The monitoring database cannot be reached since 1970-01-12 13:46:40 UTC: no alert is evaluated or sent \
             meanwhile (cannot connect to db.example.com:5432)"
        );
        assert_eq!(
            (news.event, news.level, news.value),
            (Event::Firing, Level::Emergency, Some(15.0))
        );
        assert_eq!(news.advice.as_deref(), Some("check that it runs"));
        let end = notification(&outage, None, "https://vitals.example.com", at(100));
        assert_eq!((end.event, &end.incident), (Event::Resolved, &news.incident));
    }

    impl Outage {
        fn begun(since: DateTime<Utc>) -> Option<Self> {
            Some(Self {
                since,
                attempted_at: None,
                told_at: None,
            })
        }
    }
}
