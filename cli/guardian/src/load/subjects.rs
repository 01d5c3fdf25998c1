//! Who sends the requests of a load, and what they ask about: tables in a schema of their own, there while a load runs.

use db::{Client, Connection, DbError};

use crate::request::Role;

/// Where a role's requests take their values from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Source {
    /// The table.
    pub(crate) table: &'static str,
    /// The variables of requests, each with the expression that gives its value.
    pub(crate) variables: &'static [(&'static str, &'static str)],
}

/// How many there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subjects {
    /// Patients.
    pub(crate) patients: i64,
    /// Pairs of a provider and a patient whose record the provider may read.
    pub(crate) grants: i64,
}

const PATIENTS: Source = Source {
    table: "guardian_load.patients",
    variables: &[
        ("patient_id", "patient_id"),
        ("before_at", "before_at"),
        ("before_id", "before_id"),
        ("kind", "kind"),
        ("since", "since"),
        ("words", "words"),
    ],
};
const GRANTS: Source = Source {
    table: "guardian_load.grants",
    variables: &[
        ("patient_id", "patient_id"),
        ("provider_id", "provider_id"),
        ("words", "words"),
    ],
};
/// The application works for one patient or another, and through the queue.
const APPLICATION: Source = Source {
    table: "guardian_load.patients",
    variables: &[
        ("patient_id", "patient_id"),
        ("reason", "'load test'"),
        ("worker", "'load test'"),
        (
            "job_id",
            "coalesce((select c.job_id from guardian.claim_job('load test') as c), 0)",
        ),
    ],
};

/// Where the requests of a role take their values from.
pub(crate) fn source(role: Role) -> Source {
    match role {
        Role::Patient => PATIENTS,
        Role::Provider => GRANTS,
        Role::Owner => APPLICATION,
    }
}

impl Subjects {
    /// Makes the tables from what is in the database. What an earlier load left behind is replaced.
    pub(crate) async fn prepare(client: &Connection) -> Result<Self, DbError> {
        client.run_all(include_str!("../../sql/subjects.sql")).await?;
        let rows = client
            .query(include_str!("../../sql/subject_counts.sql"), &[])
            .await?;
        let row = rows.one()?;
        Ok(Self {
            patients: row.get("patients")?,
            grants: row.get("grants")?,
        })
    }

    /// Removes the tables.
    pub(crate) async fn remove(client: &Connection) -> Result<(), DbError> {
        client
            .execute("drop schema if exists guardian_load cascade", &[])
            .await?;
        Ok(())
    }

    /// How many of them send the requests of a role.
    pub(crate) fn count(&self, role: Role) -> i64 {
        match role {
            Role::Patient | Role::Owner => self.patients,
            Role::Provider => self.grants,
        }
    }
}
