//! What a server says while it starts. Its first words go to the output it was given; from then on, when it keeps
//! logs of its own, they go there, and with them the reason why it did not start.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::installation::last_lines;

/// Where a server that collects its own logs does so, unless it is told otherwise.
const OWN_LOGS: &str = "log";
/// How long the process that collects the logs may need for the last of them, after the server has ended.
const SETTLING: Duration = Duration::from_millis(200);
/// How many lines of each log are shown.
const LINES: usize = 6;

/// What was in the logs before a start, so that only what came since is told.
#[derive(Debug)]
pub(crate) struct Told {
    output: PathBuf,
    output_size: u64,
    data: PathBuf,
    own: Option<(PathBuf, u64)>,
}

impl Told {
    /// What `output` and the server's own logs in `data` hold now.
    pub(crate) fn so_far(output: &Path, data: &Path) -> Self {
        Self {
            output: output.to_owned(),
            output_size: fs::metadata(output).map_or(0, |metadata| metadata.len()),
            data: data.to_owned(),
            own: newest_log(data),
        }
    }

    /// The end of what was said since, first in the output and then in the newest log; to be asked after the
    /// server has ended.
    pub(crate) fn since(&self) -> String {
        let mut told = tail_from(&self.output, self.output_size);
        if self.data.join(OWN_LOGS).is_dir() {
            thread::sleep(SETTLING);
        }
        if let Some((path, size)) = newest_log(&self.data) {
            let begin = match &self.own {
                // A file that has become smaller was begun anew.
                Some((known, before)) if *known == path && *before <= size => *before,
                _ => 0,
            };
            let own = tail_from(&path, begin);
            if !told.is_empty() && !own.is_empty() {
                told.push('\n');
            }
            told.push_str(&own);
        }
        told
    }
}

/// The log that was written last, with its size. Links are left alone: the folder may belong to another user.
fn newest_log(data: &Path) -> Option<(PathBuf, u64)> {
    let entries = fs::read_dir(data.join(OWN_LOGS)).ok()?;
    let files = entries.flatten().filter_map(|entry| {
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        let written = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Some((written, entry.path(), metadata.len()))
    });
    files
        .max_by_key(|(written, ..)| *written)
        .map(|(_, path, size)| (path, size))
}

/// The end of what was appended to `log` after `begin`.
fn tail_from(log: &Path, begin: u64) -> String {
    let text = fs::read(log).unwrap_or_default();
    let begin = usize::try_from(begin).unwrap_or(0).min(text.len());
    last_lines(&String::from_utf8_lossy(&text[begin..]), LINES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_came_since_is_told_and_the_own_log_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("postgres.log");
        let own = folder.path().join("log/postgresql-Mon.log");
        fs::create_dir(folder.path().join("log")).unwrap();
        fs::write(&output, "an earlier start\n").unwrap();
        fs::write(&own, "an earlier day\n").unwrap();
        let told = Told::so_far(&output, folder.path());
        assert_eq!(told.since(), "");

        fs::write(&output, "an earlier start\nredirecting\n").unwrap();
        fs::write(&own, "an earlier day\nFATAL: no room\n").unwrap();
        assert_eq!(told.since(), "redirecting\nFATAL: no room");

        // A week later the file begins anew.
        fs::write(&own, "FATAL: short\n").unwrap();
        assert_eq!(told.since(), "redirecting\nFATAL: short");
    }

    #[test]
    fn a_server_without_logs_of_its_own_is_told_by_its_output() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("postgres.log");
        let told = Told::so_far(&output, folder.path());
        fs::write(&output, "FATAL: no room\n").unwrap();
        assert_eq!(told.since(), "FATAL: no room");
    }
}
