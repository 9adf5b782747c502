//! One side of a comparison: a results folder or a lone `scores.csv`, from disk or from bytes.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use clirbench_core::compare::Side;

use crate::error::ReportError;
use crate::per_query::parse_per_query;
use crate::run_json::Provenance;
use crate::scores::parse_scores;

/// The files of a results folder that a comparison reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SideFiles {
    /// `scores.csv`.
    pub scores: Vec<u8>,
    /// `per_query.parquet`, where it is there.
    pub per_query: Option<Vec<u8>>,
    /// `run.json`, where it is there.
    pub run: Option<Vec<u8>>,
}

impl SideFiles {
    /// Names of the files, in the order of the fields.
    pub const NAMES: [&str; 3] = ["scores.csv", "per_query.parquet", "run.json"];
}

/// Reads a results folder (`scores.csv`; `per_query.parquet` and `run.json` where they are there)
/// or a `scores.csv` alone.
///
/// # Errors
/// A file that is there and cannot be read, or a folder without `scores.csv`.
pub fn read_side(path: &Path) -> Result<Side, ReportError> {
    let read = |file: &Path| fs::read(file).map_err(|e| ReportError::io("read", file, e));
    if !path.is_dir() {
        return Ok(Side { scores: parse_scores(path, &read(path)?)?, ..Side::default() });
    }
    let optional = |name: &str| {
        let file = path.join(name);
        match fs::read(&file) {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            read => read.map(Some).map_err(|e| ReportError::io("read", &file, e)),
        }
    };
    let [scores, per_query, run] = SideFiles::NAMES;
    let files =
        SideFiles { scores: read(&path.join(scores))?, per_query: optional(per_query)?, run: optional(run)? };
    parse_side(path, files)
}

/// The same from the bytes of the files; `folder` is what errors name.
///
/// # Errors
/// A file that is not what its name says.
pub fn parse_side(folder: &Path, files: SideFiles) -> Result<Side, ReportError> {
    let [scores, per_query, run] = SideFiles::NAMES.map(|name| folder.join(name));
    let provenance = files.run.map(|bytes| Provenance::parse(&run, &bytes)).transpose()?.unwrap_or_default();
    let values = files.per_query.map(|bytes| parse_per_query(&per_query, bytes)).transpose()?;
    Ok(Side {
        scores: parse_scores(&scores, &files.scores)?,
        per_query: values.unwrap_or_default(),
        dataset_hashes: provenance.dataset_hashes,
        parents: provenance.parents,
        ..Side::default()
    })
}
