//! A manifest as text, to name the line and the key that an error is about.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use crate::error::{ApplicationError, Place, Problem};

/// One step from a table to what is in it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// The text of a manifest and where its keys stand.
pub(crate) struct Document<'a> {
    path: &'a Path,
    text: &'a str,
    root: DeValue<'a>,
}

impl<'a> Document<'a> {
    pub(crate) fn parse(path: &'a Path, text: &'a str) -> Result<Self, ApplicationError> {
        let mut document = Self {
            path,
            text,
            root: DeValue::Table(DeTable::new()),
        };
        let table = DeTable::parse(text).map_err(|error| document.syntax_error(&error))?;
        document.root = DeValue::Table(table.into_inner());
        match text.parse::<toml_of_spin::Table>() {
            Ok(_) => Ok(document),
            Err(error) => Err(document.dialect_error(&error)),
        }
    }

    /// What is right in TOML 1.1 and wrong in 1.0, such as a table in braces over several lines.
    fn dialect_error(&self, error: &toml_of_spin::de::Error) -> ApplicationError {
        let place = Place {
            file: self.path.to_owned(),
            line: error.span().map(|span| line_of(self.text, span.start)),
            key: None,
        };
        let problem = format!(
            "Spin reads TOML 1.0 only: {}",
            error.message().replace('\n', ", ")
        );
        ApplicationError::new(place, Problem::Syntax(problem))
    }

    /// Reads the text into typed tables.
    pub(crate) fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, ApplicationError> {
        toml::from_str(self.text).map_err(|error| self.syntax_error(&error))
    }

    fn syntax_error(&self, error: &toml::de::Error) -> ApplicationError {
        // What the file as a whole lacks has an empty span at its beginning, where nothing is wrong.
        let span = error.span().filter(|span| *span != (0..0));
        let place = Place {
            file: self.path.to_owned(),
            line: span.as_ref().map(|span| line_of(self.text, span.start)),
            key: span.and_then(|span| self.key_around(&span)),
        };
        ApplicationError::new(place, Problem::Syntax(error.message().replace('\n', ", ")))
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.path.parent().map(Path::to_owned).unwrap_or_default()
    }

    pub(crate) fn path(&self) -> &Path {
        self.path
    }

    /// The names of the keys in the table `name`.
    pub(crate) fn keys(&self, name: &str) -> Vec<String> {
        match enter(&self.root, Step::Key(name)) {
            Some((_, DeValue::Table(table))) => table.keys().map(|key| key.get_ref().to_string()).collect(),
            _ => Vec::new(),
        }
    }

    /// What the key `name` is set to, when that is a number or text.
    pub(crate) fn scalar(&self, name: &str) -> Option<&str> {
        match enter(&self.root, Step::Key(name))? {
            (_, DeValue::Integer(number)) => Some(number.as_str()),
            (_, DeValue::String(text)) => Some(text),
            _ => None,
        }
    }

    /// An error about what stands at `steps`, or at the nearest table around it that is in the text.
    pub(crate) fn error(&self, steps: &[Step<'_>], problem: impl Into<Problem>) -> ApplicationError {
        let mut value = &self.root;
        let mut line = None;
        for step in steps {
            let Some((span, inner)) = enter(value, *step) else {
                break;
            };
            line = Some(line_of(self.text, span.start));
            value = inner;
        }
        let key = (!steps.is_empty()).then(|| written(steps));
        ApplicationError::new(
            Place {
                file: self.path.to_owned(),
                line,
                key,
            },
            problem,
        )
    }

    /// The innermost key that stands at, or around, `wanted`.
    fn key_around(&self, wanted: &Range<usize>) -> Option<String> {
        let mut value = &self.root;
        let mut path: Vec<Step<'_>> = Vec::new();
        while let Some((step, _, inner)) = entries(value)
            .into_iter()
            .find(|(_, span, inner)| covers(span, wanted) || holds(inner, wanted))
        {
            path.push(step);
            value = inner;
        }
        (!path.is_empty()).then(|| written(&path))
    }
}

fn covers(span: &Range<usize>, wanted: &Range<usize>) -> bool {
    span.start <= wanted.start && wanted.end <= span.end
}

/// Whether anything inside `value` stands around `wanted`. A table whose parts are written in several places, such as
/// `[component.a]` and `[component.b]`, has no span of its own that covers them all.
fn holds(value: &DeValue<'_>, wanted: &Range<usize>) -> bool {
    entries(value)
        .iter()
        .any(|(_, span, inner)| covers(span, wanted) || holds(inner, wanted))
}

/// What is directly inside a table or an array, with where its key and value stand.
fn entries<'v>(value: &'v DeValue<'_>) -> Vec<(Step<'v>, Range<usize>, &'v DeValue<'v>)> {
    match value {
        DeValue::Table(table) => table
            .iter()
            .map(|(key, inner)| {
                let (key_span, span) = (key.span(), inner.span());
                // The span of a table under a header of its own is the header, which has the key inside it.
                let span = key_span.start.min(span.start)..key_span.end.max(span.end);
                (Step::Key(key.get_ref().as_ref()), span, inner.get_ref())
            })
            .collect(),
        DeValue::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, inner)| (Step::Index(index), inner.span(), inner.get_ref()))
            .collect(),
        _ => Vec::new(),
    }
}

fn enter<'v>(value: &'v DeValue<'_>, step: Step<'_>) -> Option<(Range<usize>, &'v DeValue<'v>)> {
    entries(value).into_iter().find_map(|(found, span, inner)| {
        let same = match (found, step) {
            (Step::Key(found), Step::Key(wanted)) => found == wanted,
            (Step::Index(found), Step::Index(wanted)) => found == wanted,
            _ => false,
        };
        same.then_some((span, inner))
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// A path of keys as one would say it: `trigger.http[2].route`, counted from 1.
fn written(steps: &[Step<'_>]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            Step::Index(index) => text.push_str(&format!("[{}]", index + 1)),
        }
    }
    text
}
