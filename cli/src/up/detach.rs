//! `up` in the background: the same program once more, in a process group of its own.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use embedded_postgres::Signal;
use tokio::process::{Child, Command};

use super::{Stop, screen};
use crate::arguments::Up;
use crate::output::Output;
use crate::project::Project;
use crate::state::State;

/// Starts it and waits until everything runs.
pub(super) async fn run(arguments: &Up, project: &Project, output: &Output, stop: &mut Stop) -> Result<()> {
    let log = project.private()?.join("up.log");
    let file = File::create(&log).with_context(|| format!("cannot create `{}`", log.display()))?;
    let program = std::env::current_exe().context("cannot find out where this program is")?;
    let mut command = Command::new(program);
    command
        .arg("up")
        .arg("--project")
        .arg(project.root())
        .args(["--port", &arguments.port.to_string()]);
    if arguments.demo {
        command.arg("--demo");
    }
    if arguments.reset_passwords {
        command.arg("--reset-passwords");
    }
    let mut child = command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::from(file))
        .spawn()
        .context("cannot start `pgvitals up` in the background")?;
    let step = output.step("starting everything in the background");
    let state = tokio::select! {
        state = until_running(&mut child, project) => state?,
        () = stop.requested() => {
            if let Some(pid) = child.id() {
                Signal::Terminate.send(pid);
            }
            child.wait().await.context("cannot wait for `pgvitals up`")?;
            return Ok(());
        }
    };
    drop(step);
    match state.and_then(|state| state.screen) {
        Some(screen) => screen::show(&screen, true, output),
        None => {
            let told = std::fs::read_to_string(&log).unwrap_or_default();
            // The other process has said all there is to say, its hint included.
            let (_, error) = told
                .split_once("error: ")
                .unwrap_or(("", "`pgvitals up` ended and said nothing"));
            bail!("{}", error.trim_end())
        }
    }
}

/// The state once everything runs; None when the other process ended instead.
async fn until_running(child: &mut Child, project: &Project) -> Result<Option<State>> {
    let pid = child.id();
    loop {
        if child
            .try_wait()
            .context("cannot wait for `pgvitals up`")?
            .is_some()
        {
            return Ok(None);
        }
        let state = State::load(project).filter(|state| Some(state.up.pid) == pid && state.screen.is_some());
        if state.is_some() {
            return Ok(state);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
