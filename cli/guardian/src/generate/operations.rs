//! What running the application leaves behind: the stages of documents and the jobs that process them.

use chrono::{DateTime, TimeDelta, Utc};

use super::calendar::midnight;
use super::cohort::Cohort;
use super::documents::Document;
use super::random::{Purpose, Random};

/// The stages of a document, with the seconds that half of them take.
const STAGES: [(&str, f64); 5] = [
    ("received", 0.4),
    ("scanned", 3.0),
    ("extracted", 11.0),
    ("classified", 1.6),
    ("indexed", 0.8),
];

/// How long jobs are kept once they are done.
const JOBS_KEPT_DAYS: i64 = 60;

/// One stage of one document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stage {
    pub(crate) stage: &'static str,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) ended_at: DateTime<Utc>,
    pub(crate) outcome: &'static str,
}

/// A job that processes a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job<'cohort> {
    pub(crate) document: &'cohort Document,
    pub(crate) state: &'static str,
    pub(crate) attempts: i64,
    pub(crate) last_error: Option<&'static str>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
}

/// The stages that a document went through: all of them, as far as it got before it failed, or none while it waits.
pub(crate) fn stages(random: &mut Random, document: &Document) -> Vec<Stage> {
    let reached = match document.status {
        "processed" => STAGES.len(),
        "failed" => 2 + random.below(STAGES.len() - 2),
        _ => 0,
    };
    let mut at = document.uploaded_at + TimeDelta::seconds(random.between(1, 40));
    STAGES[..reached]
        .iter()
        .enumerate()
        .map(|(number, (stage, seconds))| {
            let started_at = at;
            at += TimeDelta::milliseconds((1_000.0 * random.skewed(*seconds, 0.7)) as i64 + 1);
            let failed = document.status == "failed" && number + 1 == reached;
            Stage {
                stage,
                started_at,
                ended_at: at,
                outcome: if failed { "failed" } else { "succeeded" },
            }
        })
        .collect()
}

/// The stages of all documents of the last months, in the order of the documents.
pub(crate) fn all_stages(cohort: &Cohort) -> impl Iterator<Item = (&Document, Stage)> {
    let since = midnight(cohort.plan.operations_since());
    let recent = cohort
        .documents
        .iter()
        .filter(move |document| document.uploaded_at >= since);
    recent.flat_map(|document| {
        let mut random = Random::of_row(document.seed ^ Purpose::Operations as u64);
        stages(&mut random, document)
            .into_iter()
            .map(move |stage| (document, stage))
    })
}

/// The jobs of the documents of the last weeks, and of all that still wait.
pub(crate) fn jobs(cohort: &Cohort) -> impl Iterator<Item = Job<'_>> {
    let since = midnight(cohort.plan.until) - TimeDelta::days(JOBS_KEPT_DAYS);
    cohort
        .documents
        .iter()
        .filter(move |document| document.uploaded_at >= since || document.status == "uploaded")
        .map(|document| {
            let mut random = Random::of_row(document.seed ^ Purpose::Operations as u64);
            let last = stages(&mut random, document).last().map(|stage| stage.ended_at);
            match document.status {
                "processed" => Job {
                    document,
                    state: "done",
                    attempts: 1 + random.repetitions(0.03, 3) as i64,
                    last_error: None,
                    finished_at: last,
                },
                "failed" => Job {
                    document,
                    state: "dead",
                    attempts: 5,
                    last_error: Some("the text of the document cannot be read"),
                    finished_at: last,
                },
                _ => Job {
                    document,
                    state: "queued",
                    attempts: 0,
                    last_error: None,
                    finished_at: None,
                },
            }
        })
}
