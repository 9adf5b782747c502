//! One side of a comparison, read from a results folder or a lone `scores.csv`.

use std::path::Path;

use clirbench_core::compare::Side;

use crate::error::ReportError;
use crate::per_query::read_per_query;
use crate::records;
use crate::run_json::read_dataset_hashes;
use crate::scores::read_scores;

/// Reads a results folder (`scores.csv`; `per_query.parquet` and `run.json` where they are there),
/// a leaderboard (whose per-query values lie in its records) or a `scores.csv` alone.
///
/// # Errors
/// A file that is there and cannot be read, or a folder without `scores.csv`.
pub fn read_side(path: &Path) -> Result<Side, ReportError> {
    if !path.is_dir() {
        return Ok(Side { scores: read_scores(path)?, ..Side::default() });
    }
    let (per_query, run) = (path.join("per_query.parquet"), path.join("run.json"));
    Ok(Side {
        scores: read_scores(&path.join("scores.csv"))?,
        per_query: if per_query.exists() { read_per_query(&per_query)? } else { records::per_query(path)? },
        dataset_hashes: if run.exists() { read_dataset_hashes(&run)? } else { Default::default() },
    })
}
