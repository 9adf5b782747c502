//! From a record of a leaderboard back to a bench file that measures it again.

use std::{collections::BTreeMap, path::Path};

use clirbench_data::DatasetSpec;
use clirbench_report::records::{Record, RecordedScenario};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    bench::{Bench, ModelSpec, RunSpec},
    job::Failure,
    model::hash_files,
    plan::{Plan, Setup},
    provenance::configuration,
};

/// The bench of one model, one dataset and one configuration that a record describes. `model` is the
/// directory of the model, for those that have one; `data` holds the dataset's files. A merge names its
/// parents as the record does.
///
/// # Errors
/// A record that another version wrote, or that was edited: an entry with unknown keys, options that
/// TOML does not have.
pub fn bench(record: &Record, model: Option<&Path>, data: &Path) -> Result<Bench, Failure> {
    let model: ModelSpec = at(&record.model.entry, model, "model")?;
    let dataset: DatasetSpec = at(&record.dataset.entry, Some(data), "dataset")?;
    let of = &record.configuration;
    let run = RunSpec {
        scenarios: of.scenarios.iter().map(|s| s.scenario.clone()).collect(),
        ties: of.ties,
        resamples: of.resamples,
        seed: of.seed,
        shard: of.shard,
        dtype: read(json!(of.dtype), "configuration")?,
        ..RunSpec::default()
    };
    let options = |s: &RecordedScenario| Ok((s.scenario.clone(), read(s.config.clone(), &s.scenario)?));
    Ok(Bench {
        // The very plugin that measured, whatever now knows the model's directory first.
        models: vec![ModelSpec { encoder: Some(record.model.plugin.id.clone()), ..model }],
        datasets: vec![dataset],
        run,
        scenario: of.scenarios.iter().map(options).collect::<Result<BTreeMap<_, _>, Failure>>()?,
    })
}

/// An entry of a bench file with its path.
fn at<T: DeserializeOwned>(entry: &Value, path: Option<&Path>, what: &str) -> Result<T, Failure> {
    let mut entry = entry.clone();
    if entry.get("merge").is_some() {
        // Its `path` is where what is not weights comes from: that of its first parent.
        entry.as_object_mut().map(|entry| entry.shift_remove("path"));
    } else if let Some(path) = path {
        entry["path"] = json!(path);
    }
    read(entry, what)
}

fn read<T: DeserializeOwned>(value: Value, what: &str) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|e| {
        Failure::new(format!("{what} of record.json: {e}"), "another version wrote it, or it was edited")
    })
}

/// The first file in `directory` that is not the one a record was measured with, if any.
#[must_use]
pub fn changed_file(record: &Record, directory: &Path) -> Option<String> {
    record.model.files.iter().find_map(|file| {
        let now = hash_files(directory, std::slice::from_ref(&file.path));
        match now.as_deref() {
            Ok([now]) if now.blake3.as_str() == file.blake3 => None,
            Ok(_) => Some(format!("{} is not the file that was measured", file.path)),
            Err(_) => Some(format!("{} is not there", file.path)),
        }
    })
}

/// In what the plan for a record's bench departs from the record before anything is measured: other
/// data, another model, another configuration.
#[must_use]
pub fn departure(record: &Record, setup: &Setup, plan: &Plan) -> Option<String> {
    let (dataset, model) = (plan.datasets.first()?, plan.models.first()?);
    if dataset.loaded.hashes.collection != record.dataset.hash {
        return Some(format!("the data of {} have changed since", record.dataset.name));
    }
    if model.content().is_some_and(|content| content.as_str() != record.model.hash) {
        return Some(format!("the model {} has changed since", record.model.name));
    }
    let now = configuration(&setup.bench.run, dataset);
    (now["hash"] != json!(record.configuration.hash))
        .then(|| "its configuration is not the one of its hash: it was edited, or a scenario reads it differently now".to_owned())
}
