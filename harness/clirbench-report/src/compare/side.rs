//! One side of a comparison: a results folder or a lone `scores.csv`, from disk or from bytes.

use std::path::Path;

use clirbench_core::compare::Side;

use crate::error::ReportError;
use crate::file::read_bytes;
use crate::per_query::parse_per_query;
use crate::records;
use crate::run_json::Provenance;
use crate::scores::parse_scores;

/// The files of a results folder, or of a leaderboard, that a comparison reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SideFiles {
    /// `scores.csv`.
    pub scores: Vec<u8>,
    /// Paths below the folder and content: `per_query.parquet` of a run, or those of a leaderboard's
    /// records; none where there are none.
    pub per_query: Vec<(String, Vec<u8>)>,
    /// `run.json`, where it is there.
    pub run: Option<Vec<u8>>,
}

impl SideFiles {
    /// Name of the file that every side has.
    pub const SCORES: &str = "scores.csv";

    /// Name of the provenance.
    pub const RUN: &str = "run.json";

    /// Those of a folder's files (paths below it, with `/`) that hold the per-query values, sorted.
    #[must_use]
    pub fn per_query_of(mut paths: Vec<String>) -> Vec<String> {
        if paths.iter().any(|path| path == PER_QUERY) {
            return vec![PER_QUERY.to_owned()];
        }
        paths.retain(|path| records::is_per_query(path));
        paths.sort();
        paths
    }
}

const PER_QUERY: &str = "per_query.parquet";

/// Reads a results folder (`scores.csv`; `per_query.parquet` and `run.json` where they are there), a
/// leaderboard, whose per-query values lie in its records, or a `scores.csv` alone.
///
/// # Errors
/// A file that is there and cannot be read, or a folder without `scores.csv`.
pub fn read_side(path: &Path) -> Result<Side, ReportError> {
    if !path.is_dir() {
        return Ok(Side { scores: parse_scores(path, &read_bytes(path)?)?, ..Side::default() });
    }
    let run = path.join(SideFiles::RUN);
    let mut paths = records::per_query_paths(path)?;
    if path.join(PER_QUERY).exists() {
        paths.push(PER_QUERY.to_owned());
    }
    let per_query = SideFiles::per_query_of(paths).into_iter().map(|name| {
        let bytes = read_bytes(&path.join(&name))?;
        Ok((name, bytes))
    });
    let files = SideFiles {
        scores: read_bytes(&path.join(SideFiles::SCORES))?,
        per_query: per_query.collect::<Result<_, ReportError>>()?,
        run: run.exists().then(|| read_bytes(&run)).transpose()?,
    };
    parse_side(path, files)
}

/// The same from the bytes of the files; `folder` is what errors name.
///
/// # Errors
/// A file that is not what its name says.
pub fn parse_side(folder: &Path, files: SideFiles) -> Result<Side, ReportError> {
    let [scores, run] = [SideFiles::SCORES, SideFiles::RUN].map(|name| folder.join(name));
    let provenance = files.run.map(|bytes| Provenance::parse(&run, &bytes)).transpose()?.unwrap_or_default();
    let mut per_query = Vec::new();
    for (name, bytes) in files.per_query {
        per_query.extend(parse_per_query(&folder.join(name), bytes)?);
    }
    Ok(Side {
        scores: parse_scores(&scores, &files.scores)?,
        per_query,
        dataset_hashes: provenance.dataset_hashes,
        parents: provenance.parents,
        ..Side::default()
    })
}
