//! Rules as rows: what is refused where it is written, what is reported where it got in all the same, and the rules that
//! every installation begins with.

use std::cell::Cell;
use std::collections::BTreeSet;

use db::{Client, Connection, DbError, Rows, Value};
use integration_tests::project_root;
use serde_json::json;
use store::{observations, rules};
use vitals::level::Level;
use vitals::rule::Rule;

use crate::{Monitoring, refusal};

/// The SQLSTATE of a broken constraint, or of the trigger that knows the metrics.
const CHECK_VIOLATION: &str = "23514";

#[tokio::test]
async fn a_malformed_rule_is_refused_where_it_is_written() {
    let room = Monitoring::new("malformed_rules").await;
    let insert = |metric: &str, columns: &str, values: &str| {
        format!(
            "insert into monitoring.rules (rule_id, summary, metric, comparison, resolve{columns})
             values ('rule', 'a rule', '{metric}', 'above', 1{values})"
        )
    };
    let malformed = [
        insert("cache_hits", ", warning", ", 1"),
        insert("tables.rows", ", warning", ", 1"),
        insert("cache_hit_percent", ", warning, aggregate", ", 1, 'p95'"),
        insert("cache_hit_percent", "", ""),
        insert("cache_hit_percent", ", warning, threshold", ", 1, 1"),
        insert("cache_hit_percent", ", threshold", ", 1"),
        insert(
            "cache_hit_percent",
            ", warning, labels",
            r#", 1, '{"target": 1}'"#,
        ),
        insert(
            "cache_hit_percent",
            ", warning, labels",
            r#", 1, '{"target": {"is": "x"}}'"#,
        ),
        insert(
            "cache_hit_percent",
            ", warning, labels",
            r#", 1, '{"target": {"like": "x", "not": "y"}}'"#,
        ),
        insert("cache_hit_percent", ", warning, labels", ", 1, '[]'"),
        insert("cache_hit_percent", ", warning, no_data", ", 1, 'page'"),
        insert("cache_hit_percent", ", warning, inhibited_by", ", 1, '{rule}'"),
        insert("cache_hit_percent", ", warning, tags", r#", 1, '{"team": 1}'"#),
        insert("cache_hit_percent", ", warning, advice", ", 1, ' '"),
        insert("cache_hit_percent", ", warning, window_seconds", ", 1, 0"),
        insert("cache_hit_percent", ", warning", ", 'NaN'"),
    ];
    for statement in malformed {
        assert_eq!(
            refusal(&room.store, &statement).await,
            CHECK_VIOLATION,
            "{statement}"
        );
    }
    let renamed = "update monitoring.rules set metric = 'nothing' where rule_id = 'cache_hit'";
    assert_eq!(refusal(&room.store, renamed).await, CHECK_VIOLATION);
    let sound = insert(
        "tables.live_rows",
        ", threshold, aggregate, labels",
        r#", 2, 'p95', '{"table": {"not": "a"}}'"#,
    );
    assert_eq!(
        refusal(&room.store, &sound).await,
        format!("not refused: {sound}")
    );
}

#[tokio::test]
async fn a_name_that_no_metric_has_is_refused_with_where_the_names_are() {
    let room = Monitoring::new("unknown_metric").await;
    let error = room
        .store
        .execute(
            "update monitoring.rules set metric = 'cache_hits' where rule_id = 'cache_hit'",
            &[],
        )
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("rule cache_hit watches cache_hits, and there is no such metric"),
        "{error}"
    );
}

#[tokio::test]
async fn one_that_got_in_all_the_same_is_reported_and_the_others_run() {
    let room = Monitoring::new("faulty_rules").await;
    let target = room.target("t").await;
    room.run(&format!(
        "insert into monitoring.target_state (target_id, up, down_since) values ({target}, false, now() - interval '1 h')"
    ))
    .await;
    // As a dump of another release would be restored.
    room.run("alter table monitoring.rules disable trigger rules_metric_is_known")
        .await;
    room.run("alter table monitoring.rules drop constraint rules_labels_are_a_filter")
        .await;
    room.run("update monitoring.rules set metric = 'cache_hits' where rule_id = 'cache_hit'")
        .await;
    room.run("update monitoring.rules set labels = '{\"target\": 1}' where rule_id = 'deadlocks'")
        .await;
    let rules = rules::all(&room.store).await.unwrap();
    let faults: Vec<String> = rules.faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "cannot use rule cache_hit: there is no metric cache_hits",
            r#"cannot use rule deadlocks: a condition of labels is a text, {"like": pattern} or {"not": text}"#
        ]
    );
    let seen = observations::all(&[&room.store], &rules).await.unwrap();
    assert!(
        seen.iter().any(|observed| observed.rule_id == "target_down"),
        "{seen:?}"
    );
}

async fn defaults() -> Vec<Rule> {
    let room = Monitoring::new("default_rules").await;
    let rules = rules::all(&room.store).await.unwrap();
    assert_eq!(
        rules.faults,
        [],
        "every default rule names a metric that there is"
    );
    rules.valid
}

#[tokio::test]
async fn every_default_rule_says_what_to_do_and_where_that_is_written() {
    let rules = defaults().await;
    let ids: BTreeSet<&str> = rules.iter().map(Rule::rule_id).collect();
    for rule in &rules {
        let rule_id = rule.rule_id();
        let advice = rule.advice().unwrap_or_else(|| panic!("{rule_id} has no advice"));
        assert!(
            (20..=160).contains(&advice.chars().count()),
            "{rule_id}: {advice}"
        );
        let runbook = rule
            .runbook()
            .unwrap_or_else(|| panic!("{rule_id} has no runbook"));
        assert!(
            project_root().join(runbook).is_file(),
            "{rule_id}: there is no {runbook}"
        );
        for other in rule.inhibited_by() {
            assert!(
                ids.contains(other.as_str()),
                "{rule_id} is inhibited by {other}, which is no rule"
            );
        }
    }
}

/// The levels, the window and what the rule needs, by name: what the requirements ask for.
#[tokio::test]
async fn the_default_rules_have_the_thresholds_that_were_asked_for() {
    let rules = defaults().await;
    let expected: [(&str, [Option<f64>; 2]); 18] = [
        // 001: half of it warns, all of it is critical, twice as much an emergency.
        ("timeline_query", [Some(50.0), Some(100.0)]),
        ("rls_policy_check", [Some(25.0), Some(50.0)]),
        ("document_search", [Some(100.0), Some(200.0)]),
        ("job_processing", [Some(5_000.0), Some(10_000.0)]),
        // 002: the seven.
        ("cache_hit", [Some(95.0), Some(90.0)]),
        ("average_query_time", [Some(2_000.0), Some(5_000.0)]),
        ("active_connections", [Some(50.0), Some(80.0)]),
        ("pending_cache_invalidations", [Some(500.0), Some(1_000.0)]),
        ("slow_queries_per_minute", [Some(10.0), Some(25.0)]),
        (
            "database_size",
            [Some(50.0 * 1_073_741_824.0), Some(100.0 * 1_073_741_824.0)],
        ),
        ("orphaned_relationships", [Some(100.0), Some(500.0)]),
        // 003: more than 500 ms is slow.
        ("slow_statement", [Some(250.0), Some(500.0)]),
        // 004.
        ("single_entity_query", [Some(51.0), Some(100.0)]),
        ("paginated_query", [Some(500.0), Some(1_000.0)]),
        ("index_use", [Some(95.0), Some(80.0)]),
        ("cache_hit_promised", [Some(99.0), Some(95.0)]),
        ("database_growth", [Some(20.0), Some(100.0)]),
        ("query_growth", [Some(50.0), Some(200.0)]),
    ];
    for (rule_id, levels) in expected {
        let rule = rules.iter().find(|rule| rule.rule_id() == rule_id);
        let rule = rule.unwrap_or_else(|| panic!("there is no rule {rule_id}"));
        let found = [Level::Warning, Level::Critical].map(|level| rule.threshold(level));
        assert_eq!(found, levels, "{rule_id}");
    }
}

/// A connection that counts what is sent.
struct Counting<'a> {
    client: &'a Connection,
    statements: Cell<usize>,
}

impl Client for Counting<'_> {
    async fn query(&self, sql: &str, parameters: &[Value]) -> Result<Rows, DbError> {
        self.statements.set(self.statements.get() + 1);
        self.client.query(sql, parameters).await
    }

    async fn execute(&self, sql: &str, parameters: &[Value]) -> Result<u64, DbError> {
        self.statements.set(self.statements.get() + 1);
        self.client.execute(sql, parameters).await
    }
}

#[tokio::test]
async fn more_rules_and_targets_take_no_more_statements() {
    let room = Monitoring::new("bounded_statements").await;
    let count = async || {
        let client = Counting {
            client: &room.store,
            statements: Cell::new(0),
        };
        let rules = rules::all(&client).await.unwrap();
        observations::all(&[&client], &rules).await.unwrap();
        client.statements.get()
    };
    room.target("first").await;
    let few = count().await;
    room.run(
        "insert into monitoring.rules (rule_id, summary, metric, comparison, warning, resolve, window_seconds)
         select 'more_' || row_number() over (), 'more', m.metric, 'above', n, n, n
         from generate_series(1, 20) as n
         cross join (select distinct r.metric from monitoring.rules as r) as m",
    )
    .await;
    for name in ["second", "third"] {
        room.target(name).await;
    }
    assert_eq!(count().await, few);
    assert!(few < 40, "{few} statements");
}

#[tokio::test]
async fn a_rule_is_made_and_changed_field_by_field() {
    let room = Monitoring::new("save_rule").await;
    let save = async |fields: serde_json::Value| {
        let fields = fields.as_object().unwrap().clone();
        rules::save(&room.store, "full_table", &fields).await
    };
    let new = json!({
        "summary": "a table is full", "metric": "tables.live_rows", "labels": {"table": "orders"}, "threshold": 100.0,
        "resolve": 40.0, "tags": {"team": "shop"}
    });
    assert!(save(new).await.unwrap(), "it is new");
    assert!(!save(json!({"for_seconds": 60})).await.unwrap());
    let all = rules::all(&room.store).await.unwrap();
    let rule = all.find("full_table").unwrap();
    assert_eq!(rule.threshold(Level::Emergency), Some(200.0));
    assert_eq!(rule.hold().as_secs(), 60);
    assert_eq!(rule.tags()["team"], "shop");
    assert_eq!(rule.inhibited_by(), ["target_down"]);
    let unknown = save(json!({"treshold": 1})).await.unwrap_err();
    assert!(
        unknown.to_string().contains("a rule has no field treshold"),
        "{unknown}"
    );
    assert_eq!(
        save(json!({"warning": 1})).await.unwrap_err().sqlstate.as_deref(),
        Some(CHECK_VIOLATION)
    );
    assert!(rules::remove(&room.store, "full_table").await.unwrap());
    assert!(!rules::remove(&room.store, "full_table").await.unwrap());
}

#[tokio::test]
async fn a_rule_that_was_deleted_does_not_come_back() {
    let room = Monitoring::new("deleted_rule").await;
    room.run("delete from monitoring.rules where rule_id = 'query_growth'")
        .await;
    store::migrations::migrate(&room.admin).await.unwrap();
    let rules = rules::all(&room.store).await.unwrap();
    assert!(rules.find("query_growth").is_none());
    assert!(rules.find("database_growth").is_some());
}
