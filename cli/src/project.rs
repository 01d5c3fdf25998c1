//! The folder of the project and the places in it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::failure::Failure;

/// Where things are.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    root: PathBuf,
}

impl Project {
    /// The project in `folder`, or the nearest one upwards from the current folder.
    pub(crate) fn find(folder: Option<&Path>) -> Result<Self> {
        let is_project = |folder: &Path| folder.join("spin.toml").is_file();
        let begin = match folder {
            Some(folder) => folder.to_owned(),
            None => std::env::current_dir().context("cannot find out the current folder")?,
        };
        let begin = begin
            .canonicalize()
            .with_context(|| format!("cannot enter `{}`", begin.display()))?;
        let found = match folder {
            Some(_) => Some(begin.as_path()).filter(|folder| is_project(folder)),
            None => begin.ancestors().find(|folder| is_project(folder)),
        };
        found
            .map(|root| Self {
                root: root.to_owned(),
            })
            .ok_or_else(|| {
                Failure::new(
                    format!(
                        "there is no spin.toml in `{}`{}",
                        begin.display(),
                        if folder.is_none() { " or above" } else { "" }
                    ),
                    "go to the folder of pgvitals, or name it by --project",
                )
                .into()
            })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn manifest(&self) -> PathBuf {
        self.root.join("spin.toml")
    }

    pub(crate) fn dotenv(&self) -> PathBuf {
        self.root.join(".env")
    }

    /// The folder of all that belongs to this machine and not to the project; made when it is not there.
    pub(crate) fn private(&self) -> Result<PathBuf> {
        let folder = self.root.join(".pgvitals");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
        Ok(folder)
    }

    /// A place below [`private`](Self::private), whether it exists or not.
    pub(crate) fn place(&self, name: &str) -> PathBuf {
        self.root.join(".pgvitals").join(name)
    }

    /// A path as it is shown to somebody who works in the project.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}
