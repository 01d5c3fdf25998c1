//! Bodies and what is measured of them: values that go together as they do in people.

use super::catalogue::{
    ANAEMIA, DIABETES, HIGH_LIPIDS, HYPERTENSION, HYPOTHYROIDISM, KIDNEY_DISEASE, OBESITY,
};
use super::random::Random;

/// What is asked for at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Panel {
    Sugar,
    Lipids,
    Metabolism,
    Blood,
    Thyroid,
    Iron,
    Inflammation,
}

impl Panel {
    /// Those that anybody may be asked for.
    pub(crate) const GENERAL: [Panel; 4] = [
        Panel::Blood,
        Panel::Metabolism,
        Panel::Lipids,
        Panel::Inflammation,
    ];

    /// The LOINC code of the order and its name.
    pub(crate) fn order(self) -> (&'static str, &'static str) {
        match self {
            Panel::Sugar => ("4548-4", "Haemoglobin A1c and glucose"),
            Panel::Lipids => ("57698-3", "Lipid panel"),
            Panel::Metabolism => ("24323-8", "Comprehensive metabolic panel"),
            Panel::Blood => ("58410-2", "Complete blood count"),
            Panel::Thyroid => ("3016-3", "Thyroid function"),
            Panel::Iron => ("2276-4", "Iron status"),
            Panel::Inflammation => ("1988-5", "Markers of inflammation"),
        }
    }
}

/// A test, with the range in which its values usually lie.
#[derive(Debug, PartialEq)]
pub(crate) struct Test {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// How many digits after the point are told.
    digits: i32,
}

const fn test(
    code: &'static str,
    name: &'static str,
    unit: &'static str,
    (low, high): (f64, f64),
    digits: i32,
) -> Test {
    Test {
        code,
        name,
        unit,
        low,
        high,
        digits,
    }
}

pub(crate) static HBA1C: Test = test("4548-4", "Haemoglobin A1c", "%", (4.0, 5.6), 1);
pub(crate) static GLUCOSE: Test = test("2345-7", "Glucose", "mg/dL", (70.0, 99.0), 0);
pub(crate) static CREATININE: Test = test("2160-0", "Creatinine", "mg/dL", (0.6, 1.2), 2);
pub(crate) static FILTRATION: Test = test(
    "98979-8",
    "Glomerular filtration rate, CKD-EPI 2021",
    "mL/min/1.73m2",
    (60.0, 140.0),
    0,
);
pub(crate) static CHOLESTEROL: Test = test("2093-3", "Cholesterol", "mg/dL", (100.0, 200.0), 0);
pub(crate) static HDL: Test = test("2085-9", "HDL cholesterol", "mg/dL", (40.0, 100.0), 0);
pub(crate) static LDL: Test = test("13457-7", "LDL cholesterol", "mg/dL", (0.0, 130.0), 0);
pub(crate) static TRIGLYCERIDES: Test = test("2571-8", "Triglycerides", "mg/dL", (0.0, 150.0), 0);
static HAEMOGLOBIN_OF_WOMEN: Test = test("718-7", "Haemoglobin", "g/dL", (12.0, 15.5), 1);
static HAEMOGLOBIN_OF_MEN: Test = test("718-7", "Haemoglobin", "g/dL", (13.5, 17.5), 1);
pub(crate) static HAEMATOCRIT: Test = test("4544-3", "Haematocrit", "%", (36.0, 50.0), 1);
static CELL_VOLUME: Test = test("787-2", "Mean corpuscular volume", "fL", (80.0, 100.0), 0);
static LEUKOCYTES: Test = test("6690-2", "Leukocytes", "10*3/uL", (4.0, 11.0), 1);
static PLATELETS: Test = test("777-3", "Platelets", "10*3/uL", (150.0, 400.0), 0);
static SODIUM: Test = test("2951-2", "Sodium", "mmol/L", (136.0, 145.0), 0);
static POTASSIUM: Test = test("2823-3", "Potassium", "mmol/L", (3.5, 5.1), 1);
static ALT: Test = test("1742-6", "Alanine aminotransferase", "U/L", (7.0, 40.0), 0);
static AST: Test = test("1920-8", "Aspartate aminotransferase", "U/L", (10.0, 40.0), 0);
static THYROTROPIN: Test = test("3016-3", "Thyrotropin", "mIU/L", (0.4, 4.0), 2);
static THYROXINE: Test = test("3024-7", "Thyroxine, free", "ng/dL", (0.8, 1.8), 2);
static FERRITIN: Test = test("2276-4", "Ferritin", "ng/mL", (15.0, 300.0), 0);
static REACTIVE_PROTEIN: Test = test("1988-5", "C reactive protein", "mg/L", (0.0, 5.0), 1);

/// A value that was measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) test: &'static Test,
    pub(crate) value: f64,
}

impl Measured {
    /// Whether it is outside of its usual range.
    pub(crate) fn is_abnormal(&self) -> bool {
        self.value < self.test.low || self.value > self.test.high
    }
}

/// Pressure in mmHg, pulse in beats a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VitalSigns {
    pub(crate) systolic: i64,
    pub(crate) diastolic: i64,
    pub(crate) pulse: i64,
}

/// What stays the same in somebody, around which what is measured goes up and down.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    female: bool,
    /// Body mass index in kg/m².
    mass_index: f64,
    systolic: f64,
    sugar: f64,
    creatinine: f64,
    hdl: f64,
    ldl: f64,
    triglycerides: f64,
    haemoglobin: f64,
    cell_volume: f64,
    thyrotropin: f64,
    liver: f64,
}

impl Body {
    /// The body of somebody of an age in years, with conditions.
    pub(crate) fn new(random: &mut Random, female: bool, age: f64, has: impl Fn(&str) -> bool) -> Self {
        let adult = ((age - 2.0) / 16.0).clamp(0.0, 1.0);
        let older = (age - 40.0).max(0.0);
        let mass_index = if has(OBESITY) {
            31.0 + random.skewed(2.5, 0.6)
        } else {
            random.around(16.0 + 8.0 * adult, 2.2).clamp(13.0, 29.9)
        };
        // Fat raises pressure, sugar and fats of the blood.
        let weight = (mass_index - 24.0) / 5.0;
        let pressure = if has(HYPERTENSION) { 16.0 } else { 0.0 };
        let systolic = random.around(98.0 + 18.0 * adult + 0.3 * older + pressure + 2.5 * weight, 7.0);
        let sugar = if has(DIABETES) {
            7.0 + random.skewed(0.5, 0.7)
        } else {
            random.around(5.1 + 0.006 * older + 0.08 * weight, 0.22)
        };
        let creatinine = match (has(KIDNEY_DISEASE), female) {
            (true, true) => random.around(1.35, 0.18).max(1.05),
            (true, false) => random.around(1.65, 0.2).max(1.35),
            (false, true) => random.around(0.42 + 0.3 * adult, 0.09).max(0.3),
            (false, false) => random.around(0.42 + 0.45 * adult, 0.11).max(0.3),
        };
        let lipids = if has(HIGH_LIPIDS) { 42.0 } else { 0.0 };
        let haemoglobin =
            if female { 13.6 } else { 14.2 + 0.8 * adult } - if has(ANAEMIA) { 3.2 } else { 0.0 };
        Self {
            female,
            mass_index,
            systolic,
            sugar,
            creatinine,
            hdl: random
                .around(if female { 59.0 } else { 51.0 } - 3.5 * weight, 9.0)
                .max(22.0),
            ldl: random
                .around(100.0 + 0.4 * older.min(30.0) + lipids, 20.0)
                .max(40.0),
            triglycerides: random.skewed(95.0 + 14.0 * weight.max(-1.0) + 0.6 * lipids, 0.35),
            haemoglobin: random.around(haemoglobin, 0.7),
            cell_volume: random.around(if has(ANAEMIA) { 75.0 } else { 90.0 }, 3.5),
            thyrotropin: random.skewed(if has(HYPOTHYROIDISM) { 4.2 } else { 1.7 }, 0.4),
            liver: random.skewed(22.0 + 3.0 * weight.max(-1.0), 0.3),
        }
    }

    /// What a panel measures of it, at an age in years, in an infection or without one.
    pub(crate) fn measure(
        &self,
        random: &mut Random,
        panel: Panel,
        age: f64,
        infected: bool,
    ) -> Vec<Measured> {
        match panel {
            Panel::Sugar => {
                let sugar = self.sugar_now(random);
                let creatinine = self.creatinine_now(random);
                vec![
                    measured(&HBA1C, sugar),
                    measured(&GLUCOSE, glucose(random, sugar)),
                    measured(&CREATININE, creatinine),
                    measured(&FILTRATION, filtration(creatinine, age, self.female)),
                ]
            }
            Panel::Lipids => {
                let hdl = random.around(self.hdl, 3.0).max(18.0);
                let ldl = random.around(self.ldl, 9.0).max(30.0);
                let triglycerides = random.skewed(self.triglycerides, 0.18);
                // Friedewald 1972: what is neither HDL nor LDL is a fifth of the triglycerides.
                let cholesterol = hdl + ldl + triglycerides / 5.0;
                vec![
                    measured(&CHOLESTEROL, cholesterol),
                    measured(&HDL, hdl),
                    measured(&LDL, ldl),
                    measured(&TRIGLYCERIDES, triglycerides),
                ]
            }
            Panel::Metabolism => {
                let creatinine = self.creatinine_now(random);
                let sugar = self.sugar_now(random);
                let kidney = (creatinine - 0.9).max(0.0);
                let liver = random.skewed(self.liver, 0.2);
                vec![
                    measured(&GLUCOSE, glucose(random, sugar)),
                    measured(&SODIUM, random.around(140.0, 2.0)),
                    measured(&POTASSIUM, random.around(4.2 + 0.35 * kidney, 0.3)),
                    measured(&CREATININE, creatinine),
                    measured(&FILTRATION, filtration(creatinine, age, self.female)),
                    measured(&ALT, liver),
                    measured(&AST, random.skewed(0.9 * liver, 0.15)),
                ]
            }
            Panel::Blood => {
                let mut all = self.red_cells(random);
                all.push(measured(
                    &LEUKOCYTES,
                    random.skewed(if infected { 11.5 } else { 6.8 }, 0.2),
                ));
                all.push(measured(&PLATELETS, random.around(250.0, 50.0).max(60.0)));
                all
            }
            Panel::Thyroid => {
                let thyrotropin = random.skewed(self.thyrotropin, 0.25);
                // The pituitary gland answers what is missing: the more of the one, the less of the other.
                let thyroxine = random.around(1.3 - 0.12 * libm::log(thyrotropin / 1.7), 0.1);
                vec![
                    measured(&THYROTROPIN, thyrotropin),
                    measured(&THYROXINE, thyroxine.max(0.3)),
                ]
            }
            Panel::Iron => {
                let stores = random.skewed(if self.cell_volume < 80.0 { 9.0 } else { 85.0 }, 0.5);
                let mut all = self.red_cells(random);
                all.push(measured(&FERRITIN, stores));
                all
            }
            Panel::Inflammation => vec![
                measured(
                    &REACTIVE_PROTEIN,
                    random.skewed(if infected { 38.0 } else { 1.4 }, 0.7),
                ),
                measured(&LEUKOCYTES, random.skewed(if infected { 11.5 } else { 6.8 }, 0.2)),
            ],
        }
    }

    /// Pressure and pulse.
    pub(crate) fn vital_signs(&self, random: &mut Random) -> VitalSigns {
        let systolic = random.around(self.systolic, 8.0).clamp(75.0, 230.0);
        let diastolic = random.around(32.0 + 0.37 * systolic, 5.0);
        VitalSigns {
            systolic: systolic.round() as i64,
            diastolic: diastolic.clamp(40.0, systolic - 15.0).round() as i64,
            pulse: random.around(72.0, 9.0).clamp(42.0, 150.0).round() as i64,
        }
    }

    /// Weight over the square of height, in kg/m².
    pub(crate) fn mass_index(&self) -> f64 {
        rounded(self.mass_index, 1)
    }

    fn red_cells(&self, random: &mut Random) -> Vec<Measured> {
        let haemoglobin = random.around(self.haemoglobin, 0.35).max(5.5);
        let range = if self.female {
            &HAEMOGLOBIN_OF_WOMEN
        } else {
            &HAEMOGLOBIN_OF_MEN
        };
        vec![
            measured(range, haemoglobin),
            // The rule of three of haematology.
            measured(&HAEMATOCRIT, random.around(3.0 * haemoglobin, 0.6)),
            measured(&CELL_VOLUME, random.around(self.cell_volume, 1.2)),
        ]
    }

    fn sugar_now(&self, random: &mut Random) -> f64 {
        random.around(self.sugar, 0.04 * self.sugar).max(4.0)
    }

    fn creatinine_now(&self, random: &mut Random) -> f64 {
        random.around(self.creatinine, 0.05 * self.creatinine).max(0.25)
    }
}

/// The glucose in mg/dL that goes with an HbA1c in percent (Nathan 2008, the ADAG study), as one sample shows it.
fn glucose(random: &mut Random, hba1c: f64) -> f64 {
    random.around(28.7 * hba1c - 46.7, 11.0).max(55.0)
}

/// The filtration rate of the kidneys in mL/min/1.73 m², from creatinine in mg/dL and age in years (CKD-EPI 2021,
/// Inker et al., N Engl J Med 385).
pub(crate) fn filtration(creatinine: f64, age: f64, female: bool) -> f64 {
    let (kappa, alpha, factor) = if female {
        (0.7, -0.241, 1.012)
    } else {
        (0.9, -0.302, 1.0)
    };
    let ratio: f64 = creatinine / kappa;
    142.0
        * libm::pow(ratio.min(1.0), alpha)
        * libm::pow(ratio.max(1.0), -1.2)
        * libm::pow(0.9938, age)
        * factor
}

fn measured(test: &'static Test, value: f64) -> Measured {
    Measured {
        test,
        value: rounded(value, test.digits),
    }
}

fn rounded(value: f64, digits: i32) -> f64 {
    let factor = 10_f64.powi(digits);
    (value * factor).round() / factor
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::*;

    #[test]
    fn filtration_is_what_the_published_calculator_says() {
        for (creatinine, age, female, expected) in [
            (1.0, 50.0, false, 92.0),
            (0.8, 30.0, true, 102.0),
            (2.0, 70.0, true, 26.0),
        ] {
            let rate = filtration(creatinine, age, female);
            assert!(
                (rate - expected).abs() < 1.0,
                "{rate} for {creatinine}, {age}, {female}"
            );
        }
    }

    #[test]
    fn what_a_condition_changes_is_seen_in_the_values() {
        let mut random = Random::new(3, 1, Purpose::Patients);
        let mut mean = |conditions: &[&str], panel: Panel, code: &str| {
            let values: Vec<f64> = (0..400)
                .map(|_| {
                    let body = Body::new(&mut random, true, 60.0, |code| conditions.contains(&code));
                    let measured = body.measure(&mut random, panel, 60.0, false);
                    measured
                        .iter()
                        .find(|value| value.test.code == code)
                        .unwrap()
                        .value
                })
                .collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        assert!(mean(&[DIABETES], Panel::Sugar, HBA1C.code) > mean(&[], Panel::Sugar, HBA1C.code) + 1.5);
        assert!(
            mean(&[KIDNEY_DISEASE], Panel::Metabolism, FILTRATION.code)
                < mean(&[], Panel::Metabolism, FILTRATION.code) - 25.0
        );
        assert!(mean(&[ANAEMIA], Panel::Blood, "718-7") < mean(&[], Panel::Blood, "718-7") - 2.0);
        assert!(mean(&[HIGH_LIPIDS], Panel::Lipids, LDL.code) > mean(&[], Panel::Lipids, LDL.code) + 30.0);
    }

    #[test]
    fn pressure_is_pressure() {
        let mut random = Random::new(3, 1, Purpose::Patients);
        for age in 1..100 {
            let body = Body::new(&mut random, age % 2 == 0, f64::from(age), |code| {
                code == HYPERTENSION
            });
            let signs = body.vital_signs(&mut random);
            assert!(signs.diastolic + 15 <= signs.systolic + 1, "{signs:?}");
            assert!((10.0..70.0).contains(&body.mass_index()), "{body:?}");
        }
    }
}
