//! A claim: a folder with a `spin.toml`, an `expect.toml`, and what else the application needs.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use integration_tests::{Database, Receiver, Server, project_root, test_versions};
use tempfile::TempDir;

use crate::expectation::{Expectation, Log, Received, Stop};
use crate::host::{Host, Running};
use crate::types;

/// How long a schedule may take to do what is expected of it.
const LOG_DEADLINE: Duration = Duration::from_secs(30);

/// A claim, read and not yet held.
pub(crate) struct Claim {
    name: String,
    folder: PathBuf,
    expectation: Expectation,
}

/// What a claim needs around it; kept until it has been held.
struct Surroundings {
    folder: TempDir,
    database: Option<Database>,
    receiver: Receiver,
    busy: TcpListener,
}

/// The names of all claims.
pub(crate) fn folders() -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(root()).context("cannot read the folder of the claims")? {
        let entry = entry?;
        if entry.path().join("expect.toml").is_file() {
            names.insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

fn root() -> PathBuf {
    project_root().join("tests/conformance")
}

impl Claim {
    pub(crate) fn read(name: &str) -> Result<Self> {
        let folder = root().join(name);
        let path = folder.join("expect.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let expectation: Expectation =
            toml::from_str(&text).with_context(|| format!("cannot read {}", path.display()))?;
        ensure!(
            expectation.expects_something(),
            "{} expects nothing",
            path.display()
        );
        Ok(Self {
            name: name.to_owned(),
            folder,
            expectation,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn sentence(&self) -> &str {
        &self.expectation.claim
    }

    pub(crate) fn is_about_spin(&self) -> bool {
        self.expectation.runner_only.is_none()
    }

    /// Whether it needs a host with schedules, which Spin has only with a plugin.
    pub(crate) fn has_schedule(&self) -> Result<bool> {
        Ok(self.manifest()?.contains("[[trigger.cron]]"))
    }

    fn manifest(&self) -> Result<String> {
        match fs::read_to_string(self.folder.join("spin.toml")) {
            Ok(text) => Ok(text),
            // A claim may be about a manifest that is not there.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(error).with_context(|| format!("cannot read the manifest of {}", self.name)),
        }
    }

    /// Starts the application on a host and compares what comes out with what is expected.
    pub(crate) async fn hold(&self, host: &Host) -> Result<()> {
        let surroundings = self.surround().await?;
        let expectation: Expectation = toml::from_str(&fs::read_to_string(
            surroundings.folder.path().join("expect.toml"),
        )?)?;
        let manifest = surroundings.folder.path().join("spin.toml");
        if let Some(refusal) = &expectation.refused {
            let said = host.refused(&manifest, &expectation).await?;
            for words in refusal.words_of(host)? {
                ensure!(
                    said.contains(words),
                    "the refusal does not contain {words:?}:\n{said}"
                );
            }
            return Ok(());
        }
        let running = host.start(&manifest, &expectation).await?;
        let outcome = watch(&running, &expectation, &surroundings).await;
        let outcome = match (outcome, &expectation.stop) {
            (Ok(()), Some(stop)) => stop_at(running, stop).await,
            (outcome, _) => outcome.with_context(|| format!("the host said:\n{}", running.log())),
        };
        drop(surroundings);
        outcome
    }

    /// Copies the claim to a folder of its own, with every `%{placeholder}` filled in.
    async fn surround(&self) -> Result<Surroundings> {
        let mut surroundings = Surroundings {
            folder: tempfile::tempdir().context("cannot create a folder for the claim")?,
            database: None,
            receiver: Receiver::start().await?,
            busy: TcpListener::bind("127.0.0.1:0").context("cannot listen")?,
        };
        for entry in
            fs::read_dir(&self.folder).with_context(|| format!("cannot read {}", self.folder.display()))?
        {
            let path = entry?.path();
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            if text.contains("%{postgres") && surroundings.database.is_none() && server_given().is_none() {
                surroundings.database = Some(self.database().await?);
            }
            let filled = surroundings
                .fill(&text)
                .with_context(|| format!("in {}", path.display()))?;
            let name = path.file_name().context("a file without a name")?;
            fs::write(surroundings.folder.path().join(name), filled)?;
        }
        Ok(surroundings)
    }

    async fn database(&self) -> Result<Database> {
        let version = test_versions()
            .into_iter()
            .max()
            .context("no version of PostgreSQL to test with")?;
        let server = Server::shared(version).await?;
        Database::new(&server, &format!("conformance::{}", self.name)).await
    }
}

/// The server to use instead of one that the tests start.
fn server_given() -> Option<String> {
    std::env::var("PGVITALS_TEST_POSTGRES").ok()
}

impl Surroundings {
    fn fill(&self, text: &str) -> Result<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("%{") {
            let (name, after) = after.split_once('}').context("a placeholder has no end")?;
            filled.push_str(before);
            filled.push_str(&self.value(name)?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// What a placeholder stands for.
    fn value(&self, name: &str) -> Result<String> {
        if let Some(guest) = name.strip_prefix("source=") {
            let path = project_root().join("target/guests").join(format!("{guest}.wasm"));
            ensure!(
                path.is_file(),
                "the guest {guest} is not built: run `scripts/build --guests`"
            );
            return Ok(path.display().to_string());
        }
        Ok(match name {
            "postgres" => self.postgres()?,
            "postgres.port" => port_of(&self.postgres()?)?,
            "receiver" => self.receiver.url(""),
            "receiver.port" => self.receiver.port().to_string(),
            "busy.address" => self.busy.local_addr()?.to_string(),
            _ => bail!("there is no placeholder {name:?}"),
        })
    }

    fn postgres(&self) -> Result<String> {
        match &self.database {
            Some(database) => Ok(database.url()),
            None => server_given().context("no server of PostgreSQL"),
        }
    }
}

/// The port in `postgres://user@host:port/database`.
fn port_of(url: &str) -> Result<String> {
    let authority = url.rsplit('@').next().unwrap_or(url);
    let (_, port) = authority
        .split_once(':')
        .context("the address of the server has no port")?;
    Ok(port.chars().take_while(char::is_ascii_digit).collect())
}

/// Asks what is to be asked, and looks into the log.
async fn watch(running: &Running, expectation: &Expectation, surroundings: &Surroundings) -> Result<()> {
    if let Some(table) = &expectation.types {
        let address = running.address().context("the host serves no HTTP")?;
        types::check(address, &surroundings.folder.path().join(table)).await?;
    }
    for request in &expectation.requests {
        request
            .check(running.address().context("the host serves no HTTP")?)
            .await
            .with_context(|| format!("{} {}", request.method, request.path))?;
    }
    check_received(&surroundings.receiver, &expectation.received)?;
    check_log(running, &expectation.log).await
}

fn check_received(receiver: &Receiver, expected: &[Received]) -> Result<()> {
    let received = receiver.received();
    if expected.is_empty() {
        return Ok(());
    }
    ensure!(received.len() == expected.len(), "the receiver got {received:?}");
    for (found, expected) in received.iter().zip(expected) {
        let is_right = found.method.as_str() == expected.method
            && found.path == expected.path
            && found.body == expected.body
            && expected
                .headers
                .iter()
                .all(|(name, value)| found.header(name) == value);
        ensure!(is_right, "expected {expected:?}, the receiver got {found:?}");
    }
    Ok(())
}

async fn check_log(running: &Running, expected: &Log) -> Result<()> {
    for (text, times) in &expected.contains {
        let seen = || count(&running.log(), text) >= *times;
        ensure!(
            running.wait_until(LOG_DEADLINE, seen).await,
            "the log does not contain {text:?} {times} times"
        );
    }
    let log = running.log();
    if let Some((first, second)) = &expected.in_turns {
        ensure!(
            take_turns(&log, first, second),
            "{first:?} and {second:?} do not take turns"
        );
    }
    for text in &expected.never {
        ensure!(count(&log, text) == 0, "the log contains {text:?}");
    }
    Ok(())
}

/// Whether the lines with one of the two texts come one after the other, beginning with the first.
fn take_turns(log: &str, first: &str, second: &str) -> bool {
    let turns = log
        .lines()
        .filter(|line| line.contains(first) || line.contains(second));
    turns
        .zip([first, second].into_iter().cycle())
        .all(|(line, expected)| line.contains(expected))
}

fn count(log: &str, text: &str) -> usize {
    log.lines().filter(|line| line.contains(text)).count()
}

async fn stop_at(running: Running, stop: &Stop) -> Result<()> {
    let seen = || count(&running.log(), &stop.when) > 0;
    ensure!(
        running.wait_until(LOG_DEADLINE, seen).await,
        "the log does not contain {:?}",
        stop.when
    );
    let (status, log) = running.stop().await?;
    ensure!(status.success(), "the host ended with {status}:\n{log}");
    ensure!(
        log.contains(&stop.contains),
        "after the stop the log does not contain {:?}:\n{log}",
        stop.contains
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_that_overlap_do_not_take_turns() {
        assert!(take_turns("begin\nother\nend\nbegin\n", "begin", "end"));
        assert!(!take_turns("begin\nbegin\nend\nend\n", "begin", "end"));
        assert!(!take_turns("end\nbegin\n", "begin", "end"));
    }

    #[test]
    fn the_port_of_an_address_is_found() {
        assert_eq!(
            port_of("postgres://me:pass:word@127.0.0.1:5433/base").unwrap(),
            "5433"
        );
        assert!(port_of("postgres://me@localhost/base").is_err());
    }
}
