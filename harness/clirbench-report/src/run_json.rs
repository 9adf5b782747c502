//! `run.json`: the provenance of a run, pretty-printed, and the part of it that a comparison needs.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::error::ReportError;
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

/// What a comparison reads of a `run.json`.
#[derive(Default)]
pub(crate) struct Provenance {
    /// `datasets.<name>.hash`.
    pub(crate) dataset_hashes: BTreeMap<String, String>,
    /// `models.<name>.merge.parents`.
    pub(crate) parents: BTreeMap<String, Vec<String>>,
}

impl Provenance {
    /// What is absent is left out.
    ///
    /// # Errors
    /// Bytes that are not JSON; `path` is what the error names.
    pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Provenance, ReportError> {
        let run: Value = serde_json::from_slice(bytes).map_err(|e| ReportError::Line {
            path: path.to_owned(),
            line: e.line() as u64,
            what: e.to_string(),
        })?;
        let named = |key: &str| run.get(key).and_then(Value::as_object).into_iter().flatten();
        let hash = |(name, dataset): (&String, &Value)| {
            Some((name.clone(), dataset.get("hash")?.as_str()?.to_owned()))
        };
        let parents = |(name, model): (&String, &Value)| {
            let parents = model.get("merge")?.get("parents")?.as_array()?;
            Some((name.clone(), parents.iter().filter_map(Value::as_str).map(str::to_owned).collect()))
        };
        Ok(Provenance {
            dataset_hashes: named("datasets").filter_map(hash).collect(),
            parents: named("models").filter_map(parents).collect(),
        })
    }
}
