//! The program `pgbench`: where it is, how it is called, and what becomes of it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use db::SafeUrl;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::progress::{self, Progress};

/// The first version that tells every failed transaction in its log.
const OLDEST: u32 = 15;
/// The newest version that Debian's folders are searched for.
const NEWEST: u32 = 18;
/// How much longer than it was told to pgbench may take, for connecting and for the last transactions.
const GRACE: Duration = Duration::from_secs(60);
/// How many errors are kept: the first ones tell why the others came.
const MOST_ERRORS: usize = 5;

/// pgbench on this machine.
#[derive(Debug, Clone)]
pub struct Pgbench {
    program: PathBuf,
}

/// Why pgbench could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum PgbenchError {
    /// It is not on this machine, or too old.
    #[error("there is no pgbench of PostgreSQL {OLDEST} or later on this machine")]
    Missing,
    /// It could not be started or read from.
    #[error("cannot run pgbench")]
    NotRun(#[from] std::io::Error),
    /// It ended without having sent anything.
    #[error("pgbench failed: {0}")]
    Failed(String),
    /// It did not end in its time.
    #[error("pgbench did not end within {} s after its time", GRACE.as_secs())]
    Overdue,
}

/// What pgbench is told.
#[derive(Debug, Clone)]
pub(crate) struct Work<'a> {
    /// The database.
    pub(crate) url: &'a SafeUrl,
    /// The files of the scripts, each with its weight.
    pub(crate) scripts: &'a [(PathBuf, u32)],
    /// How many sessions there are.
    pub(crate) sessions: u32,
    /// Transactions a second; none: one after another.
    pub(crate) rate: Option<f64>,
    /// For how long.
    pub(crate) seconds: u64,
    /// What the names of the log files begin with.
    pub(crate) log: Option<&'a Path>,
}

/// What pgbench said, beside its log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The errors by which sessions broke off, the first few.
    pub(crate) broken_off: Vec<String>,
    /// How many sessions broke off.
    pub(crate) sessions_lost: u64,
}

impl Pgbench {
    /// Looks for it on PATH, then where Debian keeps it, the newest first.
    ///
    /// # Errors
    ///
    /// Where there is none that is new enough.
    pub async fn find() -> Result<Self, PgbenchError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path);
        let of_debian = (OLDEST..=NEWEST).rev();
        let of_debian = of_debian.map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
        for folder in on_path.chain(of_debian) {
            let program = folder.join("pgbench");
            if program.is_file() && version(&program).await.is_some_and(|version| version >= OLDEST) {
                return Ok(Self { program });
            }
        }
        Err(PgbenchError::Missing)
    }

    /// Does the work, and tells how it is going every second.
    pub(crate) async fn run(
        &self,
        work: &Work<'_>,
        mut on_progress: impl FnMut(Progress),
    ) -> Result<Said, PgbenchError> {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            // What somebody set for programs of their own would send the load elsewhere.
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        let mut process = command
            .args(arguments(work))
            .envs(environment(work.url))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut said = Said::default();
        let mut last_words = String::new();
        let finished = async {
            if let Some(stderr) = process.stderr.take() {
                let mut lines = BufReader::new(stderr).lines();
                while let Some(line) = lines.next_line().await? {
                    if let Some(progress) = progress::parse(&line) {
                        on_progress(progress);
                    } else if let Some(error) = progress::broken_off(&line) {
                        said.add(error);
                    } else if !line.trim().is_empty() {
                        last_words = line;
                    }
                }
            }
            process.wait().await
        };
        let deadline = Duration::from_secs(work.seconds) + GRACE;
        let status = tokio::time::timeout(deadline, finished)
            .await
            .map_err(|_| PgbenchError::Overdue)??;
        // With sessions that broke off it fails as well, and what the others did counts.
        if status.success() || said.sessions_lost > 0 {
            return Ok(said);
        }
        Err(PgbenchError::Failed(last_words))
    }
}

impl Said {
    fn add(&mut self, error: &str) {
        self.sessions_lost += 1;
        if self.broken_off.len() < MOST_ERRORS && !self.broken_off.iter().any(|known| known == error) {
            self.broken_off.push(error.to_owned());
        }
    }
}

fn arguments(work: &Work<'_>) -> Vec<OsString> {
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let mut arguments: Vec<OsString> = vec![
        "--no-vacuum".into(),
        "--protocol=prepared".into(),
        "--failures-detailed".into(),
        "--progress=1".into(),
        format!("--client={}", work.sessions).into(),
        format!("--jobs={}", threads.min(u64::from(work.sessions)).max(1)).into(),
        format!("--time={}", work.seconds.max(1)).into(),
    ];
    arguments.extend(work.rate.map(|rate| format!("--rate={rate}").into()));
    if let Some(log) = work.log {
        let mut prefix = OsString::from("--log-prefix=");
        prefix.push(log);
        arguments.extend(["--log".into(), prefix]);
    }
    for (script, weight) in work.scripts {
        let mut file = OsString::from("--file=");
        file.push(script);
        file.push(format!("@{weight}"));
        arguments.push(file);
    }
    arguments
}

/// The address, by variables: arguments can be read by everybody on the machine, and hold no password.
fn environment(url: &SafeUrl) -> Vec<(&'static str, String)> {
    let host = url
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let mut variables = vec![
        ("PGHOST", host),
        ("PGPORT", url.port().to_string()),
        ("PGUSER", url.user()),
        ("PGDATABASE", url.database()),
        ("PGAPPNAME", "pgvitals/load".to_owned()),
    ];
    variables.extend(
        url.expose_password()
            .map(|password| ("PGPASSWORD", password.to_owned())),
    );
    variables.extend(url.parameter("sslmode").map(|mode| ("PGSSLMODE", mode)));
    variables.extend(db::startup_options(url).map(|options| ("PGOPTIONS", options)));
    variables
}

/// The major version, from `pgbench (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
async fn version(program: &Path) -> Option<u32> {
    let output = Command::new(program).arg("--version").output().await.ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let number = text.split_whitespace().nth(2)?;
    let major = number
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(number.len());
    number.get(..major)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_in_no_argument() {
        let url: SafeUrl = "postgres://owner:planted@[::1]:5433/guardian?sslmode=require"
            .parse()
            .unwrap();
        let scripts = [(PathBuf::from("/tmp/page.sql"), 60)];
        let work = Work {
            url: &url,
            scripts: &scripts,
            sessions: 8,
            rate: Some(12.5),
            seconds: 70,
            log: Some(Path::new("/tmp/log")),
        };
        let arguments: Vec<String> = arguments(&work)
            .into_iter()
            .map(|argument| argument.into_string().unwrap())
            .collect();
        for expected in [
            "--client=8",
            "--rate=12.5",
            "--time=70",
            "--log-prefix=/tmp/log",
            "--file=/tmp/page.sql@60",
        ] {
            assert!(
                arguments.iter().any(|argument| argument == expected),
                "{expected}: {arguments:?}"
            );
        }
        assert!(arguments.iter().all(|argument| !argument.contains("planted")));
        let environment = environment(&url);
        assert!(environment.contains(&("PGHOST", "::1".to_owned())));
        assert!(environment.contains(&("PGPASSWORD", "planted".to_owned())));
        assert!(environment.contains(&("PGSSLMODE", "require".to_owned())));
        let options = "-c search_path=pg_catalog,pg_temp -c role=none".to_owned();
        assert!(environment.contains(&("PGOPTIONS", options)));
    }

    #[test]
    fn an_error_is_kept_once_and_counted_each_time() {
        let mut said = Said::default();
        for number in 0..20 {
            said.add(&format!("error {}", number % 7));
        }
        assert_eq!((said.sessions_lost, said.broken_off.len()), (20, MOST_ERRORS));
    }
}
