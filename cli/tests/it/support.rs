//! A project of its own for every test, and the command run in it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use db::SafeUrl;
use integration_tests::{DedicatedServer, project_root, test_versions};
use serde_json::json;
use store::logins::Login;
use tempfile::TempDir;

/// The password of all logins where a test made it.
pub(crate) const COLLECTOR_PASSWORD: &str = "collector-of-the-test";

/// A folder with the project's manifest, components and fetched servers, and with settings of its own.
pub(crate) struct Project {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Project {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The default database runs as another user when the tests run as root.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let root = project_root();
        fs::copy(root.join("spin.toml"), folder.path().join("spin.toml")).unwrap();
        symlink(root.join("target"), folder.path().join("target")).unwrap();
        fs::create_dir(folder.path().join(".pgvitals")).unwrap();
        // Servers are fetched and components compiled once, not once a test.
        for shared in ["servers", "modules"] {
            let place = root.join(".pgvitals").join(shared);
            fs::create_dir_all(&place).unwrap();
            symlink(place, folder.path().join(".pgvitals").join(shared)).unwrap();
        }
        Self {
            folder,
            environment: Vec::new(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Names a monitoring database, as somebody does who set it up by hand: by its address with a login of the test.
    pub(crate) fn monitoring(&mut self, url: &str) {
        for (name, value) in monitoring_settings(url) {
            self.set(&name, &value);
        }
    }

    /// The command, ready to be run here, with nothing of the settings of whoever runs the tests.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgvitals"));
        command.args(arguments).current_dir(self.path());
        for (name, _) in std::env::vars() {
            let ours = name == "DATABASE_URL"
                || ["SPIN_VARIABLE_", "PGVITALS_"]
                    .iter()
                    .any(|prefix| name.starts_with(prefix));
            if ours && name != "PGVITALS_RUNNER" {
                command.env_remove(name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the command and gives all of its answer, with what differs from run to run replaced by its name.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        self.shown(&output)
    }

    /// Runs a command that must succeed, and gives its stdout as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.command(arguments).arg("--json").output().unwrap();
        assert!(output.status.success(), "{}", self.shown(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs a command that must fail and answer all the same, and gives its stdout as JSON.
    pub(crate) fn json_of_failure(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.command(arguments).arg("--json").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", self.shown(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn shown(&self, output: &Output) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        let answer = format!(
            "exit code: {}\n----- stdout -----\n{}\n----- stderr -----\n{}",
            output
                .status
                .code()
                .map_or_else(|| "none".to_owned(), |code| code.to_string()),
            text(&output.stdout),
            text(&output.stderr),
        );
        answer.replace(&*self.path().to_string_lossy(), "[PROJECT]")
    }
}

/// A project whose monitoring database is a server of the test's own: its roles belong to the whole server.
pub(crate) struct Installed {
    pub(crate) project: Project,
    pub(crate) server: DedicatedServer,
}

impl Installed {
    pub(crate) async fn new() -> Self {
        let server = DedicatedServer::start(test_versions()[0]).await.unwrap();
        let mut project = Project::new();
        project.set("DATABASE_URL", &server.url("postgres"));
        let answer = project.run(&["migrate"]);
        assert!(answer.starts_with("exit code: 0"), "{answer}");
        let client = integration_tests::database::connect(&server.url("postgres"))
            .await
            .unwrap();
        let statements = format!(
            "{} create extension pg_stat_statements",
            admission(COLLECTOR_PASSWORD)
        );
        client.batch_execute(&statements).await.unwrap();
        let url = server.url_as("pgvitals_collector", COLLECTOR_PASSWORD, "postgres");
        project.monitoring(&url);
        Self { project, server }
    }
}

/// The statements that let in all logins but the one for maintenance, with one password.
pub(crate) fn admission(password: &str) -> String {
    let logins = Login::ALL.iter().filter(|login| **login != Login::Maintenance);
    logins
        .map(|login| format!("alter role {} login password '{password}';", login.role()))
        .collect()
}

/// What is to be set for a monitoring database at an address with a login of the test.
pub(crate) fn monitoring_settings(url: &str) -> Vec<(String, String)> {
    let url: SafeUrl = url.parse().unwrap();
    let password = url.expose_password().unwrap();
    let mut settings = vec![
        ("SPIN_VARIABLE_MONITORING_URL".to_owned(), url.without_login()),
        ("PGVITALS_OPERATOR_PASSWORD".to_owned(), password.to_owned()),
        (
            "SPIN_VARIABLE_TARGET_PASSWORDS".to_owned(),
            json!({"default": {"password": password, "hosts": ["127.0.0.1", "localhost", "pool.example.com"]}}).to_string(),
        ),
    ];
    for login in Login::OF_FUNCTIONS {
        let name = login.role().trim_start_matches("pgvitals_").to_uppercase();
        settings.push((format!("SPIN_VARIABLE_{name}_PASSWORD"), password.to_owned()));
    }
    settings
}

/// Compares an answer with what stands in the test, ports and versions aside.
macro_rules! assert_answer {
    ($answer:expr, @$expected:literal) => {
        insta::with_settings!({ filters => vec![
            (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
            (r"PostgreSQL \d+\.\d+", "PostgreSQL [VERSION]"),
            (r"pg_stat_statements 1\.\d+", "pg_stat_statements [VERSION]"),
            (r"\d+ of \d+ connections", "[N] of [N] connections"),
            (r"process \d+ since [-\d]+ [:\d]+ UTC", "process [PID] since [TIME] UTC"),
        ] }, {
            insta::assert_snapshot!($answer, @$expected);
        });
    };
}
pub(crate) use assert_answer;
