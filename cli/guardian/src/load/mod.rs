//! Load tests: users who send requests at a rate of their own, whether the database keeps up or not.
//!
//! The load is sent by `pgbench`. Its `--rate` begins transactions at random moments of the asked rate (a Poisson process)
//! and counts their time from then, so that what waits because the database is slow is slow itself, and is not left out.
//!
//! - `scenario.rs`: what users do, from the files of `sql/guardian/scenarios`
//! - `subjects.rs`, `script.rs`: who they are, and their requests as scripts of pgbench
//! - `pgbench.rs`, `progress.rs`, `log.rs`: the program, what it says, and its log
//! - `measurement.rs`, `verdict.rs`, `report.rs`: what was seen, what came of it, and the whole in one
//! - `html.rs`, `chart.rs`: the report to look at

mod chart;
pub mod html;
mod log;
mod measurement;
mod pgbench;
mod progress;
mod report;
mod run;
mod scenario;
mod script;
mod subjects;
mod verdict;

pub use html::render;
pub use log::UnknownLine;
pub use measurement::Point;
pub use pgbench::{Pgbench, PgbenchError};
pub use progress::Progress;
pub use report::{LastRun, Report};
pub use run::{LoadError, run};
pub use scenario::{Scenario, ScenarioError, Share, Worker};
pub use script::UnknownVariable;
pub(crate) use subjects::{Subjects, source};
pub use verdict::{Last, Outcome, level};
