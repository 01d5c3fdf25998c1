//! Log lines: one JSON object each, of one shape. What went as it should goes to standard output, the rest to standard
//! error, because hosts take the stream for the level.
//!
//! `{"time", "level", "function", "run_id", "message", "fields"}`. The message is a whole sentence without values; the
//! values are fields. What is logged is made of error texts and counts, and errors never hold a secret.

use std::io::Write;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use vitals::text::visible_json;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// What happened, as it should.
    Info,
    /// Something was left out or will be tried again.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

/// Writes the lines of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logger {
    function: &'static str,
    run_id: Option<i64>,
}

impl Logger {
    /// A logger for a function, before or without a run.
    pub fn new(function: &'static str) -> Logger {
        Logger {
            function,
            run_id: None,
        }
    }

    /// The same, for a run.
    #[must_use]
    pub fn for_run(&self, run_id: i64) -> Logger {
        Logger {
            function: self.function,
            run_id: Some(run_id),
        }
    }

    /// What happened, as it should.
    pub fn info(&self, message: &str, fields: Value) {
        self.write(Level::Info, message, fields);
    }

    /// Something was left out or will be tried again.
    pub fn warn(&self, message: &str, fields: Value) {
        self.write(Level::Warn, message, fields);
    }

    /// Something failed.
    pub fn error(&self, message: &str, fields: Value) {
        self.write(Level::Error, message, fields);
    }

    /// One write for one line, so that the lines of concurrent requests do not mix. A log that cannot be written has
    /// nowhere to say so.
    fn write(&self, level: Level, message: &str, fields: Value) {
        let line = self.line(&SystemTime::now().into(), level, message, fields);
        let _ = match level {
            Level::Info => std::io::stdout().write_all(line.as_bytes()),
            Level::Warn | Level::Error => std::io::stderr().write_all(line.as_bytes()),
        };
    }

    fn line(&self, time: &DateTime<Utc>, level: Level, message: &str, fields: Value) -> String {
        let line = json!({
            "time": time.to_rfc3339_opts(SecondsFormat::Millis, true),
            "level": level.name(),
            "function": self.function,
            "run_id": self.run_id,
            "message": message,
            "fields": fields,
        })
        .to_string();
        // A terminal that shows the log obeys what is invisible, and JSON lets some of it through.
        visible_json(line) + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_the_one_shape() {
        let logger = Logger::new("collect-stats").for_run(7);
        let line = logger.line(
            &DateTime::UNIX_EPOCH,
            Level::Warn,
            "A line\nwith a break",
            json!({"rows": 1}),
        );
        assert_eq!(line.lines().count(), 1);
        let expected = json!({
            "time": "1970-01-01T00:00:00.000Z",
            "level": "warn",
            "function": "collect-stats",
            "run_id": 7,
            "message": "A line\nwith a break",
            "fields": {"rows": 1},
        });
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
    }

    #[test]
    fn a_line_says_nothing_to_a_terminal() {
        let name = "a\u{1b}]0;title\u{7}\u{9b}2J\u{202e}\r";
        let fields = json!({"table": name, name: 1});
        let line =
            Logger::new("check-alerts").line(&DateTime::UNIX_EPOCH, Level::Info, "A line", fields.clone());
        assert!(
            !line.trim_end_matches('\n').contains(vitals::text::is_invisible),
            "{line:?}"
        );
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["fields"], fields);
    }
}
