//! The text format of Prometheus, version 0.0.4.
//!
//! One wrong line makes Prometheus refuse the whole page, so wrong lines cannot be written: names are checked, label
//! values escaped, and a series that is already there is refused. The order is that of names and labels, always.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

/// The content type to answer with.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What kind of numbers a family has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, until it starts again.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It is not told.
    Untyped,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Untyped => "untyped",
        }
    }
}

/// What cannot be exposed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpositionError {
    /// The name of a family is none.
    #[error("cannot expose {name:?}: not a metric name")]
    MetricName {
        /// The name.
        name: String,
    },
    /// The name of a label is none, or one that Prometheus keeps to itself.
    #[error("cannot expose {family}: {label:?} is not a label name")]
    LabelName {
        /// The family.
        family: String,
        /// The name.
        label: String,
    },
    /// A label stands there twice.
    #[error("cannot expose {family}: label {label} appears twice")]
    DuplicateLabel {
        /// The family.
        family: String,
        /// The label.
        label: String,
    },
    /// The family is there already, of another kind or with another help.
    #[error("cannot expose {family} again with another type or help")]
    Conflict {
        /// The family.
        family: String,
    },
    /// The series is there already.
    #[error("cannot expose {family}{labels} twice")]
    DuplicateSeries {
        /// The family.
        family: String,
        /// The labels, as they are written.
        labels: String,
    },
}

/// A page for Prometheus.
#[derive(Clone, Debug, Default)]
pub struct Exposition {
    families: BTreeMap<String, Family>,
}

/// All series of one name.
#[derive(Clone, Debug)]
pub struct Family {
    name: String,
    kind: Kind,
    help: String,
    series: BTreeMap<Labels, f64>,
}

type Labels = Vec<(String, String)>;

impl Exposition {
    /// An empty page.
    pub fn new() -> Self {
        Self::default()
    }

    /// The family of that name, which is begun if it is not there.
    ///
    /// # Errors
    ///
    /// If the name is none, or the family is there with another kind or help.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) -> Result<&mut Family, ExpositionError> {
        if !is_metric_name(name) {
            return Err(ExpositionError::MetricName {
                name: name.to_owned(),
            });
        }
        let family = self.families.entry(name.to_owned()).or_insert_with(|| Family {
            name: name.to_owned(),
            kind,
            help: help.to_owned(),
            series: BTreeMap::new(),
        });
        if family.kind != kind || family.help != help {
            return Err(ExpositionError::Conflict {
                family: name.to_owned(),
            });
        }
        Ok(family)
    }
}

impl Family {
    /// Adds a series. A label without a value is the same as no label, as it is to Prometheus.
    ///
    /// # Errors
    ///
    /// If a label has no proper name or is there twice, or if the series is there already.
    pub fn add(&mut self, labels: &[(&str, &str)], value: f64) -> Result<(), ExpositionError> {
        let mut sorted: Labels = Vec::with_capacity(labels.len());
        for (label, value) in labels {
            if !is_label_name(label) {
                return Err(ExpositionError::LabelName {
                    family: self.name.clone(),
                    label: (*label).to_owned(),
                });
            }
            sorted.push(((*label).to_owned(), (*value).to_owned()));
        }
        sorted.sort();
        if let Some(((label, _), _)) = sorted
            .iter()
            .zip(sorted.iter().skip(1))
            .find(|((a, _), (b, _))| a == b)
        {
            return Err(ExpositionError::DuplicateLabel {
                family: self.name.clone(),
                label: label.clone(),
            });
        }
        sorted.retain(|(_, value)| !value.is_empty());
        if self.series.contains_key(&sorted) {
            let labels = WrittenLabels(&sorted).to_string();
            return Err(ExpositionError::DuplicateSeries {
                family: self.name.clone(),
                labels,
            });
        }
        self.series.insert(sorted, value);
        Ok(())
    }
}

impl fmt::Display for Exposition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for family in self.families.values().filter(|family| !family.series.is_empty()) {
            formatter.write_str("# HELP ")?;
            formatter.write_str(&family.name)?;
            formatter.write_char(' ')?;
            write_escaped(formatter, &family.help, false)?;
            writeln!(formatter, "\n# TYPE {} {}", family.name, family.kind.as_str())?;
            for (labels, value) in &family.series {
                write!(formatter, "{}{} ", family.name, WrittenLabels(labels))?;
                write_value(formatter, *value)?;
                formatter.write_char('\n')?;
            }
        }
        Ok(())
    }
}

struct WrittenLabels<'a>(&'a Labels);

impl fmt::Display for WrittenLabels<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (label, value)) in self.0.iter().enumerate() {
            formatter.write_char(if position == 0 { '{' } else { ',' })?;
            write!(formatter, "{label}=\"")?;
            write_escaped(formatter, value, true)?;
            formatter.write_char('"')?;
        }
        if self.0.is_empty() {
            Ok(())
        } else {
            formatter.write_char('}')
        }
    }
}

/// Escapes what the format says must be: backslash and line feed, and in label values the quote.
fn write_escaped(formatter: &mut fmt::Formatter<'_>, text: &str, quoted: bool) -> fmt::Result {
    for character in text.chars() {
        match character {
            '\\' => formatter.write_str("\\\\")?,
            '\n' => formatter.write_str("\\n")?,
            '"' if quoted => formatter.write_str("\\\"")?,
            _ => formatter.write_char(character)?,
        }
    }
    Ok(())
}

fn write_value(formatter: &mut fmt::Formatter<'_>, value: f64) -> fmt::Result {
    if value.is_nan() {
        formatter.write_str("NaN")
    } else if value.is_infinite() {
        formatter.write_str(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else if value == 0.0 || (1e-6..1e17).contains(&value.abs()) {
        write!(formatter, "{value}")
    } else {
        write!(formatter, "{value:e}")
    }
}

fn is_metric_name(name: &str) -> bool {
    let begins = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(begins) && name.chars().all(|c| begins(c) || c.is_ascii_digit())
}

fn is_label_name(name: &str) -> bool {
    is_metric_name(name) && !name.contains(':') && !name.starts_with("__")
}

#[cfg(test)]
mod tests;
