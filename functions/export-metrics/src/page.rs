//! The page under construction.

use std::borrow::Cow;

use function::log::Logger;
use serde_json::json;
use vitals::exposition::{Exposition, ExpositionError, Format, Kind};
use vitals::text::{pseudonym, visible};

/// A page of families. What cannot be exposed costs itself and not the page: it is left out and counted.
#[derive(Debug, Default)]
pub(crate) struct Page {
    exposition: Exposition,
    refused: Vec<ExpositionError>,
}

impl Page {
    /// An empty page of which every series carries some labels.
    pub(crate) fn new(constant: &[(&str, &str)]) -> Result<Self, ExpositionError> {
        Ok(Self {
            exposition: Exposition::with_labels(constant)?,
            refused: Vec::new(),
        })
    }

    /// Adds a series that goes up and down.
    pub(crate) fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.add_all(name, Kind::Gauge, help, &[(labels, value)]);
    }

    /// Adds a series under a name that other exporters gave it, of which the type cannot be told without breaking the
    /// rules of naming: a counter must end in `_total`, and dashboards ask for a name that does not.
    pub(crate) fn untyped(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.add_all(name, Kind::Untyped, help, &[(labels, value)]);
    }

    /// Adds series of one family.
    pub(crate) fn add_all(&mut self, name: &str, kind: Kind, help: &str, series: &[(&[(&str, &str)], f64)]) {
        if series.is_empty() {
            return;
        }
        match self.exposition.family(name, kind, help) {
            Ok(family) => {
                for (labels, value) in series {
                    let shown: Vec<_> = labels.iter().map(|label| (label.0, shown(*label))).collect();
                    let labels: Vec<_> = shown.iter().map(|(name, value)| (*name, &**value)).collect();
                    self.refused.extend(family.add(&labels, *value).err());
                }
            }
            Err(error) => self.refused.push(error),
        }
    }

    /// Tells what was left out.
    pub(crate) fn finish(&mut self, log: &Logger) {
        let refused = self.refused.len();
        if let Some(first) = self.refused.first() {
            let fields = json!({"series": refused, "first": first.to_string()});
            log.warn("Some series cannot be exposed", fields);
        }
        self.gauge(
            "pgvitals_refused_series",
            "Series that are left out of this page, because they are there already or are called what cannot be.",
            &[],
            refused as f64,
        );
    }

    /// How many series there are.
    pub(crate) fn series(&self) -> usize {
        self.exposition.series()
    }

    /// The page as a client gets it.
    pub(crate) fn text(&self, format: Format) -> String {
        self.exposition.written(format).to_string()
    }
}

/// The labels that name a user of a database.
const USERS: [&str; 3] = ["usename", "user", "rolname"];

/// The value of a label as everybody may see it: a login that is a mail address is that of a person.
fn shown<'a>((label, value): (&str, &'a str)) -> Cow<'a, str> {
    match USERS.contains(&label) && value.contains('@') {
        true => Cow::Owned(pseudonym(value)),
        false => visible(value),
    }
}

/// A count as a float, which is what Prometheus has. Exact to 2^53.
pub(crate) fn float(count: i64) -> f64 {
    count as f64
}

/// A truth as Prometheus writes it.
pub(crate) fn flag(truth: bool) -> f64 {
    f64::from(u8::from(truth))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_named_and_nothing_speaks_to_a_terminal() {
        let mut page = Page::new(&[]).unwrap();
        let labels = [
            ("usename", "ada@example.com"),
            ("relname", "a\u{1b}[2J\nb\u{202e}"),
        ];
        page.gauge("pg_some", "Some.", &labels, 1.0);
        let text = page.text(Format::Prometheus);
        let labels = r##"{relname="a\\u{1b}[2J\\nb\\u{202e}",usename="#"##;
        assert!(text.contains(labels), "{text}");
        assert!(!text.contains("ada"), "{text}");
    }
}
