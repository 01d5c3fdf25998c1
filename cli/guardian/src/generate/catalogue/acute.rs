//! The conditions that pass.

use super::super::calendar::{self, Rhythm};
use super::{
    ANKLE_RADIOGRAPH, CHEST_RADIOGRAPH, ELECTROCARDIOGRAM, Medication, Procedure, Specialty, medication,
};

/// A condition that passes.
#[derive(Debug)]
pub(crate) struct Acute {
    pub(crate) code: &'static str,
    pub(crate) display: &'static str,
    pub(crate) rhythm: &'static Rhythm,
    /// How often it comes, beside the others, to children, adults and the old.
    pub(crate) frequency: [f64; 3],
    /// Whether it makes the markers of inflammation rise.
    pub(crate) inflames: bool,
    pub(crate) specialty: Specialty,
    pub(crate) procedure: Option<&'static Procedure>,
    pub(crate) medications: &'static [Medication],
}

const PARACETAMOL: Medication = medication("N02BE01", "paracetamol", "500 mg", "as needed");
const IBUPROFEN: Medication = medication("M01AE01", "ibuprofen", "400 mg", "three times daily");
const AMOXICILLIN: Medication = medication("J01CA04", "amoxicillin", "1 g", "twice daily");

/// The conditions that pass.
pub(crate) static ACUTE: [Acute; 10] = [
    Acute {
        code: "J06.9",
        display: "Acute upper respiratory infection",
        rhythm: &calendar::OFFICE_IN_WINTER,
        frequency: [8.0, 5.0, 3.0],
        inflames: true,
        specialty: Specialty::GeneralPractice,
        procedure: None,
        medications: &[PARACETAMOL],
    },
    Acute {
        code: "J11.1",
        display: "Influenza with respiratory manifestations",
        rhythm: &calendar::OFFICE_IN_WINTER,
        frequency: [2.0, 1.5, 1.5],
        inflames: true,
        specialty: Specialty::GeneralPractice,
        procedure: Some(&CHEST_RADIOGRAPH),
        medications: &[PARACETAMOL],
    },
    Acute {
        code: "J20.9",
        display: "Acute bronchitis",
        rhythm: &calendar::OFFICE_IN_WINTER,
        frequency: [2.0, 2.0, 3.0],
        inflames: true,
        specialty: Specialty::Pulmonology,
        procedure: Some(&CHEST_RADIOGRAPH),
        medications: &[AMOXICILLIN],
    },
    Acute {
        code: "N39.0",
        display: "Urinary tract infection",
        rhythm: &calendar::OFFICE,
        frequency: [0.5, 1.5, 3.0],
        inflames: true,
        specialty: Specialty::GeneralPractice,
        procedure: None,
        medications: &[medication("J01XE01", "nitrofurantoin", "100 mg", "twice daily")],
    },
    Acute {
        code: "H66.90",
        display: "Otitis media",
        rhythm: &calendar::OFFICE_IN_WINTER,
        frequency: [4.0, 0.4, 0.2],
        inflames: true,
        specialty: Specialty::GeneralPractice,
        procedure: None,
        medications: &[AMOXICILLIN],
    },
    Acute {
        code: "A09",
        display: "Infectious gastroenteritis",
        rhythm: &calendar::OFFICE,
        frequency: [2.0, 1.5, 1.0],
        inflames: true,
        specialty: Specialty::GeneralPractice,
        procedure: None,
        medications: &[],
    },
    Acute {
        code: "S93.401A",
        display: "Sprain of ankle",
        rhythm: &calendar::EMERGENCY,
        frequency: [1.5, 1.5, 0.7],
        inflames: false,
        specialty: Specialty::EmergencyMedicine,
        procedure: Some(&ANKLE_RADIOGRAPH),
        medications: &[IBUPROFEN],
    },
    Acute {
        code: "M54.50",
        display: "Low back pain",
        rhythm: &calendar::OFFICE,
        frequency: [0.2, 4.0, 4.0],
        inflames: false,
        specialty: Specialty::Orthopaedics,
        procedure: None,
        medications: &[IBUPROFEN],
    },
    Acute {
        code: "J30.1",
        display: "Allergic rhinitis due to pollen",
        rhythm: &calendar::OFFICE_IN_SUMMER,
        frequency: [2.0, 2.5, 0.8],
        inflames: false,
        specialty: Specialty::GeneralPractice,
        procedure: None,
        medications: &[medication("R06AE07", "cetirizine", "10 mg", "once daily")],
    },
    Acute {
        code: "R07.9",
        display: "Chest pain",
        rhythm: &calendar::EMERGENCY,
        frequency: [0.1, 1.0, 2.5],
        inflames: false,
        specialty: Specialty::EmergencyMedicine,
        procedure: Some(&ELECTROCARDIOGRAM),
        medications: &[],
    },
];
