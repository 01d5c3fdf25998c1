//! What Prometheus reads: the text format 0.0.4, and OpenMetrics 1.0 for who asks for it.
//!
//! One wrong line makes Prometheus refuse the whole page, so wrong lines cannot be written: names are checked, label
//! values escaped, and a series that is already there is refused. The order is that of names and labels, always.
//!
//! - [`Exposition`]: the families of a page, which know nothing of formats
//! - [`Format`]: how a page is written, and which format a client gets
//! - [`unit_of`]: the unit that a name ends in

mod format;
mod negotiation;

use std::collections::BTreeMap;

pub use format::{Format, Written, unit_of};

/// What kind of numbers a family has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, until it starts again. Its name ends in `_total`.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It is not told.
    Untyped,
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
    /// A counter of which the name does not end in `_total`, or something else of which it does.
    #[error("cannot expose {name} as a {kind}: counters end in _total, and nothing else does")]
    Suffix {
        /// The name.
        name: String,
        /// The kind.
        kind: &'static str,
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
    constant: Vec<(String, String)>,
}

/// All series of one name.
#[derive(Clone, Debug)]
pub struct Family {
    name: String,
    kind: Kind,
    help: String,
    /// By their labels as they are written, which is all that is ever done with them.
    series: BTreeMap<String, f64>,
    constant: Vec<(String, String)>,
}

impl Exposition {
    /// An empty page.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty page of which every series carries these labels, unless it has one of that name itself.
    ///
    /// # Errors
    ///
    /// If a label has no proper name or is there twice.
    pub fn with_labels(labels: &[(&str, &str)]) -> Result<Self, ExpositionError> {
        // What a series would be refused for is refused here, once and with the same words.
        let mut probe = Self::new();
        probe
            .family("constant_labels", Kind::Gauge, "")?
            .add(labels, 0.0)?;
        let constant = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Ok(Self {
            constant: constant.collect(),
            ..probe.emptied()
        })
    }

    fn emptied(mut self) -> Self {
        self.families.clear();
        self
    }

    /// The family of that name, which is begun if it is not there.
    ///
    /// # Errors
    ///
    /// If the name is none or does not fit the kind, or the family is there with another kind or help.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) -> Result<&mut Family, ExpositionError> {
        if !self.families.contains_key(name) {
            self.begin(name, kind, help)?;
        }
        match self.families.get_mut(name) {
            Some(family) if family.kind == kind && family.help == help => Ok(family),
            _ => Err(ExpositionError::Conflict {
                family: name.to_owned(),
            }),
        }
    }

    fn begin(&mut self, name: &str, kind: Kind, help: &str) -> Result<(), ExpositionError> {
        if !is_metric_name(name) {
            return Err(ExpositionError::MetricName {
                name: name.to_owned(),
            });
        }
        let mismatch = match kind {
            Kind::Counter if !name.ends_with("_total") => Some("counter"),
            Kind::Gauge if name.ends_with("_total") => Some("gauge"),
            _ => None,
        };
        if let Some(kind) = mismatch {
            return Err(ExpositionError::Suffix {
                name: name.to_owned(),
                kind,
            });
        }
        let family = Family {
            name: name.to_owned(),
            kind,
            help: help.to_owned(),
            series: BTreeMap::new(),
            constant: self.constant.clone(),
        };
        self.families.insert(name.to_owned(), family);
        Ok(())
    }

    /// How many series there are.
    pub fn series(&self) -> usize {
        self.families.values().map(|family| family.series.len()).sum()
    }

    /// The page in a format, to be displayed.
    pub const fn written(&self, format: Format) -> Written<'_> {
        Written {
            exposition: self,
            format,
        }
    }
}

impl Family {
    /// Adds a series. A label without a value is the same as no label, as it is to Prometheus.
    ///
    /// # Errors
    ///
    /// If a label has no proper name or is there twice, or if the series is there already.
    pub fn add(&mut self, labels: &[(&str, &str)], value: f64) -> Result<(), ExpositionError> {
        let constant = self.constant.iter();
        let constant = constant.map(|(name, value)| (name.as_str(), value.as_str()));
        let mut sorted: Vec<(&str, &str)> = constant
            .filter(|(name, _)| labels.iter().all(|(own, _)| own != name))
            .chain(labels.iter().copied())
            .collect();
        sorted.sort_unstable();
        if let Some((label, _)) = sorted.iter().find(|(label, _)| !is_label_name(label)) {
            return Err(ExpositionError::LabelName {
                family: self.name.clone(),
                label: (*label).to_owned(),
            });
        }
        let pairs = sorted.iter().zip(sorted.iter().skip(1));
        if let Some(((label, _), _)) = pairs.into_iter().find(|((a, _), (b, _))| a == b) {
            return Err(ExpositionError::DuplicateLabel {
                family: self.name.clone(),
                label: (*label).to_owned(),
            });
        }
        sorted.retain(|(_, value)| !value.is_empty());
        let written = format::labels(&sorted);
        if self.series.contains_key(&written) {
            return Err(ExpositionError::DuplicateSeries {
                family: self.name.clone(),
                labels: written,
            });
        }
        self.series.insert(written, value);
        Ok(())
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
