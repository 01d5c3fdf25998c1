use proptest::prelude::*;

use super::*;
use crate::rule::RuleDefinition;
use crate::rule::tests::{cache_hit, slow_statement};

fn rule(for_seconds: i64, cooldown_seconds: i64) -> Rule {
    Rule::new(RuleDefinition {
        for_seconds,
        cooldown_seconds,
        ..slow_statement()
    })
    .unwrap()
}

/// What a table of alerts does: keeps the open alert or the one resolved last, and everything that was told.
struct Story<'a> {
    rule: &'a Rule,
    now: DateTime<Utc>,
    alert: Option<AlertState>,
}

impl<'a> Story<'a> {
    fn new(rule: &'a Rule) -> Self {
        Self {
            rule,
            now: DateTime::UNIX_EPOCH,
            alert: None,
        }
    }

    fn see(&mut self, after_seconds: i64, observation: Observation) -> Option<Transition> {
        self.now += TimeDelta::seconds(after_seconds);
        let step = step(self.rule, self.alert.as_ref(), observation, self.now);
        match &step {
            Step::Keep => {}
            Step::Drop => self.alert = None,
            Step::Open { next, .. } | Step::Update { next, .. } => self.alert = Some(next.clone()),
        }
        step.transition()
    }

    #[track_caller]
    fn expect(&mut self, after_seconds: i64, value: f64, transition: Option<Transition>) {
        assert_eq!(
            self.see(after_seconds, Observation::Value(value)),
            transition,
            "{value} at {}",
            self.now
        );
    }
}

const fn fired(level: Level) -> Option<Transition> {
    Some(Transition::Fired { level })
}

const fn changed(from: Level, to: Level) -> Option<Transition> {
    Some(Transition::LevelChanged { from, to })
}

const fn resolved(from: Level) -> Option<Transition> {
    Some(Transition::Resolved { from })
}

#[test]
fn it_fires_once_and_resolves_once() {
    let rule = rule(0, 0);
    let mut story = Story::new(&rule);
    story.expect(0, 100.0, None);
    story.expect(5, 600.0, fired(Level::Critical));
    story.expect(5, 610.0, None);
    assert_eq!(story.see(5, Observation::Idle), resolved(Level::Critical));
    assert_eq!(story.see(5, Observation::Idle), None);
    let alert = story.alert.unwrap();
    assert_eq!(
        (alert.phase, alert.sequence, alert.value),
        (Phase::Resolved, 2, Some(610.0))
    );
}

#[test]
fn it_waits_for_the_hold() {
    let rule = rule(60, 0);
    let mut story = Story::new(&rule);
    story.expect(0, 300.0, None);
    story.expect(59, 600.0, None);
    story.expect(1, 600.0, fired(Level::Critical));

    let mut story = Story::new(&rule);
    story.expect(0, 300.0, None);
    story.expect(30, 100.0, None);
    assert_eq!(
        story.alert, None,
        "a pending alert that came to nothing leaves no trace"
    );
    story.expect(30, 300.0, None);
    story.expect(59, 300.0, None);
    story.expect(1, 300.0, fired(Level::Warning));
}

#[test]
fn up_is_told_at_once_and_down_with_patience() {
    let rule = rule(0, 300);
    let mut story = Story::new(&rule);
    story.expect(0, 300.0, fired(Level::Warning));
    story.expect(1, 600.0, changed(Level::Warning, Level::Critical));
    story.expect(1, 2_000.0, changed(Level::Critical, Level::Emergency));
    story.expect(10, 300.0, None);
    story.expect(290, 300.0, changed(Level::Emergency, Level::Warning));
    story.expect(1, 240.0, None);
    story.expect(1, 220.0, resolved(Level::Warning));
}

#[test]
fn a_recovery_is_followed_by_a_rest_unless_it_gets_worse() {
    let rule = rule(0, 300);
    let mut story = Story::new(&rule);
    story.expect(0, 300.0, fired(Level::Warning));
    story.expect(10, 100.0, resolved(Level::Warning));
    story.expect(10, 300.0, None);
    story.expect(289, 300.0, None);
    story.expect(1, 300.0, fired(Level::Warning));
    story.expect(10, 100.0, resolved(Level::Warning));
    story.expect(10, 600.0, fired(Level::Critical));
    assert_eq!(story.alert.unwrap().sequence, 1, "it is a new alert");
}

#[test]
fn the_hold_runs_within_the_rest() {
    let rule = rule(60, 300);
    let mut story = Story::new(&rule);
    story.expect(0, 300.0, None);
    story.expect(60, 300.0, fired(Level::Warning));
    story.expect(10, 100.0, resolved(Level::Warning));
    story.expect(240, 300.0, None);
    assert_eq!(
        story.alert.as_ref().map(|alert| alert.phase),
        Some(Phase::Pending)
    );
    story.expect(60, 300.0, fired(Level::Warning));
}

#[test]
fn without_data_what_fires_goes_on_firing() {
    let rule = rule(0, 0);
    let mut story = Story::new(&rule);
    story.expect(5, 600.0, fired(Level::Critical));
    let before = story.alert.clone().unwrap();
    assert_eq!(story.see(3_600, Observation::NoData), None);
    let since = story.now;
    assert_eq!(story.see(5, Observation::Value(f64::NAN)), None);
    let unknown = AlertState {
        no_data_since: Some(since),
        ..before
    };
    assert_eq!(story.alert, Some(unknown));
    story.expect(5, 600.0, None);
    assert_eq!(story.alert.as_ref().and_then(|alert| alert.no_data_since), None);
    story.expect(5, 100.0, resolved(Level::Critical));
}

#[test]
fn what_is_not_known_is_not_well_and_not_told() {
    let rule = rule(60, 0);
    let mut story = Story::new(&rule);
    assert_eq!(story.see(0, Observation::NoData), None);
    let alert = story.alert.clone().unwrap();
    assert_eq!(
        (alert.phase, alert.value, alert.level, alert.no_data_since),
        (Phase::NoData, None, Level::Warning, Some(story.now))
    );
    assert_eq!(story.see(3_600, Observation::NoData), None);
    assert_eq!(story.alert, Some(alert), "it is known since when");
    // How long nothing was known does not count as bad.
    story.expect(5, 600.0, None);
    assert_eq!(
        story.alert.as_ref().map(|alert| alert.phase),
        Some(Phase::Pending)
    );
    story.expect(60, 600.0, fired(Level::Critical));

    let mut story = Story::new(&rule);
    story.see(0, Observation::NoData);
    story.expect(5, 100.0, None);
    assert_eq!(story.alert, None);
}

#[test]
fn a_rule_may_ask_to_be_told_that_nothing_is_known() {
    let rule = Rule::new(RuleDefinition {
        no_data: "alert".to_owned(),
        for_seconds: 60,
        cooldown_seconds: 0,
        ..slow_statement()
    })
    .unwrap();
    let mut story = Story::new(&rule);
    assert_eq!(story.see(0, Observation::NoData), None);
    assert_eq!(story.see(59, Observation::NoData), None);
    assert_eq!(story.see(1, Observation::NoData), fired(Level::Warning));
    assert_eq!(story.see(60, Observation::NoData), None, "once is enough");
    let alert = story.alert.clone().unwrap();
    assert_eq!((alert.value, alert.pending_since), (None, DateTime::UNIX_EPOCH));
    story.expect(5, 600.0, changed(Level::Warning, Level::Critical));
    assert_eq!(story.see(600, Observation::NoData), None);
    story.expect(5, 100.0, resolved(Level::Critical));
}

#[test]
fn missing_data_does_not_end_the_rest_after_a_recovery() {
    let rule = rule(0, 300);
    let mut story = Story::new(&rule);
    story.expect(0, 300.0, fired(Level::Warning));
    story.expect(10, 100.0, resolved(Level::Warning));
    assert_eq!(story.see(10, Observation::NoData), None);
    story.expect(10, 300.0, None);
    assert_eq!(
        story.alert.as_ref().map(|alert| alert.phase),
        Some(Phase::Resolved)
    );
}

#[test]
fn what_flaps_is_told_once_and_stays_open_until_it_is_calm() {
    let rule = rule(0, 0);
    let mut story = Story::new(&rule);
    for _ in 0..2 {
        story.expect(60, 300.0, fired(Level::Warning));
        story.expect(60, 100.0, resolved(Level::Warning));
    }
    story.expect(60, 300.0, fired(Level::Warning));
    for _ in 0..20 {
        story.expect(60, 100.0, None);
        story.expect(60, 300.0, None);
    }
    // Worse is told all the same, and better is not.
    story.expect(60, 600.0, changed(Level::Warning, Level::Critical));
    story.expect(60, 300.0, None);
    let begin = story.now;
    loop {
        let told = story.see(60, Observation::Value(100.0));
        if told.is_some() {
            assert_eq!(told, resolved(Level::Critical));
            break;
        }
        let calm = story.alert.as_ref().and_then(|alert| alert.calm_since);
        assert_eq!(calm, Some(begin + TimeDelta::seconds(60)));
    }
    let minutes = (story.now - begin).num_minutes();
    assert!(
        (30..=60).contains(&minutes),
        "it was over after {minutes} minutes"
    );
}

fn observation() -> impl Strategy<Value = Observation> {
    prop_oneof![
        8 => (0.0..1_500.0).prop_map(Observation::Value),
        4 => prop::sample::select(vec![95.0, 96.0, 90.0, 80.0, 225.0, 250.0, 475.0, 500.0, 975.0, 1_000.0]).prop_map(Observation::Value),
        2 => Just(Observation::Idle),
        1 => Just(Observation::NoData),
        1 => Just(Observation::Value(f64::NAN)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whatever is seen, at whatever pace, by a clock that may jump: what is told makes sense.
    #[test]
    fn what_is_told_makes_sense(
        below: bool,
        for_seconds in prop::sample::select(vec![0i64, 10, 60]),
        cooldown_seconds in prop::sample::select(vec![0i64, 30, 300]),
        seen in prop::collection::vec((-5i64..60, observation()), 1..80),
    ) {
        let definition = if below { cache_hit() } else { slow_statement() };
        let rule = Rule::new(RuleDefinition { for_seconds, cooldown_seconds, ..definition }).unwrap();
        let mut story = Story::new(&rule);
        for (after_seconds, observation) in seen {
            let before = story.alert.clone();
            let transition = story.see(after_seconds, observation);
            check_step(&rule, before.as_ref(), observation, &story, transition)?;
        }
    }

    /// However a value jumps about, its alert begins a handful of times an hour at most.
    #[test]
    fn nothing_begins_more_than_seven_times_an_hour(
        seen in prop::collection::vec((0i64..120, observation()), 1..400),
    ) {
        let rule = rule(0, 0);
        let mut story = Story::new(&rule);
        let mut began: Vec<DateTime<Utc>> = Vec::new();
        for (after_seconds, observation) in seen {
            if matches!(story.see(after_seconds, observation), Some(Transition::Fired { .. })) {
                began.push(story.now);
                let hour = began.iter().filter(|at| story.now - **at < TimeDelta::hours(1)).count();
                prop_assert!(hour <= 7, "{} times within an hour", hour);
            }
        }
    }
}

fn check_step(
    rule: &Rule,
    before: Option<&AlertState>,
    observation: Observation,
    story: &Story<'_>,
    transition: Option<Transition>,
) -> Result<(), TestCaseError> {
    let firing = before.filter(|alert| alert.phase == Phase::Firing);
    let after = story.alert.as_ref();
    let value = match observation {
        Observation::Value(value) if value.is_finite() => Some(value),
        _ => None,
    };
    match transition {
        None => {
            // Without news nobody's idea of the alert changes.
            prop_assert_eq!(
                firing.map(|alert| alert.level),
                after.filter(|a| a.phase == Phase::Firing).map(|a| a.level)
            );
            prop_assert_eq!(
                firing.map(|alert| alert.sequence),
                after.filter(|a| a.phase == Phase::Firing).map(|a| a.sequence)
            );
        }
        Some(Transition::Fired { level }) => {
            prop_assert!(firing.is_none(), "fired twice");
            let after = after.unwrap();
            prop_assert_eq!(after.sequence, 1);
            prop_assert_eq!(value.and_then(|value| rule.level_of(value)), Some(level));
            prop_assert!(elapsed(after.pending_since, story.now) >= rule.hold());
            if let Some(resolved) = before.filter(|alert| alert.phase == Phase::Resolved) {
                let rested = elapsed(resolved.resolved_at.unwrap(), story.now) >= rule.cooldown();
                prop_assert!(rested || level > resolved.level);
            }
        }
        Some(Transition::LevelChanged { from, to }) => {
            let before = firing.unwrap();
            prop_assert_eq!(before.level, from);
            prop_assert_ne!(from, to);
            prop_assert_eq!(after.unwrap().level, to);
            prop_assert_eq!(after.unwrap().sequence, before.sequence + 1);
            prop_assert!(to > from || elapsed(before.level_since, story.now) >= rule.cooldown());
        }
        Some(Transition::Resolved { from }) => {
            let before = firing.unwrap();
            prop_assert_eq!(before.level, from);
            prop_assert_eq!(after.unwrap().phase, Phase::Resolved);
            prop_assert_eq!(after.unwrap().sequence, before.sequence + 1);
            prop_assert!(value.is_none_or(|value| rule.level_of(value).is_none()));
        }
    }
    if let (Some(value), Some(after)) = (value, after.filter(|alert| alert.phase == Phase::Firing)) {
        prop_assert!(
            rule.level_of(value).is_none_or(|level| after.level >= level),
            "worse than was told"
        );
    }
    if observation == Observation::NoData {
        prop_assert_eq!(transition, None);
        // It is known that nothing is known, unless the rest after a recovery is all there is.
        let open = after.filter(|alert| alert.phase != Phase::Resolved);
        prop_assert!(open.is_none_or(|alert| alert.no_data_since.is_some()));
        prop_assert!(open.is_some() || before.is_some_and(|alert| alert.phase == Phase::Resolved));
    }
    let unknown = after.is_some_and(|alert| alert.phase == Phase::NoData);
    prop_assert!(!unknown || value.is_none(), "a value was seen");
    Ok(())
}
