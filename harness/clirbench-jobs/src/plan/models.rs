//! Models: which plugin opens them, what they are, and the groups of their vectors.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use clirbench_host::PluginFile;
use clirbench_store::Key;
use serde_json::{Value, json};

use super::{PlanError, PlannedDataset, Setup, config, pinned, run_small};
use crate::{
    arranged::stored,
    bench::{ModelSpec, resolve},
    executor::{Event, cancelled},
    job::{Failure, Job, PluginRef, ProbeJob},
    model::{ModelFile, Probe, group, hash_files, listing},
};

/// A model of the bench file.
#[derive(Debug)]
pub struct PlannedModel {
    /// Name in leaderboards.
    pub name: String,
    /// Its encoder plugin.
    pub plugin: PluginRef,
    /// The options of the bench file.
    pub options: Value,
    /// The options with the model's directory under `path`.
    pub config: Value,
    /// What it is, or why it could not be opened.
    pub opened: Result<Opened, Failure>,
}

impl PlannedModel {
    /// Hash of what the model is, wherever it lies and however its plugin was built: the plugin's
    /// id, the options and the files. `None` where the model could not be opened.
    #[must_use]
    pub fn content(&self) -> Option<Key> {
        let files = &self.opened.as_ref().ok()?.files;
        Some(Key::of(&json!({"plugin": self.plugin.id, "options": self.options, "files": files})))
    }
}

/// A model that could be opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What it says about itself.
    pub probe: Probe,
    /// The files that its vectors depend on.
    pub files: Vec<ModelFile>,
    /// Group of its query vectors.
    pub query_group: Key,
    /// Group of its document vectors; the same where the model sees both roles alike.
    pub document_group: Key,
}

/// A probe on its way: where it will be, and the directory whose files it names.
struct Probing {
    job: ProbeJob,
    directory: PathBuf,
}

pub(super) fn open(
    setup: &Setup,
    samples: &(String, String),
    cancel: &AtomicBool,
    on_event: &mut dyn FnMut(Event),
) -> Result<Vec<PlannedModel>, PlanError> {
    let mut probing = Vec::new();
    for spec in &setup.bench.models {
        probing.push(prepare(setup, spec, samples)?);
    }
    let (asked, jobs): (Vec<usize>, Vec<Job>) = probing
        .iter()
        .enumerate()
        .filter(|(_, p)| !setup.store.has("probe", &p.job.key))
        .map(|(i, p)| (i, Job::Probe(p.job.clone())))
        .unzip();
    let mut failures: Vec<Option<Failure>> = vec![None; probing.len()];
    for (at, outcome) in asked.into_iter().zip(run_small(setup, &jobs, cancel, on_event)) {
        failures[at] = outcome.err();
    }
    if cancel.load(Ordering::Relaxed) {
        return Err(cancelled().into());
    }
    let mut models = Vec::new();
    for ((spec, probing), failure) in setup.bench.models.iter().zip(probing).zip(failures) {
        let options = config(&spec.options);
        let opened = match failure {
            Some(failure) => Err(failure),
            None => finish(setup, &probing, &options),
        };
        let ProbeJob { plugin, config, .. } = probing.job;
        models.push(PlannedModel { name: spec.name.clone(), plugin, options, config, opened });
    }
    Ok(models)
}

fn prepare(
    setup: &Setup,
    spec: &ModelSpec,
    (sample_query, sample_document): &(String, String),
) -> Result<Probing, Failure> {
    let about =
        |failure: Failure| Failure::new(format!("model `{}`: {}", spec.name, failure.message), failure.hint);
    let directory = spec.path.as_deref().map(|path| resolve(&setup.base, path));
    if let Some(missing) = directory.as_deref().filter(|d| !d.exists()) {
        return Err(about(Failure::new(
            format!("{} does not exist", missing.display()),
            "`path` is relative to the bench file",
        )));
    }
    let file = choose(setup, spec, directory.as_deref()).map_err(about)?;
    let options = config(&spec.options);
    let mut config = options.clone();
    if let Some(directory) = &directory {
        config["path"] = json!(std::path::absolute(directory).unwrap_or_else(|_| directory.clone()));
    }
    file.manifest.check_config("encoder/1", &config).map_err(|e| about(e.into()))?;
    let plugin = pinned(setup, file).map_err(about)?;
    let (sample_query, sample_document) = (sample_query.clone(), sample_document.clone());
    let key = Key::of(&json!({
        "version": "probe/1",
        "plugin": [plugin.id, plugin.sha256],
        "config": options,
        "files": directory.as_deref().map(listing),
        "device": setup.device.as_str(),
        "samples": [sample_query, sample_document],
    }));
    let job = ProbeJob { key, plugin, config, sample_query, sample_document };
    Ok(Probing { job, directory: directory.unwrap_or_default() })
}

fn finish(setup: &Setup, probing: &Probing, options: &Value) -> Result<Opened, Failure> {
    let job = &probing.job;
    let missing = || Failure::new("the model's probe vanished from the store", "run again");
    let object = setup.store.get("probe", &job.key).map_err(stored)?.ok_or_else(missing)?;
    let probe: Probe = object.json("info.json").map_err(stored)?;
    let files = hash_files(&probing.directory, &probe.info.files)?;
    let dtype = setup.bench.run.dtype;
    let of = |role| group(&job.plugin, options, &probe, &files, dtype, role);
    let (query_group, document_group) = (of("query"), of("document"));
    Ok(Opened { probe, files, query_group, document_group })
}

/// The encoder that the bench file names, or the one that knows what the directory holds.
fn choose<'a>(
    setup: &'a Setup,
    spec: &ModelSpec,
    directory: Option<&Path>,
) -> Result<&'a PluginFile, Failure> {
    let found = match (&spec.encoder, directory) {
        (Some(name), _) if name.starts_with("encoder-") => setup.plugins.find(name),
        (Some(name), _) => {
            let prefixed = setup.plugins.find(&format!("encoder-{name}"));
            // Plugins of others need not follow our habit of naming.
            prefixed.or_else(|error| setup.plugins.find(name).map_err(|_| error))
        }
        (None, Some(directory)) => setup.plugins.encoder_for(directory),
        (None, None) => setup.plugins.find("encoder-hashed"),
    };
    found.map_err(Failure::from)
}

/// The first query and document of the run: what `run.json` shows as rendered input.
pub(super) fn samples(datasets: &[PlannedDataset]) -> (String, String) {
    let first = |entries: &[clirbench_core::dataset::Entry]| {
        entries.iter().flat_map(|e| e.texts.iter().flatten()).next().cloned().unwrap_or_default()
    };
    datasets
        .first()
        .map_or_else(Default::default, |d| (first(&d.arranged.queries), first(&d.arranged.documents)))
}
