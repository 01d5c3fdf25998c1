//! Errors about what was typed, which must not repeat an address: it may hold a password.

/// The text of an error without the addresses that were typed, or `None` if none was.
pub(crate) fn without_addresses(error: &str, typed: impl Iterator<Item = String>) -> Option<String> {
    let mut addresses: Vec<String> = typed.filter(|argument| argument.contains("://")).collect();
    if addresses.is_empty() {
        return None;
    }
    // Of `--option=address` an error may repeat the address only.
    let values: Vec<String> = addresses
        .iter()
        .filter(|argument| argument.starts_with('-'))
        .filter_map(|argument| argument.split_once('=').map(|(_, value)| value.to_owned()))
        .collect();
    addresses.extend(values);
    let text = addresses.iter().fold(error.to_owned(), |text, address| {
        text.replace(address.as_str(), "(an address)")
    });
    Some(text)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::Arguments;

    #[test]
    fn an_address_that_was_typed_in_the_wrong_place_is_not_repeated() {
        let address = "postgres://user:hunter2@host/db";
        for typed in [
            &["targets", "add", "one", "two", address][..],
            &["targets", "add", "one", address, "--kind", address],
            &["targets", "add", "one", "x", &format!("--interval={address}")],
            &["targets", "add", "one", "x", &format!("--intervall={address}")],
            &[address],
            &["targets", address],
            &["targets", "add", address],
        ] {
            let typed: Vec<String> = std::iter::once("pgvitals")
                .chain(typed.iter().copied())
                .map(str::to_owned)
                .collect();
            let error = Arguments::try_parse_from(&typed).unwrap_err();
            let text = without_addresses(&error.to_string(), typed.iter().cloned()).unwrap();
            assert!(!text.contains("hunter2"), "{text}");
        }
        let error = Arguments::try_parse_from(["pgvitals", "targets", "ad"]).unwrap_err();
        assert_eq!(
            without_addresses(&error.to_string(), ["targets".to_owned()].into_iter()),
            None
        );
    }
}
