//! The whole application: the project's `spin.toml` and components on the runner, on a port of its own.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use embedded_postgres::Signal;
use hyper::Method;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use toml::{Table, Value};

use crate::http::{self, Response};
use crate::monitored::monitoring_variables;
use crate::{binaries, project_root};

/// The bearer token of every application under test.
pub const TOKEN: &str = "token-of-the-tests";
/// The words after which the runner takes requests; the address follows.
const READY: &str = "serving http://";
/// How long the runner may take: the first start compiles every component.
const START_DEADLINE: Duration = Duration::from_secs(120);
/// How long a graceful stop may take: running functions are allowed to finish.
const STOP_DEADLINE: Duration = Duration::from_secs(30);

/// What an application is started with.
#[derive(Debug, Clone)]
pub struct Builder {
    variables: Vec<(String, String)>,
    schedules: Vec<(String, String)>,
    keeps_other_schedules: bool,
    manifest: PathBuf,
    environment: Vec<(String, String)>,
    state_folder: Option<PathBuf>,
}

/// A running application; killed when dropped.
#[derive(Debug)]
pub struct Application {
    child: Child,
    address: String,
    log: Log,
    watchdog: Watchdog,
    _folder: TempDir,
}

/// What the runner has said so far.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Builder {
    /// With a variable of `spin.toml`, which goes to the runner by its environment.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With another schedule for every cron trigger of a component.
    pub fn schedule(mut self, component: &str, expression: &str) -> Self {
        self.schedules.push((component.to_owned(), expression.to_owned()));
        self
    }

    /// Without the schedules of `spin.toml`: only those given here run, all else happens when it is posted.
    pub fn without_other_schedules(self) -> Self {
        Self {
            keeps_other_schedules: false,
            ..self
        }
    }

    /// With a variable of the runner's own environment, such as `RUST_LOG`.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a folder in which components keep what they remember, also when the application is started again.
    pub fn state_folder(self, folder: &Path) -> Self {
        Self {
            state_folder: Some(folder.to_owned()),
            ..self
        }
    }

    /// With another manifest than the project's.
    pub fn manifest(self, manifest: &Path) -> Self {
        Self {
            manifest: manifest.to_owned(),
            ..self
        }
    }

    /// Starts the runner and waits until it takes requests.
    pub async fn start(self) -> Result<Application> {
        let folder = tempfile::tempdir().context("cannot create a folder for the manifest")?;
        let manifest = folder.path().join("spin.toml");
        tokio::fs::write(&manifest, self.rewritten_manifest()?)
            .await
            .context("cannot write the manifest")?;

        let mut command = Command::new(binaries::runner()?);
        command
            .arg("--from")
            .arg(&manifest)
            .args(["--listen", "127.0.0.1:0"])
            .current_dir(folder.path())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(folder) = &self.state_folder {
            command.arg("--state-dir").arg(folder);
        }
        for (name, value) in &self.variables {
            command.env(format!("SPIN_VARIABLE_{}", name.to_uppercase()), value);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut child = command.spawn().context("cannot start the runner")?;
        let watchdog = Watchdog::over(child.id().context("the runner ended at once")?)?;
        let log = Log::default();
        log.follow(child.stdout.take());
        log.follow(child.stderr.take());
        let address = wait_until_ready(&mut child, &log).await?;
        Ok(Application {
            child,
            address,
            log,
            watchdog,
            _folder: folder,
        })
    }

    /// The manifest with the schedules of this test, and with paths that hold from anywhere.
    fn rewritten_manifest(&self) -> Result<String> {
        let path = &self.manifest;
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let mut manifest: Table = text
            .parse()
            .with_context(|| format!("`{}` is not a manifest", path.display()))?;
        let root = path.parent().context("the manifest has no folder")?;
        for (_, component) in manifest
            .get_mut("component")
            .and_then(Value::as_table_mut)
            .into_iter()
            .flatten()
        {
            if let Some(Value::String(source)) = component.get_mut("source") {
                *source = root.join(&*source).display().to_string();
            }
        }
        let triggers = manifest
            .get_mut("trigger")
            .and_then(Value::as_table_mut)
            .context("there are no triggers")?;
        let crons: Vec<Table> = triggers
            .remove("cron")
            .and_then(|crons| crons.try_into().ok())
            .unwrap_or_default();
        let crons = self.reschedule(crons)?;
        if !crons.is_empty() {
            triggers.insert("cron".to_owned(), Value::try_from(crons)?);
        }
        toml::to_string(&manifest).context("cannot write the manifest")
    }

    fn reschedule(&self, mut crons: Vec<Table>) -> Result<Vec<Table>> {
        let component_of = |cron: &Table| cron.get("component").and_then(Value::as_str).map(str::to_owned);
        for (component, expression) in &self.schedules {
            let mut known = false;
            for cron in crons
                .iter_mut()
                .filter(|cron| component_of(cron).as_ref() == Some(component))
            {
                cron.insert("cron_expression".to_owned(), Value::String(expression.clone()));
                known = true;
            }
            if !known {
                bail!("`{component}` has no schedule that could be replaced");
            }
        }
        if !self.keeps_other_schedules {
            crons.retain(|cron| {
                self.schedules
                    .iter()
                    .any(|(component, _)| component_of(cron).as_ref() == Some(component))
            });
        }
        Ok(crons)
    }
}

impl Application {
    /// An application whose monitoring database is at this address, with everything else as in `spin.toml`. The password in
    /// it is that of the collector and of all logins of the application.
    pub fn builder(monitoring: &str) -> Builder {
        let mut variables = monitoring_variables(monitoring).unwrap_or_default();
        variables.push(("api_token".to_owned(), TOKEN.to_owned()));
        Builder {
            variables,
            schedules: Vec::new(),
            keeps_other_schedules: true,
            manifest: project_root().join("spin.toml"),
            environment: Vec::new(),
            state_folder: None,
        }
    }

    /// An address in this application.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The process of the runner.
    pub fn process(&self) -> Option<u32> {
        self.child.id()
    }

    /// What the runner has said so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Sends a GET.
    pub async fn get(&self, path: &str) -> Result<Response> {
        http::get(&self.url(path)).await
    }

    /// Sends a GET until it is answered with this status: on a busy machine even a well database misses a deadline of
    /// milliseconds now and then. The last answer is given back, whatever it is.
    pub async fn get_until(&self, path: &str, status: u16) -> Result<Response> {
        for _ in 0..20 {
            let answer = self.get(path).await?;
            if answer.status.as_u16() == status {
                return Ok(answer);
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        self.get(path).await
    }

    /// Sends a POST with the token.
    pub async fn post(&self, path: &str) -> Result<Response> {
        self.post_as(path, TOKEN).await
    }

    /// Sends any request with the token and a body.
    pub async fn order(&self, method: Method, path: &str, body: &str) -> Result<Response> {
        let authorization = format!("Bearer {TOKEN}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
        ];
        http::send(method, &self.url(path), &headers, body).await
    }

    /// Sends a POST with any token.
    pub async fn post_as(&self, path: &str, token: &str) -> Result<Response> {
        let authorization = format!("Bearer {token}");
        http::send(
            Method::POST,
            &self.url(path),
            &[("authorization", &authorization)],
            "",
        )
        .await
    }

    /// Ends the runner as a crash does: nothing that it is doing is finished.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("cannot kill the runner")?;
        self.watchdog.dismiss();
        Ok(())
    }

    /// Asks the runner to stop, and waits until it has. Its status and its whole log are the answer.
    pub async fn stop(mut self) -> Result<(ExitStatus, String)> {
        let process = self.child.id().context("the runner has ended already")?;
        Signal::Terminate.send(process);
        let status = tokio::time::timeout(STOP_DEADLINE, self.child.wait())
            .await
            .with_context(|| {
                format!(
                    "the runner did not stop within {STOP_DEADLINE:?}:\n{}",
                    self.log()
                )
            })?
            .context("cannot wait for the runner")?;
        self.watchdog.dismiss();
        // The last lines may still be on their way through the pipe.
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok((status, self.log()))
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- the log of the application under test\n{}---", self.log());
        }
    }
}

async fn wait_until_ready(child: &mut Child, log: &Log) -> Result<String> {
    let begin = Instant::now();
    loop {
        let text = log.text();
        if let Some((_, rest)) = text.split_once(READY)
            && let Some(address) = rest
                .split(|end: char| end.is_whitespace() || end == '"' || end == '/')
                .next()
            && rest.len() > address.len()
        {
            return Ok(address.to_owned());
        }
        if let Some(status) = child.try_wait()? {
            bail!(
                "the runner ended with {status} instead of serving:\n{}",
                log.text()
            );
        }
        if begin.elapsed() > START_DEADLINE {
            bail!("the runner is not ready after {START_DEADLINE:?}:\n{text}");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl Log {
    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps reading, so that the runner never waits for us.
    fn follow(&self, output: Option<impl AsyncRead + Send + Unpin + 'static>) {
        let Some(output) = output else { return };
        let log = Arc::clone(&self.0);
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
    }
}

/// Kills the runner's process group when this process ends without having said that all is well, however it ends:
/// the system closes its end of the pipe.
#[derive(Debug)]
struct Watchdog {
    pipe: Option<std::process::ChildStdin>,
}

impl Watchdog {
    fn over(process: u32) -> Result<Self> {
        use std::os::unix::process::CommandExt;
        let mut shell = std::process::Command::new("/bin/sh")
            .args([
                "-c",
                r#"read -r _ || kill -KILL -- "-$1""#,
                "sh",
                &process.to_string(),
            ])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the watchdog of the runner")?;
        Ok(Self {
            pipe: shell.stdin.take(),
        })
    }

    fn dismiss(&mut self) {
        use std::io::Write;
        if let Some(mut pipe) = self.pipe.take() {
            // A watchdog that is gone already needs no dismissal.
            let _ = pipe.write_all(b"all is well\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crons(builder: &Builder) -> Vec<(String, String)> {
        let manifest: Table = builder.rewritten_manifest().unwrap().parse().unwrap();
        let crons = manifest["trigger"]
            .get("cron")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let text = |cron: &Value, key: &str| cron[key].as_str().unwrap().to_owned();
        crons
            .iter()
            .map(|cron| (text(cron, "component"), text(cron, "cron_expression")))
            .collect()
    }

    #[test]
    fn only_the_schedules_that_a_test_gives_are_changed() {
        let project = crons(&Application::builder("postgres://nowhere"));
        let changed =
            crons(&Application::builder("postgres://nowhere").schedule("collect-stats", "* * * * * *"));
        assert_eq!(project.len(), changed.len());
        let differing: Vec<_> = changed.iter().filter(|cron| !project.contains(cron)).collect();
        assert_eq!(
            differing,
            [&("collect-stats".to_owned(), "* * * * * *".to_owned())]
        );
    }

    #[test]
    fn a_test_can_do_without_schedules_and_cannot_misspell_one() {
        let builder = Application::builder("postgres://nowhere").without_other_schedules();
        assert!(crons(&builder).is_empty());
        let error = builder
            .schedule("colect-stats", "* * * * * *")
            .rewritten_manifest()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "`colect-stats` has no schedule that could be replaced"
        );
    }
}
