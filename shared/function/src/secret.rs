//! Values that must not be shown.

use std::collections::BTreeMap;
use std::fmt;

use subtle::ConstantTimeEq;

/// A password, a token or a webhook address. It has no `Display`, and its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a value into custody.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// The value itself, to be handed to whom it is meant for and to nobody else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether this is the value, found out in a time that does not depend on where the two differ.
    pub fn matches(&self, offered: &str) -> bool {
        self.0.as_bytes().ct_eq(offered.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(***)")
    }
}

/// Secrets by the names that rows refer to them by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeMap<String, Secret>);

impl Secrets {
    /// Reads a JSON object of names and texts. The error does not repeat the value.
    pub(crate) fn from_json(text: &str) -> Option<Secrets> {
        let values: BTreeMap<String, String> = serde_json::from_str(text).ok()?;
        Some(Secrets(
            values
                .into_iter()
                .map(|(name, value)| (name, Secret(value)))
                .collect(),
        ))
    }

    /// The secret of a name.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secrets = Secrets::from_json(r#"{"orders": "hunter2"}"#).unwrap();
        assert_eq!(secrets.get("orders").unwrap().expose(), "hunter2");
        assert!(!format!("{secrets:?}").contains("hunter2"));
    }

    #[test]
    fn only_the_same_value_matches() {
        let secret = Secret::new("token");
        assert!(secret.matches("token"));
        for other in ["", "toke", "token ", "Token", "tokem"] {
            assert!(!secret.matches(other), "{other}");
        }
    }

    #[test]
    fn what_is_no_object_of_texts_is_refused() {
        for text in ["", "[]", r#"{"a": 1}"#, "hunter2"] {
            assert_eq!(Secrets::from_json(text), None);
        }
    }
}
