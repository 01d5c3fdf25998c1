//! The record of a patient: what was found, prescribed and uploaded.

use super::super::calendar::midnight;
use super::super::cohort::Cohort;
use super::in_time;
use crate::copy::{RowWriter, Stopped};

pub(super) fn clinical_events(cohort: &Cohort, rows: &mut RowWriter<'_>) -> Result<(), Stopped> {
    for number in in_time(&cohort.records.events, |event| event.occurred_at) {
        let event = &cohort.records.events[number];
        rows.uuid(event.clinical_event_id)
            .uuid(cohort.patients[event.patient].patient_id)
            .uuid(cohort.providers[event.provider].provider_id)
            .text(event.kind)
            .text(event.code_system)
            .text(event.code)
            .text(event.display)
            .time(event.occurred_at)
            .text(&event.details)
            .time(event.occurred_at)
            .end()?;
    }
    Ok(())
}

pub(super) fn documents(cohort: &Cohort, rows: &mut RowWriter<'_>) -> Result<(), Stopped> {
    for number in in_time(&cohort.documents, |document| document.uploaded_at) {
        let document = &cohort.documents[number];
        let (patient, provider) = (
            &cohort.patients[document.patient],
            &cohort.providers[document.provider],
        );
        rows.uuid(document.document_id)
            .uuid(patient.patient_id)
            .text(document.kind)
            .text(&document.title(provider))
            .text(&document.body(patient, provider))
            .integer(document.file_size_bytes)
            .text(document.status)
            .time(document.uploaded_at)
            .time(document.uploaded_at)
            .end()?;
    }
    Ok(())
}

pub(super) fn conditions(cohort: &Cohort, rows: &mut RowWriter<'_>) -> Result<(), Stopped> {
    let end = midnight(cohort.plan.until);
    for condition in &cohort.records.conditions {
        let patient = &cohort.patients[condition.patient];
        let resolved_at = condition.resolved_at.filter(|resolved_at| *resolved_at < end);
        let still = if condition.status == "resolved" {
            "active"
        } else {
            condition.status
        };
        rows.uuid(condition.condition_id)
            .uuid(patient.patient_id)
            .text("ICD-10-CM")
            .text(condition.code)
            .text(condition.display)
            .text(condition.severity)
            .text(if resolved_at.is_some() { "resolved" } else { still })
            .time(condition.onset_at)
            .maybe_time(resolved_at)
            .time(condition.onset_at.max(patient.person.created_at))
            .end()?;
    }
    Ok(())
}

pub(super) fn medications(cohort: &Cohort, rows: &mut RowWriter<'_>) -> Result<(), Stopped> {
    let end = midnight(cohort.plan.until);
    for taken in &cohort.records.medications {
        let patient = &cohort.patients[taken.patient];
        let ended_at = taken.ended_at.filter(|ended_at| *ended_at < end);
        rows.uuid(taken.medication_id)
            .uuid(patient.patient_id)
            .uuid(cohort.providers[taken.provider].provider_id)
            .text("ATC")
            .text(taken.medication.code)
            .text(taken.medication.name)
            .text(&format!(
                "{} {}",
                taken.medication.dose, taken.medication.frequency
            ))
            .text(if ended_at.is_some() { "completed" } else { "active" })
            .time(taken.started_at)
            .maybe_time(ended_at)
            .time(taken.started_at.max(patient.person.created_at))
            .end()?;
    }
    Ok(())
}

pub(super) fn allergies(cohort: &Cohort, rows: &mut RowWriter<'_>) -> Result<(), Stopped> {
    for patient in &cohort.patients {
        for allergy in &patient.allergies {
            rows.uuid(allergy.allergy_id)
                .uuid(patient.patient_id)
                .text(allergy.substance)
                .text(allergy.reaction)
                .text(allergy.severity)
                .text("active")
                .time(allergy.noted_at)
                .time(allergy.noted_at)
                .end()?;
        }
    }
    Ok(())
}

pub(super) fn lab_results(cohort: &Cohort, rows: &mut RowWriter<'_>) -> Result<(), Stopped> {
    let events = &cohort.records.events;
    for number in in_time(&cohort.records.lab_results, |result| {
        events[result.event].occurred_at
    }) {
        let result = &cohort.records.lab_results[number];
        let event = &events[result.event];
        let test = result.measured.test;
        rows.uuid(result.lab_result_id)
            .uuid(cohort.patients[event.patient].patient_id)
            .text(test.code)
            .text(test.name)
            .float(result.measured.value)
            .text(test.unit)
            .float(test.low)
            .float(test.high)
            .time(event.occurred_at)
            .uuid(event.clinical_event_id)
            .time(event.occurred_at)
            .end()?;
    }
    Ok(())
}

pub(super) fn provider_interactions(cohort: &Cohort, rows: &mut RowWriter<'_>) -> Result<(), Stopped> {
    for number in in_time(&cohort.interactions, |interaction| interaction.visit.at) {
        let interaction = &cohort.interactions[number];
        let visit = &interaction.visit;
        rows.uuid(interaction.provider_interaction_id)
            .uuid(cohort.patients[interaction.patient].patient_id)
            .uuid(cohort.providers[visit.provider].provider_id)
            .text(interaction.kind)
            .time(visit.at)
            .integer(interaction.minutes)
            .text(visit.reason.display())
            .time(visit.at)
            .end()?;
    }
    Ok(())
}

pub(super) fn record_relationships(cohort: &Cohort, rows: &mut RowWriter<'_>) -> Result<(), Stopped> {
    for relationship in &cohort.records.relationships {
        rows.text(relationship.relationship_type)
            .uuid(cohort.patients[relationship.patient].patient_id)
            .uuid(relationship.source_id)
            .uuid(relationship.target_id)
            .end()?;
    }
    Ok(())
}
