//! Who there is: providers with their specialties, patients with their conditions, and who may read whose record.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

use super::Plan;
use super::calendar::{OFFICE, Span, midnight};
use super::catalogue::{ALLERGENS, CHRONIC, COMORBIDITY, Chronic, Specialty};
use super::laboratory::Body;
use super::names::{CITIES, FAMILIES, MEN, ORGANISATIONS, WOMEN};
use super::random::Random;

/// Days of a year, on average.
const YEAR: f64 = 365.2425;

/// Of whom a profile is.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) profile_id: Uuid,
    pub(crate) full_name: String,
    pub(crate) email: String,
    pub(crate) created_at: DateTime<Utc>,
}

/// Who treats patients.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) provider_id: Uuid,
    pub(crate) person: Person,
    pub(crate) registry_number: String,
    pub(crate) specialty: Specialty,
    pub(crate) city: &'static str,
    pub(crate) organisation: String,
}

/// A condition of somebody.
#[derive(Debug)]
pub(crate) struct Illness {
    pub(crate) condition_id: Uuid,
    pub(crate) condition: &'static Chronic,
    pub(crate) severity: &'static str,
    pub(crate) onset: NaiveDate,
}

/// Something that somebody does not tolerate.
#[derive(Debug)]
pub(crate) struct Allergy {
    pub(crate) allergy_id: Uuid,
    pub(crate) substance: &'static str,
    pub(crate) reaction: &'static str,
    pub(crate) severity: &'static str,
    pub(crate) noted_at: DateTime<Utc>,
}

/// What a provider may do with the record of somebody.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) access_grant_id: Uuid,
    /// The provider, by number within the cohort.
    pub(crate) provider: usize,
    pub(crate) level: &'static str,
    pub(crate) granted_at: DateTime<Utc>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) revoked_at: Option<DateTime<Utc>>,
}

/// Whose record is kept.
#[derive(Debug)]
pub(crate) struct Patient {
    pub(crate) patient_id: Uuid,
    pub(crate) person: Person,
    pub(crate) birth: NaiveDate,
    pub(crate) sex: &'static str,
    pub(crate) blood_type: &'static str,
    pub(crate) city: &'static str,
    pub(crate) deceased_at: Option<DateTime<Utc>>,
    /// The days of which there is a record.
    pub(crate) recorded: Span,
    pub(crate) illnesses: Vec<Illness>,
    pub(crate) allergies: Vec<Allergy>,
    /// The first is the general practitioner's.
    pub(crate) grants: Vec<Grant>,
    pub(crate) body: Body,
    /// How ill, beside the others.
    pub(crate) score: f64,
}

impl Patient {
    /// The age in years on a day.
    pub(crate) fn age(&self, day: NaiveDate) -> f64 {
        (day - self.birth).num_days().max(0) as f64 / YEAR
    }

    /// Which of the age groups that frequencies are told of they are in: children, adults, the old.
    pub(crate) fn age_group(&self, day: NaiveDate) -> usize {
        match self.age(day) {
            age if age < 16.0 => 0,
            age if age < 65.0 => 1,
            _ => 2,
        }
    }
}

/// How many providers of each specialty a cohort has.
pub(crate) fn providers(plan: &Plan, cohort: u32, random: &mut Random) -> Vec<Provider> {
    let specialties = Specialty::SHARES
        .iter()
        .flat_map(|(specialty, share)| std::iter::repeat_n(*specialty, share * super::PROVIDERS / 100));
    specialties
        .enumerate()
        .map(|(number, specialty)| {
            let (city, _) = *random.pick_by(&CITIES, |(_, share)| *share);
            let names = if random.chance(0.5) { &WOMEN } else { &MEN };
            let registered = plan.opening() - TimeDelta::days(random.between(30, 400));
            let created_at = OFFICE.moment(random, registered);
            Provider {
                provider_id: random.uuid(),
                person: person(random, names, cohort, number, "providers", created_at),
                registry_number: format!("GR-{cohort:05}-{number:03}"),
                specialty,
                city,
                organisation: format!("{city} {}", random.pick(&ORGANISATIONS)),
            }
        })
        .collect()
}

/// The patients of a cohort.
pub(crate) fn patients(
    plan: &Plan,
    cohort: u32,
    providers: &[Provider],
    random: &mut Random,
) -> Vec<Patient> {
    (0..super::PATIENTS)
        .map(|number| patient(plan, cohort, number, providers, random))
        .collect()
}

fn patient(plan: &Plan, cohort: u32, number: usize, providers: &[Provider], random: &mut Random) -> Patient {
    let age = age(random);
    let birth = plan.until - TimeDelta::days((age * YEAR) as i64 + 1);
    let sex = *random.pick_by(&SEXES, |(_, share)| *share);
    // Where it is not known, ranges and risks are those of men or women, evenly.
    let female = match sex.0 {
        "female" => true,
        "male" => false,
        _ => random.chance(0.5),
    };
    let last = plan.until - TimeDelta::days(1);
    let latest = (last - TimeDelta::days(30)).max(birth);
    let joining = Span {
        first: plan.opening().max(birth),
        last: latest,
    };
    let joined = OFFICE.day(random, joining, joining.first - TimeDelta::days(400));
    let deceased_at = death(random, age, Span { first: joined, last });
    let mut illnesses = illnesses(random, birth, age, female);
    let (city, _) = *random.pick_by(&CITIES, |(_, share)| *share);
    let joined_at = OFFICE.moment(random, joined);
    let body = Body::new(random, female, age, |code| {
        illnesses.iter().any(|illness| illness.condition.code == code)
    });
    let grants = grants(random, providers, city, &illnesses, joined_at, plan);
    // The day of the death itself is left out: nothing is done on it that might come after.
    let lived = deceased_at.map_or(last, |death| {
        (death.date_naive() - TimeDelta::days(1)).max(joined)
    });
    for illness in &mut illnesses {
        illness.onset = illness.onset.min(lived);
    }
    let recorded = Span {
        first: joined,
        last: lived,
    };
    Patient {
        patient_id: random.uuid(),
        person: person(
            random,
            if female { &WOMEN } else { &MEN },
            cohort,
            number,
            "patients",
            joined_at,
        ),
        birth,
        sex: sex.0,
        blood_type: random.pick_by(&BLOOD_TYPES, |(_, share)| *share).0,
        city,
        deceased_at,
        recorded,
        allergies: allergies(random, recorded),
        grants,
        score: score(random, age, &illnesses, deceased_at.is_some()),
        illnesses,
        body,
    }
}

const SEXES: [(&str, f64); 4] = [("female", 51.0), ("male", 48.3), ("other", 0.5), ("unknown", 0.2)];

/// The shares of blood types in Europe, in percent.
const BLOOD_TYPES: [(&str, f64); 8] = [
    ("O+", 36.0),
    ("A+", 36.5),
    ("B+", 9.0),
    ("AB+", 3.5),
    ("O-", 6.5),
    ("A-", 6.0),
    ("B-", 1.8),
    ("AB-", 0.7),
];

/// Ages from and to, in years, with the share of patients: the old are more often patients than people.
const AGES: [(f64, f64, f64); 6] = [
    (0.3, 6.0, 6.0),
    (6.0, 18.0, 9.0),
    (18.0, 40.0, 25.0),
    (40.0, 65.0, 33.0),
    (65.0, 82.0, 21.0),
    (82.0, 98.0, 6.0),
];

fn age(random: &mut Random) -> f64 {
    let (from, to, _) = *random.pick_by(&AGES, |(_, _, share)| *share);
    from + random.unit() * (to - from)
}

/// When somebody died, if they did, with a risk that doubles in about eight years of age (Gompertz).
fn death(random: &mut Random, age: f64, recorded: Span) -> Option<DateTime<Utc>> {
    let yearly = libm::exp(-10.4 + 0.09 * age);
    let years = recorded.days() as f64 / YEAR;
    if !random.chance(1.0 - libm::exp(-yearly * years)) {
        return None;
    }
    let days = random.between(recorded.days() / 3, recorded.days() - 1);
    let seconds = random.between(0, 86_399);
    Some(midnight(recorded.first) + TimeDelta::days(days) + TimeDelta::seconds(seconds))
}

fn illnesses(random: &mut Random, birth: NaiveDate, age: f64, female: bool) -> Vec<Illness> {
    let mut all: Vec<Illness> = Vec::new();
    for condition in &CHRONIC {
        let grown = 1.0 / (1.0 + libm::exp(-2.0 * (age - condition.age) / condition.years));
        let of_sex = if female {
            condition.women
        } else {
            2.0 - condition.women
        };
        let leads_here = |illness: &Illness| condition.after.contains(&illness.condition.code);
        let after = if all.iter().any(leads_here) {
            COMORBIDITY
        } else {
            1.0
        };
        if !random.chance((condition.most * grown * of_sex * after).min(0.9)) {
            continue;
        }
        let onset = random
            .around(condition.age, condition.years)
            .clamp(0.05 * age, 0.97 * age);
        all.push(Illness {
            condition_id: random.uuid(),
            condition,
            severity: severity(random),
            onset: birth + TimeDelta::days((onset * YEAR) as i64),
        });
    }
    all
}

fn severity(random: &mut Random) -> &'static str {
    random
        .pick_by(
            &[("mild", 0.45), ("moderate", 0.43), ("severe", 0.12)],
            |(_, share)| *share,
        )
        .0
}

fn allergies(random: &mut Random, recorded: Span) -> Vec<Allergy> {
    if !random.chance(0.3) {
        return Vec::new();
    }
    let count = 1 + random.repetitions(0.3, 3);
    let mut all: Vec<Allergy> = Vec::new();
    for _ in 0..count {
        let (substance, _, reaction) = *random.pick_by(&ALLERGENS, |(_, share, _)| *share);
        if all.iter().any(|allergy| allergy.substance == substance) {
            continue;
        }
        let severity = match reaction {
            "anaphylaxis" => "life_threatening",
            _ => severity(random),
        };
        let noted = OFFICE.day(random, recorded, recorded.first);
        all.push(Allergy {
            allergy_id: random.uuid(),
            substance,
            reaction,
            severity,
            noted_at: OFFICE.moment(random, noted),
        });
    }
    all
}

/// What somebody needs grows with age and conditions, and in the first and the last years. The rest is chance.
fn score(random: &mut Random, age: f64, illnesses: &[Illness], died: bool) -> f64 {
    let conditions: f64 = illnesses.iter().map(|illness| illness.condition.burden).sum();
    let early = if age < 3.0 { 0.5 } else { 0.0 };
    let late = if died { 0.7 } else { 0.0 };
    conditions + 0.014 * (age - 40.0) + early + late + 0.75 * random.normal()
}

/// The general practitioner, perhaps the one before, and specialists for what there is.
fn grants(
    random: &mut Random,
    providers: &[Provider],
    city: &str,
    illnesses: &[Illness],
    joined_at: DateTime<Utc>,
    plan: &Plan,
) -> Vec<Grant> {
    let practitioner = choose(random, providers, Specialty::GeneralPractice, city);
    let mut grants = vec![Grant {
        access_grant_id: random.uuid(),
        provider: practitioner,
        level: "write",
        granted_at: joined_at,
        expires_at: None,
        revoked_at: None,
    }];
    let mut wanted: Vec<Specialty> = illnesses
        .iter()
        .map(|illness| illness.condition.specialty)
        .collect();
    wanted.retain(|specialty| *specialty != Specialty::GeneralPractice);
    wanted.dedup();
    if random.chance(0.12) {
        wanted.push(Specialty::GeneralPractice);
    }
    if random.chance(0.1) {
        wanted.push(Specialty::InternalMedicine);
    }
    let end = midnight(plan.until);
    for specialty in wanted {
        let provider = choose(random, providers, specialty, city);
        if grants.iter().any(|grant| grant.provider == provider) || random.chance(0.3) {
            continue;
        }
        let seconds = (end - joined_at).num_seconds();
        let granted_at = joined_at + TimeDelta::seconds(random.between(0, seconds / 2));
        let left = (end - granted_at).num_seconds();
        // One practitioner too many is the one before.
        let over = specialty == Specialty::GeneralPractice || random.chance(0.15);
        grants.push(Grant {
            access_grant_id: random.uuid(),
            provider,
            level: if random.chance(0.35) { "write" } else { "read" },
            granted_at,
            expires_at: random
                .chance(0.4)
                .then(|| granted_at + TimeDelta::days(365 * random.between(1, 4))),
            revoked_at: over.then(|| granted_at + TimeDelta::seconds(random.between(1, left))),
        });
    }
    grants
}

/// A provider of a specialty, by number: more often one in town, and some far more often than others.
fn choose(random: &mut Random, providers: &[Provider], specialty: Specialty, city: &str) -> usize {
    let mut rank = 0.0;
    let weights: Vec<f64> = providers
        .iter()
        .map(|provider| {
            if provider.specialty != specialty {
                return 0.0;
            }
            rank += 1.0;
            (if provider.city == city { 5.0 } else { 1.0 }) / (rank + 1.0)
        })
        .collect();
    random.index_by(&weights)
}

fn person(
    random: &mut Random,
    names: &[&str],
    cohort: u32,
    number: usize,
    kind: &str,
    created_at: DateTime<Utc>,
) -> Person {
    let (name, family) = (random.pick(names), random.pick(&FAMILIES));
    Person {
        profile_id: random.uuid(),
        full_name: format!("{name} {family}"),
        // A domain that is kept free for examples (RFC 2606), and numbers that keep addresses apart.
        email: format!("{name}.{family}.{cohort}-{number}@{kind}.example").to_lowercase(),
        created_at,
    }
}
