//! A real Alertmanager: Debian's `prometheus-alertmanager`, which scripts/test installs.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::http;
use embedded_postgres::free_port;

/// How long it may take until it answers.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// It tells nobody of what it gets.
const CONFIGURATION: &str = "route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n";

/// An Alertmanager that belongs to one test and ends with it.
#[derive(Debug)]
pub struct Alertmanager {
    port: u16,
    folder: TempDir,
    _process: Child,
}

impl Alertmanager {
    /// Starts one, and waits until it takes alerts.
    pub async fn start() -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a folder for the Alertmanager")?;
        let configuration = folder.path().join("alertmanager.yml");
        fs::write(&configuration, CONFIGURATION).context("cannot write its configuration")?;
        let log = fs::File::create(folder.path().join("log")).context("cannot make its log")?;
        let port = free_port()?;
        let process = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            // By itself: it looks for no others.
            .arg("--cluster.listen-address=")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context(
                "cannot start an Alertmanager: apt-get install prometheus-alertmanager, or see scripts/test",
            )?;
        let alertmanager = Self {
            port,
            folder,
            _process: process,
        };
        let begin = Instant::now();
        while !alertmanager.is_ready().await {
            ensure!(
                begin.elapsed() < START_DEADLINE,
                "the Alertmanager does not start:\n{}",
                fs::read_to_string(alertmanager.folder.path().join("log")).unwrap_or_default()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(alertmanager)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The alerts that it shows.
    pub async fn alerts(&self) -> Result<Vec<Value>> {
        let answer = http::get(&format!("{}/api/v2/alerts", self.url())).await?;
        serde_json::from_str(&answer.body)
            .with_context(|| format!("the Alertmanager answered {}: {}", answer.status, answer.body))
    }

    async fn is_ready(&self) -> bool {
        let answer = http::get(&format!("{}/-/ready", self.url())).await;
        answer.is_ok_and(|answer| answer.status == 200)
    }
}
