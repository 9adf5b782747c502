//! Everything a plugin author needs: safe traits, errors, host services and `export_plugin!`.

mod encoder;
mod scenario;

pub use encoder::{Encoder, EncoderInfo, Role, TextStats};
pub use scenario::{DatasetView, PoolDocument, Scenario, Task};

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
