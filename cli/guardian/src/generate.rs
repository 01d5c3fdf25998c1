//! The data of the reference workload, pure: a plan and a number give a cohort of a thousand patients, always the same.
//!
//! - `cohort`: a [`Cohort`], the thousand patients and all that is theirs
//! - `people`: who there is; `shares`: how unevenly the burden of illness is spread, and exact totals divided by it
//! - `visits`, `calendar`: when somebody is seen and why; `records`, `events`, `laboratory`: what is found then
//! - `documents`, `text`: what is uploaded; `operations`: jobs, stages and the audit log; `relationships`
//! - `catalogue`, `names`: the codes and the words; `random`: chance that is the same on every machine
//! - `rows`: the [`Table`]s, and how a cohort becomes their rows

mod calendar;
mod catalogue;
mod cohort;
mod documents;
mod events;
mod laboratory;
mod names;
mod operations;
mod people;
mod random;
mod records;
mod relationships;
mod rows;
mod shares;
mod text;
mod visits;

use chrono::{Months, NaiveDate};

pub use cohort::Cohort;
pub use rows::{TABLES, Table};

/// Patients of a cohort.
pub const PATIENTS: usize = 1_000;
/// Events on the timelines of a cohort.
pub const TIMELINE_EVENTS: usize = 50_000;
/// Documents of a cohort.
pub const DOCUMENTS: usize = 10_000;
/// Clinical events of a cohort.
pub const CLINICAL_EVENTS: usize = 25_000;
/// Interactions of providers with patients of a cohort.
pub const INTERACTIONS: usize = 5_000;
/// Providers of a cohort.
pub const PROVIDERS: usize = 50;

/// How many years the records go back.
const YEARS: u32 = 6;

/// Which data: everything that they depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The same seed gives the same rows.
    pub seed: u32,
    /// The day before which everything has happened.
    pub until: NaiveDate,
}

impl Plan {
    /// The first day that is recorded.
    pub fn opening(&self) -> NaiveDate {
        self.until
            .checked_sub_months(Months::new(12 * YEARS))
            .unwrap_or(NaiveDate::MIN)
    }

    /// Since when there are jobs, stages of documents and rows of the audit log: the last twelve months.
    pub fn operations_since(&self) -> NaiveDate {
        self.until
            .checked_sub_months(Months::new(12))
            .unwrap_or(NaiveDate::MIN)
    }
}
