//! Everything a plugin author needs: safe traits, errors, host services and [`export_plugin!`].
//!
//! A plugin is a crate of type `cdylib` (and `rlib`, so that its tests can link it) that depends
//! on this crate alone. It implements [`Encoder`], [`Scenario`], [`Loss`], [`Trainer`],
//! [`Fisher`] or [`Merger`] and exports it:
//!
//! ```
//! use clirbench_plugin::{Encoder, EncoderInfo, Error, Host, Result, Role, TextStats};
//! use clirbench_plugin::serde_json::Value;
//!
//! /// The length of a text as its one-dimensional embedding.
//! struct Length;
//!
//! impl Encoder for Length {
//!     fn open(_config: &Value, _host: Host) -> Result<Self> {
//!         Ok(Length)
//!     }
//!
//!     fn info(&self) -> EncoderInfo {
//!         EncoderInfo { dim: 1, symmetric: true, similarity: "dot".into(), ..Default::default() }
//!     }
//!
//!     fn render(&self, _role: Role, text: &str) -> Result<String> {
//!         Ok(text.to_owned())
//!     }
//!
//!     fn encode(&mut self, _: Role, texts: &[&str], out: &mut [f32], stats: &mut [TextStats]) -> Result<usize> {
//!         for ((text, row), stats) in texts.iter().zip(out).zip(stats) {
//!             let chars = u32::try_from(text.chars().count())
//!                 .map_err(|_| Error::input("a text of more than 2^32 characters").hint("split it"))?;
//!             *row = chars as f32;
//!             *stats = TextStats { tokens: chars, unknown: 0, truncated: false };
//!         }
//!         Ok(texts.len())
//!     }
//! }
//!
//! clirbench_plugin::export_plugin! {
//!     id: "encoder-length",
//!     interfaces: [encoder: Length],
//! }
//! # fn main() {}
//! ```
//!
//! See [`export_plugin!`] for a config schema and for choosing an encoder by what a model
//! directory holds. Panics in any call are caught and become an [`Error`] of kind `panic`. Records
//! of the [`log`] crate reach the host once the plugin is opened. Never write to stdout.

mod encoder;
mod error;
mod export;
mod fisher;
mod guard;
mod host;
mod layout;
mod logging;
mod loss;
mod manifest;
mod merger;
mod options;
mod precision;
mod scenario;
mod trainer;
mod wire;

pub use encoder::{Encoder, EncoderInfo, Role, TextStats};
pub use error::{Error, Result};
pub use fisher::{EstimateData, EstimateJob, EstimateReport, Fisher};
pub use host::{Device, Host};
pub use layout::{Layout, Selection};
pub use loss::{Loss, LossBatch, LossInfo, LossInput};
pub use merger::{MergeChunk, MergeModels, MergePlan, Merger, TensorJob};
pub use options::options;
pub use precision::{Precision, Real};
pub use scenario::{DatasetView, PoolDocument, Scenario, Task};
pub use trainer::{FitData, FitJob, FitReport, Session, StepReport, Trainer, TrainingColumn};
pub use {log, serde_json};

/// What [`export_plugin!`] expands to; not for authors.
#[doc(hidden)]
pub mod __private {
    pub use clirbench_abi as abi;
    pub use clirbench_abi::export;

    pub use crate::encoder::exported as encoder;
    pub use crate::fisher::exported as fisher;
    pub use crate::loss::exported as loss;
    pub use crate::manifest::{InterfaceSource, ManifestSource, json};
    pub use crate::merger::exported as merger;
    pub use crate::scenario::exported as scenario;
    pub use crate::trainer::exported as trainer;
}

/// The plugin in README.md compiles as it is printed there.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
