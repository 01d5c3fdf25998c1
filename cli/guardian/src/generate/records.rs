//! What a visit leaves in the record: clinical events, laboratory results, conditions, medications.

use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::calendar::{OFFICE, midnight};
use super::catalogue::{Medication, VACCINES};
use super::events::{
    DIAGNOSIS, EMERGENCY, ENCOUNTER, IMMUNIZATION, Kind, LABORATORY, Next, PRESCRIPTION, PROCEDURE,
    VITAL_SIGNS, next,
};
use super::laboratory::{Measured, Panel};
use super::people::Patient;
use super::random::Random;
use super::visits::{Reason, Visit};

/// Something that was seen or done. Patients and providers are told by their number within the cohort.
#[derive(Debug)]
pub(crate) struct ClinicalEvent {
    pub(crate) clinical_event_id: Uuid,
    pub(crate) patient: usize,
    pub(crate) provider: usize,
    pub(crate) kind: &'static str,
    pub(crate) code_system: &'static str,
    pub(crate) code: &'static str,
    pub(crate) display: &'static str,
    pub(crate) occurred_at: DateTime<Utc>,
    /// As JSON.
    pub(crate) details: String,
    /// What is seen of it on the timeline.
    pub(crate) shown_as: &'static str,
    pub(crate) importance: i64,
}

/// A value that a laboratory found.
#[derive(Debug)]
pub(crate) struct LabResult {
    pub(crate) lab_result_id: Uuid,
    /// The event it belongs to, by number within the cohort; it has the patient and the time.
    pub(crate) event: usize,
    pub(crate) measured: Measured,
}

/// A condition in the record.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) condition_id: Uuid,
    pub(crate) patient: usize,
    pub(crate) code: &'static str,
    pub(crate) display: &'static str,
    pub(crate) severity: &'static str,
    pub(crate) status: &'static str,
    pub(crate) onset_at: DateTime<Utc>,
    pub(crate) resolved_at: Option<DateTime<Utc>>,
}

/// A medication in the record.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) medication_id: Uuid,
    pub(crate) patient: usize,
    pub(crate) provider: usize,
    pub(crate) medication: &'static Medication,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
}

/// What belongs together, by the keys of both.
#[derive(Debug)]
pub(crate) struct Relationship {
    pub(crate) relationship_type: &'static str,
    pub(crate) patient: usize,
    pub(crate) source_id: Uuid,
    pub(crate) target_id: Uuid,
}

/// The records of a cohort, as far as they come from visits.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) events: Vec<ClinicalEvent>,
    pub(crate) lab_results: Vec<LabResult>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) medications: Vec<Taken>,
    pub(crate) relationships: Vec<Relationship>,
}

/// Whose record is written, and where its conditions begin among those of the cohort.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'cohort> {
    pub(crate) number: usize,
    pub(crate) patient: &'cohort Patient,
    first_condition: usize,
}

/// One thing that is done at a visit.
#[derive(Debug, Clone, Copy)]
struct Seen<'visit> {
    subject: Subject<'visit>,
    visit: &'visit Visit,
    at: DateTime<Utc>,
}

impl Records {
    /// Begins the record of somebody with the conditions that stay and what is taken for them.
    pub(crate) fn begin<'cohort>(
        &mut self,
        random: &mut Random,
        number: usize,
        patient: &'cohort Patient,
    ) -> Subject<'cohort> {
        let first_condition = self.conditions.len();
        let practitioner = patient.grants[0].provider;
        for illness in &patient.illnesses {
            let onset_at = OFFICE.moment(random, illness.onset);
            let condition = self.conditions.len();
            self.conditions.push(Condition {
                condition_id: illness.condition_id,
                patient: number,
                code: illness.condition.code,
                display: illness.condition.display,
                severity: illness.severity,
                status: if random.chance(0.75) { "chronic" } else { "active" },
                onset_at,
                resolved_at: None,
            });
            let medications = illness.condition.medications;
            if medications.is_empty() || random.chance(0.15) {
                continue;
            }
            let taken = Taken {
                medication_id: random.uuid(),
                patient: number,
                provider: practitioner,
                medication: random.pick(medications),
                started_at: onset_at + TimeDelta::minutes(30),
                ended_at: None,
            };
            self.take(taken, condition);
        }
        Subject {
            number,
            patient,
            first_condition,
        }
    }

    /// Writes so many events of a visit, and gives their numbers.
    pub(crate) fn visit(
        &mut self,
        random: &mut Random,
        subject: Subject<'_>,
        visit: &Visit,
        count: usize,
    ) -> Range<usize> {
        let first = self.events.len();
        // What the visit is about, by number; of an acute one it is known once it is found.
        let mut condition = match visit.reason {
            Reason::Control(illness, _) => Some(subject.first_condition + illness),
            _ => None,
        };
        for position in 0..count {
            let at = visit.at + TimeDelta::seconds(position as i64 * 240 + random.between(0, 200));
            // Nothing goes on past midnight, where somebody's last day may end.
            let at = at.min(midnight(visit.at.date_naive()) + TimeDelta::seconds(86_399));
            let seen = Seen { subject, visit, at };
            match next(random, visit.reason, position) {
                Next::Diagnosis => self.diagnose(random, seen, &mut condition),
                Next::Prescription(medication) => self.prescribe(random, seen, medication, condition),
                Next::Laboratory(panel) => self.measure(random, seen, panel, condition),
                Next::VitalSigns => self.take_vital_signs(random, seen),
                Next::Procedure(procedure) => {
                    let kind = Kind {
                        code: procedure.code,
                        display: procedure.display,
                        ..PROCEDURE
                    };
                    let details = json!({ "imaging": procedure.imaging, "for": visit.reason.display() });
                    self.event(random, seen, kind, &details, 3);
                }
                Next::Immunization => {
                    let (code, display) = *random.pick(&VACCINES);
                    let details = json!({ "dose": random.between(1, 3), "site": "left deltoid" });
                    self.event(
                        random,
                        seen,
                        Kind {
                            code,
                            display,
                            ..IMMUNIZATION
                        },
                        &details,
                        2,
                    );
                }
                Next::Encounter => {
                    let details = json!({ "reason": visit.reason.display() });
                    let kind = if visit.reason.is_emergency() {
                        EMERGENCY
                    } else {
                        ENCOUNTER
                    };
                    self.event(random, seen, kind, &details, 2);
                }
            }
        }
        first..self.events.len()
    }

    fn take_vital_signs(&mut self, random: &mut Random, seen: Seen<'_>) {
        let body = &seen.subject.patient.body;
        let signs = body.vital_signs(random);
        let details = json!({
            "systolic": signs.systolic,
            "diastolic": signs.diastolic,
            "pulse": signs.pulse,
            "mass_index": body.mass_index(),
        });
        let importance = if signs.systolic >= 180 { 4 } else { 1 };
        self.event(random, seen, VITAL_SIGNS, &details, importance);
    }

    fn diagnose(&mut self, random: &mut Random, seen: Seen<'_>, condition: &mut Option<usize>) {
        let (code, display) = match seen.visit.reason {
            Reason::Control(_, chronic) => (chronic.code, chronic.display),
            Reason::Acute(acute) => (acute.code, acute.display),
            Reason::Prevention => {
                let kind = Kind {
                    code: "Z00.00",
                    display: "General examination",
                    ..DIAGNOSIS
                };
                self.event(random, seen, kind, &json!({}), 1);
                return;
            }
        };
        let number = match *condition {
            Some(number) => number,
            None => self.fall_ill(random, seen, code, display),
        };
        *condition = Some(number);
        let importance = if seen.visit.reason.is_emergency() { 5 } else { 3 };
        let found = &self.conditions[number];
        let (condition_id, details) = (
            found.condition_id,
            json!({ "severity": found.severity, "verified": random.chance(0.9) }),
        );
        let event = self.event(
            random,
            seen,
            Kind {
                code,
                display,
                ..DIAGNOSIS
            },
            &details,
            importance,
        );
        self.relate(
            "clinical_event_found_condition",
            seen.subject.number,
            event,
            condition_id,
        );
    }

    /// Begins a condition that passes, and gives its number.
    fn fall_ill(
        &mut self,
        random: &mut Random,
        seen: Seen<'_>,
        code: &'static str,
        display: &'static str,
    ) -> usize {
        // It passes in days or weeks; nobody is asked whether it really did.
        let lasts = random.skewed(11.0, 0.5).clamp(2.0, 90.0) as i64;
        self.conditions.push(Condition {
            condition_id: random.uuid(),
            patient: seen.subject.number,
            code,
            display,
            severity: "mild",
            status: "resolved",
            onset_at: seen.at - TimeDelta::days(random.between(0, 6)),
            resolved_at: Some(seen.at + TimeDelta::days(lasts)),
        });
        self.conditions.len() - 1
    }

    fn prescribe(
        &mut self,
        random: &mut Random,
        seen: Seen<'_>,
        medication: &'static Medication,
        condition: Option<usize>,
    ) {
        let patient = seen.subject.number;
        let details = json!({ "dose": medication.dose, "frequency": medication.frequency });
        let kind = Kind {
            code: medication.code,
            display: medication.name,
            ..PRESCRIPTION
        };
        let event = self.event(random, seen, kind, &details, 3);
        let mut known = self
            .medications
            .iter()
            .rev()
            .take_while(|taken| taken.patient == patient);
        let is_taken = known
            .any(|taken| taken.medication == medication && taken.ended_at.is_none_or(|end| end > seen.at));
        let Some(condition) = condition else { return };
        if is_taken {
            return;
        }
        let ended_at = match seen.visit.reason {
            Reason::Acute(_) => Some(seen.at + TimeDelta::days(random.between(3, 14))),
            // Some do not tolerate it, or get something better.
            _ => random
                .chance(0.3)
                .then(|| seen.at + TimeDelta::days(random.between(20, 700))),
        };
        let taken = Taken {
            medication_id: random.uuid(),
            patient,
            provider: seen.visit.provider,
            medication,
            started_at: seen.at,
            ended_at,
        };
        self.relate(
            "clinical_event_began_medication",
            patient,
            event,
            taken.medication_id,
        );
        self.take(taken, condition);
    }

    fn measure(&mut self, random: &mut Random, seen: Seen<'_>, panel: Panel, condition: Option<usize>) {
        let patient = seen.subject.patient;
        let age = patient.age(seen.at.date_naive());
        let measured = patient
            .body
            .measure(random, panel, age, seen.visit.reason.inflames());
        let abnormal = measured.iter().filter(|value| value.is_abnormal()).count();
        let (code, display) = panel.order();
        let details = json!({ "tests": measured.len(), "abnormal": abnormal });
        let importance = match abnormal {
            0 => 2,
            1 | 2 => 3,
            _ => 4,
        };
        self.event(
            random,
            seen,
            Kind {
                code,
                display,
                ..LABORATORY
            },
            &details,
            importance,
        );
        let event = self.events.len() - 1;
        for value in measured {
            let lab_result_id = random.uuid();
            if let Some(condition) = condition
                && value.is_abnormal()
            {
                let condition_id = self.conditions[condition].condition_id;
                self.relate(
                    "lab_result_supports_condition",
                    seen.subject.number,
                    lab_result_id,
                    condition_id,
                );
            }
            self.lab_results.push(LabResult {
                lab_result_id,
                event,
                measured: value,
            });
        }
    }

    /// Adds an event and gives its key.
    fn event(
        &mut self,
        random: &mut Random,
        seen: Seen<'_>,
        kind: Kind,
        details: &Value,
        importance: i64,
    ) -> Uuid {
        let clinical_event_id = random.uuid();
        self.events.push(ClinicalEvent {
            clinical_event_id,
            patient: seen.subject.number,
            provider: seen.visit.provider,
            kind: kind.name,
            code_system: kind.code_system,
            code: kind.code,
            display: kind.display,
            occurred_at: seen.at,
            details: details.to_string(),
            shown_as: kind.shown_as,
            importance,
        });
        clinical_event_id
    }

    /// Adds a medication that is taken for a condition.
    fn take(&mut self, taken: Taken, condition: usize) {
        let condition_id = self.conditions[condition].condition_id;
        self.relate(
            "medication_treats_condition",
            taken.patient,
            taken.medication_id,
            condition_id,
        );
        self.medications.push(taken);
    }

    /// Notes that two records of a patient belong together.
    pub(crate) fn relate(
        &mut self,
        relationship_type: &'static str,
        patient: usize,
        source_id: Uuid,
        target_id: Uuid,
    ) {
        self.relationships.push(Relationship {
            relationship_type,
            patient,
            source_id,
            target_id,
        });
    }
}
