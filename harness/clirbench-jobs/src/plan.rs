//! From a bench file to jobs: what there is to encode, what to score, and what is done already.
//!
//! Planning itself runs a few small jobs in workers (open each model, list each scenario's tasks),
//! because this process never loads a plugin. Their results are in the store too.

mod datasets;
mod fisher;
mod material;
mod merge;
mod models;
mod shards;
mod train;

use std::{path::PathBuf, sync::atomic::AtomicBool};

use clirbench_core::task::Task;
use clirbench_host::{Device, Discovery, Lock, PluginFile};
use clirbench_store::{Key, Store};
use serde_json::{Value, json};

pub use datasets::{PlannedDataset, PlannedTask};
pub use fisher::{FisherPlan, FisherRequest};
pub use models::{Opened, PlannedModel};
pub use shards::TextCount;
pub use train::{TrainPlan, TrainRequest};

use crate::{
    arranged::documents_name,
    bench::Bench,
    executor::{Event, ExecutorOptions, execute},
    job::{Failure, Job, PluginRef, ScoreJob},
};

/// Everything that a run is started with.
#[derive(Debug)]
pub struct Setup {
    /// The bench file.
    pub bench: Bench,
    /// Its folder: relative paths start here.
    pub base: PathBuf,
    /// The store.
    pub store: Store,
    /// The plugins that were found.
    pub plugins: Discovery,
    /// `plugins.lock`, where there is one.
    pub lock: Option<Lock>,
    /// How workers are started.
    pub executor: ExecutorOptions,
    /// Device for encoders.
    pub device: Device,
    /// Whether run files are wanted: decides how many documents are kept per query.
    pub run_files: bool,
}

/// A plan: the work, and everything that collecting its results needs.
#[derive(Debug)]
pub struct Plan {
    /// Datasets with their tasks, in the order of the bench file.
    pub datasets: Vec<PlannedDataset>,
    /// Models, in the order of the bench file.
    pub models: Vec<PlannedModel>,
    /// Every cell: model by model, dataset by dataset, task by task.
    pub cells: Vec<PlannedCell>,
    /// Embed jobs that are not in the store.
    pub embed: Vec<Job>,
    /// Texts per model: asked for, distinct, in the store, to encode.
    pub texts: Vec<TextCount>,
}

/// One cell of the leaderboards.
#[derive(Clone, Debug)]
pub struct PlannedCell {
    /// Index into [`Plan::models`].
    pub model: usize,
    /// Index into [`Plan::datasets`].
    pub dataset: usize,
    /// Index into its tasks.
    pub task: usize,
    /// The score job; `None` when the model could not be opened.
    pub job: Option<ScoreJob>,
    /// Whether its result is in the store.
    pub done: bool,
}

/// A plan cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A dataset cannot be read.
    #[error(transparent)]
    Data(#[from] clirbench_data::Error),
    /// Anything else.
    #[error("{0}")]
    Other(Failure),
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Other(failure) => failure,
            PlanError::Data(error) => Failure::new(error.to_string(), ""),
        }
    }
}

impl From<Failure> for PlanError {
    fn from(failure: Failure) -> Self {
        PlanError::Other(failure)
    }
}

/// The version of what a score job computes; part of every score's key.
const SCORE_VERSION: &str = "score/1";

impl Plan {
    /// Makes the plan.
    ///
    /// # Errors
    /// When data cannot be read, a plugin is missing, an option is wrong, or the run is cancelled. A model or
    /// scenario that fails to open is no error here: its cells are planned and say why they are empty.
    pub fn make(
        setup: &Setup,
        cancel: &AtomicBool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Plan, PlanError> {
        let mut datasets = datasets::load(setup)?;
        datasets::add_tasks(setup, &mut datasets, cancel, on_event)?;
        let models = models::open(setup, &models::samples(&datasets), cancel, on_event)?;
        let mut cells = Vec::new();
        for (m, model) in models.iter().enumerate() {
            for (d, dataset) in datasets.iter().enumerate() {
                for (t, task) in dataset.tasks.iter().enumerate() {
                    let job =
                        model.opened.as_ref().ok().map(|opened| score_job(setup, opened, dataset, task));
                    let done = job.as_ref().is_some_and(|job| setup.store.has("score", &job.key));
                    cells.push(PlannedCell { model: m, dataset: d, task: t, job, done });
                }
            }
        }
        let (embed, texts) = shards::plan(setup, &datasets, &models)?;
        Ok(Plan { datasets, models, cells, embed, texts })
    }

    /// The task of a cell.
    #[must_use]
    pub fn task(&self, cell: &PlannedCell) -> &Task {
        &self.datasets[cell.dataset].tasks[cell.task].task
    }

    /// The cell's coordinates as in `scores.csv`.
    #[must_use]
    pub fn coordinates(&self, cell: &PlannedCell) -> clirbench_core::results::Cell {
        let dataset = &self.datasets[cell.dataset];
        let task = self.task(cell);
        let language = |l: &u32| dataset.arranged.languages[*l as usize].clone();
        clirbench_core::results::Cell {
            model: self.models[cell.model].name.clone(),
            dataset: dataset.name.clone(),
            documents: documents_name(dataset.documents).to_owned(),
            scenario: task.scenario.clone(),
            query_lang: language(&task.query_lang),
            pool_langs: task.pool_langs.iter().map(language).collect::<Vec<_>>().join("+"),
        }
    }
}

fn score_job(setup: &Setup, model: &Opened, dataset: &PlannedDataset, task: &PlannedTask) -> ScoreJob {
    let measure = setup.bench.run.measure(setup.run_files);
    let similarity = model.probe.info.similarity.clone();
    let key = Key::of(&json!({
        "version": SCORE_VERSION,
        "dataset": dataset.key,
        "documents": dataset.documents,
        "copies": dataset.copies,
        "task": task.hash,
        "groups": [model.query_group, model.document_group],
        "similarity": similarity,
        "measure": measure,
    }));
    ScoreJob {
        key,
        dataset: dataset.key.clone(),
        documents: dataset.documents,
        copies: dataset.copies,
        tasks: task.object.clone(),
        index: task.index,
        query_group: model.query_group.clone(),
        document_group: model.document_group.clone(),
        similarity,
        measure,
    }
}

/// A model with the embed jobs that some texts are missing.
#[derive(Debug)]
pub(crate) struct TextsPlan {
    pub(crate) model: PlannedModel,
    pub(crate) opened: Opened,
    pub(crate) embed: Vec<Job>,
    pub(crate) count: TextCount,
}

/// The models of a bench without datasets, each with the embed jobs that these queries and documents
/// are missing.
pub(crate) fn texts_of_models(
    setup: &Setup,
    [queries, documents]: [&[&str]; 2],
    cancel: &AtomicBool,
    on_event: &mut dyn FnMut(Event),
) -> Result<Vec<TextsPlan>, Failure> {
    let sample = |first: &[&str], second: &[&str]| {
        first.iter().chain(second).next().map(|&text| text.to_owned()).unwrap_or_default()
    };
    let samples = (sample(queries, documents), sample(documents, queries));
    let models = models::open(setup, &samples, cancel, on_event)?;
    let planned = models.into_iter().map(|model| {
        let opened = model.opened.clone()?;
        let (embed, count) = shards::plan_texts(setup, &model, &opened, [queries, documents])?;
        Ok(TextsPlan { model, opened, embed, count })
    });
    planned.collect()
}

/// The plugin `name` of a kind (`encoder`, `merger`), which its name may leave out.
fn find<'a>(setup: &'a Setup, kind: &str, name: &str) -> Result<&'a PluginFile, Failure> {
    let prefix = format!("{kind}-");
    let found = if name.starts_with(&prefix) {
        setup.plugins.find(name)
    } else {
        let prefixed = setup.plugins.find(&format!("{prefix}{name}"));
        // Plugins of others need not follow our habit of naming.
        prefixed.or_else(|error| setup.plugins.find(name).map_err(|_| error))
    };
    Ok(found?)
}

/// The same, pinned, where its `interface` takes these options; `table` is where the user wrote them.
fn chosen(
    setup: &Setup,
    kind: &str,
    interface: &str,
    name: &str,
    options: &Value,
    table: &str,
) -> Result<PluginRef, Failure> {
    let file = find(setup, kind, name)?;
    file.manifest
        .check_config(interface, options)
        .map_err(|e| Failure::new(format!("[{table}]: {e}"), e.hint().unwrap_or_default()))?;
    pinned(setup, file)
}

/// A plugin that the lock, if any, agrees to.
fn pinned(setup: &Setup, file: &PluginFile) -> Result<PluginRef, Failure> {
    if let Some(lock) = &setup.lock {
        lock.check(file)?;
    }
    let manifest = &file.manifest;
    Ok(PluginRef {
        id: manifest.id.clone(),
        version: manifest.version.clone(),
        path: file.path.clone(),
        sha256: file.sha256.clone(),
    })
}

/// Runs small jobs in one worker and returns each one's outcome.
fn run_small(
    setup: &Setup,
    jobs: &[Job],
    cancel: &AtomicBool,
    on_event: &mut dyn FnMut(Event),
) -> Vec<Result<(), Failure>> {
    let mut outcomes: Vec<_> = jobs.iter().map(|_| Ok(())).collect();
    if !jobs.is_empty() {
        execute(jobs, 1, &setup.executor, cancel, &mut |event| match event {
            Event::Finished { job, outcome } => outcomes[job] = outcome,
            other => on_event(other),
        });
    }
    outcomes
}

/// A TOML table as a plugin's configuration.
fn config(table: &toml::Table) -> Value {
    serde_json::to_value(table).expect("TOML values have a JSON form")
}
