//! A page of metrics as Prometheus would read it.

use std::collections::{BTreeMap, BTreeSet};

/// A page in the text format.
pub(crate) struct Page {
    pub(crate) series: Vec<Series>,
    pub(crate) text: String,
}

/// A series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Page {
    /// Reads every line that is no comment.
    pub(crate) fn read(text: String) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self {
            series: lines.map(Series::read).collect(),
            text,
        }
    }

    /// The names.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.series.iter().map(|series| series.name.as_str()).collect()
    }

    /// The series of a name that have these labels, among others.
    pub(crate) fn all(&self, name: &str, labels: &[(&str, &str)]) -> Vec<&Series> {
        let has = |series: &&Series| {
            labels
                .iter()
                .all(|(label, value)| series.labels.get(*label).map_or("", String::as_str) == *value)
        };
        let named = self.series.iter().filter(|series| series.name == name);
        named.filter(has).collect()
    }

    /// The value of the one series of a name that has these labels, among others.
    #[track_caller]
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let found = self.all(name, labels);
        assert_eq!(found.len(), 1, "{name}{labels:?}: {found:?}");
        found[0].value
    }

    /// The sum of the series of a name that have these labels, among others.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.all(name, labels).iter().map(|series| series.value).sum()
    }
}

impl Series {
    fn read(line: &str) -> Self {
        let (head, value) = line.rsplit_once(' ').unwrap();
        let (name, inside) = head.split_once('{').unwrap_or((head, ""));
        let mut labels = BTreeMap::new();
        let mut rest = inside.strip_suffix('}').unwrap_or(inside);
        while let Some((label, after)) = rest.split_once("=\"") {
            let (value, after) = quoted(after);
            labels.insert(label.trim_start_matches(',').to_owned(), value);
            rest = after;
        }
        Self {
            name: name.to_owned(),
            labels,
            value: value.parse().unwrap(),
        }
    }
}

/// A text up to its closing quote, and what comes after it.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next().unwrap() {
            '"' => return (value, characters.as_str()),
            '\\' => value.push(match characters.next().unwrap() {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
}
