//! What row-level security costs, and which policies cost more than they must.
//!
//! - `measure.rs`, `paired.rs`: each critical query as the owner of the tables, to whom no policy applies, and as the user
//!   who sends it, pair by pair; and as that user with one policy taken out
//! - `policies.rs`, `tree.rs`: the policies, and what their conditions do for every row
//! - `plan.rs`: what became of it in the plans

mod measure;
mod paired;
mod plan;
mod policies;
mod tree;

use db::{Client, Connection, DbError};
use serde::Serialize;

pub use measure::{PolicyCost, QueryCost};
pub use paired::Cost;
pub use policies::{Finding, Warning};

use crate::load::Subjects;
use crate::request::{Request, RequestError, Role};

/// What was found out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Examination {
    /// Each critical query of users; none where the database has no reference workload.
    pub queries: Vec<QueryCost>,
    /// Policies that do something for every row.
    pub warnings: Vec<Warning>,
}

/// Why nothing could be found out.
#[derive(Debug, thiserror::Error)]
pub enum ExaminationError {
    /// The query is none that users send.
    #[error("there is no critical query {0} that users send")]
    Unknown(String),
    /// A value that a query needs is nowhere.
    #[error("cannot read a critical query")]
    Request(#[from] RequestError),
    /// The plan that came is none.
    #[error("cannot read the plan of {0}")]
    Plan(String),
    /// Nobody to ask as.
    #[error("there is no {0} with a record to ask for")]
    Nobody(Role),
    /// What the database said.
    #[error("cannot examine row-level security")]
    Database(#[from] DbError),
}

/// The critical queries that users send, or the one of a name.
///
/// # Errors
///
/// Where there is none of that name.
pub fn queries(name: Option<&str>) -> Result<Vec<Request>, ExaminationError> {
    let all: Result<Vec<Request>, RequestError> = Request::critical().map(Request::named).collect();
    let mut queries = all?;
    queries.retain(|request| request.role != Role::Owner && name.is_none_or(|name| request.name == name));
    match name {
        Some(name) if queries.is_empty() => Err(ExaminationError::Unknown(name.to_owned())),
        _ => Ok(queries),
    }
}

/// Runs each query so many times both ways, and looks at every policy of the database. Policies are taken out within
/// transactions that are rolled back, which lock their tables for moments: this is for a database that nobody works with.
///
/// # Errors
///
/// What the database said, or did not have.
pub async fn examine(
    client: &Connection,
    queries: &[Request],
    pairs: u32,
    mut on_query: impl FnMut(&str),
) -> Result<Examination, ExaminationError> {
    let policies = policies::read(client).await?;
    let mut warnings = policies::warnings(client, &policies).await?;
    let mut costs = Vec::new();
    if has_reference_workload(client).await? {
        let subjects = Subjects::prepare(client).await?;
        let measured = measure::all(client, &subjects, &policies, queries, pairs, &mut on_query).await;
        // The tables are in nobody's way, and the next run replaces them.
        let _ = Subjects::remove(client).await;
        for (cost, execution) in measured? {
            policies::note_rows(&mut warnings, &cost.query, &execution);
            costs.push(cost);
        }
    }
    Ok(Examination {
        queries: costs,
        warnings,
    })
}

async fn has_reference_workload(client: &Connection) -> Result<bool, DbError> {
    let sql = "select (pg_catalog.to_regclass('guardian.patients') is not null)::bool as found";
    client.query(sql, &[]).await?.one()?.get("found")
}
