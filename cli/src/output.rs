//! The one place that prints: data to stdout, as text or as JSON, everything else to stderr. Nothing of it speaks to a
//! terminal: names come from databases, and what is invisible in them is shown.
//!
//! A command hands over what it found and does not know in which form it is shown.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::Result;
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::Value;
use vitals::text::{visible, visible_json, visible_lines};

use crate::failure;

/// How results are shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

/// A long step that is going on. It vanishes when it is done, and its last words stay in a log.
#[derive(Debug)]
pub(crate) struct Step {
    bar: ProgressBar,
}

/// A long step whose end is known: a bar, with the time that is left.
#[derive(Debug)]
pub(crate) struct Meter {
    bar: ProgressBar,
}

/// A table: what the columns are called in text, and the rows twice, once for each form.
#[derive(Debug)]
pub(crate) struct Listing {
    table: Table,
    items: Vec<Value>,
    nothing: &'static str,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether results are for programs.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Shows one result: `text` to people, `value` to programs.
    pub(crate) fn result(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        if self.json {
            return print_json(&serde_json::to_value(value)?);
        }
        print(&text())
    }

    /// Shows a table.
    pub(crate) fn listing(&self, listing: Listing) -> Result<()> {
        if self.json {
            return print_json(&Value::Array(listing.items));
        }
        print(&listing.to_text())
    }

    /// Says something that is not a result.
    pub(crate) fn say(&self, message: &str) {
        // There is nobody left to tell when stderr is gone.
        let _ = writeln!(io::stderr(), "{}", visible_lines(message));
    }

    /// Begins a long step.
    pub(crate) fn step(&self, message: &str) -> Step {
        let bar = if io::stderr().is_terminal() {
            let bar = ProgressBar::new_spinner().with_message(visible(message).into_owned());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        } else {
            self.say(message);
            ProgressBar::hidden()
        };
        Step { bar }
    }

    /// Begins a long step of many rows, whose number is told once it is known.
    pub(crate) fn meter(&self, message: &str) -> Meter {
        let bar = if io::stderr().is_terminal() {
            let bar = ProgressBar::new(0).with_message(visible(message).into_owned());
            let template = "{bar:30} {percent:>3} %  {human_pos} of {human_len} rows, {eta} left  {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        } else {
            self.say(message);
            ProgressBar::hidden()
        };
        Meter { bar }
    }

    /// Shows an error, what it comes from, and what can be done about it.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let mut messages = failure::chain(error).into_iter();
        self.say(&format!("error: {}", messages.next().unwrap_or_default()));
        for cause in messages {
            self.say(&format!("  caused by: {}", cause.replace('\n', "\n    ")));
        }
        if let Some(hint) = failure::hint(error) {
            self.say(&format!("\nhint: {hint}"));
        }
    }

    /// Asks a question that is answered by yes or no. Where there is nobody to ask, the answer is None.
    pub(crate) fn confirm(&self, question: &str) -> Result<Option<bool>> {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Ok(None);
        }
        write!(io::stderr(), "{} [y/N] ", visible_lines(question))?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(Some(matches!(answer.trim(), "y" | "Y" | "yes")))
    }
}

impl Step {
    /// Says what is being done now.
    pub(crate) fn now(&self, message: &str) {
        self.bar.set_message(visible(message).into_owned());
    }
}

impl Meter {
    /// Says how many rows there will be.
    pub(crate) fn expect(&mut self, rows: u64) {
        self.bar.set_length(rows);
    }

    /// Counts more rows.
    pub(crate) fn advance(&mut self, rows: u64) {
        self.bar.inc(rows);
    }

    /// Says what is being done now.
    pub(crate) fn now(&mut self, message: &str) {
        self.bar.set_message(visible(message).into_owned());
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Listing {
    /// An empty table; `nothing` is said instead of one without rows.
    pub(crate) fn new(columns: &[&str], nothing: &'static str) -> Self {
        let mut table = Table::new();
        table
            .load_style(NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(columns.iter().map(|column| column.to_uppercase()));
        Self {
            table,
            items: Vec::new(),
            nothing,
        }
    }

    /// Adds a row: `cells` for people, `item` for programs.
    pub(crate) fn row(
        &mut self,
        cells: impl IntoIterator<Item = String>,
        item: &impl Serialize,
    ) -> Result<()> {
        // A line break in a name makes no new row.
        self.table
            .add_row(cells.into_iter().map(|cell| visible(&cell).into_owned()));
        self.item(item)
    }

    /// Adds a row that only programs are shown.
    pub(crate) fn item(&mut self, item: &impl Serialize) -> Result<()> {
        self.items.push(serde_json::to_value(item)?);
        Ok(())
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The table as text, without the spaces that comfy-table leaves at the ends of lines.
    pub(crate) fn to_text(&self) -> String {
        if self.is_empty() {
            return self.nothing.to_owned();
        }
        let text = self.table.to_string();
        let lines: Vec<_> = text
            .lines()
            .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
            .collect();
        lines.join("\n")
    }

    /// The rows for programs.
    pub(crate) fn into_items(self) -> Vec<Value> {
        self.items
    }
}

fn print_json(value: &Value) -> Result<()> {
    print(&visible_json(serde_json::to_string_pretty(value)?))
}

fn print(text: &str) -> Result<()> {
    match writeln!(io::stdout(), "{}", visible_lines(text.trim_end())) {
        // Whoever reads us, such as `head`, may have seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_has_no_trailing_spaces() {
        let mut listing = Listing::new(&["name", "state"], "nothing");
        listing
            .row(["local".to_owned(), "up".to_owned()], &"local")
            .unwrap();
        listing
            .row(["a-longer-name".to_owned(), String::new()], &"a-longer-name")
            .unwrap();
        assert_eq!(
            listing.to_text(),
            "NAME           STATE\nlocal          up\na-longer-name"
        );
    }

    #[test]
    fn a_name_makes_no_row_and_says_nothing_to_a_terminal() {
        let mut listing = Listing::new(&["name"], "nothing");
        let name = "a\nEVIL\u{1b}[2J\u{202e}".to_owned();
        listing.row([name], &"a").unwrap();
        assert_eq!(listing.to_text(), "NAME\na\\nEVIL\\u{1b}[2J\\u{202e}");
    }

    #[test]
    fn an_empty_table_says_so() {
        assert_eq!(
            Listing::new(&["name"], "there are no targets").to_text(),
            "there are no targets"
        );
    }
}
