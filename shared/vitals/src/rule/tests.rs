use super::*;

pub(crate) fn slow_statement() -> RuleDefinition {
    RuleDefinition {
        rule_id: "slow_statement".to_owned(),
        summary: "A statement is slow".to_owned(),
        metric: "statement_mean_ms".to_owned(),
        comparison: "above".to_owned(),
        warning: Some(250.0),
        critical: Some(500.0),
        emergency: Some(1000.0),
        resolve: 225.0,
        window_seconds: 60,
        for_seconds: 0,
        cooldown_seconds: 300,
        minimum_traffic: 3,
        runbook: Some("runbooks/slow-statement.md".to_owned()),
        enabled: true,
    }
}

pub(crate) fn cache_hit() -> RuleDefinition {
    RuleDefinition {
        rule_id: "cache_hit".to_owned(),
        summary: "Too much is read from disk".to_owned(),
        metric: "cache_hit_percent".to_owned(),
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
        "cannot use rule slow_statement: it has no threshold, set at least one of warning, critical, emergency"
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
fn an_unknown_metric_is_named_in_the_cause() {
    let mut definition = slow_statement();
    definition.metric = "statement_mean".to_owned();
    let error = Rule::new(definition).unwrap_err();
    assert_eq!(error.to_string(), "cannot use rule slow_statement");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        cause.starts_with(r#"unknown metric "statement_mean", expected one of statement_mean_ms, "#),
        "{cause}"
    );
}
