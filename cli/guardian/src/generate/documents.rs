//! Documents: what is uploaded after a visit. Their texts are made when they are written, so that no cohort holds them.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::people::{Patient, Provider};
use super::random::Random;
use super::records::ClinicalEvent;
use super::text;
use super::visits::{Reason, Visit};

/// Half of the texts are shorter than this, in characters; their lengths spread by [`LENGTH_SPREAD`].
const MEDIAN_LENGTH: f64 = 850.0;
/// The sigma of the lengths' logarithm: one text in a hundred is six times as long as the median.
const LENGTH_SPREAD: f64 = 0.8;
const LONGEST: f64 = 40_000.0;

/// A document, without its text.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) document_id: Uuid,
    pub(crate) patient: usize,
    pub(crate) provider: usize,
    pub(crate) kind: &'static str,
    pub(crate) reason: Reason,
    pub(crate) uploaded_at: DateTime<Utc>,
    pub(crate) status: &'static str,
    pub(crate) file_size_bytes: i64,
    /// The clinical event it reports, by number within the cohort.
    pub(crate) event: Option<usize>,
    characters: usize,
    pub(super) seed: u64,
}

/// Kinds that any visit may leave, with how often.
const KINDS: [(&str, f64); 5] = [
    ("letter", 34.0),
    ("referral", 20.0),
    ("prescription", 24.0),
    ("insurance", 14.0),
    ("consent", 8.0),
];

impl Document {
    /// A document of a visit whose events are given with the number of the first.
    pub(crate) fn new(
        random: &mut Random,
        patient: usize,
        visit: &Visit,
        events: &[ClinicalEvent],
        first_event: usize,
        end: DateTime<Utc>,
    ) -> Self {
        let reported = if events.is_empty() {
            None
        } else {
            Some(random.below(events.len()))
        };
        let reported = reported.filter(|_| random.chance(0.75));
        let kind = match reported.map(|number| &events[number]) {
            _ if visit.reason.is_emergency() && random.chance(0.5) => "discharge_summary",
            Some(event) if event.shown_as == "laboratory" => "laboratory_report",
            Some(event) if event.shown_as == "procedure" => "imaging_report",
            Some(event) if event.shown_as == "medication" => "prescription",
            _ => random.pick_by(&KINDS, |(_, often)| *often).0,
        };
        let longer = match kind {
            "discharge_summary" => 2.2,
            "prescription" | "insurance" | "consent" => 0.6,
            _ => 1.0,
        };
        let characters = random
            .skewed(longer * MEDIAN_LENGTH, LENGTH_SPREAD)
            .clamp(120.0, LONGEST);
        // Half are scanned, where a page of 2,500 characters is a picture; the others are text with a letterhead.
        let pages = (characters / 2_500.0).ceil();
        let file_size = if random.chance(0.5) {
            pages * random.skewed(180_000.0, 0.4)
        } else {
            25_000.0 + characters * random.skewed(4.0, 0.2)
        };
        let lag = TimeDelta::seconds(random.skewed(6.0 * 3_600.0, 1.2).clamp(60.0, 30.0 * 86_400.0) as i64);
        Self {
            document_id: random.uuid(),
            patient,
            provider: visit.provider,
            kind,
            reason: visit.reason,
            uploaded_at: (visit.at + lag).min(end - TimeDelta::seconds(random.between(1, 3_600))),
            status: if random.chance(0.008) {
                "failed"
            } else {
                "processed"
            },
            file_size_bytes: file_size as i64,
            event: reported.map(|number| first_event + number),
            characters: characters as usize,
            seed: random.number(),
        }
    }

    /// What it is called.
    pub(crate) fn title(&self, provider: &Provider) -> String {
        let about = self.reason.display();
        match self.kind {
            "laboratory_report" => format!("Laboratory report: {about}"),
            "imaging_report" => format!("Imaging report: {about}"),
            "discharge_summary" => format!("Discharge summary: {about}"),
            "referral" => format!("Referral from {}: {about}", provider.specialty.name()),
            "prescription" => format!("Prescription: {about}"),
            "insurance" => "Confirmation of insurance cover".to_owned(),
            "consent" => format!("Consent to treatment: {about}"),
            _ => format!("Letter from {}: {about}", provider.organisation),
        }
    }

    /// What it says.
    pub(crate) fn body(&self, patient: &Patient, provider: &Provider) -> String {
        let mut random = Random::of_row(self.seed);
        let medications = match self.reason {
            Reason::Control(_, condition) => condition.medications,
            Reason::Acute(condition) => condition.medications,
            Reason::Prevention => &[],
        };
        let medication = match medications {
            [] => "the usual medication",
            some => random.pick(some).name,
        };
        let subject = text::Subject {
            about: self.reason.display(),
            specialty: provider.specialty.name(),
            medication,
            age: patient.age(self.uploaded_at.date_naive()) as i64,
            sex: match patient.sex {
                "female" => "woman",
                "male" => "man",
                _ => "person",
            },
        };
        text::body(&mut random, self.kind, subject, self.characters)
    }
}
