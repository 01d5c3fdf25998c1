//! The dotenv file: `NAME=value` lines, read as Spin's environment provider reads them.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::error::{ApplicationError, Place, Problem};

/// The lines of a dotenv file by name.
pub(crate) type DotenvValues = BTreeMap<String, String>;

/// Reads the file at `path`; without `required`, a file that is not there has no lines.
pub(crate) fn read(path: &Path, required: bool) -> Result<DotenvValues, ApplicationError> {
    match std::fs::read(path) {
        Ok(bytes) => parse(&bytes).map_err(|(line, problem)| {
            ApplicationError::new(
                Place {
                    file: path.to_owned(),
                    line,
                    key: None,
                },
                problem,
            )
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !required => Ok(DotenvValues::new()),
        Err(error) => Err(ApplicationError::new(
            Place::file(path),
            Problem::ReadDotenv(error),
        )),
    }
}

/// Reads the lines; the last one of a name wins, as on Spin.
fn parse(bytes: &[u8]) -> Result<DotenvValues, (Option<usize>, Problem)> {
    let mut values = DotenvValues::new();
    for line in dotenvy::from_read_iter(bytes) {
        let (name, value) = line.map_err(|error| fault(bytes, error))?;
        values.insert(name, value);
    }
    Ok(values)
}

/// Says which line is wrong without quoting it: its value may be a secret.
fn fault(bytes: &[u8], error: dotenvy::Error) -> (Option<usize>, Problem) {
    match error {
        dotenvy::Error::LineParse(faulty, _) => {
            let text = String::from_utf8_lossy(bytes);
            let first = faulty.lines().next().unwrap_or_default();
            let line = text
                .lines()
                .position(|line| line.trim() == first.trim())
                .map(|index| index + 1);
            (line, Problem::DotenvLine)
        }
        dotenvy::Error::Io(error) => (None, Problem::ReadDotenv(error)),
        other => (None, Problem::ReadDotenv(io::Error::other(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let values = parse(text.as_bytes()).unwrap();
        let expected = expected
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(values, expected, "dotenv {text:?}");
    }

    #[test]
    fn lines_are_read() {
        check("", &[]);
        check("# a comment\n\nA=1\n", &[("A", "1")]);
        check("export A=1", &[("A", "1")]);
        check(
            "A='one two' # why\nB=\"x\\ny\"\nC=",
            &[("A", "one two"), ("B", "x\ny"), ("C", "")],
        );
    }

    #[test]
    fn the_last_line_of_a_name_wins() {
        check("A=1\nA=2", &[("A", "2")]);
    }

    #[test]
    fn a_faulty_line_is_named_but_not_quoted() {
        let (line, problem) = parse(b"A=1\nB='hunter2\n").unwrap_err();
        assert_eq!(line, Some(2));
        assert!(!format!("{problem} {problem:?}").contains("hunter2"));
    }
}
