//! Whom the server runs as.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{Uid, User};

use crate::EmbeddedError;

/// The user a server runs as: ourselves, or, since PostgreSQL refuses to run as root, somebody without rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// None when we are not root: the server runs as we do.
    other: Option<OtherUser>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct OtherUser {
    name: String,
    uid: u32,
    gid: u32,
}

impl Account {
    /// Ourselves unless we are root; then `postgres`, where that user exists, else `nobody`.
    pub fn choose() -> Result<Self, EmbeddedError> {
        if !Uid::effective().is_root() {
            return Ok(Self { other: None });
        }
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Self {
                other: Some(OtherUser {
                    name: user.name,
                    uid: user.uid.as_raw(),
                    gid: user.gid.as_raw(),
                }),
            })
            .ok_or(EmbeddedError::NoAccount)
    }

    /// The user's name when it is not our own.
    pub fn other_name(&self) -> Option<&str> {
        self.other.as_ref().map(|user| user.name.as_str())
    }

    /// Makes `command` run as this user, in a process group of its own, so that a Ctrl-C in the terminal reaches
    /// us first and we can stop things in order.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.process_group(0);
        if let Some(user) = &self.other {
            command.uid(user.uid).gid(user.gid);
        }
    }

    /// Whether this user can enter `directory` (which exists) and use what is in it.
    pub fn can_enter(&self, directory: &Path) -> bool {
        let mut command = Command::new("/bin/sh");
        // The directory is passed beside the script, so that no character in it can be taken for shell.
        command
            .args(["-c", r#"cd -- "$1" 2>/dev/null && test -r ."#, "sh"])
            .arg(directory);
        command
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.apply(&mut command);
        command.status().is_ok_and(|status| status.success())
    }

    /// The first of `candidates` that exists or can be made and that this user can enter. Ours need not be the
    /// first choice: a clone under root's private home cannot be entered by anybody else.
    pub fn first_reachable(&self, candidates: &[PathBuf]) -> Result<PathBuf, EmbeddedError> {
        for candidate in candidates {
            if fs::create_dir_all(candidate).is_ok() && self.can_enter(candidate) {
                return Ok(candidate.clone());
            }
        }
        let tried: Vec<_> = candidates
            .iter()
            .map(|path| format!("`{}`", path.display()))
            .collect();
        let user = self.other_name().unwrap_or("(ourselves)").to_owned();
        Err(EmbeddedError::Unreachable {
            user,
            tried: tried.join(", "),
        })
    }

    /// Makes `directory`, private to this user.
    pub fn create_private(&self, directory: &Path) -> Result<(), EmbeddedError> {
        fs::create_dir_all(directory).map_err(EmbeddedError::path("create the directory", directory))?;
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))
            .map_err(EmbeddedError::path("restrict the directory", directory))?;
        if let Some(user) = &self.other {
            chown(directory, Some(user.uid), Some(user.gid))
                .map_err(EmbeddedError::path("hand over the directory", directory))?;
        }
        Ok(())
    }

    /// Gives one file to this user, readable by nobody else.
    pub(crate) fn hand_over(&self, file: &Path) -> Result<(), EmbeddedError> {
        fs::set_permissions(file, fs::Permissions::from_mode(0o600))
            .map_err(EmbeddedError::path("restrict the file", file))?;
        match &self.other {
            Some(user) => chown(file, Some(user.uid), Some(user.gid))
                .map_err(EmbeddedError::path("hand over the file", file)),
            None => Ok(()),
        }
    }

    /// Whether `path` belongs to this user.
    pub fn owns(&self, path: &Path) -> bool {
        let uid = self
            .other
            .as_ref()
            .map_or_else(|| Uid::effective().as_raw(), |user| user.uid);
        fs::metadata(path).is_ok_and(|metadata| metadata.uid() == uid)
    }
}
