//! What a score means: collections, tasks, relevance, metrics and statistics.
//!
//! Pure: no IO, no threads, no clocks. Everything here can be checked by hand on small numbers.

pub mod audit;
pub mod bias;
pub mod compare;
pub mod dataset;
pub mod figure;
pub mod metrics;
pub mod printed;
pub mod published;
pub mod ranking;
pub mod replication;
pub mod results;
pub mod run;
pub mod stats;
pub mod task;
