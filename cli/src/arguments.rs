//! What can be typed.

mod refusal;
mod rules;
mod telling;

use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveDate;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use store::collectors::TargetKind;
use vitals::channel::Kind;

pub(crate) use refusal::without_addresses;
pub(crate) use rules::{RuleName, Rules, SetRule, Suggest, TestRule, Thresholds};
pub(crate) use telling::{
    Acknowledge, AddRoute, AddSilence, AddWindow, AlertId, Alerts, ListAlerts, Named, Recipient, Routes,
    SilenceId, Silences, Windows,
};

use crate::load;

/// What stands at the end of every help text.
const AFTER_HELP: &str = "\
Exit codes:
  0  done; with `doctor`: nothing has to be mended; with `load` and `rls`: all is well
  1  failed, and the error says why; with `doctor`: something has to be mended; with `load` and `rls`: not all is well
  2  what was typed is not understood

Where settings come from, the first that has it:
  the environment, .env, and .pgvitals/secrets.env, which `pgvitals up` writes

  DATABASE_URL                  an administrator of the database to use instead of the default one
  SPIN_VARIABLE_MONITORING_URL  the collector's login in the monitoring database
  SPIN_VARIABLE_API_TOKEN       the token that every POST carries
  PGVITALS_POSTGRES_BIN         the `bin` folder of the PostgreSQL to run as the default database
  PGVITALS_RUNNER               the runner, when it is not beside this program";

/// Vital signs of PostgreSQL, taken by small WebAssembly functions.
#[derive(Debug, Parser)]
#[command(name = "pgvitals", version, after_help = AFTER_HELP, propagate_version = true)]
pub(crate) struct Arguments {
    /// Print the result as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The folder with spin.toml; by default the nearest one upwards from here.
    #[arg(long, global = true, value_name = "FOLDER", env = "PGVITALS_PROJECT")]
    pub(crate) project: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start everything: the database, the schema, the application.
    Up(Up),
    /// Stop what `up` started, from anywhere.
    Down,
    /// Prepare a database of your own, without starting anything: logins, schema, first target, token.
    Init(Init),
    /// Bring the monitoring schema up to date.
    Migrate,
    /// The databases that are watched.
    #[command(subcommand)]
    Targets(Targets),
    /// What is watched, and where alarming begins.
    #[command(subcommand)]
    Rules(Rules),
    /// Where alerts go.
    #[command(subcommand)]
    Channels(Channels),
    /// What is wrong, what happened to it, and that somebody takes care of it.
    #[command(subcommand)]
    Alerts(Alerts),
    /// Which channels are told of which alerts.
    #[command(subcommand)]
    Routes(Routes),
    /// Alerts that nobody is to be told of for a while.
    #[command(subcommand)]
    Silences(Silences),
    /// Times that come again, in which nobody is told of some alerts.
    #[command(subcommand)]
    Windows(Windows),
    /// Messages to channels: what waits, and what was given up.
    #[command(subcommand)]
    Notifications(Notifications),
    /// What is done about alerts without asking anybody.
    #[command(subcommand)]
    Responses(Responses),
    /// Run one function of the application now and print its report.
    Run(Run),
    /// How the targets, the functions and the store are doing.
    Status,
    /// What the samples say: slow statements, connections, indexes, growth, ... now or in the past.
    Show(Show),
    /// What is missing on a target, each with the exact mend.
    Doctor(Doctor),
    /// Fill a database with the reference workload: a healthcare application's tables and synthetic patients.
    Seed(Seed),
    /// Load the reference workload as its users would, and judge how it does: timelines, uploads, providers, a mixed day.
    Load(Load),
    /// What row-level security costs each critical query, by policy, and which policies are evaluated for every row.
    Rls(Rls),
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// The port of the application on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 3000)]
    pub(crate) port: u16,
    /// Make a small load on the default database, so that there is something to see.
    #[arg(long)]
    pub(crate) demo: bool,
    /// Go on in the background once everything runs.
    #[arg(long)]
    pub(crate) detach: bool,
    /// Give the logins new passwords when they exist on DATABASE_URL with passwords that are not known here.
    #[arg(long)]
    pub(crate) reset_passwords: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Write the configuration by which Spin finds the variables, and say how to start it.
    #[arg(long)]
    pub(crate) spin: bool,
    /// Give the logins new passwords when they exist with passwords that are not known here.
    #[arg(long)]
    pub(crate) reset_passwords: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Targets {
    /// Watch a database.
    Add(AddTarget),
    /// The databases that are watched.
    List,
    /// Stop watching a database and forget all that was seen of it.
    Remove(Remove),
}

#[derive(Debug, Args)]
pub(crate) struct AddTarget {
    /// What it is called: lower case letters, digits, `_`, `.` and `-`.
    pub(crate) name: String,
    /// Its address: postgres://USER@HOST:PORT/DATABASE; of a PgBouncer postgres://USER@IP:PORT/pgbouncer.
    /// A password in it is kept in .pgvitals/secrets.env, never in the database.
    pub(crate) url: String,
    /// A file with its password, instead of one in the address, which everybody on this machine can read while the command
    /// runs; `-` is the standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// The name of its password in the variable target_passwords; by default the target's own name, or `default`
    /// when no password is known under that.
    #[arg(long)]
    pub(crate) secret: Option<String>,
    /// A file with the certificate of its server's authority, in PEM form, which is kept in .pgvitals/secrets.env under
    /// the name of its secret. Of several certificates the one that fits is taken.
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,
    /// What it is: postgres, a database; or pgbouncer, the console of a PgBouncer.
    #[arg(long, default_value = "postgres", value_parser = target_kind)]
    pub(crate) kind: TargetKind,
    /// A label, as KEY=VALUE; may be repeated.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    pub(crate) labels: Vec<(String, String)>,
    /// Seconds between two collections.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(i64).range(1..=86400))]
    pub(crate) interval: i64,
    /// Watch every database of the server that the login may connect to, each as a target NAME-DATABASE.
    #[arg(long, conflicts_with = "no_check")]
    pub(crate) all_databases: bool,
    /// Add it without connecting to it first.
    #[arg(long)]
    pub(crate) no_check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// What it is called.
    pub(crate) name: String,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Channels {
    /// Send alerts to a receiver.
    Add(AddChannel),
    /// Where alerts go, and how each receiver is doing.
    List,
    /// Send a message to a channel through the running application, and say what became of it.
    Test(TestChannel),
    /// Send alerts there again.
    Enable(Channel),
    /// Keep what is for a channel, and send nothing for now.
    Disable(Channel),
    /// Send alerts there no longer.
    Remove(Remove),
}

#[derive(Debug, Args)]
pub(crate) struct Channel {
    /// What it is called.
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct TestChannel {
    /// What it is called.
    pub(crate) name: String,
    /// Where the application is; by default the one that `up` started.
    #[arg(long)]
    pub(crate) url: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AddChannel {
    /// What it is called.
    pub(crate) name: String,
    /// Its address. One that is a secret itself, as Slack's are, is kept out of the database: give --secret.
    pub(crate) url: Option<String>,
    /// The name of its address in the variable channel_urls.
    #[arg(long)]
    pub(crate) secret: Option<String>,
    /// What kind of receiver it is.
    #[arg(long, default_value = "webhook", value_parser = channel_kind())]
    pub(crate) kind: Kind,
    /// The name of its key, token or password in the variable channel_secrets; by default the channel's own name.
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// A file with the key, which is kept in .pgvitals/secrets.env then; `-` is the standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// What the kind needs beside that, as NAME=VALUE: to, from, chat_id, topic, repository, …; lists with commas; may
    /// be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = label)]
    pub(crate) settings: Vec<(String, String)>,
    /// The lowest level that is sent.
    #[arg(long, value_enum, default_value_t = AlertLevel::Warning)]
    pub(crate) minimum_level: AlertLevel,
    /// Seconds that the receiver may take for a message.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=25))]
    pub(crate) timeout: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Notifications {
    /// The newest messages of a state.
    List(ListNotifications),
    /// Send again what was given up, or do not wait any longer for the next attempt.
    Retry(RetryNotifications),
}

#[derive(Debug, Args)]
pub(crate) struct ListNotifications {
    /// Which.
    #[arg(long, value_enum, default_value_t = NotificationState::Dead)]
    pub(crate) state: NotificationState,
    /// Those of one channel.
    #[arg(long)]
    pub(crate) channel: Option<String>,
    /// How many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    pub(crate) limit: i64,
}

#[derive(Debug, Args)]
pub(crate) struct RetryNotifications {
    /// Their numbers; without any, all that were given up.
    pub(crate) messages: Vec<String>,
    /// Those of one channel.
    #[arg(long)]
    pub(crate) channel: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NotificationState {
    /// They are to be sent.
    Waiting,
    /// They were given up.
    Dead,
    /// They were delivered.
    Delivered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AlertLevel {
    Warning,
    Critical,
    Emergency,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Responses {
    /// What can be done, with which rights and arguments.
    Actions,
    /// The rules that respond.
    List,
    /// Have a rule do something when it fires.
    Set(SetResponse),
    /// Have a rule do nothing any more.
    Unset(UnsetResponse),
    /// What was done, or refused, and what came of it; the newest first.
    Journal(ResponseJournal),
}

#[derive(Debug, Args)]
pub(crate) struct SetResponse {
    /// The rule.
    pub(crate) rule: String,
    /// The action: see `pgvitals responses actions`.
    pub(crate) action: String,
    /// An argument of the action, as NAME=VALUE; may be repeated.
    #[arg(long = "argument", value_name = "NAME=VALUE", value_parser = label)]
    pub(crate) arguments: Vec<(String, String)>,
    /// The lowest level at which it is done.
    #[arg(long, value_enum, default_value_t = AlertLevel::Critical)]
    pub(crate) from_level: AlertLevel,
    /// Only say what would be done.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UnsetResponse {
    /// The rule.
    pub(crate) rule: String,
}

#[derive(Debug, Args)]
pub(crate) struct ResponseJournal {
    /// How many are shown.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    pub(crate) limit: i64,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// collect-stats, check-alerts, deliver-notifications, run-maintenance or run-responses.
    pub(crate) function: String,
    /// Where the application is; by default the one that `up` started.
    #[arg(long)]
    pub(crate) url: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The view; without one, all views are listed.
    pub(crate) view: Option<String>,
    /// One target; all of them when none is named.
    #[arg(long)]
    pub(crate) target: Option<String>,
    /// What it would have shown then: '2026-11-20 14:00', 'yesterday', … in UTC unless it names a time zone.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// How many rows are shown as text, the worst first; --json has all.
    #[arg(long, default_value_t = 40)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// One target; all of them when none is named.
    pub(crate) target: Option<String>,
}

/// The database of the reference workload.
#[derive(Debug, Args)]
pub(crate) struct GuardianDatabase {
    /// Its address, for the owner of its tables; by default the database `guardian` on the server that pgvitals uses.
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Seed {
    /// How much: 1 is 1,000 patients with 50,000 timeline events. What is there already is kept and counts.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) scale: u32,
    /// Which data: the same number always gives the same rows.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u32,
    /// The day on which the patients' histories end.
    #[arg(long, default_value = "2026-11-01", value_name = "DATE")]
    pub(crate) until: NaiveDate,
    /// Begin anew: the schema `guardian` is dropped first, with all that is in it.
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) database: GuardianDatabase,
}

#[derive(Debug, Args)]
pub(crate) struct Load {
    /// The scenario; without one, all are listed.
    pub(crate) scenario: Option<String>,
    /// Sessions that the users share; by default as the scenario says, as is what follows.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) users: Option<u32>,
    /// Requests a second, sent at their own times whether the database keeps up or not.
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// For how long: 90s, 5m, 1h.
    #[arg(long, value_parser = load::duration)]
    pub(crate) duration: Option<Duration>,
    /// For how long before that, of which nothing counts.
    #[arg(long, value_parser = load::duration)]
    pub(crate) warm_up: Option<Duration>,
    /// Write the report with its charts as one HTML file.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Fail as well when something became slower than in the last run.
    #[arg(long)]
    pub(crate) fail_when_slower: bool,
    /// Neither compare the run with the last one nor store it in the monitoring database.
    #[arg(long)]
    pub(crate) no_store: bool,
    #[command(flatten)]
    pub(crate) database: GuardianDatabase,
}

#[derive(Debug, Args)]
pub(crate) struct Rls {
    /// One critical query; all that users send when none is named.
    pub(crate) query: Option<String>,
    /// How often each query runs, with row-level security and without it in turn.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(4..=10_000))]
    pub(crate) pairs: u32,
    #[command(flatten)]
    pub(crate) database: GuardianDatabase,
}

fn target_kind(text: &str) -> Result<TargetKind, String> {
    TargetKind::from_name(text).ok_or_else(|| "write postgres or pgbouncer".to_owned())
}

fn channel_kind() -> impl TypedValueParser<Value = Kind> {
    let names = Kind::ALL.iter().map(|kind| kind.as_str());
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Kind>())
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}
