//! Models: which plugin opens them, what they are, and the groups of their vectors.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use clirbench_host::PluginFile;
use clirbench_merge::{MergeSpec, Parents};
use clirbench_store::Key;
use serde_json::{Value, json};

use super::{
    PlanError, PlannedDataset, Setup, config, find,
    merge::{self, PlannedMerge},
    pinned, run_small,
};
use crate::{
    arranged::stored,
    bench::{ModelSpec, resolve},
    executor::{Event, cancelled},
    job::{Failure, Job, MergeRef, PluginRef, ProbeJob},
    merged::DirectoryHashes,
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
    /// What it is a merge of, where it is one that is not written.
    pub merge: Option<MergeRef>,
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
    merge: Option<MergeRef>,
}

pub(super) fn open(
    setup: &Setup,
    samples: &(String, String),
    cancel: &AtomicBool,
    on_event: &mut dyn FnMut(Event),
) -> Result<Vec<PlannedModel>, PlanError> {
    let mut probing = Vec::new();
    let mut hashes = DirectoryHashes::default();
    for spec in &setup.bench.models {
        probing.push(prepare(setup, spec, samples, &mut hashes)?);
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
        let Probing { job: ProbeJob { plugin, config, .. }, merge, .. } = probing;
        models.push(PlannedModel { name: spec.name.clone(), plugin, options, config, merge, opened });
    }
    Ok(models)
}

fn prepare(
    setup: &Setup,
    spec: &ModelSpec,
    (sample_query, sample_document): &(String, String),
    hashes: &mut DirectoryHashes,
) -> Result<Probing, Failure> {
    let about =
        |failure: Failure| Failure::new(format!("model `{}`: {}", spec.name, failure.message), failure.hint);
    let merge = spec.merge.as_ref().map(|merge| merge_of(setup, merge, hashes)).transpose().map_err(about)?;
    // A merge has the tokenizer, the modules and the prompts of its parents, which agree on them.
    let first = merge.as_ref().and_then(|merge| merge.spec.models.first()).map(|parent| parent.path.clone());
    let directory = first.or_else(|| spec.path.as_deref().map(|path| resolve(&setup.base, path)));
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
    Ok(Probing { job, directory: directory.unwrap_or_default(), merge })
}

/// A merge whose parents are there and fit each other.
fn merge_of(setup: &Setup, spec: &MergeSpec, hashes: &mut DirectoryHashes) -> Result<MergeRef, Failure> {
    let PlannedMerge { plugin, config, spec } = merge::planned(setup, spec)?;
    Parents::open(&spec)?;
    MergeRef::new(plugin, config, spec, hashes)
}

fn finish(setup: &Setup, probing: &Probing, options: &Value) -> Result<Opened, Failure> {
    let job = &probing.job;
    let missing = || Failure::new("the model's probe vanished from the store", "run again");
    let object = setup.store.get("probe", &job.key).map_err(stored)?.ok_or_else(missing)?;
    let probe: Probe = object.json("info.json").map_err(stored)?;
    let mut files = hash_files(&probing.directory, &probe.info.files)?;
    if let Some(merge) = &probing.merge {
        files.push(ModelFile { path: "merge".to_owned(), blake3: merge.key.clone() });
    }
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
    match (&spec.encoder, directory) {
        (Some(name), _) => find(setup, "encoder", name),
        (None, Some(directory)) => Ok(setup.plugins.encoder_for(directory)?),
        (None, None) => Ok(setup.plugins.find("encoder-hashed")?),
    }
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
