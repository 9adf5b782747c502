//! What a sweep over merges is written down as: `merges.csv`, `pareto.csv` and `sweep.md`, beside
//! the results folder that every run has.

mod pairwise;
mod pareto;
mod summary;

use std::path::Path;

use clirbench_core::results::Merged;

pub use summary::{Candidate, Selection};

use crate::Results;
use crate::error::ReportError;
use crate::file;

/// A sweep's results.
#[derive(Clone, Copy, Debug)]
pub struct Sweep<'a> {
    /// All models on the reported data.
    pub results: &'a Results,
    /// Which of the models are merges of which others.
    pub merges: &'a [Merged],
    /// How winners were chosen.
    pub selection: Option<&'a Selection>,
    /// What a reader of the numbers has to know.
    pub notes: &'a [String],
}

/// Writes the files of a sweep to `dir`.
///
/// # Errors
/// A file that cannot be written; none is cut short.
pub fn write(dir: &Path, sweep: &Sweep<'_>) -> Result<(), ReportError> {
    file::replace(dir, "merges.csv", &pairwise::csv(sweep)?)?;
    file::replace(dir, "pareto.csv", &pareto::csv(sweep)?)?;
    file::replace(dir, "sweep.md", summary::page(sweep).as_bytes())
}
