//! `pgvitals rules`.

use serde_json::json;

use crate::support::{Installed, assert_answer};

#[tokio::test]
async fn a_rule_is_made_changed_switched_and_removed() {
    let installed = Installed::new().await;
    let project = &installed.project;
    let make = [
        "rules",
        "set",
        "many_orders",
        "--metric",
        "tables.live_rows",
        "--label",
        "table=orders",
        "--threshold",
        "100",
    ];
    assert_answer!(project.run(&make), @r"
    exit code: 0
    ----- stdout -----
    many_orders is made: `pgvitals rules test many_orders` tells what it would have told
    ----- stderr -----
    ");
    let rule = project.json(&["rules", "show", "many_orders"]);
    assert_eq!(rule["labels"], json!({"table": "orders"}));
    assert_eq!(
        (&rule["threshold"], &rule["resolve"]),
        (&json!(100.0), &json!(45.0))
    );
    project.json(&[
        "rules",
        "set",
        "many_orders",
        "--warning",
        "80",
        "--critical",
        "200",
        "--for",
        "5m",
    ]);
    let rule = project.json(&["rules", "show", "many_orders"]);
    assert_eq!(
        (&rule["threshold"], &rule["warning"]),
        (&json!(null), &json!(80.0))
    );
    assert_eq!(
        (&rule["resolve"], &rule["for_seconds"]),
        (&json!(72.0), &json!(300))
    );
    assert_answer!(project.run(&["rules", "disable", "many_orders"]), @r"
    exit code: 0
    ----- stdout -----
    many_orders is not evaluated any more
    ----- stderr -----
    ");
    assert_eq!(project.json(&["rules", "show", "many_orders"])["enabled"], false);
    assert_answer!(project.run(&["rules", "remove", "many_orders", "--yes"]), @r"
    exit code: 0
    ----- stdout -----
    many_orders is no rule any more
    ----- stderr -----
    ");
    assert_answer!(project.run(&["rules", "enable", "many_orders"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: there is no rule `many_orders`

    hint: see `pgvitals rules list`
    ");
}

#[tokio::test]
async fn a_rule_that_makes_no_sense_is_refused_with_what_to_do() {
    let installed = Installed::new().await;
    let project = &installed.project;
    assert_answer!(project.run(&["rules", "set", "cache_hit", "--metric", "cache_hits"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: cannot set the rule cache_hit
      caused by: rule cache_hit watches cache_hits, and there is no such metric

    hint: `pgvitals rules metrics` lists what can be watched
    ");
    let refused = project.run(&["rules", "set", "cache_hit", "--warning", "50"]);
    assert!(
        refused.contains("hint: each level begins beyond the milder one"),
        "{refused}"
    );
    let refused = project.run(&["rules", "set", "new_one", "--warning", "50"]);
    assert!(refused.contains("hint: a new rule needs --metric"), "{refused}");
    let refused = project.run(&["rules", "set", "cache_hit"]);
    assert!(refused.contains("error: nothing is to be changed"), "{refused}");
}

/// Two hours of connections: quiet, twenty minutes nearly full, quiet again.
const CONNECTIONS: &str = "insert into monitoring.activity_samples
  select t.target_id, now() - n * interval '15 seconds', case when n between 160 and 240 then 92 else 30 end,
         103, 3, 0, 0, 0, 0, 0, 0, 0, 0
  from monitoring.targets as t cross join generate_series(0, 480) as n";

#[tokio::test]
async fn a_rule_is_tried_on_what_is_stored() {
    let installed = Installed::new().await;
    let project = &installed.project;
    let client = integration_tests::database::connect(&installed.server.url("postgres"))
        .await
        .unwrap();
    client
        .batch_execute(
            "select monitoring.make_partition('activity_samples', now() - interval '3 hours');
             insert into monitoring.targets (name, address) values ('shop', 'postgres://app@127.0.0.1/shop')",
        )
        .await
        .unwrap();
    client.batch_execute(CONNECTIONS).await.unwrap();

    let told = project.json(&["rules", "test", "connection_use", "--since", "3h"]);
    let told = told.as_array().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (&told[0]["target"], &told[0]["level"]),
        (&json!("shop"), &json!("critical"))
    );
    assert_eq!(told[0]["notices"], 2);
    let worst = told[0]["value"].as_f64().unwrap();
    assert!((worst - 92.0).abs() < 0.01, "{worst}");

    let milder = [
        "rules",
        "test",
        "connection_use",
        "--since",
        "3h",
        "--warning",
        "93",
        "--critical",
        "96",
        "--emergency",
        "99",
    ];
    assert_answer!(project.run(&milder), @r"
    exit code: 0
    ----- stdout -----
    it would have told nothing
    ----- stderr -----
    evaluating connection_use at 721 moments
    0 alerts, 0 notices in 3 h
    ");
    assert_eq!(
        project.json(&["rules", "show", "connection_use"])["warning"],
        70.0,
        "nothing was changed"
    );

    let nothing = project.run(&["rules", "test", "timeline_query"]);
    assert!(
        nothing.contains("note: nothing that the rule is about is seen"),
        "{nothing}"
    );

    // The twenty minutes are most of what is known of the only day: then they are what is normal.
    let suggested = project.json(&["rules", "suggest", "connection_use", "--since", "3h"]);
    let suggested = &suggested[0];
    assert_eq!(
        (&suggested["alerts"], &suggested["alerts_then"]),
        (&json!(1), &json!(0)),
        "{suggested}"
    );
    let warning = suggested["suggested"]["warning"].as_f64().unwrap();
    assert!(warning > 92.0 && warning < 100.0, "{suggested}");
}
