//! Datasets: read, committed, and laid out as tasks by the scenarios.

use std::sync::atomic::{AtomicBool, Ordering};

use clirbench_core::{
    dataset::{Collection, Copies, Documents},
    task::Task,
};
use clirbench_data::{DatasetSpec, Loaded};
use clirbench_store::Key;
use serde_json::{Value, json};

use super::{PlanError, Setup, config, pinned, run_small};
use crate::{
    arranged::{self, stored},
    bench::suggest,
    executor::{Event, cancelled},
    job::{Failure, Job, PluginRef, TasksJob},
};

/// A dataset of the bench file, read and committed.
#[derive(Debug)]
pub struct PlannedDataset {
    /// Name in leaderboards.
    pub name: String,
    /// Its content and the files it came from.
    pub loaded: Loaded,
    /// How documents are laid out.
    pub documents: Documents,
    /// Which copies are relevant.
    pub copies: Copies,
    /// Key of the dataset object.
    pub key: Key,
    /// The collection as laid out: ids and texts of the pools.
    pub arranged: Collection,
    /// Tasks of all scenarios, in the order of the bench file.
    pub tasks: Vec<PlannedTask>,
    /// Scenarios that could not list their tasks, and why.
    pub failed: Vec<(String, Failure)>,
    /// The scenario plugins and configurations behind the tasks.
    pub scenarios: Vec<(String, PluginRef, Value)>,
}

impl PlannedDataset {
    /// The dataset as an entry of a bench file that needs no manifest; its path is absolute.
    #[must_use]
    pub fn entry(&self) -> DatasetSpec {
        let root = &self.loaded.root;
        let root = std::path::absolute(root).unwrap_or_else(|_| root.clone());
        DatasetSpec { manifest: None, path: Some(root), ..self.loaded.spec.clone() }
    }

    /// What the scenarios say about their tasks, each behind its scenario's name, once.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for PlannedTask { task, .. } in &self.tasks {
            for note in task.notes.iter().map(|note| format!("{}: {note}", task.scenario)) {
                if !notes.contains(&note) {
                    notes.push(note);
                }
            }
        }
        notes
    }
}

/// One task of a dataset.
#[derive(Clone, Debug)]
pub struct PlannedTask {
    /// The `tasks/<key>` object.
    pub object: Key,
    /// Which of its tasks.
    pub index: usize,
    /// Hash of the task's content.
    pub hash: Key,
    /// The task.
    pub task: Task,
}

pub(super) fn load(setup: &Setup) -> Result<Vec<PlannedDataset>, PlanError> {
    let mut datasets = Vec::new();
    for spec in &setup.bench.datasets {
        let loaded = clirbench_data::load(spec, &setup.base)?;
        let documents = loaded.spec.documents.unwrap_or_default();
        let copies = loaded.spec.copies.unwrap_or_default();
        let key = Key::of(&json!(["dataset/1", loaded.hashes.collection]));
        arranged::commit(&setup.store, &key, &loaded.collection)?;
        let arranged = loaded.collection.arranged(documents, copies);
        datasets.push(PlannedDataset {
            name: spec.name.clone(),
            loaded,
            documents,
            copies,
            key,
            arranged,
            tasks: Vec::new(),
            failed: Vec::new(),
            scenarios: Vec::new(),
        });
    }
    Ok(datasets)
}

pub(super) fn add_tasks(
    setup: &Setup,
    datasets: &mut [PlannedDataset],
    cancel: &AtomicBool,
    on_event: &mut dyn FnMut(Event),
) -> Result<(), PlanError> {
    let mut planned = Vec::new();
    for name in &setup.bench.run.scenarios {
        let (plugin, options) = resolve(setup, name)?;
        for (d, dataset) in datasets.iter_mut().enumerate() {
            let own = &dataset.loaded.spec.scenarios;
            if !own.is_empty() && !own.contains(name) {
                continue;
            }
            dataset.scenarios.push((name.clone(), plugin.clone(), options.clone()));
            let key = Key::of(&json!({
                "version": "tasks/1",
                "plugin": [plugin.id, plugin.sha256],
                "config": options,
                "dataset": dataset.key,
                "documents": dataset.documents,
                "copies": dataset.copies,
            }));
            let job = TasksJob {
                key,
                plugin: plugin.clone(),
                config: options.clone(),
                dataset: dataset.key.clone(),
                documents: dataset.documents,
                copies: dataset.copies,
            };
            planned.push((d, name, job));
        }
    }
    let open: Vec<Job> = planned
        .iter()
        .filter(|(_, _, job)| !setup.store.has("tasks", &job.key))
        .map(|(_, _, job)| Job::Tasks(job.clone()))
        .collect();
    let outcomes = run_small(setup, &open, cancel, on_event);
    if cancel.load(Ordering::Relaxed) {
        return Err(cancelled().into());
    }
    for (d, name, job) in planned {
        let failed = open.iter().zip(&outcomes).find_map(|(o, outcome)| {
            o.result().filter(|(_, key)| *key == &job.key).and_then(|_| outcome.clone().err())
        });
        match failed {
            Some(failure) => datasets[d].failed.push((name.clone(), failure)),
            None => datasets[d].tasks.extend(read_tasks(setup, &job.key)?),
        }
    }
    Ok(())
}

fn read_tasks(setup: &Setup, key: &Key) -> Result<Vec<PlannedTask>, Failure> {
    let missing = || Failure::new("a scenario's tasks vanished from the store", "run again");
    let object = setup.store.get("tasks", key).map_err(stored)?.ok_or_else(missing)?;
    let tasks: Vec<Task> = object.json("tasks.json").map_err(stored)?;
    Ok(tasks
        .into_iter()
        .enumerate()
        .map(|(index, task)| PlannedTask { object: key.clone(), index, hash: Key::of(&task), task })
        .collect())
}

fn unknown_scenario(setup: &Setup, name: &str) -> Failure {
    let mut known: Vec<&str> = Vec::new();
    for file in setup.plugins.with_interface("scenario/1") {
        let schema = file.manifest.interface("scenario/1").map(|i| &i.schema);
        match schema.and_then(|s| s.pointer("/properties/kind/examples")).and_then(Value::as_array) {
            Some(kinds) => known.extend(kinds.iter().filter_map(Value::as_str)),
            None => known.extend(file.manifest.id.strip_prefix("scenario-")),
        }
    }
    let hint = match suggest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => {
            "no scenario plugins were found: name their folder with --plugin".to_owned()
        }
        None => format!("there are: {}", known.join(", ")),
    };
    Failure::new(format!("unknown scenario `{name}`"), hint)
}

/// The plugin of a scenario and its checked configuration.
///
/// `scenario-<name>` provides `<name>`, and so does a plugin whose id is `<name>`; a scenario plugin
/// whose schema has a `kind` provides the names that it accepts there.
fn resolve(setup: &Setup, name: &str) -> Result<(PluginRef, Value), Failure> {
    let mut options = setup.bench.scenario.get(name).map_or_else(|| json!({}), config);
    let with_kind = json!({"kind": name});
    let by_kind = setup.plugins.plugins.iter().find(|p| {
        let takes_kind = p
            .manifest
            .interface("scenario/1")
            .is_some_and(|i| i.schema.pointer("/properties/kind").is_some());
        takes_kind && p.manifest.check_config("scenario/1", &with_kind).is_ok()
    });
    let file = match by_kind {
        Some(file) => {
            options["kind"] = json!(name);
            file
        }
        None => {
            let prefixed = setup.plugins.find(&format!("scenario-{name}"));
            prefixed.or_else(|_| setup.plugins.find(name)).map_err(|_| unknown_scenario(setup, name))?
        }
    };
    file.manifest
        .check_config("scenario/1", &options)
        .map_err(|e| Failure::new(format!("[scenario.{name}]: {e}"), e.hint().unwrap_or_default()))?;
    Ok((pinned(setup, file)?, options))
}
