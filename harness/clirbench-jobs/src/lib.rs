//! Jobs: plan, executor, worker, and the collection of what they committed.
//!
//! A bench file becomes a [`plan::Plan`] (which jobs, what is done already), [`run::run`] executes
//! it on worker processes, [`collect::Collector`] turns committed cells into results. The only
//! thing that these share is the store.

mod arranged;
pub mod bench;
mod bias;
pub mod cell;
pub mod collect;
pub mod embeddings;
pub mod encoding;
mod execute;
pub mod executor;
pub mod fisher;
pub mod job;
pub mod merge;
mod merged;
pub mod model;
pub mod parity;
pub mod plan;
pub mod pool;
mod process;
mod protocol;
pub mod provenance;
pub mod recipe;
pub mod remeasure;
pub mod run;
pub mod sweep;
pub mod train;
pub mod training_set;
pub mod worker;
