//! Where the programs under test are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::project_root;

/// The runner: `PGVITALS_RUNNER`, or the one that was built with this test.
pub fn runner() -> Result<PathBuf> {
    program("PGVITALS_RUNNER", "pgvitals-runner")
}

/// The `pgvitals` command: `PGVITALS_COMMAND`, or the one that was built with this test.
pub fn pgvitals() -> Result<PathBuf> {
    program("PGVITALS_COMMAND", "pgvitals")
}

/// The folder of the built components.
pub fn components() -> Result<PathBuf> {
    let folder = project_root().join("target/components");
    if !folder.is_dir() {
        bail!("the components are not built: run `scripts/build --components`");
    }
    Ok(folder)
}

fn program(variable: &str, name: &str) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        return Ok(PathBuf::from(path));
    }
    let test = std::env::current_exe().context("cannot find out where this test is")?;
    // A test lies in PROFILE/deps or, as an example or a bench, in PROFILE/something: the programs in PROFILE.
    test.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path: &PathBuf| Path::is_file(path))
        .with_context(|| format!("`{name}` is not built: run `scripts/build`, or set {variable}"))
}
