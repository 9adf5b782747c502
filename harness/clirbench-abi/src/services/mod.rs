//! What the host does for plugins, one file per service.
//!
//! A service is an interface like those of plugins: asked for by id, its layout checked alone, so
//! that hosts gain services without old plugins noticing. Every function takes the host object.

mod cancel;
mod device;
mod log;
mod ort;
mod paths;
mod progress;
mod threads;
mod weights;

pub use cancel::CancelService;
pub use device::DeviceService;
pub use log::{LogLevel, LogService};
pub use ort::OrtService;
pub use paths::PathsService;
pub use progress::ProgressService;
pub use threads::ThreadsService;
pub use weights::WeightsService;
