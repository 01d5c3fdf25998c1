//! The log of the application: a file and its predecessor, neither larger than a limit.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::io::AsyncWriteExt;

/// Some days of quiet work, and little enough to be read.
const LIMIT: u64 = 8 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    file: tokio::fs::File,
    size: u64,
}

impl Log {
    /// Goes on with the log of the last start.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let failed = || format!("cannot open the log `{}`", path.display());
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .with_context(failed)?;
        let size = file.metadata().with_context(failed)?.len();
        Ok(Self {
            path: path.to_owned(),
            file: tokio::fs::File::from_std(file),
            size,
        })
    }

    /// Adds a line, beginning a new file when this one is full.
    pub(crate) async fn write(&mut self, line: &str) -> Result<()> {
        if self.size > LIMIT {
            let previous = self.path.with_extension("log.1");
            tokio::fs::rename(&self.path, &previous)
                .await
                .with_context(|| format!("cannot move the log to `{}`", previous.display()))?;
            *self = Self::open(&self.path)?;
        }
        let line = format!("{line}\n");
        let written = self.file.write_all(line.as_bytes()).await;
        written.with_context(|| format!("cannot write the log `{}`", self.path.display()))?;
        self.file
            .flush()
            .await
            .with_context(|| format!("cannot write the log `{}`", self.path.display()))?;
        self.size += line.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_log_makes_room_for_a_new_one_and_is_kept_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("application.log");
        let line = "x".repeat(1024 * 1024);
        let mut log = Log::open(&path).unwrap();
        for _ in 0..20 {
            log.write(&line).await.unwrap();
        }
        let size = |path: &Path| std::fs::metadata(path).unwrap().len();
        assert!(size(&path) <= LIMIT + line.len() as u64 + 1);
        assert!(size(&path.with_extension("log.1")) <= LIMIT + line.len() as u64 + 1);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[tokio::test]
    async fn the_next_start_goes_on_with_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("application.log");
        Log::open(&path).unwrap().write("first").await.unwrap();
        Log::open(&path).unwrap().write("second").await.unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first\nsecond\n");
    }
}
