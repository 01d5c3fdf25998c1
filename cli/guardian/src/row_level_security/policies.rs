//! The policies of a database, and what is to be said of them.

use db::{Client, Connection, DbError};
use serde::Serialize;

use super::plan::Execution;
use super::tree::{self, PerRow};

/// Functions that cost no more than looking at a column.
const CHEAP: [&str; 4] = [
    "now",
    "transaction_timestamp",
    "statement_timestamp",
    "clock_timestamp",
];

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) schema: String,
    pub(super) table: String,
    pub(super) name: String,
    pub(super) permissive: bool,
    /// Its condition as text; empty where it has none.
    pub(super) condition: String,
    /// What its conditions do for every row.
    per_row: Vec<PerRow>,
    /// Whether it decides over what `authenticated` reads.
    pub(super) is_read_by_users: bool,
}

/// What a policy does for every row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It calls a function that does not depend on the row: once for a statement would do.
    OncePerStatement,
    /// It calls a function that may change what it gives within a statement, so that it has to be called for every row.
    Volatile,
    /// It calls a function with columns of the row.
    CallWithColumns,
    /// It runs a query that depends on the row.
    Subquery,
}

/// A policy that does something for every row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Warning {
    /// The schema of its table.
    pub schema: String,
    /// Its table.
    pub table: String,
    /// Its name.
    pub policy: String,
    /// What it does.
    pub finding: Finding,
    /// The function that it calls.
    pub function: Option<String>,
    /// Its condition.
    pub condition: String,
    /// What to do about it.
    pub advice: String,
    /// For how many rows that was done in one run of a query, where one of the measured queries did it most often.
    pub seen: Option<Seen>,
}

/// Where it was seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Seen {
    /// The query.
    pub query: String,
    /// For how many rows.
    pub rows: f64,
}

impl Finding {
    /// Whether there is a better way to write the policy in any case. The others may be the best there is.
    pub fn is_needless(self) -> bool {
        self == Finding::OncePerStatement
    }
}

/// All policies.
pub(super) async fn read(client: &Connection) -> Result<Vec<Policy>, DbError> {
    let rows = client
        .query(include_str!("../../sql/row_level_security/policies.sql"), &[])
        .await?;
    let policies = rows.iter().map(|row| {
        let trees: [String; 2] = [row.get("condition_tree")?, row.get("check_tree")?];
        let mut per_row: Vec<PerRow> = trees
            .iter()
            .filter_map(|text| tree::parse(text))
            .flat_map(|tree| tree::per_row(&tree))
            .collect();
        per_row.sort_unstable();
        per_row.dedup();
        Ok(Policy {
            schema: row.get("schema_name")?,
            table: row.get("table_name")?,
            name: row.get("policy")?,
            permissive: row.get("permissive")?,
            condition: row.get("condition")?,
            per_row,
            is_read_by_users: row.get("is_read_by_users")?,
        })
    });
    policies.collect()
}

/// A function, as the catalog knows it.
struct Function {
    oid: i64,
    name: String,
    /// Whether it may give something else within a statement.
    is_volatile: bool,
}

/// What is to be said of the policies, the needless first.
pub(super) async fn warnings(client: &Connection, policies: &[Policy]) -> Result<Vec<Warning>, DbError> {
    let functions = functions(client, policies).await?;
    let mut warnings: Vec<Warning> = policies
        .iter()
        .flat_map(|policy| {
            let functions = &functions;
            policy
                .per_row
                .iter()
                .filter_map(|done| warning(policy, *done, functions))
        })
        .collect();
    warnings.sort_by_key(|warning| warning.finding);
    Ok(warnings)
}

async fn functions(client: &Connection, policies: &[Policy]) -> Result<Vec<Function>, DbError> {
    let oids = policies
        .iter()
        .flat_map(|policy| &policy.per_row)
        .filter_map(|done| match done {
            PerRow::Call { function } | PerRow::CallWithColumns { function } => Some(*function),
            PerRow::Subquery => None,
        });
    let oids: Vec<i64> = oids.collect();
    let rows = client
        .query(
            include_str!("../../sql/row_level_security/functions.sql"),
            &[oids.into()],
        )
        .await?;
    let functions = rows.iter().map(|row| {
        Ok(Function {
            oid: row.get("function_oid")?,
            name: row.get("function_name")?,
            is_volatile: row.get::<String>("volatility")? == "v",
        })
    });
    functions.collect()
}

fn warning(policy: &Policy, done: PerRow, functions: &[Function]) -> Option<Warning> {
    let known = |oid: i64| functions.iter().find(|function| function.oid == oid);
    let (finding, function, advice) = match done {
        PerRow::Call { function } => {
            let function = known(function)?;
            if CHEAP.contains(&function.name.as_str()) {
                return None;
            }
            let name = &function.name;
            if function.is_volatile {
                let advice = format!(
                    "declare {name} stable, if it is, and write (select {name}(…)): that is evaluated once"
                );
                (Finding::Volatile, Some(name), advice)
            } else {
                let advice =
                    format!("write (select {name}(…)) in place of {name}(…): that is evaluated once");
                (Finding::OncePerStatement, Some(name), advice)
            }
        }
        PerRow::CallWithColumns { function } => {
            let function = known(function)?;
            // Conversions and the like: what PostgreSQL has itself is as quick as an operator.
            if !function.name.contains('.') {
                return None;
            }
            let advice = format!(
                "where {} looks up what belongs to the user, write COLUMN in (select …) of a function that gives all of \
                 it: that is evaluated once",
                function.name
            );
            (Finding::CallWithColumns, Some(&function.name), advice)
        }
        PerRow::Subquery => {
            let advice = "where it can be said without columns of the row, write COLUMN in (select …): that is evaluated once";
            (Finding::Subquery, None, advice.to_owned())
        }
    };
    Some(Warning {
        schema: policy.schema.clone(),
        table: policy.table.clone(),
        policy: policy.name.clone(),
        finding,
        function: function.cloned(),
        condition: policy.condition.clone(),
        advice,
        seen: None,
    })
}

/// Notes for how many rows a query had the policies do what they do.
pub(super) fn note_rows(warnings: &mut [Warning], query: &str, execution: &Execution) {
    for warning in warnings {
        for scan in &execution.scans {
            if (&scan.schema, &scan.table) != (&warning.schema, &warning.table) {
                continue;
            }
            let rows = match &warning.function {
                Some(function) => {
                    let name = function.rsplit('.').next().unwrap_or_default();
                    if scan.filter.contains(&format!("{name}(")) {
                        scan.filtered_rows
                    } else {
                        0.0
                    }
                }
                // Once is how often a query runs that was made a list before the first row.
                None => scan.subquery_runs,
            };
            let most = warning.seen.as_ref().map_or(1.0, |seen| seen.rows);
            if rows > most {
                warning.seen = Some(Seen {
                    query: query.to_owned(),
                    rows,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Scan;
    use super::*;

    impl Policy {
        /// A policy that lets rows through.
        pub(in super::super) fn named(schema: &str, table: &str, name: &str) -> Self {
            Self {
                schema: schema.to_owned(),
                table: table.to_owned(),
                name: name.to_owned(),
                permissive: true,
                condition: "(owner = auth.uid())".to_owned(),
                per_row: Vec::new(),
                is_read_by_users: true,
            }
        }
    }

    fn policy(per_row: &[PerRow]) -> Policy {
        Policy {
            per_row: per_row.to_vec(),
            ..Policy::named("app", "notes", "own")
        }
    }

    fn functions() -> Vec<Function> {
        [
            (1, "auth.uid", false),
            (2, "now", false),
            (3, "random", true),
            (4, "app.may_read", false),
        ]
        .map(|(oid, name, is_volatile)| Function {
            oid,
            name: name.to_owned(),
            is_volatile,
        })
        .into()
    }

    #[track_caller]
    fn check(done: PerRow, expected: Option<(Finding, Option<&str>)>) {
        let warning = warning(&policy(&[done]), done, &functions());
        let found = warning
            .as_ref()
            .map(|warning| (warning.finding, warning.function.as_deref()));
        assert_eq!(found, expected);
    }

    #[test]
    fn what_can_be_done_once_is_told_from_what_cannot() {
        check(
            PerRow::Call { function: 1 },
            Some((Finding::OncePerStatement, Some("auth.uid"))),
        );
        check(PerRow::Call { function: 2 }, None);
        check(
            PerRow::Call { function: 3 },
            Some((Finding::Volatile, Some("random"))),
        );
        check(
            PerRow::CallWithColumns { function: 4 },
            Some((Finding::CallWithColumns, Some("app.may_read"))),
        );
        check(PerRow::CallWithColumns { function: 3 }, None);
        check(PerRow::Subquery, Some((Finding::Subquery, None)));
    }

    #[test]
    fn the_query_that_did_it_most_often_is_named() {
        let done = PerRow::Call { function: 1 };
        let mut warnings = vec![warning(&policy(&[done]), done, &functions()).unwrap()];
        let mut run = |query: &str, filter: &str, filtered_rows: f64| {
            let execution = Execution {
                planning_ms: 0.1,
                execution_ms: 1.0,
                blocks: 3.0,
                rows: 1.0,
                scans: vec![Scan {
                    schema: "app".to_owned(),
                    table: "notes".to_owned(),
                    filter: filter.to_owned(),
                    filtered_rows,
                    subquery_runs: 0.0,
                }],
            };
            note_rows(&mut warnings, query, &execution);
        };
        run("few", "(notes.owner = auth.uid())", 20.0);
        run("many", "(notes.owner = auth.uid())", 5_000.0);
        run("some", "(notes.owner = auth.uid())", 300.0);
        run("indexed", "", 90_000.0);
        assert_eq!(
            warnings[0].seen,
            Some(Seen {
                query: "many".to_owned(),
                rows: 5_000.0
            })
        );
    }
}
