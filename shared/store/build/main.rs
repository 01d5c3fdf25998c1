//! Makes the list of collectors from the files in `sql/collectors/`.
//!
//! Adding a collector is adding a file. A header that cannot be read, or variants that do not fit each other, fail the
//! build with the file and the line, rather than a run on somebody's server.

#![allow(clippy::print_stdout, reason = "what a build script prints is for cargo")]

mod generate;
mod header;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use header::File;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../sql/collectors");
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed=build");
    let files = read(&folder)?;
    let generated = generate::collectors(&files)?;
    let path = PathBuf::from(env::var("OUT_DIR")?).join("collectors.rs");
    fs::write(path, generated)?;
    Ok(())
}

/// Every file of the folder, by name; or what is wrong, of all that are wrong.
fn read(folder: &Path) -> Result<Vec<File>, Box<dyn Error>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match parse(&path, &name) {
            Ok(file) => files.push(file),
            Err(error) => wrong.push(format!("sql/collectors/{name}: {error}")),
        }
    }
    if wrong.is_empty() {
        Ok(files)
    } else {
        Err(wrong.join("\n").into())
    }
}

fn parse(path: &Path, name: &str) -> Result<File, String> {
    let stem = name
        .strip_suffix(".sql")
        .ok_or_else(|| "not a .sql file".to_owned())?;
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    File::parse(stem, &text).map_err(|error| error.to_string())
}
