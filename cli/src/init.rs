//! `pgvitals init`: prepares everything for a host of one's own: logins with passwords, schema, first target, token, and
//! for Spin the file that tells it where the secrets are.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::arguments::Init;
use crate::failure::Failure;
use crate::output::Output;
use crate::project::Project;
use crate::secrets::{API_TOKEN, MONITORING_URL};
use crate::settings::{SECRETS_FILE, Settings};
use crate::up::setup::{self, Database};

/// What Spin reads by `--runtime-config-file`.
const SPIN_FILE: &str = "spin-runtime-config.toml";

/// A Spin runtime configuration with the sources of variables, the first that has a value before the others: a file of
/// lines `NAME=value`, each after the environment. It holds no secret itself.
#[derive(Serialize)]
struct RuntimeConfiguration {
    variables_provider: [Provider; 2],
}

/// One source of variables, as Spin's `EnvVariablesConfig` has it.
#[derive(Serialize)]
struct Provider {
    r#type: &'static str,
    dotenv_path: PathBuf,
}

/// The answer of the command.
#[derive(Serialize)]
struct Prepared {
    monitoring: String,
    server_version: String,
    targets: Vec<String>,
    runtime_config_file: Option<PathBuf>,
}

pub(crate) async fn run(arguments: &Init, project: &Project, output: &Output) -> Result<()> {
    let mut settings = Settings::load(project)?;
    project.private()?;
    let database = database(&settings)?;
    let prepared = {
        let _step = output.step("preparing the monitoring database");
        setup::prepare(&database, &mut settings, arguments.reset_passwords, output).await?
    };
    if settings.given(API_TOKEN).is_none() {
        settings.secrets.get_or_make(API_TOKEN)?;
    }
    let runtime_config_file = arguments.spin.then(|| write_spin_file(project)).transpose()?;
    let answer = Prepared {
        monitoring: prepared.monitoring.without_login(),
        server_version: prepared.server_version,
        targets: prepared.targets.into_iter().map(|target| target.name).collect(),
        runtime_config_file,
    };
    output.result(&answer, || text(&answer, project))
}

/// The database that was named. The default one belongs to `up`, which prepares it itself.
fn database(settings: &Settings) -> Result<Database> {
    if let Some(administrator) = settings.database_url()? {
        return Ok(Database::Administered(administrator));
    }
    if settings.given(MONITORING_URL).is_some() {
        return Ok(Database::Given(settings.monitoring_url()?));
    }
    Err(Failure::new(
        "no database is named",
        "set DATABASE_URL to an administrator of the database that is to keep what is seen",
    )
    .into())
}

/// Writes the file beside its place and moves it there.
fn write_spin_file(project: &Project) -> Result<PathBuf> {
    let path = project.place(SPIN_FILE);
    let provider = |dotenv_path| Provider {
        r#type: "env",
        dotenv_path,
    };
    let configuration = RuntimeConfiguration {
        variables_provider: [provider(project.dotenv()), provider(project.place(SECRETS_FILE))],
    };
    let text = toml::to_string(&configuration).context("cannot write the configuration of Spin")?;
    let header = "# Written by `pgvitals init --spin`: where Spin finds the variables. For `spin up --runtime-config-file`.\n";
    let new = path.with_extension("new");
    fs::write(&new, format!("{header}{text}"))
        .and_then(|()| fs::rename(&new, &path))
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(path)
}

fn text(prepared: &Prepared, project: &Project) -> String {
    let mut lines = vec![
        "everything is prepared".to_owned(),
        String::new(),
        format!(
            "  database   {} (PostgreSQL {})",
            prepared.monitoring, prepared.server_version
        ),
        format!("  watching   {}", prepared.targets.join(", ")),
        format!("  secrets    {}", project.shown(&project.place(SECRETS_FILE))),
    ];
    if let Some(file) = &prepared.runtime_config_file {
        lines.push(String::new());
        lines.push(format!(
            "start it:  spin up --runtime-config-file {}",
            project.shown(file)
        ));
    }
    lines.join("\n")
}
