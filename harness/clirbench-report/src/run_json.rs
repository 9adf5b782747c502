//! `run.json`: the provenance of a run, pretty-printed, and the part of it that a comparison needs.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::ReportError;
use crate::file::read_text;
use crate::{Exporter, Options, Results};

pub(crate) struct RunJson;

impl Exporter for RunJson {
    fn file_name(&self) -> &'static str {
        "run.json"
    }

    fn render(&self, results: &Results, _: &Options) -> Result<Vec<u8>, ReportError> {
        let mut bytes = serde_json::to_vec_pretty(&results.run)
            .map_err(|e| ReportError::Encode { file: "run.json", what: e.to_string() })?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// The content hash of each dataset: `datasets.<name>.hash` of a `run.json`.
///
/// # Errors
/// A file that cannot be read or is not JSON.
pub(crate) fn read_dataset_hashes(path: &Path) -> Result<BTreeMap<String, String>, ReportError> {
    let run: serde_json::Value = serde_json::from_str(&read_text(path)?).map_err(|e| ReportError::Line {
        path: path.to_owned(),
        line: e.line() as u64,
        what: e.to_string(),
    })?;
    let datasets = run.get("datasets").and_then(serde_json::Value::as_object);
    Ok(datasets
        .into_iter()
        .flatten()
        .filter_map(|(name, dataset)| Some((name.clone(), dataset.get("hash")?.as_str()?.to_owned())))
        .collect())
}
