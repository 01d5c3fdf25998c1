//! Errors that know their mend.

use anyhow::Error;
use db::DbError;
use embedded_postgres::EmbeddedError;

/// An error with a hint for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    message: String,
    hint: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
            source: None,
        }
    }

    /// With what it comes from.
    pub(crate) fn because(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..self
        }
    }
}

/// The message of an error and of everything it comes from, outermost first, without repetitions.
pub(crate) fn chain(error: &Error) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    for cause in error.chain() {
        let message = cause.to_string();
        if messages.last().is_none_or(|last| !last.ends_with(&message)) {
            messages.push(message);
        }
    }
    messages
}

/// What can be done about it: the outermost hint knows most of what was tried.
pub(crate) fn hint(error: &Error) -> Option<String> {
    error.chain().find_map(|cause| {
        let ours = cause
            .downcast_ref::<Failure>()
            .map(|failure| failure.hint.clone());
        let of_database = || {
            cause
                .downcast_ref::<DbError>()
                .and_then(|error| error.hint.clone())
        };
        let of_server = || {
            cause
                .downcast_ref::<EmbeddedError>()
                .and_then(EmbeddedError::hint)
        };
        ours.or_else(of_database).or_else(of_server)
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn the_chain_says_everything_once_and_the_hint_comes_along() {
        let cause = std::io::Error::other("disk on fire");
        let error: Result<(), Error> = Err(Failure::new("cannot write", "buy a disk").because(cause).into());
        let error = error.context("cannot start").unwrap_err();
        assert_eq!(chain(&error), ["cannot start", "cannot write", "disk on fire"]);
        assert_eq!(hint(&error).as_deref(), Some("buy a disk"));
    }

    #[test]
    fn an_error_without_a_hint_has_none() {
        assert_eq!(hint(&anyhow::anyhow!("nothing to be done")), None);
    }
}
