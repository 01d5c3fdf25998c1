use serde_json::json;

use super::*;
use crate::unit::Unit;

pub(crate) fn slow_statement() -> RuleDefinition {
    RuleDefinition {
        rule_id: "slow_statement".to_owned(),
        summary: "A statement is slow".to_owned(),
        metric: Metric::new("statement_mean_ms", Unit::Milliseconds, "mean execution time")
            .about("statement"),
        warning: Some(250.0),
        critical: Some(500.0),
        emergency: Some(1000.0),
        resolve: 225.0,
        minimum_traffic: 3,
        runbook: Some("runbooks/slow-statement.md".to_owned()),
        ..RuleDefinition::default()
    }
}

pub(crate) fn cache_hit() -> RuleDefinition {
    RuleDefinition {
        rule_id: "cache_hit".to_owned(),
        summary: "Too much is read from disk".to_owned(),
        metric: Metric::new("cache_hit_percent", Unit::Percent, "cache hit ratio").about("database"),
        comparison: "below".to_owned(),
        warning: Some(95.0),
        critical: Some(90.0),
        emergency: Some(80.0),
        resolve: 96.0,
        window_seconds: 300,
        minimum_traffic: 10_000,
        ..slow_statement()
    }
}

fn rule(definition: RuleDefinition) -> Rule {
    Rule::new(definition).unwrap()
}

#[track_caller]
fn refused(change: impl FnOnce(&mut RuleDefinition)) -> String {
    let mut definition = slow_statement();
    change(&mut definition);
    Rule::new(definition).unwrap_err().to_string()
}

#[test]
fn the_level_is_the_worst_whose_threshold_is_passed() {
    let rule = rule(slow_statement());
    let cases = [
        (250.0, None),
        (250.1, Some(Level::Warning)),
        (600.0, Some(Level::Critical)),
        (1e9, Some(Level::Emergency)),
    ];
    for (value, level) in cases {
        assert_eq!(rule.level_of(value), level, "{value}");
    }
    assert_eq!(rule.level_of(f64::NAN), None);
}

#[test]
fn less_is_worse_for_a_rule_that_compares_below() {
    let rule = rule(cache_hit());
    let cases = [
        (99.0, None),
        (95.0, None),
        (94.9, Some(Level::Warning)),
        (89.0, Some(Level::Critical)),
        (0.0, Some(Level::Emergency)),
    ];
    for (value, level) in cases {
        assert_eq!(rule.level_of(value), level, "{value}");
    }
    assert_eq!(rule.level_after(Level::Warning, 95.5), Some(Level::Warning));
    assert_eq!(rule.level_after(Level::Warning, 96.0), None);
    assert_eq!(rule.level_after(Level::Critical, 90.5), Some(Level::Critical));
    assert_eq!(rule.level_after(Level::Critical, 91.5), Some(Level::Warning));
}

#[test]
fn a_level_is_left_only_by_the_margin_of_the_rule() {
    let rule = rule(slow_statement());
    let after = |level, value| rule.level_after(level, value);
    assert_eq!(after(Level::Critical, 490.0), Some(Level::Critical));
    assert_eq!(after(Level::Critical, 475.0), Some(Level::Warning));
    assert_eq!(after(Level::Warning, 226.0), Some(Level::Warning));
    assert_eq!(after(Level::Warning, 225.0), None);
    assert_eq!(after(Level::Emergency, 10.0), None);
    assert_eq!(after(Level::Emergency, 490.0), Some(Level::Critical));
    assert_eq!(after(Level::Warning, 600.0), Some(Level::Critical));
}

#[test]
fn levels_may_be_missing() {
    let rule = rule(RuleDefinition {
        warning: None,
        emergency: None,
        resolve: 500.0,
        ..slow_statement()
    });
    assert_eq!(rule.level_of(400.0), None);
    assert_eq!(rule.level_of(5_000.0), Some(Level::Critical));
    assert_eq!(rule.level_after(Level::Critical, 500.0), None);
}

#[test]
fn too_little_traffic_is_idle() {
    let rule = rule(slow_statement());
    assert_eq!(rule.observe(Some(600.0), 2), Observation::Idle);
    assert_eq!(rule.observe(None, 0), Observation::Idle);
    assert_eq!(rule.observe(Some(600.0), 3), Observation::Value(600.0));
    assert_eq!(rule.observe(Some(f64::NAN), 3), Observation::NoData);
    assert_eq!(rule.observe(None, 3), Observation::NoData);
}

#[test]
fn a_rule_that_makes_no_sense_is_refused_with_the_reason() {
    assert_eq!(
        refused(|rule| rule.critical = Some(200.0)),
        "cannot use rule slow_statement: critical at 200 is not above warning at 250"
    );
    assert_eq!(
        refused(|rule| (rule.warning, rule.critical, rule.emergency) = (None, None, None)),
        "cannot use rule slow_statement: it has no threshold, set at least one of warning, critical, emergency, or threshold"
    );
    assert_eq!(
        refused(|rule| rule.resolve = 300.0),
        "cannot use rule slow_statement: it would resolve at 300, which is above its threshold 250"
    );
    assert_eq!(
        refused(|rule| rule.emergency = Some(f64::NAN)),
        "cannot use rule slow_statement: emergency is not a finite number"
    );
    assert_eq!(
        refused(|rule| rule.window_seconds = 0),
        "cannot use rule slow_statement: window_seconds is 0, expected 1 to 31622400"
    );
    assert_eq!(
        refused(|rule| rule.minimum_traffic = -1),
        "cannot use rule slow_statement: minimum_traffic is -1, expected 0 to 9223372036854775807"
    );
}

#[test]
fn one_threshold_stands_for_three_levels() {
    let rule = rule(RuleDefinition {
        warning: None,
        critical: None,
        emergency: None,
        threshold: Some(100.0),
        resolve: 45.0,
        ..slow_statement()
    });
    let levels = [Level::Warning, Level::Critical, Level::Emergency].map(|level| rule.threshold(level));
    assert_eq!(levels, [Some(50.0), Some(100.0), Some(200.0)]);
    assert_eq!(rule.mildest(), 50.0);
    assert_eq!(
        refused(|rule| rule.threshold = Some(100.0)),
        "cannot use rule slow_statement: threshold takes the place of warning, critical and emergency"
    );
    let share = |comparison: &str, threshold| {
        refused(|rule| {
            (rule.warning, rule.critical, rule.emergency) = (None, None, None);
            (rule.comparison, rule.threshold) = (comparison.to_owned(), Some(threshold));
        })
    };
    let expected = "cannot use rule slow_statement: threshold needs comparison above and more than 0, set the levels themselves";
    assert_eq!(share("below", 100.0), expected);
    assert_eq!(share("above", 0.0), expected);
    assert_eq!(share("above", f64::NAN), expected);
}

#[test]
fn an_aggregate_is_one_that_the_metric_has() {
    let metric = || {
        Metric::new("wal.bytes", Unit::Bytes, "WAL").with_aggregates(vec![Aggregate::Rate, Aggregate::Sum])
    };
    let with = |aggregate: Option<&str>| {
        Rule::new(RuleDefinition {
            metric: metric(),
            aggregate: aggregate.map(str::to_owned),
            ..slow_statement()
        })
    };
    let own = with(None).unwrap();
    assert_eq!(own.aggregate(), Aggregate::Rate);
    assert_eq!(own.metric().phrase(), "WAL per second");
    assert_eq!(with(Some("sum")).unwrap().metric().phrase(), "WAL");
    assert_eq!(
        with(Some("p95")).unwrap_err().to_string(),
        "cannot use rule slow_statement: wal.bytes has no p95, only rate, sum"
    );
    assert!(with(Some("median")).is_err());
}

#[test]
fn names_and_labels_that_are_not_known_are_refused() {
    let named = |change: fn(&mut RuleDefinition)| {
        let mut definition = slow_statement();
        change(&mut definition);
        let error = Rule::new(definition).unwrap_err();
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        (error.to_string(), cause.unwrap_or_default())
    };
    let (error, cause) = named(|rule| rule.comparison = "over".to_owned());
    assert_eq!(error, "cannot use rule slow_statement");
    assert_eq!(
        cause,
        r#"unknown comparison "over", expected one of above, below"#
    );
    let (_, cause) = named(|rule| rule.no_data = "page".to_owned());
    assert_eq!(
        cause,
        r#"unknown no-data policy "page", expected one of keep, alert"#
    );
    let (error, _) = named(|rule| rule.labels = json!({"target": {"matches": "x"}}));
    assert_eq!(
        error,
        r#"cannot use rule slow_statement: a condition of labels is a text, {"like": pattern} or {"not": text}"#
    );
}
