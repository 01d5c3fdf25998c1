//! `pgvitals-runner`: runs the components of a `spin.toml` on this machine.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use application::Dotenv;
use clap::{Parser, ValueEnum};
use dial::WeakAuthentication;
use ipnet::IpNet;
use runner::{Runner, RunnerError, Settings, Shutdown};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Runs the components of a spin.toml on this machine, as Spin would.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The manifest, or the folder of a spin.toml
    #[arg(long, value_name = "PATH", default_value = "spin.toml")]
    from: PathBuf,
    /// Where to listen for requests; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    listen: String,
    /// A file of SPIN_VARIABLE_NAME=value lines, instead of the .env beside the manifest
    #[arg(long, value_name = "PATH")]
    env_file: Option<PathBuf>,
    /// The value of a variable, before all other sources; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    variable: Vec<(String, String)>,
    /// Longest time that a run may take
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    deadline: Duration,
    /// Most memory that an instance of a component may take
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = size)]
    memory_limit: usize,
    /// How long to wait, when stopped, for what is still running
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = duration)]
    grace: Duration,
    /// The servers to which clear-text passwords or MD5 proofs may be given without verified TLS, with commas between:
    /// HOST[:PORT]=md5 or HOST[:PORT]=password
    #[arg(
        long,
        value_name = "LIST",
        env = "PGVITALS_WEAK_AUTHENTICATION",
        default_value = "",
        hide_default_value = true
    )]
    weak_authentication: WeakAuthentication,
    /// Most connections to one database server, of all components together
    #[arg(long, value_name = "N", default_value = "16", value_parser = count, env = "PGVITALS_CONNECTIONS_PER_SERVER")]
    connections_per_server: usize,
    /// Most connections of clients; fewer where fewer files may be open
    #[arg(long, value_name = "N", default_value = "1024", value_parser = count, env = "PGVITALS_CONNECTIONS")]
    connections: usize,
    /// Most connections from one address
    #[arg(long, value_name = "N", default_value = "128", value_parser = count, env = "PGVITALS_CONNECTIONS_PER_CLIENT")]
    connections_per_client: usize,
    /// Networks of proxies, which may have as many connections as there may be; with commas between
    #[arg(
        long,
        value_name = "NETWORKS",
        default_value = "127.0.0.0/8,::1/128",
        value_delimiter = ',',
        env = "PGVITALS_PROXIES"
    )]
    proxies: Vec<IpNet>,
    /// The folder in which components keep what they remember [default: .spin beside the manifest]
    #[arg(long, value_name = "PATH")]
    state_dir: Option<PathBuf>,
    /// A folder for compiled modules, so that the next start is quick [default: of this user's caches]
    #[arg(long, value_name = "PATH")]
    cache_dir: Option<PathBuf>,
    /// How the log is written to standard error; RUST_LOG says how much
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
    /// Run this component once, as its schedule would, and stop
    #[arg(long, value_name = "COMPONENT")]
    once: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_log(arguments.log_format);
    let runtime = match tokio::runtime::Runtime::new().context("cannot start threads") {
        Ok(runtime) => runtime,
        Err(error) => return report(&error),
    };
    let outcome = runtime.block_on(run(arguments));
    // What is still running after the time of grace is not waited for again.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|error| report(&error))
}

async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    // Watched from the start, so that a stop during loading is not lost.
    let mut stop = Stop::new()?;
    let settings = settings(&arguments);
    if let Some(component) = &arguments.once {
        return tokio::select! {
            outcome = runner::run_once(&settings, component) => {
                outcome??;
                Ok(ExitCode::SUCCESS)
            }
            () = stop.requested() => Ok(ExitCode::FAILURE),
        };
    }
    let runner = tokio::select! {
        runner = Runner::start(&settings) => runner?,
        () = stop.requested() => return Ok(ExitCode::SUCCESS),
    };
    match runner.local_addr() {
        Some(address) => announce(&format!("serving http://{address}")),
        None => announce("running schedules"),
    }
    stop.requested().await;
    tracing::info!("Stopping: no new runs; waiting for those that run. Once more stops at once.");
    tokio::select! {
        outcome = runner.shutdown() => {
            if let Shutdown::Abandoned { instances } = outcome {
                tracing::warn!(instances, "Stopped while components were still running.");
            }
            Ok(ExitCode::SUCCESS)
        }
        () = stop.requested() => Ok(ExitCode::FAILURE),
    }
}

fn settings(arguments: &Arguments) -> Settings {
    let mut settings = Settings::new(&arguments.from);
    settings.listen = arguments.listen.clone();
    settings.deadline = arguments.deadline;
    settings.memory_limit = arguments.memory_limit;
    settings.grace = arguments.grace;
    settings.weak_authentication = arguments.weak_authentication.clone();
    settings.connections_per_server = arguments.connections_per_server;
    settings.connections = arguments.connections;
    settings.connections_per_client = arguments.connections_per_client;
    settings.proxies = arguments.proxies.clone();
    settings.state_dir = arguments.state_dir.clone();
    settings.cache = arguments.cache_dir.clone().or_else(default_cache);
    settings.values.variables = arguments.variable.iter().cloned().collect();
    if let Some(file) = &arguments.env_file {
        settings.values.dotenv = Dotenv::File(file.clone());
    }
    settings
}

fn default_cache() -> Option<PathBuf> {
    let folder = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let caches = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")))?;
    let modules = caches.join("pgvitals").join("modules");
    // Without a folder that was asked for there is nothing to complain about: it only takes longer.
    std::fs::create_dir_all(&modules).is_ok().then_some(modules)
}

/// SIGINT and SIGTERM, by which a runner is stopped.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn new() -> anyhow::Result<Self> {
        let watch = |kind| signal(kind).context("cannot watch for signals");
        Ok(Self {
            interrupt: watch(SignalKind::interrupt())?,
            terminate: watch(SignalKind::terminate())?,
        })
    }

    async fn requested(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,wasmtime_internal_cache=error"));
    let log = tracing_subscriber::fmt()
        // A line that nobody reads any more is lost; telling so on the same broken pipe would be a panic.
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

/// Says on standard output that the application is ready; whoever waits for it reads that line.
fn announce(line: &str) {
    let mut output = std::io::stdout().lock();
    if let Err(error) = writeln!(output, "{line}").and_then(|()| output.flush()) {
        tracing::debug!(%error, "Nobody reads standard output.");
    }
}

/// Says what is wrong, why, and how to mend it.
fn report(error: &anyhow::Error) -> ExitCode {
    let mut text = format!("error: {error}\n");
    for cause in error.chain().skip(1) {
        text.push_str(&format!("  caused by: {cause}\n"));
    }
    if let Some(hint) = error.downcast_ref::<RunnerError>().and_then(RunnerError::hint) {
        text.push_str(&format!("\nhint: {hint}\n"));
    }
    // With standard error gone there is no place left to say so.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
    ExitCode::FAILURE
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split_unit(text);
    let number: f64 = number
        .parse()
        .map_err(|_| "write a number and a unit, such as 60s or 500ms")?;
    let seconds = match unit {
        "ms" => number / 1000.0,
        "" | "s" => number,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(format!("no unit of time {unit:?}: write ms, s, m or h")),
    };
    let duration = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
    if duration.is_zero() {
        Err("must be longer than nothing".to_owned())
    } else {
        Ok(duration)
    }
}

fn count(text: &str) -> Result<usize, String> {
    let number: usize = text.parse().map_err(|_| "write a number")?;
    if number == 0 {
        Err("must be more than none".to_owned())
    } else {
        Ok(number)
    }
}

fn size(text: &str) -> Result<usize, String> {
    let (number, unit) = split_unit(text);
    let number: usize = number
        .parse()
        .map_err(|_| "write a number and a unit, such as 256MiB")?;
    let scale: usize = match unit {
        "KiB" => 1 << 10,
        "" | "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(format!("no unit of memory {unit:?}: write KiB, MiB or GiB")),
    };
    // A component addresses its memory with 32 bits.
    let bytes = number
        .checked_mul(scale)
        .filter(|bytes| *bytes > 0 && u32::try_from(*bytes).is_ok());
    bytes.ok_or_else(|| "must be more than nothing and less than 4GiB".to_owned())
}

/// The number at the start of a quantity, and the unit after it.
fn split_unit(text: &str) -> (&str, &str) {
    let end = text
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(duration("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert!(duration("soon").is_err());
        assert!(duration("0s").is_err());
        assert!(duration("5 weeks").is_err());
    }

    #[test]
    fn a_size_has_a_unit() {
        assert_eq!(size("256MiB"), Ok(256 << 20));
        assert_eq!(size("64"), Ok(64 << 20));
        assert!(size("4GiB").is_err());
        assert!(size("0MiB").is_err());
        assert!(size("lots").is_err());
    }

    #[test]
    fn a_variable_may_hold_an_equals_sign() {
        assert_eq!(variable("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(variable("a").is_err());
    }
}
