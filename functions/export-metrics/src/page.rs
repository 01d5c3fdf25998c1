//! The page under construction.

use vitals::exposition::{Exposition, ExpositionError, Format, Kind};

/// A page of families.
#[derive(Debug, Default)]
pub(crate) struct Page(Exposition);

impl Page {
    /// Adds a series that only grows.
    pub(crate) fn counter(
        &mut self,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
        value: f64,
    ) -> Result<(), ExpositionError> {
        self.0.family(name, Kind::Counter, help)?.add(labels, value)
    }

    /// Adds a series that goes up and down.
    pub(crate) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
        value: f64,
    ) -> Result<(), ExpositionError> {
        self.0.family(name, Kind::Gauge, help)?.add(labels, value)
    }

    /// Adds a series under a name that other exporters gave it, of which the type cannot be told without breaking the
    /// rules of naming: a counter must end in `_total`, and dashboards ask for a name that does not.
    pub(crate) fn untyped(
        &mut self,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
        value: f64,
    ) -> Result<(), ExpositionError> {
        self.0.family(name, Kind::Untyped, help)?.add(labels, value)
    }

    /// How many series there are.
    pub(crate) fn series(&self) -> usize {
        self.0.series()
    }

    /// The page as a client gets it.
    pub(crate) fn text(&self, format: Format) -> String {
        self.0.written(format).to_string()
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
