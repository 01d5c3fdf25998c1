//! The `pgvitals` command.
//!
//! - `arguments.rs`: what can be typed
//! - `output.rs`: the one place that prints; `failure.rs`: errors that know their mend
//! - `project.rs`, `settings.rs`, `secrets.rs`, `state.rs`: where things are, what was set, who runs
//! - one module a command: `up/`, `down.rs`, `migrate.rs`, `targets.rs`, `rules/`, `channels.rs`, `notifications.rs`,
//!   `alerts.rs`, `routes.rs`, `silences.rs`, `windows.rs`, `responses.rs`, `run.rs`, `status.rs`, `show.rs`, `doctor/`,
//!   `seed.rs`, `load.rs`, `rls.rs`
//!
//! Statements on monitoring tables are in `store`. The command depends on no function and not on the runner: it
//! starts the runner as a program and talks to the application over HTTP.

mod alerts;
mod arguments;
mod channels;
mod doctor;
mod down;
mod failure;
mod http;
mod init;
mod load;
mod migrate;
mod monitoring;
mod notifications;
mod output;
mod project;
mod responses;
mod rls;
mod routes;
mod rules;
mod run;
mod secrets;
mod seed;
mod settings;
mod show;
mod silences;
mod state;
mod status;
mod targets;
mod up;
mod windows;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use arguments::{Arguments, Command};
use output::Output;
use project::Project;
use settings::Settings;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    let output = Output::new(arguments.json);
    match run(arguments, &output).await {
        Ok(code) => code,
        Err(error) => {
            output.error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Says what is wrong with what was typed; or answers `--help` and `--version`, which come as errors too.
fn refuse(error: &clap::Error) -> ExitCode {
    match arguments::without_addresses(&error.to_string(), std::env::args()) {
        Some(text) => Output::new(false).say(text.trim_end()),
        // There is nobody left to tell when the stream is gone.
        None => drop(error.print()),
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

async fn run(arguments: Arguments, output: &Output) -> Result<ExitCode> {
    let project = Project::find(arguments.project.as_deref())?;
    match arguments.command {
        Command::Up(arguments) => up::run(&arguments, &project, output).await?,
        Command::Init(arguments) => init::run(&arguments, &project, output).await?,
        Command::Down => down::run(&project, output).await?,
        Command::Migrate => migrate::run(&project, output).await?,
        Command::Targets(command) => targets::run(&command, &project, output).await?,
        Command::Rules(command) => rules::run(&command, &Settings::load(&project)?, output).await?,
        Command::Channels(command) => channels::run(&command, &project, output).await?,
        Command::Alerts(command) => alerts::run(&command, &Settings::load(&project)?, output).await?,
        Command::Routes(command) => routes::run(&command, &Settings::load(&project)?, output).await?,
        Command::Silences(command) => silences::run(&command, &Settings::load(&project)?, output).await?,
        Command::Windows(command) => windows::run(&command, &Settings::load(&project)?, output).await?,
        Command::Notifications(command) => {
            notifications::run(&command, &Settings::load(&project)?, output).await?;
        }
        Command::Responses(command) => responses::run(&command, &project, output).await?,
        Command::Run(arguments) => run::run(&arguments, &project, output).await?,
        Command::Status => status::run(&Settings::load(&project)?, output).await?,
        Command::Show(arguments) => show::run(&arguments, &Settings::load(&project)?, output).await?,
        Command::Doctor(arguments) => {
            return doctor::run(&arguments, &Settings::load(&project)?, output).await;
        }
        Command::Seed(arguments) => seed::run(&arguments, &project, output).await?,
        Command::Load(arguments) => return load::run(&arguments, &project, output).await,
        Command::Rls(arguments) => return rls::run(&arguments, &project, output).await,
    }
    Ok(ExitCode::SUCCESS)
}
