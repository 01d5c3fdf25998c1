//! `pgvitals doctor`: what is missing, and how exactly it is mended.
//!
//! - `facts.rs`: what has to be known of a target
//! - `diagnosis.rs`: what follows from it
//! - `collectors.rs`: what the collectors could not read
//! - `secrets.rs`: passwords that any host may have

mod collectors;
mod diagnosis;
mod facts;
mod secrets;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Error, Result};
use db::{Console, DbError, SafeUrl, connect};
use serde::Serialize;
use store::collectors::TargetKind;
use store::{collector_status, targets};

use crate::arguments::Doctor;
use crate::failure::{self, Failure};
use crate::monitoring;
use crate::output::Output;
use crate::settings::Settings;
use crate::targets::{DEFAULT_SECRET, with_known_password};
use diagnosis::{Finding, Verdict, diagnose, unwatched};
use facts::Facts;

/// How long a target may take to answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// Somebody who was looked at.
#[derive(Debug, Serialize)]
struct Patient {
    target: String,
    address: String,
    findings: Vec<Finding>,
    /// What it said of itself, if it answered.
    #[serde(skip)]
    facts: Option<Facts>,
}

/// Looks at the monitoring database and the targets. The exit code says whether something has to be mended.
pub(crate) async fn run(arguments: &Doctor, settings: &Settings, output: &Output) -> Result<ExitCode> {
    let patients = {
        let _step = output.step("looking at the targets");
        match &arguments.target {
            Some(url) if url.contains("://") => {
                let url: SafeUrl = url.parse().map_err(|error: db::UrlError| {
                    Failure::new(
                        "cannot use the address",
                        "write it as postgres://USER@HOST:PORT/DATABASE",
                    )
                    .because(error)
                })?;
                let url = settings.secured(url, DEFAULT_SECRET)?;
                vec![examine("-", &url, kind_of(&url)).await]
            }
            name => examine_known(name.as_deref(), settings).await?,
        }
    };
    let needs_mending = patients
        .iter()
        .flat_map(|patient| &patient.findings)
        .any(|finding| finding.verdict == Verdict::Must);
    output.result(&patients, || {
        patients
            .iter()
            .map(Patient::text)
            .collect::<Vec<_>>()
            .join("\n\n")
    })?;
    Ok(if needs_mending {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The monitoring database, and the targets that are in it. What cannot be reached is a finding, not the end.
async fn examine_known(name: Option<&str>, settings: &Settings) -> Result<Vec<Patient>> {
    let address = settings
        .monitoring_url()
        .map(|url| url.without_login())
        .unwrap_or_default();
    let monitoring = |finding| Patient {
        target: "(monitoring)".to_owned(),
        address,
        findings: vec![finding],
        facts: None,
    };
    let client = match monitoring::open(settings).await {
        Ok(client) => client,
        Err(error) => return Ok(vec![monitoring(broken("monitoring", &error))]),
    };
    let mut known = targets::list(&client).await?;
    if let Some(name) = name {
        known.retain(|target| target.name == name);
        if known.is_empty() {
            return Err(Failure::new(
                format!("there is no target `{name}`"),
                "see `pgvitals targets list`",
            )
            .into());
        }
    }
    let mut of_monitoring = monitoring(Finding::new(
        "monitoring",
        Verdict::Ok,
        "reachable, and its schema is up to date",
    ));
    of_monitoring
        .findings
        .extend(secrets::findings(settings, &known)?);
    let mut patients = vec![of_monitoring];
    let troubles = collector_status::troubles(&client).await?;
    for target in known {
        let url = target.address.parse::<SafeUrl>().map_err(Error::from);
        let url = url.and_then(|url| with_known_password(&url, &target.secret, settings));
        patients.push(match url {
            Ok(url) => {
                let mut patient = examine(&target.name, &url, target.kind).await;
                patient
                    .findings
                    .extend(collectors::findings(&target.name, &troubles));
                patient
            }
            Err(error) => Patient {
                target: target.name,
                address: target.address,
                findings: vec![broken("reachable", &error)],
                facts: None,
            },
        });
    }
    // Of one target alone it is not known what the others watch.
    if name.is_none() {
        let facts: Vec<_> = patients.iter().map(|patient| patient.facts.as_ref()).collect();
        for (position, finding) in unwatched(&facts) {
            patients[position].findings.push(finding);
        }
    }
    Ok(patients)
}

/// What an address leads to that no target has: only a PgBouncer has a database of that name.
fn kind_of(url: &SafeUrl) -> TargetKind {
    if url.database() == TargetKind::PgBouncer.as_str() {
        TargetKind::PgBouncer
    } else {
        TargetKind::Postgres
    }
}

/// What a target says of itself, and what follows from it.
async fn look_at(url: &SafeUrl, kind: TargetKind) -> Result<(Vec<Finding>, Option<Facts>), DbError> {
    match kind {
        TargetKind::Postgres => {
            let facts = Facts::read(&connect(url).await?, url).await?;
            let reachable = Finding::new("reachable", Verdict::Ok, format!("as {}", facts.login));
            Ok(([vec![reachable], diagnose(&facts)].concat(), Some(facts)))
        }
        TargetKind::PgBouncer => {
            let mut console = Console::open(url).await?;
            let pools = console.show("show pools").await?.len();
            let console = format!("PgBouncer {}, {pools} pools", console.version());
            let findings = vec![
                Finding::new("reachable", Verdict::Ok, format!("as {}", url.user())),
                Finding::new("console", Verdict::Ok, console),
            ];
            Ok((findings, None))
        }
    }
}

async fn examine(name: &str, url: &SafeUrl, kind: TargetKind) -> Patient {
    let url = url.clone().with_application_name("pgvitals/doctor");
    let (findings, facts) = match tokio::time::timeout(DEADLINE, look_at(&url, kind)).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => (vec![unreachable(error)], None),
        Err(_) => {
            let found = format!("no answer within {} s", DEADLINE.as_secs());
            let finding = Finding::new("reachable", Verdict::Must, found)
                .mend("-- see whether the server hangs, and whether a firewall drops what is sent to it");
            (vec![finding], None)
        }
    };
    let address = url
        .address()
        .split_once("?application_name")
        .map_or(url.address(), |(address, _)| address);
    Patient {
        target: name.to_owned(),
        address: address.to_owned(),
        findings,
        facts,
    }
}

fn unreachable(error: DbError) -> Finding {
    broken("reachable", &error.into())
}

/// A finding made of an error: its whole chain, and its hint as the mend.
fn broken(check: &'static str, error: &Error) -> Finding {
    let finding = Finding::new(check, Verdict::Must, failure::chain(error).join(": "));
    match failure::hint(error) {
        Some(hint) => finding.mend(format!("-- {hint}")),
        None => finding,
    }
}

impl Patient {
    fn text(&self) -> String {
        let mut lines = vec![format!("{}  {}", self.target, self.address).trim_end().to_owned()];
        for finding in &self.findings {
            lines.push(format!(
                "  {:6} {:17} {}",
                finding.verdict.word(),
                finding.check,
                finding.found
            ));
            lines.extend(finding.mend.iter().map(|line| format!("{:27}{line}", "")));
        }
        lines.join("\n")
    }
}
