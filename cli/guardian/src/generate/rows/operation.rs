//! What running the application leaves behind.

use serde_json::json;

use super::super::calendar::midnight;
use super::super::cohort::Cohort;
use super::super::operations;
use super::in_time;
use crate::copy::{RowWriter, Stopped};

pub(super) fn jobs(cohort: &Cohort, rows: &mut RowWriter<'_>) -> Result<(), Stopped> {
    for job in operations::jobs(cohort) {
        let payload = json!({ "document_id": job.document.document_id.to_string() });
        rows.text("process_document")
            .text(&payload.to_string())
            .text(job.state)
            .integer(job.attempts)
            .time(job.document.uploaded_at);
        match job.last_error {
            Some(error) => rows.text(error),
            None => rows.null(),
        };
        rows.maybe_time(job.finished_at)
            .time(job.document.uploaded_at)
            .end()?;
    }
    Ok(())
}

pub(super) fn document_stages(cohort: &Cohort, rows: &mut RowWriter<'_>) -> Result<(), Stopped> {
    for (document, stage) in operations::all_stages(cohort) {
        rows.uuid(document.document_id)
            .text(stage.stage)
            .time(stage.started_at)
            .time(stage.ended_at)
            .text(stage.outcome)
            .time(stage.started_at)
            .end()?;
    }
    Ok(())
}

/// The documents and the clinical events of the last months, each with whoever made it.
pub(super) fn audit_log(cohort: &Cohort, rows: &mut RowWriter<'_>) -> Result<(), Stopped> {
    let since = midnight(cohort.plan.operations_since());
    let documents = cohort.documents.iter().map(|document| {
        let of_patient = matches!(document.kind, "insurance" | "consent");
        let actor = match of_patient {
            true => cohort.patients[document.patient].person.profile_id,
            false => cohort.providers[document.provider].person.profile_id,
        };
        (document.uploaded_at, actor, "documents", document.document_id)
    });
    let events = cohort.records.events.iter().map(|event| {
        let actor = cohort.providers[event.provider].person.profile_id;
        (
            event.occurred_at,
            actor,
            "clinical_events",
            event.clinical_event_id,
        )
    });
    let recent: Vec<_> = documents.chain(events).filter(|(at, ..)| *at >= since).collect();
    for number in in_time(&recent, |(at, ..)| *at) {
        let (at, actor, table_name, record_id) = recent[number];
        rows.time(at)
            .uuid(actor)
            .text("insert")
            .text(table_name)
            .uuid(record_id)
            .text("{}")
            .time(at)
            .end()?;
    }
    Ok(())
}
