//! The log that pgbench writes of every transaction.
//!
//! Its format is described in <https://www.postgresql.org/docs/current/pgbench.html#id-1.9.4.11.9.4>: client, number,
//! time, script, second and microsecond of the end, and, with `--rate`, by how much the transaction began too late. The
//! time begins when the transaction should have begun, so that waiting for a free session counts.

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Which script it ran, in the order of the command line.
    pub(crate) script: usize,
    /// When it ended, in microseconds since 1970, by the clock of the machine with pgbench.
    pub(crate) ended_us: i64,
    /// How it ended.
    pub(crate) ending: Ending,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It was committed.
    Done {
        /// From when it should have begun to its end.
        took_us: i64,
        /// How much of that it waited for a free session.
        waited_us: i64,
    },
    /// A serialization failure or a deadlock.
    Failed,
    /// It was never begun.
    Skipped,
}

impl Entry {
    /// When it should have begun, in microseconds since 1970; of one that has no time, when it ended.
    pub(crate) fn due_us(&self) -> i64 {
        match self.ending {
            Ending::Done { took_us, .. } => self.ended_us - took_us,
            Ending::Failed | Ending::Skipped => self.ended_us,
        }
    }
}

/// A line that is not one of the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("pgbench logged `{0}`, which is not understood")]
pub struct UnknownLine(String);

/// Reads a line.
pub(crate) fn parse(line: &str) -> Result<Entry, UnknownLine> {
    read(line).ok_or_else(|| UnknownLine(line.chars().take(200).collect()))
}

fn read(line: &str) -> Option<Entry> {
    let mut fields = line.split_ascii_whitespace().skip(2);
    let took = fields.next()?;
    let script = fields.next()?.parse().ok()?;
    let seconds: i64 = fields.next()?.parse().ok()?;
    let microseconds: i64 = fields.next()?.parse().ok()?;
    let waited = fields.next();
    let ending = match took {
        "skipped" => Ending::Skipped,
        "failed" | "serialization" | "deadlock" => Ending::Failed,
        took => Ending::Done {
            took_us: whole(took)?,
            waited_us: waited.map_or(Some(0), whole)?,
        },
    };
    Some(Entry {
        script,
        ended_us: seconds.checked_mul(1_000_000)?.checked_add(microseconds)?,
        ending,
    })
}

/// Microseconds, which pgbench prints as whole numbers, by way of a floating-point one.
fn whole(text: &str) -> Option<i64> {
    text.parse().ok().filter(|microseconds| *microseconds >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, script: usize, ended_us: i64, ending: Ending) {
        let expected = Entry {
            script,
            ended_us,
            ending,
        };
        assert_eq!(parse(line), Ok(expected));
    }

    #[test]
    fn every_kind_of_line_is_read() {
        let done = |took_us, waited_us| Ending::Done { took_us, waited_us };
        check(
            "0 199 2241 0 1175850568 995598",
            0,
            1_175_850_568_995_598,
            done(2241, 0),
        );
        check(
            "3 81 4621 2 1412881037 912698 123",
            2,
            1_412_881_037_912_698,
            done(4621, 123),
        );
        check(
            "3 81 4621 2 1412881037 912698 123 0",
            2,
            1_412_881_037_912_698,
            done(4621, 123),
        );
        check(
            "0 84 skipped 0 1412881038 7 5217",
            0,
            1_412_881_038_000_007,
            Ending::Skipped,
        );
        check(
            "0 84 failed 1 1412881038 7 0",
            1,
            1_412_881_038_000_007,
            Ending::Failed,
        );
        check(
            "0 84 deadlock 1 1412881038 7 0 1",
            1,
            1_412_881_038_000_007,
            Ending::Failed,
        );
    }

    #[test]
    fn a_transaction_was_due_as_long_before_its_end_as_it_took() {
        let entry = parse("0 1 2500 0 10 5000 1500").unwrap();
        assert_eq!(entry.due_us(), 10_002_500);
    }

    #[test]
    fn what_is_no_line_of_the_log_is_named() {
        for line in [
            "",
            "0 199",
            "0 199 soon 0 1175850568 995598",
            "0 1 -5 0 1 2",
            "0 1 5 0 1 2 later",
        ] {
            assert_eq!(parse(line), Err(UnknownLine(line.to_owned())));
        }
    }
}
