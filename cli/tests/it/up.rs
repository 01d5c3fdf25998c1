//! `pgvitals up` and `down`: the real runner and the real components on a default database.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use embedded_postgres::{Cluster, ProcessIdentity, Signal};
use integration_tests::database::connect;
use integration_tests::{DedicatedServer, binaries, http, test_versions};
use serde_json::Value;

use crate::support::{Project, assert_answer};

/// A project in which `up` can run, and in which nothing is left running.
struct Running(Project);

impl Running {
    fn new() -> Self {
        binaries::components().unwrap();
        let mut project = Project::new();
        project.set("PGVITALS_RUNNER", &binaries::runner().unwrap().to_string_lossy());
        Self(project)
    }

    fn up(&self) -> Value {
        self.0.json(&["up", "--detach", "--port", "0"])
    }

    fn state(&self) -> Value {
        let text = std::fs::read(self.0.path().join(".pgvitals/up.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    fn process(&self, name: &str) -> ProcessIdentity {
        serde_json::from_value(self.state()[name].clone()).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.command(&["down"]).output();
    }
}

#[tokio::test]
async fn it_starts_everything_answers_and_stops_everything() {
    let running = Running::new();
    let project = &running.0;
    let screen = running.up();
    let url = screen["url"].as_str().unwrap();
    assert_eq!(
        http::get(&format!("{url}/health")).await.unwrap().status.as_u16(),
        200
    );

    assert_answer!(project.run(&["up", "--port", "0"]), @r"
    exit code: 0
    ----- stdout -----
    pgvitals is running

      watching   local
      alerts     to nobody yet: pgvitals channels add NAME URL
      health     http://127.0.0.1:[PORT]/health/targets
      metrics    http://127.0.0.1:[PORT]/metrics
      database   postgres://127.0.0.1:[PORT]/postgres (PostgreSQL [VERSION])
      data       .pgvitals/postgres
      log        .pgvitals/application.log

    scripts/down stops it
    ----- stderr -----
    pgvitals is running already (process [PID] since [TIME] UTC)
    waiting until everything runs
    ");
    let report = project.json(&["run", "collect-stats"]);
    assert_eq!(report["outcome"], "ok", "{report}");
    let status = project.json(&["status"]);
    assert_eq!(status["targets"][0]["target"], "local");
    assert_eq!(status["targets"][0]["up"], true);
    assert_eq!(
        project.command(&["doctor"]).output().unwrap().status.code(),
        Some(0)
    );

    let processes = ["up", "application", "postgres"].map(|name| running.process(name));
    assert_answer!(project.run(&["down"]), @r"
    exit code: 0
    ----- stdout -----
    stopped
    ----- stderr -----
    stopping
    ");
    for process in processes {
        assert!(!process.is_alive(), "{process:?} is still there");
    }
    assert_answer!(project.run(&["down"]), @r"
    exit code: 0
    ----- stdout -----
    nothing was running
    ----- stderr -----
    ");
}

#[tokio::test]
async fn data_passwords_and_port_stay_from_one_start_to_the_next() {
    let running = Running::new();
    let project = &running.0;
    let first = running.up();
    let address = first["targets"][0][1].as_str().unwrap().to_owned();
    assert_answer!(project.run(&["channels", "add", "hook", "https://example.com/hook"]), @r"
    exit code: 0
    ----- stdout -----
    alerts go to hook (https://example.com/hook)
    ----- stderr -----
    ");
    project.run(&["down"]);
    let second = running.up();
    assert_eq!(second["targets"][0][1], address.as_str());
    assert_eq!(second["channels"][0], "hook");
}

#[tokio::test]
async fn the_password_of_a_target_is_kept_and_never_shown() {
    let running = Running::new();
    let project = &running.0;
    running.up();
    let other = DedicatedServer::start(test_versions()[0]).await.unwrap();
    connect(&other.url("postgres"))
        .await
        .unwrap()
        .batch_execute("create role watcher login password 'planted-secret' in role pg_monitor")
        .await
        .unwrap();
    let address = other.url_as("watcher", "planted-secret", "postgres");
    assert_answer!(project.run(&["targets", "add", "other", &address]), @r"
    exit code: 0
    ----- stdout -----
    watching other (postgres://watcher@127.0.0.1:[PORT]/postgres)
    ----- stderr -----
    connecting to postgres://watcher:***@127.0.0.1:[PORT]/postgres
    note: the running application learns the new password or certificate when `pgvitals up` is started again
    ");
    project.run(&["down"]);
    running.up();
    project.run(&["run", "collect-stats"]);
    let status = project.json(&["status"]);
    let other = status["targets"]
        .as_array()
        .unwrap()
        .iter()
        .find(|target| target["target"] == "other")
        .unwrap();
    assert_eq!(other["up"], true, "{status}");
    for file in ["application.log", "up.log", "up.json"] {
        let text = std::fs::read_to_string(project.path().join(".pgvitals").join(file)).unwrap();
        assert!(!text.contains("planted-secret"), "{file} holds the password");
    }
    assert!(!status.to_string().contains("planted-secret"));
}

#[tokio::test]
async fn what_a_killed_up_leaves_behind_is_stopped_by_the_next_and_by_down() {
    let running = Running::new();
    running.up();
    let left = ["application", "postgres"].map(|name| running.process(name));
    assert!(running.process("up").signal(Signal::Kill));
    running.up();
    for process in left {
        assert!(!process.is_alive(), "{process:?} is still there");
    }

    let left = ["application", "postgres"].map(|name| running.process(name));
    assert!(running.process("up").signal(Signal::Kill));
    assert_eq!(running.0.json(&["down"])["stopped"], true);
    for process in left {
        assert!(!process.is_alive(), "{process:?} is still there");
    }
}

#[tokio::test]
async fn an_application_that_nobody_wrote_down_is_found_by_its_command_line() {
    let running = Running::new();
    running.up();
    let application = running.process("application");
    assert!(running.process("up").signal(Signal::Kill));
    std::fs::remove_file(running.0.path().join(".pgvitals/up.json")).unwrap();
    assert_eq!(running.0.json(&["down"])["stopped"], true);
    assert!(!application.is_alive(), "{application:?} is still there");
}

/// Waits until a process is another one than before.
async fn wait_for_another(running: &Running, name: &str, before: &ProcessIdentity) {
    let begin = Instant::now();
    while running.process(name) == *before {
        assert!(begin.elapsed() < Duration::from_secs(60), "no other {name} comes");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn what_is_killed_comes_back_and_is_told_of() {
    let running = Running::new();
    let project = &running.0;
    let screen = running.up();
    let url = screen["url"].as_str().unwrap();
    let up = running.process("up");

    let application = running.process("application");
    assert!(application.signal(Signal::Kill));
    wait_for_another(&running, "application", &application).await;
    let database = running.process("postgres");
    assert!(database.signal(Signal::Kill));
    wait_for_another(&running, "postgres", &database).await;

    // Everything serves as before, at the same addresses.
    let begin = Instant::now();
    while !http::get(&format!("{url}/health/ready"))
        .await
        .is_ok_and(|answer| answer.status.as_u16() == 200)
    {
        assert!(begin.elapsed() < Duration::from_secs(60), "it is not ready again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(up.is_alive());
    let log = std::fs::read_to_string(project.path().join(".pgvitals/application.log")).unwrap();
    for line in [
        "the application ended (signal: 9 (SIGKILL)); it is started again in 1 s",
        "the application runs again",
        "the database ended (it is gone); it is started again in 1 s",
        "the database runs again",
    ] {
        assert!(log.contains(line), "{line} is not in the log:\n{log}");
    }

    // An alert for each, once the database has taken what was reported.
    let begin = Instant::now();
    loop {
        project.run(&["run", "check-alerts"]);
        let alerts = project.json(&["alerts", "list"]);
        let restarted = alerts
            .as_array()
            .unwrap()
            .iter()
            .filter(|alert| alert["rule_id"] == "process_restarts")
            .count();
        if restarted == 2 {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "{alerts}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn a_database_that_was_starting_when_up_was_killed_is_stopped_by_down() {
    let running = Running::new();
    let data = running.0.path().join(".pgvitals/postgres");
    let mut child = start_in_foreground(&running.0);
    let begin = Instant::now();
    let server = loop {
        if let Some(server) = Cluster::serving_at(&data) {
            break server;
        }
        assert!(begin.elapsed() < Duration::from_secs(120), "no server comes");
        std::thread::sleep(Duration::from_millis(1));
    };
    // Killed before it could write down what it started, or as if it were.
    Signal::Kill.send(child.id());
    child.wait().unwrap();
    let _ = std::fs::remove_file(running.0.path().join(".pgvitals/up.json"));
    assert!(server.is_alive());
    assert_eq!(running.0.json(&["down"])["stopped"], true);
    assert!(!server.is_alive(), "{server:?} is still there");
}

#[test]
fn a_database_that_does_not_start_says_why() {
    let running = Running::new();
    let project = &running.0;
    running.up();
    project.run(&["down"]);
    let settings = project.path().join(".pgvitals/postgres/postgresql.conf");
    let mut text = std::fs::read_to_string(&settings).unwrap();
    text.push_str("hba_file = '/nonexistent/planted.conf'\n");
    std::fs::write(&settings, text).unwrap();
    let answer = project.run(&["up", "--port", "0"]);
    assert!(answer.starts_with("exit code: 1"), "{answer}");
    assert!(answer.contains("/nonexistent/planted.conf"), "{answer}");
    assert!(
        answer.contains("hint: its first words are in .pgvitals/postgres.log"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_interrupt_stops_it_in_the_foreground_also_while_it_starts() {
    let running = Running::new();
    for patience in [Duration::from_millis(300), Duration::from_secs(60)] {
        let mut child = start_in_foreground(&running.0);
        let begin = Instant::now();
        while begin.elapsed() < patience
            && running
                .0
                .command(&["status"])
                .output()
                .is_ok_and(|o| !o.status.success())
        {
            std::thread::sleep(Duration::from_millis(50));
        }
        Signal::Interrupt.send(child.id());
        let status = child.wait().unwrap();
        assert!(status.success(), "{status}");
        assert!(!running.0.path().join(".pgvitals/up.json").exists());
        assert!(
            !running
                .0
                .path()
                .join(".pgvitals/postgres/postmaster.pid")
                .exists()
        );
    }
}

/// What an earlier version kept: the collector's login in the address of the monitoring database, and no other login.
#[tokio::test]
async fn a_folder_of_an_earlier_version_comes_up_again() {
    let running = Running::new();
    running.up();
    running.0.run(&["down"]);
    let file = running.0.path().join(".pgvitals/secrets.env");
    let text = std::fs::read_to_string(&file).unwrap();
    let value = |name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap().trim_matches('\'').to_owned()
    };
    let password = value("PGVITALS_COLLECTOR_PASSWORD");
    let address = value("SPIN_VARIABLE_MONITORING_URL");
    let former = address.replace("://", &format!("://pgvitals_collector:{password}@"));
    let kept = text.lines().filter(|line| {
        [
            "PGVITALS_SUPERUSER",
            "PGVITALS_MAINTENANCE",
            "SPIN_VARIABLE_API_TOKEN",
        ]
        .iter()
        .any(|name| line.starts_with(name))
    });
    let maintenance = value("PGVITALS_MAINTENANCE_PASSWORD");
    let mut old: Vec<String> = kept.map(str::to_owned).collect();
    old.push(format!("SPIN_VARIABLE_MONITORING_URL='{former}'"));
    old.push(format!(
        "SPIN_VARIABLE_MAINTENANCE_PASSWORDS='{{\"default\":\"{maintenance}\"}}'"
    ));
    std::fs::write(&file, old.join("\n")).unwrap();

    running.up();
    let report = running.0.json(&["run", "collect-stats"]);
    assert_eq!(report["outcome"], "ok", "{report}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(&format!("SPIN_VARIABLE_MONITORING_URL='{address}'")));
    assert!(text.contains(&format!("PGVITALS_COLLECTOR_PASSWORD='{password}'")));
    for bound in ["TARGET", "MAINTENANCE"] {
        let start = format!("SPIN_VARIABLE_{bound}_PASSWORDS='{{\"default\":{{\"hosts\":[\"127.0.0.1:");
        assert!(text.contains(&start));
    }
    // What targets are given opens nothing in the monitoring database.
    let collector = connect(&former).await.unwrap();
    let error = collector
        .batch_execute("select from monitoring.targets")
        .await
        .unwrap_err();
    assert_eq!(error.code().unwrap().code(), "42501");
}

fn start_in_foreground(project: &Project) -> Child {
    let mut command: Command = project.command(&["up", "--port", "0"]);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_database_of_ones_own_is_used_and_nothing_else_is_started() {
    let server = DedicatedServer::start(test_versions()[0]).await.unwrap();
    let mut running = Running::new();
    running.0.set("DATABASE_URL", &server.url("postgres"));
    running.up();
    assert_eq!(running.state()["postgres"], Value::Null);
    assert_eq!(running.0.json(&["status"])["targets"][0]["target"], "local");
    running.0.run(&["down"]);
    connect(&server.url("postgres")).await.unwrap();

    // Another project knows nothing of the passwords of the first, and must not lock it out.
    let mut second = Running::new();
    second.0.set("DATABASE_URL", &server.url("postgres"));
    assert_answer!(second.0.run(&["up", "--detach", "--port", "0"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    starting everything in the background
    error: pgvitals_writer exists on 127.0.0.1:[PORT] with a password that is not known here

    hint: set SPIN_VARIABLE_WRITER_PASSWORD to it, or give it a new one by `pgvitals up --reset-passwords`: whoever else uses it must be told then
    ");
    assert_answer!(second.0.run(&["up", "--demo", "--reset-passwords", "--port", "0"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: --demo makes tables and load, which is only done in the default database

    hint: leave --demo out, or unset DATABASE_URL
    ");
    second
        .0
        .json(&["up", "--detach", "--port", "0", "--reset-passwords"]);
}

#[test]
fn a_port_in_use_is_named_before_anything_is_started() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let project = Project::new();
    let answer = project.run(&["up", "--port", &port]).replace(&port, "[PORT]");
    assert_answer!(answer, @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: port [PORT] of 127.0.0.1 is in use

    hint: choose another one by --port, or stop what listens there
    ");
    assert!(!project.path().join(".pgvitals/postgres").exists());
}
