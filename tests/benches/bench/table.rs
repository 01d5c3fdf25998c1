//! The table that a run prints: what, measured, target.

use std::fmt;

/// One line for each figure.
#[derive(Debug, Default)]
pub(crate) struct Table {
    lines: Vec<[String; 4]>,
}

impl Table {
    /// Adds a figure with its target: `measured` is good when it is below it.
    pub(crate) fn below(&mut self, what: &str, measured: f64, target: f64, unit: &str) {
        let verdict = if measured < target { "met" } else { "missed" };
        self.lines.push([
            what.to_owned(),
            format!("{measured:.2} {unit}"),
            format!("< {target} {unit}"),
            verdict.to_owned(),
        ]);
    }

    /// Adds a figure that has no target and helps to read the others.
    pub(crate) fn plain(&mut self, what: &str, measured: f64, unit: &str) {
        self.lines.push([
            what.to_owned(),
            format!("{measured:.2} {unit}"),
            String::new(),
            String::new(),
        ]);
    }
}

/// As Markdown, so that it can go into docs/benchmarks.md as it is.
impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = ["what", "measured", "target", ""].map(str::to_owned);
        let widths: Vec<usize> = (0..4)
            .map(|column| {
                let cells = self.lines.iter().chain([&heading]);
                cells.map(|line| line[column].chars().count()).max().unwrap_or(0)
            })
            .collect();
        let rule = widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>();
        let rule = rule.try_into().unwrap_or_default();
        for line in [&heading, &rule].into_iter().chain(&self.lines) {
            let cells: Vec<String> = line
                .iter()
                .zip(&widths)
                .map(|(cell, &width)| format!("{cell:<width$}"))
                .collect();
            writeln!(formatter, "| {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}
