//! What ends a generation, or keeps it from starting.

use std::ops::Range;

/// What is wrong and what to do about it. Never holds an API key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What is wrong, and where.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Bytes of the recipe that it is about.
    pub span: Option<Range<usize>>,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Error {
        Error { message: message.into(), hint: hint.into(), span: None }
    }

    /// Points at the first place of the recipe where `needle` stands.
    pub(crate) fn at(mut self, text: &str, needle: &str) -> Error {
        self.span = text.find(needle).map(|start| start..start + needle.len());
        self
    }
}
