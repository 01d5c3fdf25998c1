//! A manifest in a folder of its own.

use std::error::Error;
use std::path::PathBuf;

use application::{Application, ApplicationError, Options};
use tempfile::TempDir;

/// A folder with a manifest, and a file for every component that a test may name.
pub(crate) struct Folder {
    pub(crate) directory: TempDir,
}

impl Folder {
    pub(crate) fn new(manifest: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("spin.toml"), manifest).unwrap();
        std::fs::write(directory.path().join("a.wasm"), "").unwrap();
        Self { directory }
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn load(&self, options: &Options) -> Result<Application, ApplicationError> {
        Application::load(&self.path("spin.toml"), options)
    }
}

/// The manifest that most tests add something to. It has 6 lines.
pub(crate) const HEAD: &str = "spin_manifest_version = 2\n[application]\nname = \"test\"\n\
                    [component.a]\nsource = \"a.wasm\"\n[trigger]\n";

/// The error of a manifest as an operator would see it, without the folder: the message and its causes, then
/// the hint.
pub(crate) fn shown(folder: &Folder, error: &ApplicationError) -> (String, String) {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    let directory = format!("{}/", folder.directory.path().display());
    (text.replace(&directory, ""), error.hint())
}
