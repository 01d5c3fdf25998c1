//! Which responses a rule may have: what the table takes is what the program takes.

use db::Client as _;
use integration_tests::test_versions;
use serde_json::{Value, json};
use vitals::response::Response;

use crate::{Monitoring, refusal};

const TERMINATE: &str = "terminate_idle_in_transaction";

#[tokio::test]
async fn the_table_takes_the_responses_that_the_program_takes_and_no_others() {
    for version in test_versions() {
        let room = Monitoring::on(version, "responses_taken").await;
        for (action, arguments) in cases() {
            let sql = "select monitoring.is_response($1, $2)::bool as fits";
            let parameters = [action.into(), arguments.clone().into()];
            let rows = room.store.query(sql, &parameters).await.unwrap();
            let in_table: bool = rows.one().unwrap().get("fits").unwrap();
            let in_program = Response::parse(action, &arguments);
            assert_eq!(
                in_table,
                in_program.is_ok(),
                "{action} {arguments}: {in_program:?}"
            );
        }
        let free = "update monitoring.rules set response = 'drop table orders' where rule_id = 'target_down'";
        assert_eq!(refusal(&room.store, free).await, "23514");
    }
}

/// Arguments of every kind, right and wrong, for every action and for none.
fn cases() -> Vec<(&'static str, Value)> {
    let arguments = [
        json!({}),
        json!([]),
        json!(null),
        json!("older_than_seconds"),
        json!({"task": "retention"}),
        json!({"task": "vacuum"}),
        json!({"task": null}),
        json!({"schema": "public", "table": "orders"}),
        json!({"schema": "public"}),
        json!({"table": "orders"}),
        json!({"schema": "", "table": "orders"}),
        json!({"schema": "public", "table": "x".repeat(63)}),
        json!({"schema": "public", "table": "x".repeat(64)}),
        json!({"schema": 1, "table": "orders"}),
        json!({"older_than_seconds": 5}),
        json!({"older_than_seconds": 4}),
        json!({"older_than_seconds": 86400}),
        json!({"older_than_seconds": 86401}),
        json!({"older_than_seconds": 5.5}),
        json!({"older_than_seconds": "5"}),
        json!({"older_than_seconds": -5}),
        json!({"older_than_seconds": 60, "all_databases": true}),
        json!({"older_than_seconds": 60, "all_databases": "yes"}),
        json!({"older_than_seconds": 60, "sql": "select 1"}),
        json!({"older_than_seconds": 60, "at_most_per_hour": 1, "repeat_after_seconds": 60, "dry_run": false}),
        json!({"at_most_per_hour": 100}),
        json!({"at_most_per_hour": 101}),
        json!({"at_most_per_hour": 0}),
        json!({"repeat_after_seconds": 59}),
        json!({"repeat_after_seconds": 86400}),
        json!({"dry_run": true}),
        json!({"dry_run": 1}),
        json!({"dry_run": null}),
    ];
    let actions = [
        "analyze_table",
        "refresh_cache_queue",
        "run_maintenance",
        TERMINATE,
        "drop table orders",
    ];
    let pairs = actions
        .iter()
        .flat_map(|action| arguments.iter().map(|arguments| (*action, arguments.clone())));
    pairs.collect()
}
