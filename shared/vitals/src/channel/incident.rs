//! Keys by which receivers join the messages of one incident.

use sha2::{Digest, Sha256};

/// The key of an incident, within so many characters: itself where it fits, else its beginning with a hash of all of it.
pub(super) fn key(incident: &str, limit: usize) -> String {
    if incident.chars().count() <= limit {
        return incident.to_owned();
    }
    let hash = short_hash(incident);
    let begin: String = incident
        .chars()
        .take(limit.saturating_sub(hash.len() + 1))
        .collect();
    format!("{begin}#{hash}")
}

/// 64 bits of a hash of an incident, in hexadecimal: for where its key may have no signs.
pub(super) fn short_hash(incident: &str) -> String {
    let hash = Sha256::digest(incident.as_bytes());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_keeps_its_limit_and_stays_the_incidents_own() {
        assert_eq!(key("rule/target/subject", 255), "rule/target/subject");
        let (one, other) = (format!("{}1", "x".repeat(300)), format!("{}2", "x".repeat(300)));
        assert_eq!(key(&one, 255).chars().count(), 255);
        assert_ne!(key(&one, 255), key(&other, 255));
        assert_eq!(key(&one, 255), key(&one.clone(), 255));
        assert_eq!(short_hash("").len(), 16);
    }
}
