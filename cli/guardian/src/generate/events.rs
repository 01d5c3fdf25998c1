//! What may be done at a visit, and which event of the record it becomes.

use super::catalogue::{Medication, PROCEDURES, Procedure};
use super::laboratory::Panel;
use super::random::Random;
use super::visits::Reason;

/// What kind of event comes next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next {
    VitalSigns,
    Laboratory(Panel),
    Diagnosis,
    Prescription(&'static Medication),
    Procedure(&'static Procedure),
    Immunization,
    Encounter,
}

/// What is the same in all events of a kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) shown_as: &'static str,
    pub(super) code_system: &'static str,
    pub(super) code: &'static str,
    pub(super) display: &'static str,
}

pub(super) const VITAL_SIGNS: Kind = Kind {
    name: "observation",
    shown_as: "measurement",
    code_system: "LOINC",
    code: "85354-9",
    display: "Blood pressure, pulse and weight",
};
pub(super) const LABORATORY: Kind = Kind {
    name: "observation",
    shown_as: "laboratory",
    code_system: "LOINC",
    code: "",
    display: "",
};
pub(super) const DIAGNOSIS: Kind = Kind {
    name: "diagnosis",
    shown_as: "condition",
    code_system: "ICD-10-CM",
    code: "",
    display: "",
};
pub(super) const PRESCRIPTION: Kind = Kind {
    name: "prescription",
    shown_as: "medication",
    code_system: "ATC",
    code: "",
    display: "",
};
pub(super) const PROCEDURE: Kind = Kind {
    name: "procedure",
    shown_as: "procedure",
    code_system: "ICD-10-PCS",
    code: "",
    display: "",
};
pub(super) const IMMUNIZATION: Kind = Kind {
    name: "immunization",
    shown_as: "immunization",
    code_system: "CVX",
    code: "",
    display: "",
};
pub(super) const ENCOUNTER: Kind = Kind {
    name: "encounter",
    shown_as: "visit",
    code_system: "HL7 ActCode",
    code: "AMB",
    display: "Ambulatory encounter",
};
pub(super) const EMERGENCY: Kind = Kind {
    code: "EMER",
    display: "Emergency encounter",
    ..ENCOUNTER
};

/// What comes next in a visit. An acute one begins with what it is, a preventive one with what it is for.
pub(super) fn next(random: &mut Random, reason: Reason, position: usize) -> Next {
    let (panels, medications, procedure) = match reason {
        Reason::Control(_, condition) => (condition.panels, condition.medications, random.pick(&PROCEDURES)),
        Reason::Acute(condition) => {
            if position == 0 {
                return Next::Diagnosis;
            }
            let panels: &[Panel] = if condition.inflames {
                &[Panel::Inflammation, Panel::Blood]
            } else {
                &[]
            };
            (
                panels,
                condition.medications,
                condition.procedure.unwrap_or(&PROCEDURES[0]),
            )
        }
        Reason::Prevention => {
            if position == 0 {
                return Next::Immunization;
            }
            (&Panel::GENERAL[..], &[][..], random.pick(&PROCEDURES))
        }
    };
    let can = |possible: bool, weight: f64| if possible { weight } else { 0.0 };
    let weights = [
        0.27,
        can(!panels.is_empty(), 0.3),
        0.1,
        can(!medications.is_empty(), 0.2),
        0.07,
        0.06,
    ];
    match random.index_by(&weights) {
        0 => Next::VitalSigns,
        1 => Next::Laboratory(*random.pick(panels)),
        2 => Next::Diagnosis,
        3 => Next::Prescription(random.pick(medications)),
        4 => Next::Procedure(procedure),
        _ => Next::Encounter,
    }
}
