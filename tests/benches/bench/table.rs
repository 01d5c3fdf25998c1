//! The table that a run prints: what, measured, target.

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

    /// Prints the lines as Markdown, so that they can go into docs/benchmarks.md as they are.
    pub(crate) fn print(&self) {
        let heading = ["what", "measured", "target", ""].map(str::to_owned);
        let widths: Vec<usize> = (0..4)
            .map(|column| {
                let cells = self.lines.iter().chain([&heading]);
                cells.map(|line| line[column].chars().count()).max().unwrap_or(0)
            })
            .collect();
        let line = |cells: &[String; 4]| {
            let cells: Vec<String> = cells
                .iter()
                .zip(&widths)
                .map(|(cell, &width)| format!("{cell:<width$}"))
                .collect();
            println!("| {} |", cells.join(" | "));
        };
        line(&heading);
        let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        println!("| {} |", rules.join(" | "));
        for cells in &self.lines {
            line(cells);
        }
    }
}
