//! When somebody is seen, by whom and why: visits come in bouts, as illnesses do.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::calendar::{OFFICE, OFFICE_IN_AUTUMN, Rhythm};
use super::catalogue::{ACUTE, Acute, Chronic, Specialty};
use super::people::{Patient, Provider};
use super::random::Random;

/// Why somebody is seen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reason {
    /// A condition that stays, by its number among the patient's illnesses.
    Control(usize, &'static Chronic),
    /// A condition that passes.
    Acute(&'static Acute),
    /// To stay healthy.
    Prevention,
}

impl Reason {
    /// What it is called in a record.
    pub(crate) fn display(&self) -> &'static str {
        match self {
            Reason::Control(_, condition) => condition.display,
            Reason::Acute(condition) => condition.display,
            Reason::Prevention => "Preventive care",
        }
    }

    /// Whether it was an emergency.
    pub(crate) fn is_emergency(&self) -> bool {
        matches!(self, Reason::Acute(condition) if condition.specialty == Specialty::EmergencyMedicine)
    }

    /// Whether what is measured shows an infection.
    pub(crate) fn inflames(&self) -> bool {
        matches!(self, Reason::Acute(condition) if condition.inflames)
    }

    fn rhythm(&self) -> &'static Rhythm {
        match self {
            Reason::Control(..) => &OFFICE,
            Reason::Acute(condition) => condition.rhythm,
            Reason::Prevention => &OFFICE_IN_AUTUMN,
        }
    }

    /// How many more visits follow the first one, and how many days lie between them, half of the time.
    fn bout(&self, random: &mut Random) -> (usize, f64) {
        match self {
            Reason::Control(..) => (random.repetitions(0.7, 8), 24.0),
            Reason::Acute(_) => (random.repetitions(0.45, 4), 5.0),
            Reason::Prevention => (0, 0.0),
        }
    }
}

/// One time that somebody is seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit {
    pub(crate) at: DateTime<Utc>,
    /// By whom, by number within the cohort.
    pub(crate) provider: usize,
    pub(crate) reason: Reason,
}

/// So many visits of somebody, in the order of time.
pub(crate) fn visits(
    random: &mut Random,
    patient: &Patient,
    providers: &[Provider],
    count: usize,
    opening: NaiveDate,
) -> Vec<Visit> {
    let mut visits = Vec::with_capacity(count);
    while visits.len() < count {
        let reason = reason(random, patient);
        let rhythm = reason.rhythm();
        let mut day = rhythm.day(random, patient.recorded, opening);
        visits.push(Visit {
            at: rhythm.moment(random, day),
            provider: provider(random, patient, providers, reason),
            reason,
        });
        let (more, gap) = reason.bout(random);
        for _ in 0..more.min(count - visits.len()) {
            let days = random.skewed(gap, 0.5).clamp(1.0, 120.0) as i64;
            day = OFFICE.next_day(random, day + TimeDelta::days(days));
            if day > patient.recorded.last {
                break;
            }
            visits.push(Visit {
                at: OFFICE.moment(random, day),
                provider: provider(random, patient, providers, reason),
                reason,
            });
        }
    }
    visits.sort_by_key(|visit| visit.at);
    visits
}

fn reason(random: &mut Random, patient: &Patient) -> Reason {
    let group = patient.age_group(patient.recorded.last);
    let mut weights = vec![0.12, [0.8, 0.4, 0.35][group]];
    weights.extend(
        patient
            .illnesses
            .iter()
            .map(|illness| 0.1 + 1.2 * illness.condition.burden),
    );
    match random.index_by(&weights) {
        0 => Reason::Prevention,
        1 => Reason::Acute(random.pick_by(&ACUTE, |condition| condition.frequency[group])),
        number => Reason::Control(number - 2, patient.illnesses[number - 2].condition),
    }
}

/// Emergencies go to whoever is there, all else to those who may see the record.
fn provider(random: &mut Random, patient: &Patient, providers: &[Provider], reason: Reason) -> usize {
    let wanted = match reason {
        Reason::Control(_, condition) => condition.specialty,
        Reason::Acute(condition) => condition.specialty,
        Reason::Prevention => Specialty::GeneralPractice,
    };
    if wanted == Specialty::EmergencyMedicine {
        let weights: Vec<f64> = providers
            .iter()
            .map(|provider| if provider.specialty == wanted { 1.0 } else { 0.0 })
            .collect();
        return random.index_by(&weights);
    }
    let of_specialty = patient
        .grants
        .iter()
        .find(|grant| providers[grant.provider].specialty == wanted);
    match of_specialty {
        Some(grant) if random.chance(0.6) => grant.provider,
        _ => patient.grants[0].provider,
    }
}
