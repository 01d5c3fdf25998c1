//! Why a request to another server was not answered.

/// A request that was not answered. The text never holds the address: a webhook's address is a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    /// A code of a bounded list: `connect_failed`, `connection_lost`, `deadline_exceeded`, `not_permitted`,
    /// `bad_request`, `bad_answer`.
    pub code: &'static str,
    /// What happened.
    pub message: String,
}

impl SendError {
    /// An error of a code.
    pub fn new(code: &'static str, message: impl Into<String>) -> SendError {
        SendError {
            code,
            message: message.into(),
        }
    }
}

impl From<crate::deadlines::DeadlineExceeded> for SendError {
    fn from(exceeded: crate::deadlines::DeadlineExceeded) -> SendError {
        SendError::new("deadline_exceeded", exceeded.to_string())
    }
}
