//! A cohort: a thousand patients with everything that is theirs. Cohorts know nothing of each other, so that any of them
//! can be made alone, and as many of them as wanted within the memory that one takes.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::Plan;
use super::calendar::{HOME, midnight};
use super::documents::Document;
use super::people::{self, Patient, Person, Provider};
use super::random::{Purpose, Random};
use super::records::Records;
use super::shares;
use super::visits::{self, Visit};
use super::{CLINICAL_EVENTS, DOCUMENTS, INTERACTIONS, TIMELINE_EVENTS};

/// A thousand patients, their providers and their records.
#[derive(Debug)]
pub struct Cohort {
    pub(crate) plan: Plan,
    pub(crate) administrator: Person,
    pub(crate) providers: Vec<Provider>,
    pub(crate) patients: Vec<Patient>,
    pub(crate) records: Records,
    pub(crate) documents: Vec<Document>,
    pub(crate) interactions: Vec<Interaction>,
    pub(crate) timeline: Vec<TimelineEvent>,
}

/// A time that a provider gave to a patient.
#[derive(Debug)]
pub(crate) struct Interaction {
    pub(crate) provider_interaction_id: Uuid,
    pub(crate) patient: usize,
    pub(crate) visit: Visit,
    pub(crate) kind: &'static str,
    pub(crate) minutes: i64,
}

/// What a patient wrote down.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) kind: &'static str,
    pub(crate) title: &'static str,
    pub(crate) summary: String,
}

/// An event on the timeline and what it shows, by number within the cohort.
#[derive(Debug)]
pub(crate) struct TimelineEvent {
    pub(crate) timeline_event_id: Uuid,
    pub(crate) patient: usize,
    pub(crate) at: DateTime<Utc>,
    pub(crate) archived_at: Option<DateTime<Utc>>,
    pub(crate) shown: Shown,
}

#[derive(Debug)]
pub(crate) enum Shown {
    Event(usize),
    Document(usize),
    Interaction(usize),
    Entry(Entry),
}

/// How much of everything one patient has.
#[derive(Debug, Clone, Copy)]
struct Quota {
    events: usize,
    documents: usize,
    interactions: usize,
    entries: usize,
}

impl Cohort {
    /// Makes a cohort of a plan, counted from 1. The same plan and number always give the same.
    pub fn generate(plan: Plan, number: u32) -> Self {
        let providers = people::providers(
            &plan,
            number,
            &mut Random::new(plan.seed, number, Purpose::Providers),
        );
        let mut random = Random::new(plan.seed, number, Purpose::Patients);
        let patients = people::patients(&plan, number, &providers, &mut random);
        let administrator = Person {
            profile_id: random.uuid(),
            full_name: format!("Administrator {number}"),
            email: format!("administrator.{number}@guardian.example"),
            created_at: midnight(plan.opening()),
        };
        let quotas = quotas(&patients, &mut Random::new(plan.seed, number, Purpose::Burden));
        let mut cohort = Self {
            plan,
            administrator,
            providers,
            patients,
            records: Records::default(),
            documents: Vec::with_capacity(DOCUMENTS),
            interactions: Vec::with_capacity(INTERACTIONS),
            timeline: Vec::with_capacity(TIMELINE_EVENTS),
        };
        let mut random = Random::new(plan.seed, number, Purpose::Histories);
        for (patient, quota) in quotas.into_iter().enumerate() {
            cohort.history(&mut random, patient, quota);
        }
        cohort.leave_some_unfinished();
        super::relationships::relate(&mut cohort);
        cohort
    }

    /// Writes what happened to one patient.
    fn history(&mut self, random: &mut Random, number: usize, quota: Quota) {
        let patient = &self.patients[number];
        let end = midnight(patient.recorded.last) + TimeDelta::days(1);
        let subject = self.records.begin(random, number, patient);
        let least = quota.events.div_ceil(5).max(usize::from(quota.documents > 0));
        let visits = visits::visits(
            random,
            patient,
            &self.providers,
            quota.interactions.max(least),
            self.plan.opening(),
        );
        let mut weights =
            |spread| -> Vec<f64> { visits.iter().map(|_| random.skewed(1.0, spread)).collect() };
        let events = shares::divide(quota.events, &weights(0.6));
        let documents = shares::divide(quota.documents, &weights(0.9));
        for (number_of_visit, visit) in visits.iter().enumerate() {
            let written = self
                .records
                .visit(random, subject, visit, events[number_of_visit]);
            for event in written.clone() {
                let shown = Shown::Event(event);
                let at = self.records.events[event].occurred_at;
                self.timeline
                    .push(timeline_event(random, &self.plan, number, shown, at));
            }
            for _ in 0..documents[number_of_visit] {
                let of_visit = &self.records.events[written.clone()];
                let document = Document::new(random, number, visit, of_visit, written.start, end);
                let shown = Shown::Document(self.documents.len());
                self.timeline.push(timeline_event(
                    random,
                    &self.plan,
                    number,
                    shown,
                    document.uploaded_at,
                ));
                self.documents.push(document);
            }
        }
        let mut seen: Vec<&Visit> = visits.iter().collect();
        random.shuffle(&mut seen);
        for visit in seen.into_iter().take(quota.interactions) {
            let interaction = interaction(random, number, *visit);
            let shown = Shown::Interaction(self.interactions.len());
            self.timeline
                .push(timeline_event(random, &self.plan, number, shown, visit.at));
            self.interactions.push(interaction);
        }
        for _ in 0..quota.entries {
            let (entry, at) = entry(random, patient, &self.plan);
            self.timeline.push(timeline_event(
                random,
                &self.plan,
                number,
                Shown::Entry(entry),
                at,
            ));
        }
    }

    /// The documents that came last are not processed yet.
    fn leave_some_unfinished(&mut self) {
        let mut newest: Vec<usize> = (0..self.documents.len()).collect();
        newest.sort_by_key(|&number| std::cmp::Reverse(self.documents[number].uploaded_at));
        for number in newest.into_iter().take(UNFINISHED) {
            self.documents[number].status = "uploaded";
        }
    }
}

/// How many documents of a cohort still wait.
const UNFINISHED: usize = 20;

/// Exact totals, divided by how ill the patients are, with some chance in each kind.
fn quotas(patients: &[Patient], random: &mut Random) -> Vec<Quota> {
    let scores: Vec<f64> = patients.iter().map(|patient| patient.score).collect();
    let weights = shares::weights(&scores);
    let mut divided = |total: usize| {
        let varied: Vec<f64> = weights
            .iter()
            .map(|weight| weight * random.skewed(1.0, 0.25))
            .collect();
        shares::divide(total, &varied)
    };
    let events = divided(CLINICAL_EVENTS);
    let documents = divided(DOCUMENTS);
    let interactions = divided(INTERACTIONS);
    let entries = divided(TIMELINE_EVENTS - CLINICAL_EVENTS - DOCUMENTS - INTERACTIONS);
    (0..patients.len())
        .map(|patient| Quota {
            events: events[patient],
            documents: documents[patient],
            interactions: interactions[patient],
            entries: entries[patient],
        })
        .collect()
}

fn timeline_event(
    random: &mut Random,
    plan: &Plan,
    patient: usize,
    shown: Shown,
    at: DateTime<Utc>,
) -> TimelineEvent {
    let end = midnight(plan.until);
    let old = end - at > TimeDelta::days(3 * 365);
    TimelineEvent {
        timeline_event_id: random.uuid(),
        patient,
        at,
        archived_at: (old && random.chance(0.1)).then(|| at + TimeDelta::days(2 * 365)),
        shown,
    }
}

fn interaction(random: &mut Random, patient: usize, visit: Visit) -> Interaction {
    // The kind, how often, and half of them take so many minutes.
    let kinds = [
        ("visit", 0.6, 17.0),
        ("call", 0.15, 6.0),
        ("message", 0.14, 3.0),
        ("review", 0.06, 9.0),
        ("prescription", 0.05, 2.0),
    ];
    let (kind, _, minutes) = match visit.reason.is_emergency() {
        true => ("visit", 1.0, 55.0),
        false => *random.pick_by(&kinds, |(_, often, _)| *often),
    };
    Interaction {
        provider_interaction_id: random.uuid(),
        patient,
        visit,
        kind,
        minutes: random.skewed(minutes, 0.5).clamp(1.0, 480.0) as i64,
    }
}

fn entry(random: &mut Random, patient: &Patient, plan: &Plan) -> (Entry, DateTime<Utc>) {
    let day = HOME.day(random, patient.recorded, plan.opening());
    let at = HOME.moment(random, day);
    let signs = patient.body.vital_signs(random);
    let (kind, title, summary) = match random.index_by(&[0.35, 0.2, 0.2, 0.25]) {
        0 => (
            "measurement",
            "Blood pressure at home",
            format!(
                "{}/{} mmHg, pulse {}",
                signs.systolic, signs.diastolic, signs.pulse
            ),
        ),
        1 => {
            let steps = random.skewed(5_200.0, 0.5) as i64;
            ("measurement", "Steps of the day", format!("{steps} steps"))
        }
        2 => {
            let hours = random.around(7.0, 1.1).clamp(2.0, 12.0);
            ("measurement", "Sleep", format!("{hours:.1} hours"))
        }
        _ => {
            let about = random.pick(&QUESTIONS);
            ("message", "Message to the practice", (*about).to_owned())
        }
    };
    let entry = Entry { kind, title, summary };
    (entry, at)
}

/// What patients write to their practice.
const QUESTIONS: [&str; 8] = [
    "Could I have another prescription, please?",
    "Are my results there?",
    "I would like to move my appointment.",
    "The cough is not going away. Should I come in?",
    "Do I need a referral for the specialist?",
    "I forgot to take my medication yesterday. What should I do?",
    "Please send the report to my insurance.",
    "Thank you, I feel much better.",
];
