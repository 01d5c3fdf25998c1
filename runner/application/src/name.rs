//! The names Spin accepts for variables and components.

/// Why `name` cannot name a variable, or `None` when it can.
///
/// Variable names become environment variables, so they are lower-case words joined by single underscores.
pub(crate) fn variable_name_fault(name: &str) -> Option<&'static str> {
    let allowed =
        |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_';
    if name.is_empty() {
        Some("it is empty")
    } else if !name.chars().all(allowed) {
        Some("only lower-case letters, digits and underscores are allowed")
    } else if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        Some("it must start with a lower-case letter")
    } else if name.ends_with('_') {
        Some("it must end with a letter or a digit")
    } else if name.contains("__") {
        Some("underscores must stand one at a time")
    } else if name
        .split('_')
        .any(|word| word.starts_with(|first: char| first.is_ascii_digit()))
    {
        Some("every word must start with a letter")
    } else {
        None
    }
}

/// Why `id` cannot name a component, or `None` when it can.
///
/// A component id is kebab-case: words joined by single hyphens, each all lower or all upper case.
pub(crate) fn component_id_fault(id: &str) -> Option<&'static str> {
    if id.is_empty() {
        return Some("it is empty");
    }
    if id.contains('_') {
        return Some("words must be joined by '-', not '_'");
    }
    id.split('-').find_map(word_fault)
}

fn word_fault(word: &str) -> Option<&'static str> {
    let Some(first) = word.chars().next() else {
        return Some("hyphens must stand one at a time, between words");
    };
    if !first.is_ascii_alphabetic() {
        return Some("every word must start with a letter");
    }
    let upper = first.is_ascii_uppercase();
    for character in word.chars().skip(1) {
        if !character.is_ascii_alphanumeric() {
            return Some("only letters, digits and '-' are allowed");
        }
        if character.is_ascii_alphabetic() && character.is_ascii_uppercase() != upper {
            return Some("each word must be all lower or all upper case");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fault: impl Fn(&str) -> Option<&'static str>, accepted: &[&str], refused: &[&str]) {
        for name in accepted {
            assert_eq!(fault(name), None, "{name:?} should be accepted");
        }
        for name in refused {
            assert!(fault(name).is_some(), "{name:?} should be refused");
        }
    }

    #[test]
    fn variable_names_are_those_of_spin() {
        check(
            variable_name_fault,
            &["a", "abc", "a1b2c3", "a_b1", "a_b_c3"],
            &[
                "", "a_1", "a_1_b_3", "aX", "1bc", "_x", "x.y", "x_", "a__b", "x-y", "é",
            ],
        );
    }

    #[test]
    fn component_ids_are_kebab_case() {
        check(
            component_id_fault,
            &["a", "collect-stats", "a-b1", "HTTP-server", "v2"],
            &[
                "",
                "collect_stats",
                "-a",
                "a-",
                "a--b",
                "1a",
                "a-1",
                "a:b",
                "aB",
                "a.b",
                "a b",
                "é",
            ],
        );
    }
}
