//! The files in `sql/metrics/`: what rules can watch, each one statement.

use std::fmt::Write as _;

use super::lines::{self, HeaderError, Lines};

/// One file.
pub(crate) struct Metric {
    pub(crate) name: String,
    unit: String,
    subject: Option<String>,
    phrase: String,
    describes: String,
    aggregates: Vec<String>,
    collector: Option<String>,
    sql: String,
}

/// The lines of a header, none of which may be there twice.
const LINES: [(&str, bool); 7] = [
    ("metric", false),
    ("unit", false),
    ("subject", false),
    ("phrase", false),
    ("describes", false),
    ("aggregates", false),
    ("collector", false),
];

const UNITS: [&str; 7] = ["us", "ms", "s", "percent", "permille", "bytes", "count"];
const AGGREGATES: [&str; 9] = ["last", "avg", "min", "max", "sum", "rate", "p50", "p95", "p99"];

impl Metric {
    /// Reads a file by its name without `.sql`.
    pub(crate) fn parse(stem: &str, text: &str) -> Result<Metric, HeaderError> {
        let (header, sql) = lines::split(text)?;
        let header = Lines::read(header, &LINES)?;
        if header.one("metric")? != stem || !lines::is_name(stem) {
            return Err(lines::malformed("metric", header.one("metric")?));
        }
        let aggregates: Vec<String> = header.words("aggregates");
        if let Some(unknown) = aggregates
            .iter()
            .find(|aggregate| !AGGREGATES.contains(&aggregate.as_str()))
        {
            return Err(lines::malformed("aggregates", unknown));
        }
        if aggregates.is_empty() {
            return Err(HeaderError::Missing("aggregates"));
        }
        let sql = lines::bare(sql);
        if !sql.starts_with("select") {
            return Err(HeaderError::Statement("does not begin with select"));
        }
        if sql.contains(';') {
            return Err(HeaderError::Statement("has a semicolon: it is part of another"));
        }
        // The moment is that of the window, which may be long past.
        if sql.contains("now()") || sql.contains("clock_timestamp()") {
            return Err(HeaderError::Statement("asks for the time: write span.ends_at"));
        }
        Ok(Metric {
            name: stem.to_owned(),
            unit: header.choice("unit", &UNITS, None)?,
            subject: header.optional("subject").map(str::to_owned),
            phrase: header.one("phrase")?.to_owned(),
            describes: header.one("describes")?.to_owned(),
            aggregates,
            collector: header.optional("collector").map(str::to_owned),
            sql,
        })
    }
}

/// The list `ALL`, by name.
pub(crate) fn generate(metrics: &[Metric]) -> Result<String, std::fmt::Error> {
    let mut out = String::from("&[\n");
    for metric in metrics {
        writeln!(
            out,
            "MetricFile {{ name: {:?}, unit: {:?}, subject: {:?}, phrase: {:?}, describes: {:?}, aggregates: &{:?}, \
             collector: {:?}, sql: {:?} }},",
            metric.name,
            metric.unit,
            metric.subject,
            metric.phrase,
            metric.describes,
            metric.aggregates,
            metric.collector,
            metric.sql
        )?;
    }
    out.push_str("]\n");
    Ok(out)
}
