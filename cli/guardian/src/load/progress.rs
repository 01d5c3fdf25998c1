//! What pgbench says while it runs.

/// How the load is going.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Seconds since the load began, warm-up included.
    pub elapsed_seconds: f64,
    /// Transactions a second, since the last line.
    pub rate: f64,
    /// How long they took on average, waiting included.
    pub mean_ms: f64,
    /// How many failed.
    pub failed: u64,
}

/// Reads a line such as `progress: 5.0 s, 19.8 tps, lat 2.130 ms stddev 1.043, 0 failed, lag 0.412 ms`; nothing where it
/// is another one.
pub(crate) fn parse(line: &str) -> Option<Progress> {
    let parts = line.strip_prefix("progress: ")?.split(", ");
    let mut progress = Progress {
        elapsed_seconds: f64::NAN,
        rate: 0.0,
        mean_ms: 0.0,
        failed: 0,
    };
    for (position, part) in parts.enumerate() {
        let mut words = part.split(' ');
        let first = words.next()?;
        let second = words.next().unwrap_or_default();
        match (first, second) {
            (seconds, "s") if position == 0 => progress.elapsed_seconds = seconds.parse().ok()?,
            (rate, "tps") => progress.rate = rate.parse().ok()?,
            // Where nothing ended within the second, some versions say that the mean is no number.
            ("lat", mean) => progress.mean_ms = mean.parse().ok().filter(|mean: &f64| mean.is_finite())?,
            (count, "failed") => progress.failed = count.parse().ok()?,
            _ => {}
        }
    }
    progress.elapsed_seconds.is_finite().then_some(progress)
}

/// The message of a line by which pgbench says that a session broke off: an error of a statement ends the session that
/// sent it.
pub(crate) fn broken_off(line: &str) -> Option<&str> {
    let (before, after) = line.split_once(" aborted ")?;
    let client = before.strip_prefix("pgbench: error: ").unwrap_or(before);
    let error = after.split_once("ERROR: ").map_or(after, |(_, error)| error);
    client.starts_with("client ").then(|| error.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_progress_is_read() {
        let line = "progress: 5.0 s, 19.8 tps, lat 2.130 ms stddev 1.043, 3 failed, lag 0.412 ms";
        let progress = parse(line).unwrap();
        assert_eq!(
            (
                progress.elapsed_seconds,
                progress.rate,
                progress.mean_ms,
                progress.failed
            ),
            (5.0, 19.8, 2.13, 3)
        );
    }

    #[test]
    fn other_lines_are_none() {
        for line in ["pgbench (15.18)", "progress: soon", "progress: x s, 1 tps", ""] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_session_that_broke_off_is_told_with_its_error() {
        let line = "pgbench: error: client 3 script 1 aborted in command 2 query 0: ERROR:  permission denied for table jobs";
        assert_eq!(broken_off(line), Some("permission denied for table jobs"));
        let line = "pgbench: error: client 0 aborted while establishing connection";
        assert_eq!(broken_off(line), Some("while establishing connection"));
        assert_eq!(
            broken_off("pgbench: error: Run was aborted; the above results are incomplete."),
            None
        );
    }
}
