//! The tables, in an order that foreign keys allow, and how a cohort becomes their rows.
//!
//! The rows of a record are written in the order of time, as an application writes them: what belongs to one patient
//! lies scattered among what belongs to all others.

mod operation;
mod record;
mod timeline;

use chrono::{DateTime, Utc};

use super::cohort::Cohort;
use super::people::Person;
use crate::copy::{RowWriter, Stopped};

/// Writes the rows of one table.
type Write = fn(&Cohort, &mut RowWriter<'_>) -> Result<(), Stopped>;

/// A table that is filled.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name in the schema `guardian`.
    pub name: &'static str,
    /// The columns that are given; the others have their defaults.
    pub columns: &'static str,
    write: Write,
}

const fn table(name: &'static str, columns: &'static str, write: Write) -> Table {
    Table { name, columns, write }
}

/// The tables in the order in which they are filled.
pub const TABLES: [Table; 16] = [
    table(
        "profiles",
        "profile_id, role, full_name, email, created_at",
        profiles,
    ),
    table(
        "patients",
        "patient_id, profile_id, date_of_birth, sex, blood_type, city, deceased_at, created_at",
        patients,
    ),
    table(
        "providers",
        "provider_id, profile_id, registry_number, specialty, organisation, created_at",
        providers,
    ),
    table(
        "access_grants",
        "access_grant_id, patient_id, provider_id, level, granted_at, expires_at, revoked_at, created_at",
        access_grants,
    ),
    table(
        "clinical_events",
        "clinical_event_id, patient_id, provider_id, kind, code_system, code, display, occurred_at, details, created_at",
        record::clinical_events,
    ),
    table(
        "documents",
        "document_id, patient_id, kind, title, body, file_size_bytes, status, uploaded_at, created_at",
        record::documents,
    ),
    table(
        "timeline_events",
        "timeline_event_id, patient_id, occurred_at, kind, title, summary, importance, details, document_id, \
         clinical_event_id, archived_at, created_at",
        timeline::timeline_events,
    ),
    table(
        "conditions",
        "condition_id, patient_id, code_system, code, display, severity, status, onset_at, resolved_at, created_at",
        record::conditions,
    ),
    table(
        "medications",
        "medication_id, patient_id, provider_id, code_system, code, display, dose, status, started_at, ended_at, created_at",
        record::medications,
    ),
    table(
        "allergies",
        "allergy_id, patient_id, substance, reaction, severity, status, noted_at, created_at",
        record::allergies,
    ),
    table(
        "lab_results",
        "lab_result_id, patient_id, code, display, value, unit, reference_low, reference_high, taken_at, \
         clinical_event_id, created_at",
        record::lab_results,
    ),
    table(
        "provider_interactions",
        "provider_interaction_id, patient_id, provider_id, kind, occurred_at, minutes, note, created_at",
        record::provider_interactions,
    ),
    table(
        "record_relationships",
        "relationship_type, patient_id, source_id, target_id",
        record::record_relationships,
    ),
    table(
        "jobs",
        "kind, payload, state, attempts, run_after, last_error, finished_at, created_at",
        operation::jobs,
    ),
    table(
        "document_stages",
        "document_id, stage, started_at, ended_at, outcome, created_at",
        operation::document_stages,
    ),
    table(
        "audit_log",
        "occurred_at, actor_id, action, table_name, record_id, details, created_at",
        operation::audit_log,
    ),
];

impl Table {
    /// The statement that takes its rows.
    pub fn copy_statement(&self) -> String {
        format!("copy guardian.{} ({}) from stdin", self.name, self.columns)
    }
}

impl Cohort {
    /// Writes the rows of a table.
    ///
    /// # Errors
    ///
    /// That nobody takes them any more.
    pub fn write(&self, table: Table, rows: &mut RowWriter<'_>) -> Result<(), Stopped> {
        (table.write)(self, rows)
    }
}

/// The numbers of some rows in the order of time.
fn in_time<T>(rows: &[T], time: impl Fn(&T) -> DateTime<Utc>) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..rows.len()).collect();
    numbers.sort_by_key(|&number| time(&rows[number]));
    numbers
}

fn profiles(cohort: &Cohort, rows: &mut RowWriter<'_>) -> Result<(), Stopped> {
    let mut profile = |person: &Person, role: &str| {
        rows.uuid(person.profile_id)
            .text(role)
            .text(&person.full_name)
            .text(&person.email)
            .time(person.created_at)
            .end()
    };
    profile(&cohort.administrator, "admin")?;
    for provider in &cohort.providers {
        profile(&provider.person, "provider")?;
    }
    cohort
        .patients
        .iter()
        .try_for_each(|patient| profile(&patient.person, "patient"))
}

fn patients(cohort: &Cohort, rows: &mut RowWriter<'_>) -> Result<(), Stopped> {
    for patient in &cohort.patients {
        rows.uuid(patient.patient_id)
            .uuid(patient.person.profile_id)
            .date(patient.birth)
            .text(patient.sex)
            .text(patient.blood_type)
            .text(patient.city)
            .maybe_time(patient.deceased_at)
            .time(patient.person.created_at)
            .end()?;
    }
    Ok(())
}

fn providers(cohort: &Cohort, rows: &mut RowWriter<'_>) -> Result<(), Stopped> {
    for provider in &cohort.providers {
        rows.uuid(provider.provider_id)
            .uuid(provider.person.profile_id)
            .text(&provider.registry_number)
            .text(provider.specialty.name())
            .text(&provider.organisation)
            .time(provider.person.created_at)
            .end()?;
    }
    Ok(())
}

fn access_grants(cohort: &Cohort, rows: &mut RowWriter<'_>) -> Result<(), Stopped> {
    for patient in &cohort.patients {
        for grant in &patient.grants {
            rows.uuid(grant.access_grant_id)
                .uuid(patient.patient_id)
                .uuid(cohort.providers[grant.provider].provider_id)
                .text(grant.level)
                .time(grant.granted_at)
                .maybe_time(grant.expires_at)
                .maybe_time(grant.revoked_at)
                .time(grant.granted_at)
                .end()?;
        }
    }
    Ok(())
}
