//! What belongs together in the records of a cohort, beyond what a visit itself knows.

use std::collections::BTreeMap;

use super::cohort::{Cohort, Shown};

/// What must not be taken by whom: a substance and the medications that it stands for.
const EXCLUDED: [(&str, &str); 2] = [("penicillin", "amoxicillin"), ("ibuprofen", "ibuprofen")];

/// Writes the relationships between documents, laboratory results, the timeline, allergies and medications.
pub(super) fn relate(cohort: &mut Cohort) {
    let mut results_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (number, result) in cohort.records.lab_results.iter().enumerate() {
        results_of.entry(result.event).or_default().push(number);
    }
    let mut found = Vec::new();
    for document in &cohort.documents {
        if let Some(event) = document.event
            && document.kind == "laboratory_report"
        {
            let results = results_of.get(&event).into_iter().flatten();
            found.extend(results.map(|&result| {
                let result = &cohort.records.lab_results[result];
                (
                    "document_reports_lab_result",
                    document.patient,
                    document.document_id,
                    result.lab_result_id,
                )
            }));
        }
        if let super::visits::Reason::Control(illness, _) = document.reason {
            let condition = &cohort.patients[document.patient].illnesses[illness];
            found.push((
                "document_names_condition",
                document.patient,
                document.document_id,
                condition.condition_id,
            ));
        }
    }
    for shown in &cohort.timeline {
        if let Shown::Event(event) = shown.shown
            && let Some(results) = results_of.get(&event)
            && let Some(&first) = results.first()
        {
            let result = cohort.records.lab_results[first].lab_result_id;
            found.push((
                "timeline_event_shows_lab_result",
                shown.patient,
                shown.timeline_event_id,
                result,
            ));
        }
    }
    for taken in &cohort.records.medications {
        for allergy in &cohort.patients[taken.patient].allergies {
            if EXCLUDED.contains(&(allergy.substance, taken.medication.name)) {
                let medication = taken.medication_id;
                found.push((
                    "allergy_excludes_medication",
                    taken.patient,
                    allergy.allergy_id,
                    medication,
                ));
            }
        }
    }
    for (relationship_type, patient, source_id, target_id) in found {
        cohort
            .records
            .relate(relationship_type, patient, source_id, target_id);
    }
}
