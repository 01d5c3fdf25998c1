//! `pgvitals down`: stops what `up` started, from anywhere.

use std::time::Duration;

use anyhow::Result;
use embedded_postgres::Signal;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::failure::Failure;
use crate::output::Output;
use crate::project::Project;
use crate::state::{Lock, State};
use crate::up::stop_left_behind;

/// How long `up` may take to stop: running functions finish, the database writes its data.
const DEADLINE: Duration = Duration::from_secs(90);

pub(crate) async fn run(project: &Project, output: &Output) -> Result<()> {
    let stopped = match Lock::take(project)? {
        // Nobody watches over anything, but somebody may have been killed who did.
        Some(_lock) => stop_left_behind(project, output).await?,
        None => stop_running(project, output).await?,
    };
    output.result(&json!({ "stopped": stopped }), || {
        if stopped { "stopped" } else { "nothing was running" }.to_owned()
    })
}

/// Asks the running `up` to stop everything, and waits until it has.
async fn stop_running(project: &Project, output: &Output) -> Result<bool> {
    let _step = output.step("stopping");
    let deadline = Instant::now() + DEADLINE;
    let mut asked = false;
    while Instant::now() < deadline {
        if let Some(_lock) = Lock::take(project)? {
            // It has tidied up behind itself, unless it was killed the moment before we came.
            stop_left_behind(project, output).await?;
            return Ok(true);
        }
        // Its state is written a moment after its lock is taken.
        if !asked && let Some(state) = State::load(project) {
            asked = state.up.signal(Signal::Terminate);
        }
        sleep(Duration::from_millis(50)).await;
    }
    Err(Failure::new(
        format!("`pgvitals up` did not stop within {} s", DEADLINE.as_secs()),
        "look for it with `ps`, and kill it if need be: the next `pgvitals down` tidies up after it",
    )
    .into())
}
