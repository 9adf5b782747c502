//! Records: what one model got on one dataset with one configuration, kept in version control; and
//! the leaderboards that are made of them.
//!
//! A leaderboard is a folder. Its `records/MODEL/DATASET` are the source: each is added from the
//! results folder of a run. The tables beside them follow from the records alone, byte for byte, so
//! that anybody can make them again.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use clirbench_report::records;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let board = Path::new("results/leaderboard");
//! let new = records::from_run(Path::new("results/first"), &[], Path::new("."))?;
//! for added in records::add(board, &new, false)? {
//!     println!("{}", added.folder);
//! }
//! records::build(board)?;
//! assert!(records::stale(board)?.is_empty());
//! # Ok(())
//! # }
//! ```

mod add;
mod agreement;
mod board;
mod folder;
mod record;
mod run;

pub use add::{Added, Effect, add};
pub use board::{Stale, build, stale};
pub use folder::read_all;
pub(crate) use folder::{is_per_query, per_query_paths};
pub use record::{
    Configuration, HashedFile, Measured, PluginStamp, Record, Recorded, RecordedDataset, RecordedModel,
    RecordedScenario,
};
pub use run::from_run;
