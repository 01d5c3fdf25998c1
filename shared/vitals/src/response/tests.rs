use proptest::prelude::*;
use serde_json::json;

use super::*;

fn parse(action: &str, arguments: Json) -> Result<Response, String> {
    Response::parse(action, &arguments).map_err(|error| error.to_string())
}

fn termination() -> Response {
    parse(
        "terminate_idle_in_transaction",
        json!({"older_than_seconds": 300, "at_most_per_hour": 5}),
    )
    .unwrap()
}

const TURN: Turn = Turn {
    alert_fires: true,
    waited: Duration::ZERO,
    used_within_hour: 0,
};

#[test]
fn what_a_rule_leaves_out_is_as_usual() {
    let expected = Response {
        action: Action::TerminateIdleInTransaction {
            older_than: Duration::from_secs(300),
            all_databases: false,
        },
        at_most_per_hour: 10,
        repeat_after: None,
        dry_run: false,
    };
    let given = json!({"older_than_seconds": 300});
    assert_eq!(parse("terminate_idle_in_transaction", given), Ok(expected));
    let analysis = parse("analyze_table", json!({})).unwrap();
    assert_eq!(analysis.action, Action::AnalyzeTable { table: None });
    assert_eq!(analysis.at_most_per_hour, 4);
}

#[test]
fn what_a_rule_says_is_taken() {
    let given = json!({
        "schema": "public", "table": "Orders", "at_most_per_hour": 1, "repeat_after_seconds": 600, "dry_run": true
    });
    let expected = Response {
        action: Action::AnalyzeTable {
            table: Some(("public".to_owned(), "Orders".to_owned())),
        },
        at_most_per_hour: 1,
        repeat_after: Some(Duration::from_secs(600)),
        dry_run: true,
    };
    assert_eq!(parse("analyze_table", given), Ok(expected));
    let task = parse("run_maintenance", json!({"task": "retention"})).unwrap();
    assert_eq!(
        task.action,
        Action::RunMaintenance {
            task: Task::Retention
        }
    );
}

#[test]
fn what_cannot_be_done_is_refused_with_what_could_be() {
    for (action, arguments, expected) in [
        (
            "drop database shop",
            json!({}),
            "unknown action \"drop database shop\", expected one of analyze_table, refresh_cache_queue, \
             run_maintenance, terminate_idle_in_transaction",
        ),
        (
            "refresh_cache_queue",
            json!({"sql": "drop table a"}),
            "cannot use the arguments of refresh_cache_queue: it takes no \"sql\", only at_most_per_hour, \
             repeat_after_seconds, dry_run",
        ),
        (
            "refresh_cache_queue",
            json!([]),
            "cannot use the arguments of refresh_cache_queue: they are not a JSON object",
        ),
        (
            "run_maintenance",
            json!({}),
            "cannot use the arguments of run_maintenance: task is missing: write retention",
        ),
        (
            "analyze_table",
            json!({"table": "orders"}),
            "cannot use the arguments of analyze_table: schema and table go together",
        ),
        (
            "analyze_table",
            json!({"schema": "", "table": "orders"}),
            "cannot use the arguments of analyze_table: schema and table are names of 1 to 63 bytes",
        ),
        (
            "terminate_idle_in_transaction",
            json!({"older_than_seconds": 4}),
            "cannot use the arguments of terminate_idle_in_transaction: older_than_seconds is not between 5 and 86400",
        ),
        (
            "terminate_idle_in_transaction",
            json!({"older_than_seconds": 300, "at_most_per_hour": 101}),
            "cannot use the arguments of terminate_idle_in_transaction: at_most_per_hour is not between 1 and 100",
        ),
    ] {
        assert_eq!(parse(action, arguments).unwrap_err(), expected);
    }
    let wrong_task = parse("run_maintenance", json!({"task": "drop everything"})).unwrap_err();
    assert!(wrong_task.contains("expected one of retention"), "{wrong_task}");
    let text = parse(
        "terminate_idle_in_transaction",
        json!({"older_than_seconds": "300"}),
    )
    .unwrap_err();
    assert!(text.contains("invalid type"), "{text}");
}

#[test]
fn it_is_not_begun_when_there_is_nothing_to_respond_to_any_more() {
    let response = termination();
    let over = Turn {
        alert_fires: false,
        ..TURN
    };
    assert_eq!(response.allowance(&over), Err(Refusal::AlertIsOver));
    let waited = LONGEST_WAIT + Duration::from_secs(1);
    let refusal = response.allowance(&Turn { waited, ..TURN }).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "it waited for its turn for more than 10 minutes"
    );
}

#[test]
fn a_limit_that_is_reached_is_told_in_what_it_counts() {
    let used = |used_within_hour| Turn {
        used_within_hour,
        ..TURN
    };
    let refusal = termination().allowance(&used(5)).unwrap_err();
    assert_eq!(refusal.to_string(), "the limit of 5 sessions an hour is reached");
    let analysis = parse("analyze_table", json!({"at_most_per_hour": 2})).unwrap();
    assert_eq!(analysis.allowance(&used(1)), Ok(1));
    let refusal = analysis.allowance(&used(2)).unwrap_err();
    assert_eq!(refusal.to_string(), "the limit of 2 runs an hour is reached");
}

#[test]
fn every_action_says_what_it_does_needs_and_takes() {
    for action in ActionName::ALL {
        assert!(!action.summary().is_empty() && !action.rights().is_empty());
        let mut given = serde_json::Map::new();
        for (argument, _) in action.arguments().iter().chain(&COMMON_ARGUMENTS) {
            let value = match *argument {
                "dry_run" | "all_databases" => json!(true),
                "task" => json!("retention"),
                "schema" | "table" => json!("name"),
                _ => json!(60),
            };
            given.insert((*argument).to_owned(), value);
        }
        let response = Response::parse(action.as_str(), &Json::Object(given)).unwrap();
        assert_eq!(response.action.name(), *action);
    }
}

proptest! {
    /// However often it is asked within an hour: what is done together never exceeds the limit.
    #[test]
    fn the_limit_of_an_hour_is_kept(limit in 1_i64..=100, wanted in proptest::collection::vec(0_i64..200, 1..20)) {
        let arguments = json!({"older_than_seconds": 60, "at_most_per_hour": limit});
        let response = Response::parse("terminate_idle_in_transaction", &arguments).unwrap();
        let mut used = 0;
        for wanted in wanted {
            if let Ok(allowed) = response.allowance(&Turn { used_within_hour: used, ..TURN }) {
                used += wanted.min(allowed);
            }
        }
        prop_assert!(used <= limit);
    }
}
