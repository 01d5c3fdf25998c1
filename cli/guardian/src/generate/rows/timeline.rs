//! The timeline: everything in a record, told in a line each.

use uuid::Uuid;

use super::super::cohort::{Cohort, Shown};
use super::in_time;
use crate::copy::{RowWriter, Stopped};

/// What an event on the timeline says.
struct Line<'cohort> {
    kind: &'static str,
    title: String,
    summary: String,
    importance: i64,
    details: &'cohort str,
    document: Option<Uuid>,
    clinical_event: Option<Uuid>,
}

fn line<'cohort>(cohort: &'cohort Cohort, shown: &'cohort Shown) -> Line<'cohort> {
    let specialty = |provider: usize| cohort.providers[provider].specialty.name();
    let empty = "{}";
    match shown {
        Shown::Event(number) => {
            let event = &cohort.records.events[*number];
            Line {
                kind: event.shown_as,
                title: event.display.to_owned(),
                summary: format!(
                    "{} {}, {}",
                    event.code_system,
                    event.code,
                    specialty(event.provider)
                ),
                importance: event.importance,
                details: &event.details,
                document: None,
                clinical_event: Some(event.clinical_event_id),
            }
        }
        Shown::Document(number) => {
            let document = &cohort.documents[*number];
            Line {
                kind: "document",
                title: document.title(&cohort.providers[document.provider]),
                summary: document.kind.replace('_', " "),
                importance: if document.kind == "discharge_summary" {
                    4
                } else {
                    2
                },
                details: empty,
                document: Some(document.document_id),
                clinical_event: None,
            }
        }
        Shown::Interaction(number) => {
            let interaction = &cohort.interactions[*number];
            let is_message = matches!(interaction.kind, "message" | "call");
            Line {
                kind: if is_message { "message" } else { "visit" },
                title: interaction.visit.reason.display().to_owned(),
                summary: format!(
                    "{} of {} minutes, {}",
                    interaction.kind,
                    interaction.minutes,
                    specialty(interaction.visit.provider)
                ),
                importance: if interaction.visit.reason.is_emergency() {
                    4
                } else {
                    2
                },
                details: empty,
                document: None,
                clinical_event: None,
            }
        }
        Shown::Entry(entry) => Line {
            kind: entry.kind,
            title: entry.title.to_owned(),
            summary: entry.summary.clone(),
            importance: 1,
            details: empty,
            document: None,
            clinical_event: None,
        },
    }
}

pub(super) fn timeline_events(cohort: &Cohort, rows: &mut RowWriter<'_>) -> Result<(), Stopped> {
    for number in in_time(&cohort.timeline, |event| event.at) {
        let event = &cohort.timeline[number];
        let line = line(cohort, &event.shown);
        rows.uuid(event.timeline_event_id)
            .uuid(cohort.patients[event.patient].patient_id)
            .time(event.at)
            .text(line.kind)
            .text(&line.title)
            .text(&line.summary)
            .integer(line.importance)
            .text(line.details)
            .maybe_uuid(line.document)
            .maybe_uuid(line.clinical_event)
            .maybe_time(event.archived_at)
            .time(event.at)
            .end()?;
    }
    Ok(())
}
