//! What patients have and what is done about it, in the codes that health records use: conditions by ICD-10-CM,
//! medications by ATC, vaccines by CVX, procedures by ICD-10-PCS, laboratory tests by LOINC.

mod acute;
mod chronic;

pub(crate) use acute::{ACUTE, Acute};
pub(crate) use chronic::{
    ANAEMIA, CHRONIC, COMORBIDITY, Chronic, DIABETES, HIGH_LIPIDS, HYPERTENSION, HYPOTHYROIDISM,
    KIDNEY_DISEASE, OBESITY,
};

/// What a provider is a specialist of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Specialty {
    GeneralPractice,
    InternalMedicine,
    Cardiology,
    Endocrinology,
    Pulmonology,
    Nephrology,
    Psychiatry,
    Orthopaedics,
    Neurology,
    Dermatology,
    EmergencyMedicine,
}

impl Specialty {
    /// With how many of a hundred providers have it.
    pub(crate) const SHARES: [(Specialty, usize); 11] = [
        (Specialty::GeneralPractice, 40),
        (Specialty::InternalMedicine, 12),
        (Specialty::Cardiology, 8),
        (Specialty::Endocrinology, 4),
        (Specialty::Pulmonology, 6),
        (Specialty::Nephrology, 4),
        (Specialty::Psychiatry, 6),
        (Specialty::Orthopaedics, 6),
        (Specialty::Neurology, 4),
        (Specialty::Dermatology, 4),
        (Specialty::EmergencyMedicine, 6),
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Specialty::GeneralPractice => "general practice",
            Specialty::InternalMedicine => "internal medicine",
            Specialty::Cardiology => "cardiology",
            Specialty::Endocrinology => "endocrinology",
            Specialty::Pulmonology => "pulmonology",
            Specialty::Nephrology => "nephrology",
            Specialty::Psychiatry => "psychiatry",
            Specialty::Orthopaedics => "orthopaedics",
            Specialty::Neurology => "neurology",
            Specialty::Dermatology => "dermatology",
            Specialty::EmergencyMedicine => "emergency medicine",
        }
    }
}

/// A medication as it is prescribed.
#[derive(Debug, PartialEq)]
pub(crate) struct Medication {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) dose: &'static str,
    pub(crate) frequency: &'static str,
}

const fn medication(
    code: &'static str,
    name: &'static str,
    dose: &'static str,
    frequency: &'static str,
) -> Medication {
    Medication {
        code,
        name,
        dose,
        frequency,
    }
}

/// Something that is done.
#[derive(Debug)]
pub(crate) struct Procedure {
    pub(crate) code: &'static str,
    pub(crate) display: &'static str,
    /// Whether it makes pictures.
    pub(crate) imaging: bool,
}

pub(crate) static CHEST_RADIOGRAPH: Procedure = Procedure {
    code: "BW03ZZZ",
    display: "Plain radiography of chest",
    imaging: true,
};
pub(crate) static ANKLE_RADIOGRAPH: Procedure = Procedure {
    code: "BQ0GZZZ",
    display: "Plain radiography of right ankle",
    imaging: true,
};
pub(crate) static ELECTROCARDIOGRAM: Procedure = Procedure {
    code: "4A02X4Z",
    display: "Electrocardiogram",
    imaging: false,
};

/// What is done without an acute cause.
pub(crate) static PROCEDURES: [Procedure; 6] = [
    Procedure {
        code: "4A02X4Z",
        display: "Electrocardiogram",
        imaging: false,
    },
    Procedure {
        code: "B246ZZZ",
        display: "Ultrasonography of heart",
        imaging: true,
    },
    Procedure {
        code: "BW40ZZZ",
        display: "Ultrasonography of abdomen",
        imaging: true,
    },
    Procedure {
        code: "B030ZZZ",
        display: "Magnetic resonance imaging of brain",
        imaging: true,
    },
    Procedure {
        code: "0DJD8ZZ",
        display: "Colonoscopy",
        imaging: false,
    },
    Procedure {
        code: "BW03ZZZ",
        display: "Plain radiography of chest",
        imaging: true,
    },
];

/// Vaccines with their CVX codes.
pub(crate) const VACCINES: [(&str, &str); 5] = [
    ("141", "Influenza, seasonal, injectable"),
    ("115", "Tetanus, diphtheria, pertussis"),
    ("33", "Pneumococcal polysaccharide"),
    ("208", "COVID-19, mRNA"),
    ("187", "Zoster, recombinant"),
];

/// What people do not tolerate, how often, and what it does to them.
pub(crate) const ALLERGENS: [(&str, f64, &str); 9] = [
    ("grass pollen", 5.0, "rhinitis"),
    ("penicillin", 4.0, "rash"),
    ("house dust mite", 3.0, "rhinitis"),
    ("cat hair", 2.0, "wheezing"),
    ("peanut", 1.2, "anaphylaxis"),
    ("ibuprofen", 1.0, "urticaria"),
    ("bee venom", 0.8, "anaphylaxis"),
    ("latex", 0.6, "contact dermatitis"),
    ("iodinated contrast medium", 0.5, "urticaria"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_leads_to_a_condition_comes_before_it() {
        let mut known = BTreeSet::new();
        for condition in &CHRONIC {
            assert!(
                condition.after.iter().all(|code| known.contains(code)),
                "{}",
                condition.code
            );
            assert!(known.insert(condition.code), "{} comes twice", condition.code);
        }
    }

    #[test]
    fn the_shares_of_specialties_are_all_of_them() {
        let total: usize = Specialty::SHARES.iter().map(|(_, share)| share).sum();
        assert_eq!(total, 100);
        // Whom a condition is sent to is there in every cohort.
        let there: BTreeSet<_> = Specialty::SHARES
            .iter()
            .map(|(specialty, _)| *specialty)
            .collect();
        assert!(
            CHRONIC
                .iter()
                .all(|condition| there.contains(&condition.specialty))
        );
        assert!(ACUTE.iter().all(|condition| there.contains(&condition.specialty)));
    }
}
