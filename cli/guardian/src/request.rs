//! Requests: the critical queries of `sql/guardian/critical` and the other things that users do, in
//! `sql/guardian/pgbench`, each a file whose header says who sends it and how long it may take.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a request is, from its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its name, which is that of its file.
    pub name: String,
    /// Which promise it falls under: `timeline`, `rls`, `search`, …
    pub class: String,
    /// How long it may take at most.
    pub threshold: Duration,
    /// Who sends it.
    pub role: Role,
    /// The statements, without the header, ending in a semicolon. Variables are written as pgbench has them: `:name`.
    pub statements: String,
}

/// Who sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A patient who is logged in; row-level security applies.
    Patient,
    /// A provider who is logged in; row-level security applies.
    Provider,
    /// The application itself, as the owner of the tables; row-level security does not apply.
    Owner,
}

impl Role {
    /// The name in headers and in the JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Patient => "patient",
            Role::Provider => "provider",
            Role::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// Why a file is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A line of the header is missing.
    #[error("the request {request} has no line `-- {line}:`")]
    Missing {
        /// The file.
        request: String,
        /// The beginning of the line.
        line: &'static str,
    },
    /// A line of the header cannot be read.
    #[error("the request {request} says `{value}` for {line}, which is not understood")]
    Malformed {
        /// The file.
        request: String,
        /// The beginning of the line.
        line: &'static str,
        /// What stands there.
        value: String,
    },
    /// The header lists other parameters than the statements use.
    #[error("the request {request} lists the parameters `{stated}`, and its statements use `{used}`")]
    Parameters {
        /// The file.
        request: String,
        /// What the header lists.
        stated: String,
        /// What the statements use.
        used: String,
    },
    /// A text in quotes holds what pgbench would replace.
    #[error("the request {request} has `:{variable}` in quotes, which pgbench would take for a variable")]
    QuotedVariable {
        /// The file.
        request: String,
        /// What follows the colon.
        variable: String,
    },
    /// There is no such file.
    #[error("there is no request {0}")]
    Unknown(String),
}

macro_rules! files {
    ($folder:literal: $($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../sql/guardian/", $folder, "/", $name, ".sql"))),)*]
    };
}

/// What pgbench gives every script.
const PGBENCH_VARIABLES: [&str; 4] = ["client_id", "default_seed", "random_seed", "scale"];

/// The critical queries, by name.
const CRITICAL: &[(&str, &str)] = files! {
    "critical":
        "bulk_toggle" "dashboard_read" "dashboard_refresh" "document_search" "document_search_panel" "job_claim"
        "job_complete" "policy_check" "provider_patients" "provider_reads_patient" "relationship_scan"
        "timeline_deep_page" "timeline_filtered" "timeline_first_page"
};
/// What else users and workers do.
const OTHERS: &[(&str, &str)] = files! {
    "pgbench": "document_upload" "process_document" "process_invalidations" "provider_note"
};

impl Request {
    /// The request of a name.
    ///
    /// # Errors
    ///
    /// Where there is none, or its file is malformed.
    pub fn named(name: &str) -> Result<Self, RequestError> {
        let (_, text) = CRITICAL
            .iter()
            .chain(OTHERS)
            .find(|(known, _)| *known == name)
            .ok_or_else(|| RequestError::Unknown(name.to_owned()))?;
        Self::parse(name, text)
    }

    /// The names of all requests.
    pub fn names() -> impl Iterator<Item = &'static str> {
        CRITICAL.iter().chain(OTHERS).map(|(name, _)| *name)
    }

    /// The names of the critical queries.
    pub fn critical() -> impl Iterator<Item = &'static str> {
        CRITICAL.iter().map(|(name, _)| *name)
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// What is missing or wrong in it.
    pub fn parse(name: &str, text: &str) -> Result<Self, RequestError> {
        let header = |line: &'static str| {
            let begin = format!("-- {line}:");
            let found = text.lines().find_map(|text| text.strip_prefix(&begin));
            found.map(str::trim).ok_or_else(|| RequestError::Missing {
                request: name.to_owned(),
                line,
            })
        };
        let malformed = |line, value: &str| RequestError::Malformed {
            request: name.to_owned(),
            line,
            value: value.to_owned(),
        };
        let stated = header("name")?;
        if stated != name {
            return Err(malformed("name", stated));
        }
        let milliseconds = header("threshold ms")?;
        let threshold = milliseconds
            .parse()
            .map(Duration::from_millis)
            .map_err(|_| malformed("threshold ms", milliseconds))?;
        let role = match header("role")? {
            "patient" => Role::Patient,
            "provider" => Role::Provider,
            "owner" => Role::Owner,
            other => return Err(malformed("role", other)),
        };
        let statements = statements(text);
        if let Some(variable) = quoted_variable(&statements) {
            return Err(RequestError::QuotedVariable {
                request: name.to_owned(),
                variable,
            });
        }
        let request = Self {
            name: name.to_owned(),
            class: header("threshold class")?.to_owned(),
            threshold,
            role,
            statements,
        };
        let parameters = header("parameters")?;
        let stated = parameters
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty());
        let mut stated: Vec<String> = stated.map(str::to_owned).collect();
        let mut used = request.variables();
        stated.sort_unstable();
        used.sort_unstable();
        if stated != used {
            return Err(RequestError::Parameters {
                request: name.to_owned(),
                stated: stated.join(", "),
                used: used.join(", "),
            });
        }
        Ok(request)
    }

    /// The variables that must have a value before the statements run, each once, in the order in which they stand there:
    /// those that a statement reads before one sets it by `\gset` or `\set`.
    pub fn variables(&self) -> Vec<String> {
        let mut known: Vec<String> = PGBENCH_VARIABLES.map(str::to_owned).to_vec();
        let mut wanted: Vec<String> = Vec::new();
        for line in self.statements.lines() {
            for (variable, _) in variables_in(line) {
                if !known.contains(&variable) && !wanted.contains(&variable) {
                    wanted.push(variable);
                }
            }
            let mut words = line.split_whitespace();
            if words.next() == Some("\\set") {
                known.extend(words.next().map(str::to_owned));
            }
            if line.contains("\\gset") {
                known.extend(self.columns_before(line));
            }
        }
        wanted
    }

    /// What a `\gset` on this line sets: pgbench takes the names of the columns, which our files write as `… as NAME`.
    fn columns_before(&self, line: &str) -> Vec<String> {
        let upto = self.statements.find(line).map_or(0, |begin| begin + line.len());
        let text = self.statements.get(..upto).unwrap_or_default();
        let words: Vec<&str> = text
            .split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
            .filter(|word| !word.is_empty())
            .collect();
        words
            .windows(2)
            .filter_map(|pair| match pair {
                ["as", name] => Some((*name).to_owned()),
                _ => None,
            })
            .collect()
    }

    /// The statements with each variable replaced by the text that `value` gives for it, as a quoted literal.
    pub fn with_literals(&self, value: impl Fn(&str) -> Option<String>) -> Result<String, RequestError> {
        let mut bound = String::with_capacity(self.statements.len());
        let mut rest = self.statements.as_str();
        while let Some((variable, begin)) = variables_in(rest).next() {
            let text = value(&variable).ok_or_else(|| RequestError::Malformed {
                request: self.name.clone(),
                line: "parameters",
                value: variable.clone(),
            })?;
            bound.push_str(rest.get(..begin).unwrap_or_default());
            bound.push('\'');
            bound.push_str(&text.replace('\'', "''"));
            bound.push('\'');
            rest = rest.get(begin + 1 + variable.len()..).unwrap_or_default();
        }
        bound.push_str(rest);
        Ok(bound)
    }
}

/// What follows the header: without the lines that are comments, and with a semicolon at the end.
fn statements(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .collect();
    let mut statements = lines.join("\n").trim().to_owned();
    let last = statements.lines().next_back().unwrap_or_default().trim_start();
    if !statements.ends_with(';') && !last.starts_with('\\') && !last.contains("\\gset") {
        statements.push(';');
    }
    statements
}

/// The variables in a text and where their colons stand. A double colon is a cast.
fn variables_in(text: &str) -> impl Iterator<Item = (String, usize)> {
    let mut after = 0;
    std::iter::from_fn(move || {
        loop {
            let begin = after + text.get(after..)?.find(':')?;
            let rest = text.get(begin + 1..)?;
            if let Some(cast) = rest.strip_prefix(':') {
                after = text.len() - cast.trim_start_matches(':').len();
                continue;
            }
            let length = rest
                .find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
                .unwrap_or(rest.len());
            after = begin + 1 + length;
            if rest.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_') {
                return Some((rest.get(..length)?.to_owned(), begin));
            }
        }
    })
}

/// A variable between single quotes: pgbench looks for variables everywhere.
fn quoted_variable(statements: &str) -> Option<String> {
    variables_in(statements)
        .find(|(_, begin)| {
            let before = statements.get(..*begin).unwrap_or_default();
            before.matches('\'').count() % 2 == 1
        })
        .map(|(variable, _)| variable)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const FILE: &str = "\
-- name: page
-- threshold class: timeline
-- threshold ms: 100
-- role: patient
-- parameters: patient_id, before_at
--
-- The newest events of a patient.
select title::text
from guardian.timeline_events -- by patient
where patient_id = :patient_id and occurred_at < :before_at and 'a::b' <> kind
";

    fn request(text: &str) -> Request {
        Request::parse("page", text).unwrap()
    }

    #[test]
    fn the_header_says_who_and_how_long() {
        let page = request(FILE);
        assert_eq!(page.class, "timeline");
        assert_eq!(page.threshold, Duration::from_millis(100));
        assert_eq!(page.role, Role::Patient);
        assert!(page.statements.starts_with("select title") && page.statements.ends_with("kind;"));
        assert_eq!(page.variables(), ["patient_id", "before_at"]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let without = FILE.replace("-- role: patient\n", "");
        assert_eq!(
            Request::parse("page", &without).unwrap_err().to_string(),
            "the request page has no line `-- role:`"
        );
        let wrong = FILE.replace("ms: 100", "ms: soon");
        assert_eq!(
            Request::parse("page", &wrong).unwrap_err().to_string(),
            "the request page says `soon` for threshold ms, which is not understood"
        );
        let other = FILE.replace("patient_id, before_at", "patient_id");
        assert_eq!(
            Request::parse("page", &other).unwrap_err().to_string(),
            "the request page lists the parameters `patient_id`, and its statements use `before_at, patient_id`"
        );
        let quoted = FILE.replace("'a::b'", "'12:mm'");
        assert_eq!(
            Request::parse("page", &quoted).unwrap_err().to_string(),
            "the request page has `:mm` in quotes, which pgbench would take for a variable"
        );
    }

    #[test]
    fn values_become_literals_and_casts_stay() {
        let page = request(FILE);
        let bound = page
            .with_literals(|variable| Some(format!("{variable}'s")))
            .unwrap();
        assert!(bound.contains("patient_id = 'patient_id''s' and occurred_at < 'before_at''s'"));
        assert!(bound.contains("title::text"));
        assert!(page.with_literals(|_| None).is_err());
    }

    #[test]
    fn what_a_statement_before_has_set_is_not_asked_for() {
        let text = FILE
            .replace("parameters: ", "parameters: worker, ")
            .replace(
                "select title::text",
                "\\set pause 5\nselect job_id::int8 as job_id from claim(:worker) \\gset\nselect :job_id, :pause, :client_id",
            );
        assert_eq!(request(&text).variables(), ["worker", "patient_id", "before_at"]);
    }

    #[test]
    fn every_file_is_listed_and_reads_well() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sql/guardian");
        let files = ["critical", "pgbench"].iter().flat_map(|part| {
            std::fs::read_dir(format!("{folder}/{part}"))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        });
        let files: BTreeSet<String> = files.collect();
        let listed: BTreeSet<String> = Request::names().map(|name| format!("{name}.sql")).collect();
        assert_eq!(listed, files);
        for name in Request::names() {
            Request::named(name).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
