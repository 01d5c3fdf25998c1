//! Whom the server runs as.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown, fchown};
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
            if self.create_open(candidate).is_ok() && self.can_enter(candidate) {
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

    /// Makes `directory` and what is missing above it. When we are root our umask may shut everybody else out, so
    /// what we have just made is opened for this user to enter; what was there before stays as it was.
    fn create_open(&self, directory: &Path) -> io::Result<()> {
        if self.other.is_none() {
            return fs::create_dir_all(directory);
        }
        if directory.is_dir() {
            return Ok(());
        }
        if let Some(above) = directory.parent() {
            self.create_open(above)?;
        }
        match fs::create_dir(directory) {
            Ok(()) => fs::set_permissions(directory, fs::Permissions::from_mode(0o755)),
            // Another process made it meanwhile, as the tests do.
            Err(_) if directory.is_dir() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes `directory`, private to this user.
    pub fn create_private(&self, directory: &Path) -> Result<(), EmbeddedError> {
        self.create_open(directory)
            .map_err(EmbeddedError::path("create the directory", directory))?;
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))
            .map_err(EmbeddedError::path("restrict the directory", directory))?;
        if let Some(user) = &self.other {
            chown(directory, Some(user.uid), Some(user.gid))
                .map_err(EmbeddedError::path("hand over the directory", directory))?;
        }
        Ok(())
    }

    /// Writes a whole file that belongs to this user and that nobody else can read. The folder may be this user's
    /// own, who could lay a link in the way of root: so the file is made anew beside its place, which follows no
    /// link, is given away by its handle, and then takes its place.
    pub(crate) fn write_private(&self, path: &Path, text: &str) -> Result<(), EmbeddedError> {
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(EmbeddedError::path("remove", &new)(error));
            }
            _ => {}
        }
        let written = self
            .create_owned(&new, text)
            .and_then(|()| fs::rename(&new, path).map_err(EmbeddedError::path("move into place", path)));
        if written.is_err() {
            // It may hold a password. The first error says more than one of tidying up.
            let _ = fs::remove_file(&new);
        }
        written
    }

    /// Makes a file that must not be there yet, and gives it to this user.
    fn create_owned(&self, path: &Path, text: &str) -> Result<(), EmbeddedError> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(EmbeddedError::path("create", path))?;
        file.write_all(text.as_bytes())
            .map_err(EmbeddedError::path("write", path))?;
        match &self.other {
            Some(user) => fchown(&file, Some(user.uid), Some(user.gid))
                .map_err(EmbeddedError::path("hand over the file", path)),
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_written_in_place_of_a_link_and_not_through_it() {
        let folder = tempfile::tempdir().unwrap();
        let foreign = folder.path().join("foreign");
        fs::write(&foreign, "untouched").unwrap();
        let before = fs::metadata(&foreign).unwrap();
        let path = folder.path().join("pgvitals.conf");
        symlink(&foreign, &path).unwrap();
        symlink(&foreign, folder.path().join("pgvitals.conf.new")).unwrap();

        let account = Account::choose().unwrap();
        account.write_private(&path, "ours").unwrap();

        assert_eq!(fs::read_to_string(&foreign).unwrap(), "untouched");
        let after = fs::metadata(&foreign).unwrap();
        assert_eq!((after.uid(), after.mode()), (before.uid(), before.mode()));
        assert!(!path.is_symlink() && account.owns(&path));
        assert_eq!(fs::read_to_string(&path).unwrap(), "ours");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_made_for_another_user_can_be_entered_and_what_was_there_stays_shut() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let shut = folder.path().join("shut");
        fs::create_dir(&shut).unwrap();
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o700)).unwrap();
        let account = Account {
            other: Some(OtherUser {
                name: "nobody".to_owned(),
                uid: 65534,
                gid: 65534,
            }),
        };
        let within = shut.join("above/within");
        // The umask belongs to the whole process, so the test sees the modes that were set, not those it left.
        account.create_open(&within).unwrap();
        account.create_open(&within).unwrap();
        assert_eq!(mode(&within), 0o755);
        assert_eq!(mode(&shut.join("above")), 0o755);
        assert_eq!(mode(&shut), 0o700);
    }
}
