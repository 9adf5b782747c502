//! From the results folder of a run to records.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::record::{
    Configuration, HashedFile, Measured, PluginStamp, Record, Recorded, RecordedDataset, RecordedModel,
};
use crate::bias::read_bias;
use crate::error::ReportError;
use crate::file::read_text;
use crate::per_query::read_per_query;
use crate::scores::read_scores;

const MEASURE_AGAIN: &str = "measure again: `clirbench run BENCH --out FOLDER`";

/// The part of `run.json` that records are made of.
#[derive(Deserialize)]
struct Run {
    clirbench: String,
    machine: Machine,
    datasets: Map<String, Value>,
    models: Map<String, Value>,
    failures: Vec<RunFailure>,
}

#[derive(Deserialize)]
struct Machine {
    os: String,
    architecture: String,
    device: String,
}

#[derive(Deserialize)]
struct RunFailure {
    dataset: String,
    /// Absent where a scenario failed for all models.
    model: Option<String>,
    reason: String,
}

#[derive(Clone, Deserialize)]
struct RunDataset {
    hash: String,
    queries: u64,
    documents: u64,
    configuration: Configuration,
    scenarios: Vec<RunScenario>,
    entry: Map<String, Value>,
    notes: Vec<String>,
}

#[derive(Clone, Deserialize)]
struct RunScenario {
    plugin: PluginStamp,
}

#[derive(Deserialize)]
struct RunModel {
    plugin: PluginStamp,
    entry: Map<String, Value>,
    directory: Option<String>,
    hash: String,
    files: Vec<HashedFile>,
    runtime: String,
    warnings: Vec<String>,
    merge: Option<Value>,
}

/// The records of a results folder: one per model and dataset, in the order of the run; of the named
/// models alone where `models` is not empty. `root` is the folder that the paths in records count from.
///
/// # Errors
/// A folder that no complete run has written, a model that it does not have, or cells that failed.
pub fn from_run(folder: &Path, models: &[String], root: &Path) -> Result<Vec<Recorded>, ReportError> {
    let refuse = |what: String, hint| ReportError::Run { path: folder.to_owned(), what, hint };
    let run = read_run(folder)?;
    let (scores, bias) = (read_scores(&folder.join("scores.csv"))?, read_bias(&folder.join("bias.csv"))?);
    let per_query = read_per_query(&folder.join("per_query.parquet"))?;
    if let Some(unknown) = models.iter().find(|name| !run.models.contains_key(*name)) {
        let known: Vec<&str> = run.models.keys().map(String::as_str).collect();
        let what = format!("there is no model `{unknown}` in it, there are: {}", known.join(", "));
        return Err(refuse(what, "name one of those"));
    }
    let mut records = Vec::new();
    for (model, described) in run.models.iter().filter(|(name, _)| models.is_empty() || models.contains(name))
    {
        for (dataset, data) in &run.datasets {
            let of = |f: &&RunFailure| {
                f.dataset == *dataset && f.model.as_ref().is_none_or(|failed| failed == model)
            };
            let failed: Vec<&RunFailure> = run.failures.iter().filter(of).collect();
            if let Some(first) = failed.first() {
                let what =
                    format!("{} of {model} on {dataset} failed: {}", cells(failed.len()), first.reason);
                return Err(refuse(
                    what,
                    "a record has every cell; run again, or leave the model out with --model",
                ));
            }
            let of_model: RunModel = part(folder, model, described)?;
            let of_data: RunDataset = part(folder, dataset, data)?;
            let recorded = Recorded {
                record: Record {
                    record: Record::VERSION,
                    model: recorded_model(model, of_model, root),
                    measured: measured(&run, &of_data),
                    configuration: of_data.configuration.clone(),
                    dataset: recorded_dataset(dataset, of_data, root),
                    files: Default::default(),
                },
                scores: scores
                    .iter()
                    .filter(|r| (&r.model, &r.dataset) == (model, dataset))
                    .cloned()
                    .collect(),
                per_query: per_query
                    .iter()
                    .filter(|q| (&q.cell.model, &q.cell.dataset) == (model, dataset))
                    .cloned()
                    .collect(),
                bias: bias.iter().filter(|r| (&r.model, &r.dataset) == (model, dataset)).cloned().collect(),
            };
            // Scenarios may have nothing to measure on a dataset.
            if !recorded.scores.is_empty() {
                records.push(recorded);
            }
        }
    }
    if records.is_empty() {
        return Err(refuse("no model has a score in it".to_owned(), MEASURE_AGAIN));
    }
    Ok(records)
}

fn cells(count: usize) -> String {
    if count == 1 { "a cell".to_owned() } else { format!("{count} cells") }
}

fn read_run(folder: &Path) -> Result<Run, ReportError> {
    let refuse = |what: String| ReportError::Run { path: folder.to_owned(), what, hint: MEASURE_AGAIN };
    let path = folder.join("run.json");
    if !path.is_file() {
        return Err(refuse("it has no run.json, so it does not say what its numbers depend on".to_owned()));
    }
    let run: Value = serde_json::from_str(&read_text(&path)?).map_err(|e| ReportError::Line {
        path: path.clone(),
        line: e.line() as u64,
        what: e.to_string(),
    })?;
    if run["incomplete"].as_bool() == Some(true) {
        return Err(refuse("its run is not complete".to_owned()));
    }
    serde_json::from_value(run).map_err(|e| refuse(format!("run.json: {e}")))
}

/// A model or dataset of `run.json`; an older version wrote less.
fn part<T: DeserializeOwned>(folder: &Path, name: &str, value: &Value) -> Result<T, ReportError> {
    serde_json::from_value(value.clone()).map_err(|e| ReportError::Run {
        path: folder.to_owned(),
        what: format!("run.json: {name}: {e}"),
        hint: MEASURE_AGAIN,
    })
}

fn recorded_model(name: &str, model: RunModel, root: &Path) -> RecordedModel {
    let RunModel { plugin, mut entry, directory, hash, files, runtime, warnings, merge } = model;
    place(&mut entry, directory.as_deref(), root);
    let entry = Value::Object(entry);
    RecordedModel { name: name.to_owned(), hash, plugin, entry, files, runtime, warnings, merge }
}

fn recorded_dataset(name: &str, dataset: RunDataset, root: &Path) -> RecordedDataset {
    let RunDataset { hash, queries, documents, mut entry, notes, .. } = dataset;
    let path = entry.get("path").and_then(Value::as_str).map(str::to_owned);
    place(&mut entry, path.as_deref(), root);
    let entry = Value::Object(entry);
    RecordedDataset { name: name.to_owned(), hash, entry, queries, documents, notes }
}

fn measured(run: &Run, dataset: &RunDataset) -> Measured {
    let mut seen = BTreeSet::new();
    let plugins = dataset.scenarios.iter().map(|s| s.plugin.clone());
    Measured {
        clirbench: run.clirbench.clone(),
        os: run.machine.os.clone(),
        architecture: run.machine.architecture.clone(),
        device: run.machine.device.clone(),
        scenarios: plugins.filter(|plugin| seen.insert(plugin.id.clone())).collect(),
    }
}

/// Sets `path` of an entry to `path` as seen from `root`; a place outside of it is this machine's
/// own business and is left out.
fn place(entry: &mut Map<String, Value>, path: Option<&str>, root: &Path) {
    entry.shift_remove("path");
    let inside = path.and_then(|path| {
        let path = Path::new(path).canonicalize().ok()?;
        let path = path.strip_prefix(root.canonicalize().ok()?).ok()?.to_owned();
        let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
        parts.map(|parts| if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
    });
    if let Some(path) = inside {
        entry.insert("path".to_owned(), Value::String(path));
    }
}
