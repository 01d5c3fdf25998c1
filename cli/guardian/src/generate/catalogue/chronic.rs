//! The conditions that stay.

use super::super::laboratory::Panel;
use super::{Medication, Specialty, medication};

/// A condition that stays.
#[derive(Debug)]
pub(crate) struct Chronic {
    pub(crate) code: &'static str,
    pub(crate) display: &'static str,
    /// The share of people who have it at last, of those without a condition that leads to it.
    pub(crate) most: f64,
    /// The age at which half of those have it, and how many years around it most of them get it.
    pub(crate) age: f64,
    pub(crate) years: f64,
    /// How many more times women have it than the share says; men as many times fewer.
    pub(crate) women: f64,
    /// What makes it more probable by [`COMORBIDITY`]: codes of conditions earlier in the list.
    pub(crate) after: &'static [&'static str],
    /// How much it adds to what a patient needs, in standard deviations of everything else.
    pub(crate) burden: f64,
    pub(crate) specialty: Specialty,
    pub(crate) panels: &'static [Panel],
    pub(crate) medications: &'static [Medication],
}

/// How many times as probable a condition is after any of those that lead to it.
pub(crate) const COMORBIDITY: f64 = 2.0;

pub(crate) const HYPERTENSION: &str = "I10";
pub(crate) const DIABETES: &str = "E11.9";
pub(crate) const HIGH_LIPIDS: &str = "E78.5";
pub(crate) const KIDNEY_DISEASE: &str = "N18.30";
pub(crate) const ANAEMIA: &str = "D50.9";
pub(crate) const HYPOTHYROIDISM: &str = "E03.9";
pub(crate) const OBESITY: &str = "E66.9";

/// The conditions that stay. Those that lead to others come first.
pub(crate) static CHRONIC: [Chronic; 15] = [
    Chronic {
        code: OBESITY,
        display: "Obesity",
        most: 0.22,
        age: 35.0,
        years: 12.0,
        women: 1.0,
        after: &[],
        burden: 0.15,
        specialty: Specialty::GeneralPractice,
        panels: &[Panel::Lipids, Panel::Metabolism],
        medications: &[],
    },
    Chronic {
        code: HYPERTENSION,
        display: "Essential hypertension",
        most: 0.5,
        age: 58.0,
        years: 10.0,
        women: 0.95,
        after: &[OBESITY],
        burden: 0.3,
        specialty: Specialty::GeneralPractice,
        panels: &[Panel::Metabolism, Panel::Lipids],
        medications: &[
            medication("C09AA05", "ramipril", "5 mg", "once daily"),
            medication("C08CA01", "amlodipine", "5 mg", "once daily"),
            medication("C09AA03", "lisinopril", "10 mg", "once daily"),
        ],
    },
    Chronic {
        code: HIGH_LIPIDS,
        display: "Hyperlipidaemia",
        most: 0.42,
        age: 55.0,
        years: 10.0,
        women: 0.95,
        after: &[OBESITY],
        burden: 0.15,
        specialty: Specialty::GeneralPractice,
        panels: &[Panel::Lipids],
        medications: &[
            medication("C10AA05", "atorvastatin", "20 mg", "at night"),
            medication("C10AA07", "rosuvastatin", "10 mg", "once daily"),
        ],
    },
    Chronic {
        code: DIABETES,
        display: "Type 2 diabetes mellitus",
        most: 0.13,
        age: 58.0,
        years: 9.0,
        women: 0.9,
        after: &[OBESITY, HYPERTENSION],
        burden: 0.6,
        specialty: Specialty::Endocrinology,
        panels: &[Panel::Sugar, Panel::Sugar, Panel::Metabolism],
        medications: &[
            medication("A10BA02", "metformin", "850 mg", "twice daily"),
            medication("A10BK03", "empagliflozin", "10 mg", "once daily"),
            medication("A10AE04", "insulin glargine", "16 units", "at night"),
        ],
    },
    Chronic {
        code: "I25.10",
        display: "Coronary artery disease",
        most: 0.12,
        age: 72.0,
        years: 8.0,
        women: 0.75,
        after: &[HYPERTENSION, HIGH_LIPIDS, DIABETES],
        burden: 0.7,
        specialty: Specialty::Cardiology,
        panels: &[Panel::Lipids, Panel::Metabolism],
        medications: &[
            medication("B01AC06", "acetylsalicylic acid", "100 mg", "once daily"),
            medication("C07AB07", "bisoprolol", "2.5 mg", "once daily"),
        ],
    },
    Chronic {
        code: "I48.91",
        display: "Atrial fibrillation",
        most: 0.09,
        age: 77.0,
        years: 7.0,
        women: 0.85,
        after: &[HYPERTENSION, "I25.10"],
        burden: 0.5,
        specialty: Specialty::Cardiology,
        panels: &[Panel::Metabolism],
        medications: &[
            medication("B01AF02", "apixaban", "5 mg", "twice daily"),
            medication("C07AB07", "bisoprolol", "5 mg", "once daily"),
        ],
    },
    Chronic {
        code: KIDNEY_DISEASE,
        display: "Chronic kidney disease, stage 3",
        most: 0.11,
        age: 76.0,
        years: 8.0,
        women: 1.05,
        after: &[HYPERTENSION, DIABETES],
        burden: 0.7,
        specialty: Specialty::Nephrology,
        panels: &[Panel::Metabolism, Panel::Metabolism, Panel::Blood],
        medications: &[medication("C03CA01", "furosemide", "40 mg", "in the morning")],
    },
    Chronic {
        code: "J45.909",
        display: "Asthma",
        most: 0.08,
        age: 14.0,
        years: 8.0,
        women: 1.1,
        after: &[],
        burden: 0.3,
        specialty: Specialty::Pulmonology,
        panels: &[Panel::Inflammation],
        medications: &[
            medication("R03AC02", "salbutamol", "100 µg", "as needed"),
            medication("R03BA02", "budesonide", "200 µg", "twice daily"),
        ],
    },
    Chronic {
        code: "J44.9",
        display: "Chronic obstructive pulmonary disease",
        most: 0.1,
        age: 65.0,
        years: 8.0,
        women: 0.8,
        after: &[],
        burden: 0.6,
        specialty: Specialty::Pulmonology,
        panels: &[Panel::Blood, Panel::Inflammation],
        medications: &[medication("R03BB04", "tiotropium", "18 µg", "once daily")],
    },
    Chronic {
        code: HYPOTHYROIDISM,
        display: "Hypothyroidism",
        most: 0.07,
        age: 48.0,
        years: 12.0,
        women: 1.6,
        after: &[],
        burden: 0.15,
        specialty: Specialty::Endocrinology,
        panels: &[Panel::Thyroid],
        medications: &[medication("H03AA01", "levothyroxine", "75 µg", "in the morning")],
    },
    Chronic {
        code: "F32.9",
        display: "Major depressive disorder",
        most: 0.11,
        age: 32.0,
        years: 10.0,
        women: 1.35,
        after: &[],
        burden: 0.45,
        specialty: Specialty::Psychiatry,
        panels: &[Panel::Thyroid, Panel::Blood],
        medications: &[
            medication("N06AB06", "sertraline", "50 mg", "once daily"),
            medication("N06AB04", "citalopram", "20 mg", "once daily"),
        ],
    },
    Chronic {
        code: "G43.909",
        display: "Migraine",
        most: 0.12,
        age: 24.0,
        years: 7.0,
        women: 1.5,
        after: &[],
        burden: 0.15,
        specialty: Specialty::Neurology,
        panels: &[],
        medications: &[medication("N02CC01", "sumatriptan", "50 mg", "as needed")],
    },
    Chronic {
        code: "M17.9",
        display: "Osteoarthritis of the knee",
        most: 0.2,
        age: 66.0,
        years: 9.0,
        women: 1.25,
        after: &[OBESITY],
        burden: 0.25,
        specialty: Specialty::Orthopaedics,
        panels: &[],
        medications: &[medication("M01AE01", "ibuprofen", "400 mg", "as needed")],
    },
    Chronic {
        code: ANAEMIA,
        display: "Iron deficiency anaemia",
        most: 0.06,
        age: 35.0,
        years: 15.0,
        women: 1.7,
        after: &[KIDNEY_DISEASE],
        burden: 0.2,
        specialty: Specialty::InternalMedicine,
        panels: &[Panel::Iron, Panel::Blood],
        medications: &[medication("B03AA07", "ferrous sulfate", "100 mg", "once daily")],
    },
    Chronic {
        code: "L40.9",
        display: "Psoriasis",
        most: 0.03,
        age: 30.0,
        years: 12.0,
        women: 1.0,
        after: &[],
        burden: 0.1,
        specialty: Specialty::Dermatology,
        panels: &[],
        medications: &[medication(
            "D05AX02",
            "calcitriol ointment",
            "3 µg/g",
            "twice daily",
        )],
    },
];
