//! Finds plugins, reads what they say about themselves without executing them, and loads them.
//!
//! The steps are apart so that only workers load: [`discover`] and [`inspect`] read files,
//! [`Lock::check`] compares hashes, [`Manifest::check_config`] holds a config against its schema,
//! and only [`load`] executes a plugin's code. A plugin that does not keep its word (another
//! version or layout than it says, rows missing, a vector that is not finite, an index that
//! points nowhere) is refused with an [`Error`] that fits one line and has a hint. A plugin that
//! aborts, crashes or hangs takes its process with it: run it in a worker.
//!
//! ```no_run
//! use clirbench_host::{HostServices, Role, SearchPath, TextStats, discover, load};
//! use serde_json::json;
//!
//! # fn main() -> Result<(), clirbench_host::Error> {
//! let found = discover(&SearchPath::new(&[], None));
//! let file = found.find("encoder-hashed")?;
//! let config = json!({});
//! file.manifest.check_config("encoder/1", &config)?;
//! let plugin = load(file, HostServices::new(std::env::temp_dir()))?;
//! let mut encoder = plugin.encoder(&config)?;
//! let mut vector = vec![0.0; encoder.info().dim];
//! let mut stats = [TextStats::default()];
//! encoder.encode(Role::Query, &["a query"], &mut vector, &mut stats)?;
//! # Ok(())
//! # }
//! ```

mod config;
mod detect;
mod discover;
mod encoder;
mod error;
mod fisher;
mod inspect;
mod lock;
mod loss;
mod manifest;
mod merger;
mod plugin;
mod scenario;
mod search;
mod services;
mod trainer;

pub use clirbench_abi::encoder::{EncoderInfo, Role, TextStats};
pub use clirbench_abi::fisher::{EstimateJob, EstimateReport};
pub use clirbench_abi::loss::{LossInfo, LossInput};
pub use clirbench_abi::merger::{MergeModels, MergePlan, TensorJob};
pub use clirbench_abi::scenario::{DatasetView, PoolDocument, Task};
pub use clirbench_abi::trainer::{FitJob, FitReport, StepReport, TrainingColumn};
pub use clirbench_abi::{Device, UnknownDevice};
pub use discover::{Discovery, Refused, Shadowed, discover};
pub use encoder::EncoderHandle;
pub use error::{Error, Result};
pub use fisher::{EstimateData, FisherHandle};
pub use inspect::{PluginFile, inspect};
pub use lock::{Lock, LockedPlugin};
pub use loss::{Batch, LossHandle};
pub use manifest::{InterfaceManifest, Manifest, ManifestError};
pub use merger::MergerHandle;
pub use plugin::{Plugin, load};
pub use scenario::ScenarioHandle;
pub use search::{Origin, SearchPath};
pub use services::{HostServices, LogRecord, Weights};
pub use trainer::{FitData, FitSession, TrainerHandle};
