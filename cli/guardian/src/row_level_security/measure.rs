//! Runs the critical queries with policies and without, pair by pair.

use db::{Client, Connection, DbError};
use serde::Serialize;
use serde_json::Value;

use super::ExaminationError;
use super::paired::{Cost, quantile};
use super::plan::{self, Execution};
use super::policies::Policy;
use crate::load::Subjects;
use crate::request::{Request, Role};

/// What row-level security costs a query.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueryCost {
    /// The query.
    pub query: String,
    /// Who sends it.
    pub role: Role,
    /// How long it may take at most.
    pub threshold_ms: f64,
    /// How long it takes the owner of the tables, planning included: the median, in milliseconds.
    pub owner_ms: f64,
    /// How long it takes the user, under all policies.
    pub user_ms: f64,
    /// How much more that is, pair by pair.
    pub cost: Cost,
    /// Of that, how much is planning.
    pub planning: Cost,
    /// Blocks that the owner's query touched, on average.
    pub owner_blocks: f64,
    /// Blocks that the user's query touched.
    pub user_blocks: f64,
    /// Each policy that decides over what it reads.
    pub policies: Vec<PolicyCost>,
}

/// What one policy costs a query.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicyCost {
    /// The table, with its schema.
    pub table: String,
    /// The policy.
    pub policy: String,
    /// How much longer the query takes with it than without it; not known where the query gives other rows without it.
    pub cost: Option<Cost>,
}

/// How a query is run.
#[derive(Debug, Clone, Copy)]
enum Way<'a> {
    /// As the owner of the tables, to whom no policy applies.
    Owner,
    /// As the user.
    User,
    /// As the user, after a statement that takes a policy out.
    UserAfter(&'a str),
}

/// A query of one user.
struct Question {
    claims: String,
    statement: String,
}

/// Measures every query, and gives with it how it ran last under all policies.
pub(super) async fn all(
    client: &Connection,
    subjects: &Subjects,
    policies: &[Policy],
    queries: &[Request],
    pairs: u32,
    on_query: &mut impl FnMut(&str),
) -> Result<Vec<(QueryCost, Execution)>, ExaminationError> {
    client
        .run_all(include_str!("../../sql/row_level_security/prepare.sql"))
        .await?;
    let mut costs = Vec::with_capacity(queries.len());
    for query in queries {
        on_query(&query.name);
        costs.push(one(client, subjects, policies, query, pairs).await?);
    }
    Ok(costs)
}

async fn one(
    client: &Connection,
    subjects: &Subjects,
    policies: &[Policy],
    query: &Request,
    pairs: u32,
) -> Result<(QueryCost, Execution), ExaminationError> {
    let questions = questions(client, subjects, query, pairs).await?;
    let pairs = run_pairs(client, query, &questions, Way::User, Way::Owner).await?;
    let Some((user, _)) = pairs.last().cloned() else {
        return Err(ExaminationError::Nobody(query.role));
    };
    let mut of_policies = Vec::new();
    for policy in deciding(policies, &user) {
        of_policies.push(one_policy(client, query, &questions, policies, policy).await?);
    }
    let times = |value: fn(&Execution) -> f64| {
        pairs
            .iter()
            .map(|(user, owner)| (value(user), value(owner)))
            .collect::<Vec<_>>()
    };
    let whole = times(Execution::whole_ms);
    let blocks = times(|execution| execution.blocks);
    let nobody = || ExaminationError::Nobody(query.role);
    let median = |values: Vec<f64>| quantile(&values, 0.5).ok_or_else(nobody);
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let cost = QueryCost {
        query: query.name.clone(),
        role: query.role,
        threshold_ms: query.threshold.as_secs_f64() * 1000.0,
        user_ms: median(whole.iter().map(|pair| pair.0).collect())?,
        owner_ms: median(whole.iter().map(|pair| pair.1).collect())?,
        cost: Cost::of(&whole).ok_or_else(nobody)?,
        planning: Cost::of(&times(|execution| execution.planning_ms)).ok_or_else(nobody)?,
        user_blocks: mean(blocks.iter().map(|pair| pair.0).collect()),
        owner_blocks: mean(blocks.iter().map(|pair| pair.1).collect()),
        policies: of_policies,
    };
    Ok((cost, user))
}

/// The policies that decided over what a query read.
fn deciding<'a>(policies: &'a [Policy], execution: &Execution) -> Vec<&'a Policy> {
    let is_read = |policy: &Policy| {
        execution
            .scans
            .iter()
            .any(|scan| (&scan.schema, &scan.table) == (&policy.schema, &policy.table))
    };
    policies
        .iter()
        .filter(|policy| policy.is_read_by_users && is_read(policy))
        .collect()
}

async fn one_policy(
    client: &Connection,
    query: &Request,
    questions: &[Question],
    policies: &[Policy],
    policy: &Policy,
) -> Result<PolicyCost, ExaminationError> {
    let others = policies.iter().any(|other| {
        let same_table = (&other.schema, &other.table) == (&policy.schema, &policy.table);
        same_table && other.is_read_by_users && other.permissive && other.name != policy.name
    });
    let take_out = taken_out(policy, others);
    let pairs = run_pairs(client, query, questions, Way::User, Way::UserAfter(&take_out)).await?;
    let is_same = pairs.iter().all(|(with, without)| with.rows == without.rows);
    let whole: Vec<(f64, f64)> = pairs
        .iter()
        .map(|(with, without)| (with.whole_ms(), without.whole_ms()))
        .collect();
    Ok(PolicyCost {
        table: format!("{}.{}", policy.schema, policy.table),
        policy: policy.name.clone(),
        cost: Cost::of(&whole).filter(|_| is_same),
    })
}

/// The statement that takes a policy out. Without any, nothing would be seen: the only one lets everything through. Of
/// several that let rows through, one is dropped, because one that lets everything through would make the others needless.
fn taken_out(policy: &Policy, others: bool) -> String {
    let (name, table) = (
        quoted(&policy.name),
        format!("{}.{}", quoted(&policy.schema), quoted(&policy.table)),
    );
    if policy.permissive && others {
        format!("drop policy {name} on {table}")
    } else {
        format!("alter policy {name} on {table} using (true)")
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The query of so many users, spread over all there are.
async fn questions(
    client: &Connection,
    subjects: &Subjects,
    query: &Request,
    count: u32,
) -> Result<Vec<Question>, ExaminationError> {
    let source = crate::load::source(query.role);
    let users = subjects.count(query.role);
    if users == 0 {
        return Err(ExaminationError::Nobody(query.role));
    }
    let values: Vec<String> = source
        .variables
        .iter()
        .map(|(name, expression)| format!("({expression})::text as {name}"))
        .collect();
    let sql = format!(
        "select claims::text as claims, {} from {} where number = $1",
        values.join(", "),
        source.table
    );
    let mut questions = Vec::new();
    for index in 0..i64::from(count) {
        let number = 1 + index * users / i64::from(count);
        let rows = client.query(&sql, &[number.into()]).await?;
        let row = rows.one()?;
        questions.push(Question {
            claims: row.get("claims")?,
            statement: query.with_literals(|variable| row.get(variable).ok())?,
        });
    }
    Ok(questions)
}

/// Runs each question both ways, in turn the one first and the other.
async fn run_pairs(
    client: &Connection,
    query: &Request,
    questions: &[Question],
    one: Way<'_>,
    other: Way<'_>,
) -> Result<Vec<(Execution, Execution)>, ExaminationError> {
    let mut pairs = Vec::with_capacity(questions.len());
    for (number, question) in questions.iter().enumerate() {
        let pair = if number % 2 == 0 {
            let first = run(client, query, question, one).await?;
            (first, run(client, query, question, other).await?)
        } else {
            let first = run(client, query, question, other).await?;
            (run(client, query, question, one).await?, first)
        };
        pairs.push(pair);
    }
    Ok(pairs)
}

/// Runs a question in a transaction that leaves nothing behind.
async fn run(
    client: &Connection,
    query: &Request,
    question: &Question,
    way: Way<'_>,
) -> Result<Execution, ExaminationError> {
    client.execute("begin", &[]).await?;
    let plan = within(client, question, way).await;
    // What the question met with is the thing to tell; a broken connection rolls back by itself.
    let _ = client.execute("rollback", &[]).await;
    plan::read(&plan?).ok_or_else(|| ExaminationError::Plan(query.name.clone()))
}

async fn within(client: &Connection, question: &Question, way: Way<'_>) -> Result<Value, DbError> {
    client.execute("set local lock_timeout = '2s'", &[]).await?;
    if let Way::UserAfter(statement) = way {
        client.execute(statement, &[]).await?;
    }
    // The owner has the claims as well: what the query itself asks of them is no cost of the policies.
    let claims = "select set_config('request.jwt.claims', $1, true) as claims";
    client.query(claims, &[question.claims.as_str().into()]).await?;
    if !matches!(way, Way::Owner) {
        client.execute("set local role authenticated", &[]).await?;
    }
    let explain = "select guardian_load.explain($1)::jsonb as plan";
    let statement = [question.statement.as_str().into()];
    // The first time reads catalogs again, which a policy that was taken out makes necessary, and fills the caches.
    client.query(explain, &statement).await?;
    client.query(explain, &statement).await?.one()?.get("plan")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_policy_of_several_is_dropped_and_the_only_one_lets_everything_through() {
        let policy = Policy::named("app", "notes", "read \"own\"");
        assert_eq!(
            taken_out(&policy, false),
            r#"alter policy "read ""own""" on "app"."notes" using (true)"#
        );
        assert_eq!(
            taken_out(&policy, true),
            r#"drop policy "read ""own""" on "app"."notes""#
        );
    }
}
