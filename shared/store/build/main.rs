//! Makes the list of collectors from the files in `sql/collectors/`, and that of metrics from those in `sql/metrics/`.
//!
//! Adding one is adding a file. A header that cannot be read, or variants that do not fit each other, fail the
//! build with the file and the line, rather than a run on somebody's server.

#![allow(clippy::print_stdout, reason = "what a build script prints is for cargo")]

mod generate;
mod header;
mod lines;
mod metric;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use header::File;
use lines::HeaderError;
use metric::Metric;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=sql");
    check_statements(&Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("sql"))?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let collectors = read("sql/collectors", File::parse)?;
    fs::write(out.join("collectors.rs"), generate::collectors(&collectors)?)?;
    let metrics = read("sql/metrics", Metric::parse)?;
    fs::write(out.join("metrics.rs"), metric::generate(&metrics)?)?;
    Ok(())
}

/// Every file of a folder of the project, by name; or what is wrong, of all that are wrong.
fn read<T>(folder: &str, parse: fn(&str, &str) -> Result<T, HeaderError>) -> Result<Vec<T>, Box<dyn Error>> {
    let path = Path::new(&env::var("CARGO_MANIFEST_DIR")?)
        .join("../..")
        .join(folder);
    println!("cargo::rerun-if-changed={}", path.display());
    let mut paths: Vec<PathBuf> = fs::read_dir(&path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match read_file(&path, &name, parse) {
            Ok(file) => files.push(file),
            Err(error) => wrong.push(format!("{folder}/{name}: {error}")),
        }
    }
    if wrong.is_empty() {
        Ok(files)
    } else {
        Err(wrong.join("\n").into())
    }
}

/// Looks through the statements of a folder and of those in it for columns that Spin cannot read.
fn check_statements(folder: &Path) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            check_statements(&path)?;
        } else {
            lines::check_times(&fs::read_to_string(&path)?)
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

fn read_file<T>(
    path: &Path,
    name: &str,
    parse: fn(&str, &str) -> Result<T, HeaderError>,
) -> Result<T, String> {
    let stem = name
        .strip_suffix(".sql")
        .ok_or_else(|| "not a .sql file".to_owned())?;
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    parse(stem, &text).map_err(|error| error.to_string())
}
