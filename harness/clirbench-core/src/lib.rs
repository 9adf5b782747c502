//! What a score means: collections, tasks, relevance, metrics and statistics.
//!
//! Pure: no IO, no threads, no clocks. Everything here can be checked by hand on small numbers.

pub mod dataset;
pub mod ranking;
pub mod results;
pub mod task;
