//! What the collectors could not read, as the last collection wrote it down. No I/O.

use store::collector_status::Trouble;

use super::diagnosis::{Finding, Verdict};

/// How many collectors are named before the rest is only counted.
const NAMED: usize = 4;

/// The troubles of one target, each with the collectors that it concerns.
pub(crate) fn findings(target: &str, troubles: &[Trouble]) -> Vec<Finding> {
    let ours = troubles.iter().filter(|trouble| trouble.target == target);
    ours.map(finding).collect()
}

fn finding(trouble: &Trouble) -> Finding {
    let verdict = if trouble.failed {
        Verdict::Must
    } else {
        Verdict::Should
    };
    let (code, message) = trouble
        .reason
        .split_once(": ")
        .unwrap_or(("other", trouble.reason.as_str()));
    let word = if trouble.failed { "failed" } else { "not read" };
    let found = format!("{} {word} ({code})", named(&trouble.collectors));
    Finding::new("collectors", verdict, found).mend(format!("-- {message}"))
}

fn named(collectors: &[String]) -> String {
    let names = collectors
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match collectors.len().saturating_sub(NAMED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(target: &str, failed: bool, collectors: &[&str]) -> Trouble {
        Trouble {
            target: target.to_owned(),
            failed,
            reason: "missing_extension: create extension pgstattuple in this database".to_owned(),
            collectors: collectors.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn each_reason_is_one_finding_of_its_target() {
        let troubles = [
            trouble("orders", false, &["a"]),
            trouble("orders", true, &["b", "c", "d", "e", "f", "g"]),
            trouble("other", false, &["a"]),
        ];
        let findings = findings("orders", &troubles);
        assert_eq!(findings.len(), 2);
        assert_eq!(findings[0].verdict, Verdict::Should);
        assert_eq!(findings[0].found, "a not read (missing_extension)");
        assert_eq!(
            findings[0].mend,
            ["-- create extension pgstattuple in this database"]
        );
        assert_eq!(findings[1].verdict, Verdict::Must);
        assert_eq!(
            findings[1].found,
            "b, c, d, e and 2 more failed (missing_extension)"
        );
    }
}
