//! The error of every plugin call.

use std::fmt;

use clirbench_abi::AbiError;

/// What went wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// One of `config`, `input`, `model`, `runtime`, `cancelled`, `panic`, `internal`.
    pub kind: String,
    /// What and where.
    pub message: String,
    /// What the user can do; empty when nothing helps.
    pub hint: String,
}

/// Result of every plugin call.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The options are wrong: a value, a combination, a missing key.
    #[must_use]
    pub fn config(message: impl Into<String>) -> Self {
        Self::new("config", message)
    }

    /// The texts or the dataset are wrong.
    #[must_use]
    pub fn input(message: impl Into<String>) -> Self {
        Self::new("input", message)
    }

    /// The model's files are missing, damaged or of a kind that is not supported.
    #[must_use]
    pub fn model(message: impl Into<String>) -> Self {
        Self::new("model", message)
    }

    /// The runtime that computes failed: ONNX Runtime, CUDA, a server, memory.
    #[must_use]
    pub fn runtime(message: impl Into<String>) -> Self {
        Self::new("runtime", message)
    }

    /// The work stopped because [`Host::cancelled`](crate::Host::cancelled) said so.
    #[must_use]
    pub fn cancelled(message: impl Into<String>) -> Self {
        Self::new("cancelled", message)
    }

    /// A fault of the plugin itself.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new("internal", message)
    }

    pub(crate) fn panic(message: impl Into<String>) -> Self {
        Self::new("panic", message)
    }

    /// The same error with something that the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    fn new(kind: &str, message: impl Into<String>) -> Self {
        Error { kind: kind.to_owned(), message: message.into(), hint: String::new() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<AbiError> for Error {
    fn from(error: AbiError) -> Self {
        Error { kind: error.kind.into(), message: error.message.into(), hint: error.hint.into() }
    }
}

impl From<Error> for AbiError {
    fn from(error: Error) -> Self {
        AbiError { kind: error.kind.into(), message: error.message.into(), hint: error.hint.into() }
    }
}
