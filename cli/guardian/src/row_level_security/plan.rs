//! What a plan says of the policies that were in it: `explain (analyze, verbose, format json)`.

use serde_json::Value;

/// A query that ran once.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Execution {
    /// How long it took to plan, in milliseconds.
    pub(super) planning_ms: f64,
    /// How long it took to run.
    pub(super) execution_ms: f64,
    /// Blocks of tables and indexes that it touched, in memory or not.
    pub(super) blocks: f64,
    /// Rows that it gave.
    pub(super) rows: f64,
    /// The tables that it read.
    pub(super) scans: Vec<Scan>,
}

/// A table that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scan {
    pub(super) schema: String,
    pub(super) table: String,
    /// What was asked of every row that was read.
    pub(super) filter: String,
    /// How many rows that was.
    pub(super) filtered_rows: f64,
    /// How often the queries within the filter ran: once, or for every row.
    pub(super) subquery_runs: f64,
}

impl Execution {
    /// Planning and running together: what somebody waits for who sends the query once.
    pub(super) fn whole_ms(&self) -> f64 {
        self.planning_ms + self.execution_ms
    }
}

/// Reads a plan; nothing where it is none.
pub(super) fn read(plan: &Value) -> Option<Execution> {
    let top = plan.get("Plan")?;
    let mut scans = Vec::new();
    collect(top, &mut scans);
    Some(Execution {
        planning_ms: plan.get("Planning Time")?.as_f64()?,
        execution_ms: plan.get("Execution Time")?.as_f64()?,
        blocks: number(top, "Shared Hit Blocks") + number(top, "Shared Read Blocks"),
        rows: number(top, "Actual Rows") * number(top, "Actual Loops"),
        scans,
    })
}

fn collect(node: &Value, scans: &mut Vec<Scan>) {
    let text = |field: &str| {
        node.get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let empty = Vec::new();
    let children = node.get("Plans").and_then(Value::as_array).unwrap_or(&empty);
    if node.get("Relation Name").is_some() {
        let loops = number(node, "Actual Loops");
        let of_filter = children
            .iter()
            .filter(|child| child.get("Parent Relationship").and_then(Value::as_str) == Some("SubPlan"));
        scans.push(Scan {
            schema: text("Schema"),
            table: text("Relation Name"),
            filter: text("Filter"),
            filtered_rows: (number(node, "Actual Rows") + number(node, "Rows Removed by Filter")) * loops,
            subquery_runs: of_filter
                .map(|child| number(child, "Actual Loops"))
                .fold(0.0, f64::max),
        });
    }
    for child in children {
        collect(child, scans);
    }
}

fn number(node: &Value, field: &str) -> f64 {
    node.get(field).and_then(Value::as_f64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scans_are_found_with_what_was_asked_of_their_rows() {
        let plan = json!({
            "Planning Time": 0.5,
            "Execution Time": 2.0,
            "Plan": {
                "Node Type": "Limit", "Actual Rows": 20.0, "Actual Loops": 1,
                "Shared Hit Blocks": 30, "Shared Read Blocks": 2,
                "Plans": [{
                    "Node Type": "Index Scan", "Schema": "guardian", "Relation Name": "documents",
                    "Filter": "(SubPlan 1)", "Actual Rows": 20, "Actual Loops": 2, "Rows Removed by Filter": 5,
                    "Plans": [{
                        "Parent Relationship": "SubPlan", "Schema": "guardian", "Relation Name": "access_grants",
                        "Actual Rows": 1, "Actual Loops": 50
                    }]
                }]
            }
        });
        let execution = read(&plan).unwrap();
        assert_eq!(
            (execution.whole_ms(), execution.blocks, execution.rows),
            (2.5, 32.0, 20.0)
        );
        let tables: Vec<&str> = execution.scans.iter().map(|scan| scan.table.as_str()).collect();
        assert_eq!(tables, ["documents", "access_grants"]);
        assert_eq!(
            (execution.scans[0].filtered_rows, execution.scans[0].subquery_runs),
            (50.0, 50.0)
        );
        assert_eq!(read(&json!({})), None);
    }
}
