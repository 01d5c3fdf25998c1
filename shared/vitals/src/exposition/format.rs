//! How a page is written.

use std::fmt::{self, Write as _};

use super::{Exposition, Family, Kind};

/// A format of text that Prometheus reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The text format, version 0.0.4: what everything that speaks Prometheus understands.
    Prometheus,
    /// OpenMetrics, version 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The content type to answer with.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// A page in a format. It is written where it is displayed.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    pub(super) exposition: &'a Exposition,
    pub(super) format: Format,
}

impl fmt::Display for Written<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let families = &self.exposition.families;
        for family in families.values().filter(|family| !family.series.is_empty()) {
            match self.format {
                Format::Prometheus => head(formatter, family)?,
                Format::OpenMetrics => openmetrics_head(formatter, self.exposition, family)?,
            }
            for (labels, value) in &family.series {
                write!(formatter, "{}{labels} ", family.name)?;
                write_value(formatter, *value)?;
                formatter.write_char('\n')?;
            }
        }
        match self.format {
            Format::Prometheus => Ok(()),
            Format::OpenMetrics => formatter.write_str("# EOF\n"),
        }
    }
}

fn head(formatter: &mut fmt::Formatter<'_>, family: &Family) -> fmt::Result {
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Untyped => "untyped",
    };
    write!(formatter, "# HELP {} ", family.name)?;
    write_escaped(formatter, &family.help, false)?;
    writeln!(formatter, "\n# TYPE {} {kind}", family.name)
}

/// In OpenMetrics a counter is a family without the `_total` of its series. A counter `X_total` beside a family `X` (two
/// names that dashboards know one number by) would be the same family twice: there both are of unknown type, which
/// keeps both names and breaks no rule, since unknown families have no suffixes that could clash.
fn openmetrics_head(
    formatter: &mut fmt::Formatter<'_>,
    exposition: &Exposition,
    family: &Family,
) -> fmt::Result {
    let base = family.name.strip_suffix("_total").filter(|base| {
        let other = exposition.families.get(*base);
        family.kind == Kind::Counter && other.is_none_or(|other| other.series.is_empty())
    });
    let (name, kind) = match (family.kind, base) {
        (Kind::Counter, Some(base)) => (base, "counter"),
        (Kind::Gauge, _) => (family.name.as_str(), "gauge"),
        (Kind::Counter | Kind::Untyped, _) => (family.name.as_str(), "unknown"),
    };
    writeln!(formatter, "# TYPE {name} {kind}")?;
    if let Some(unit) = unit_of(name) {
        writeln!(formatter, "# UNIT {name} {unit}")?;
    }
    write!(formatter, "# HELP {name} ")?;
    write_escaped(formatter, &family.help, true)?;
    formatter.write_char('\n')
}

/// The unit that the name of a family ends in, if it is one of the base units.
pub fn unit_of(name: &str) -> Option<&'static str> {
    ["seconds", "bytes", "ratio"].into_iter().find(|unit| {
        name.strip_suffix(unit)
            .is_some_and(|before| before.len() > 1 && before.ends_with('_'))
    })
}

/// Labels as they are written: nothing if there are none.
pub(super) fn labels(labels: &[(&str, &str)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let mut text = String::with_capacity(
        labels
            .iter()
            .map(|(name, value)| name.len() + value.len() + 5)
            .sum(),
    );
    for (position, (label, value)) in labels.iter().enumerate() {
        text.push(if position == 0 { '{' } else { ',' });
        text.push_str(label);
        text.push_str("=\"");
        // Writing to a text cannot fail.
        let _ = write_escaped(&mut text, value, true);
        text.push('"');
    }
    text.push('}');
    text
}

/// Escapes what the formats say must be: backslash and line feed, and the quote in label values and, in OpenMetrics, in
/// help texts.
fn write_escaped(writer: &mut impl fmt::Write, text: &str, quoted: bool) -> fmt::Result {
    let special = |c: char| c == '\\' || c == '\n' || (quoted && c == '"');
    let mut rest = text;
    while let Some(position) = rest.find(special) {
        let (plain, escaped) = rest.split_at(position);
        writer.write_str(plain)?;
        writer.write_char('\\')?;
        let mut characters = escaped.chars();
        match characters.next() {
            Some('\n') => writer.write_char('n')?,
            Some(other) => writer.write_char(other)?,
            None => {}
        }
        rest = characters.as_str();
    }
    writer.write_str(rest)
}

/// The shortest text that reads back as the same number.
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
