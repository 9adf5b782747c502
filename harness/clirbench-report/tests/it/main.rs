//! What a results folder holds, byte by byte, and what comes back when it is read.
//!
//! - `fixture`: a small run of two models that every other module uses
//! - `folder`: all files of a run as snapshots, rewriting, stability, refusal of NaN
//! - `scores`: reading `scores.csv`, and its errors
//! - `per_query`: the parquet file there and back
//! - `records`: records there and back, their order, what is refused
//! - `trec`: runs and qrels there and back
//! - `leaderboards`: gaps, best values, tie rules, wrapping; the averages of Jang et al. 2025
//! - `published`: the tables that the program carries, and a run beside them
//! - `audit`: what is impossible in published tables, results folders, MTEB files and hostile ones
//! - `compare`: sides from folders, and the four formats

#![allow(clippy::print_stdout, reason = "tests say what they skipped")]

mod audit;
mod compare;
mod fixture;
mod folder;
mod leaderboards;
mod per_query;
mod published;
mod records;
mod scores;
mod sweep;
mod trec;
