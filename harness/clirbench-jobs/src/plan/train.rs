//! From a recipe to jobs: the guide's texts that are not encoded yet, and the training itself.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use clirbench_core::{metrics::Metric, ranking::Ties};
use clirbench_host::{LossInfo, Role};
use clirbench_store::Key;
use serde_json::{Value, json};

use super::{
    PlanError, PlannedDataset, Setup, TextCount, chosen, config, datasets, models, run_small, shards,
};
use crate::{
    arranged::stored,
    bench::resolve,
    executor::{Event, cancelled},
    job::{Failure, Guide, Job, LossJob, MODEL, PluginRef, TrainJob, Validation},
    model::{ModelFile, hash_files, weight_files},
    recipe::{PluginSpec, Recipe},
    training_set::TrainingSet,
};

/// What to train: the recipe with what the command line says.
#[derive(Clone, Debug)]
pub struct TrainRequest {
    /// The recipe.
    pub recipe: Recipe,
    /// The base model, where the command line names one.
    pub base: Option<PathBuf>,
    /// The training data, where the command line names it.
    pub data: Option<PathBuf>,
}

/// The work that a recipe comes to.
#[derive(Debug)]
pub struct TrainPlan {
    /// The training.
    pub job: TrainJob,
    /// Whether its result is in the store.
    pub done: bool,
    /// Embed jobs of the guide that are not in the store.
    pub embed: Vec<Job>,
    /// Texts of the guide.
    pub guide_texts: Option<TextCount>,
    /// Rows of the training data.
    pub rows: usize,
    /// Distinct texts among them.
    pub texts: usize,
    /// The `loss/<key>` object: what the loss says about itself.
    pub loss_key: Key,
    /// Files of the base that the result depends on.
    pub base_files: Vec<ModelFile>,
    /// What a reader of the result has to know.
    pub notes: Vec<String>,
}

/// The version of what a training job does; part of every trained model's key.
const TRAIN_VERSION: &str = "train/1";

impl TrainPlan {
    /// Makes the plan. `setup` is that of the recipe's [`Recipe::bench`].
    ///
    /// # Errors
    /// When a file cannot be read, a plugin is missing, an option is wrong, the guide cannot be
    /// opened, or the run is cancelled.
    pub fn make(
        setup: &Setup,
        request: &TrainRequest,
        cancel: &AtomicBool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<TrainPlan, PlanError> {
        let recipe = &request.recipe;
        let base = base_directory(setup, request)?;
        let (trainer, trainer_config) = plugin(setup, "trainer", &recipe.trainer)?;
        let (loss, loss_config) = plugin(setup, "loss", &recipe.loss)?;
        let (loss_key, info) = loss_info(setup, &loss, &loss_config, cancel, on_event)?;

        let file = data_file(setup, request)?;
        let rows = clirbench_data::read_training(&file)?;
        let set = TrainingSet::new(&rows, &recipe.data, &info)?;
        let data = commit_set(setup, &set)?;

        let mut notes = Vec::new();
        let guided = guide(setup, recipe, &info, &set, &mut notes, cancel, on_event)?;
        let (guide, embed, guide_texts) = match guided {
            Some((guide, embed, count)) => (Some(guide), embed, Some(count)),
            None => (None, Vec::new(), None),
        };
        let validation = validation(setup, recipe, cancel, on_event)?;
        let base_files = hash_files(&base, &weight_files(&base)?)?;
        let key = Key::of(&json!({
            "version": TRAIN_VERSION,
            "base": base_files,
            "trainer": [trainer.id, trainer.sha256],
            "trainer_config": trainer_config,
            "loss": [loss.id, loss.sha256],
            "loss_config": loss_config,
            "data": data,
            "guide": guide,
            "validation": validation,
            "seed": recipe.seed,
            "device": setup.device.as_str(),
        }));
        let done = setup.store.has(MODEL, &key);
        let job = TrainJob {
            key,
            base,
            trainer,
            trainer_config,
            loss,
            loss_config,
            data,
            guide,
            validation,
            seed: recipe.seed,
        };
        let (rows, texts) = (set.len(), set.texts.len());
        Ok(TrainPlan { job, done, embed, guide_texts, rows, texts, loss_key, base_files, notes })
    }
}

fn base_directory(setup: &Setup, request: &TrainRequest) -> Result<PathBuf, Failure> {
    let named = request.recipe.base.as_deref().map(|path| resolve(&setup.base, path));
    let base = request.base.clone().or(named).ok_or_else(|| {
        Failure::new(
            "the recipe names no `base`",
            "name the directory of the model to start from, or give --base",
        )
    })?;
    if !base.join("config.json").is_file() && !base.join("modules.json").is_file() {
        return Err(Failure::new(
            format!("{} is no model directory: it has neither modules.json nor config.json", base.display()),
            "give a sentence-transformers or Hugging Face directory",
        ));
    }
    Ok(std::path::absolute(&base).unwrap_or(base))
}

fn data_file(setup: &Setup, request: &TrainRequest) -> Result<PathBuf, Failure> {
    let named = request.recipe.data.path.as_deref().map(|path| resolve(&setup.base, path));
    request.data.clone().or(named).ok_or_else(|| {
        Failure::new("the recipe names no training data", "set `path` under [data], or give --data")
    })
}

/// The plugin of a recipe's table, `kind` being `trainer` or `loss`, and its checked configuration.
fn plugin(setup: &Setup, kind: &str, spec: &PluginSpec) -> Result<(PluginRef, Value), Failure> {
    let options = config(&spec.options);
    let plugin = chosen(setup, kind, &spec.plugin, &options, &format!("{kind}.options"))?;
    Ok((plugin, options))
}

fn loss_info(
    setup: &Setup,
    plugin: &PluginRef,
    config: &Value,
    cancel: &AtomicBool,
    on_event: &mut dyn FnMut(Event),
) -> Result<(Key, LossInfo), Failure> {
    let key = Key::of(&json!({"version": "loss/1", "plugin": [plugin.id, plugin.sha256], "config": config}));
    if !setup.store.has("loss", &key) {
        let job = LossJob { key: key.clone(), plugin: plugin.clone(), config: config.clone() };
        run_small(setup, &[Job::Loss(job)], cancel, on_event).into_iter().collect::<Result<(), _>>()?;
    }
    let missing = || Failure::new("the loss's info vanished from the store", "run again");
    let object = setup.store.get("loss", &key).map_err(stored)?.ok_or_else(missing)?;
    let info = object.json("info.json").map_err(stored)?;
    Ok((key, info))
}

fn commit_set(setup: &Setup, set: &TrainingSet) -> Result<Key, Failure> {
    let bytes = serde_json::to_vec(set).expect("a training set has a JSON form");
    let key = Key::of_bytes(&bytes);
    if !setup.store.has("training", &key) {
        let mut draft = setup.store.begin("training", &key).map_err(stored)?;
        draft.write("set.json", &bytes).map_err(stored)?;
        draft.commit(json!({"rows": set.len(), "texts": set.texts.len()})).map_err(stored)?;
    }
    Ok(key)
}

fn guide(
    setup: &Setup,
    recipe: &Recipe,
    loss: &LossInfo,
    set: &TrainingSet,
    notes: &mut Vec<String>,
    cancel: &AtomicBool,
    on_event: &mut dyn FnMut(Event),
) -> Result<Option<(Guide, Vec<Job>, TextCount)>, Failure> {
    match (loss.guide, &recipe.guide) {
        (false, None) => return Ok(None),
        (false, Some(_)) => {
            notes.push("[guide] is not used: the loss takes none".to_owned());
            return Ok(None);
        }
        (true, None) => {
            let hint = "add a [guide] table with the `path` of an encoder";
            return Err(Failure::new("the loss wants a guide model, the recipe has none", hint));
        }
        (true, Some(_)) => {}
    }
    let (queries, documents) = (set.texts_of(Role::Query), set.texts_of(Role::Document));
    let sample = |texts: &[&str]| texts.first().map(|&text| text.to_owned()).unwrap_or_default();
    let samples = (sample(&queries), sample(&documents));
    let guides = models::open(setup, &samples, cancel, on_event)?;
    let model = &guides[0];
    let opened = model.opened.as_ref().map_err(|failure| {
        Failure::new(format!("the guide cannot be opened: {}", failure.message), failure.hint.clone())
    })?;
    let (jobs, count) = shards::plan_texts(setup, model, opened, [&queries, &documents])?;
    let groups =
        Guide { query_group: opened.query_group.clone(), document_group: opened.document_group.clone() };
    Ok(Some((groups, jobs, count)))
}

fn validation(
    setup: &Setup,
    recipe: &Recipe,
    cancel: &AtomicBool,
    on_event: &mut dyn FnMut(Event),
) -> Result<Option<Validation>, PlanError> {
    let Some(spec) = &recipe.validation else { return Ok(None) };
    let mut loaded = datasets::load(setup)?;
    datasets::add_tasks(setup, &mut loaded, cancel, on_event)?;
    if cancel.load(Ordering::Relaxed) {
        return Err(cancelled().into());
    }
    let dataset: &PlannedDataset = &loaded[0];
    if let Some((_, failure)) = dataset.failed.first() {
        return Err(failure.clone().into());
    }
    let Some(first) = dataset.tasks.first() else {
        let message = format!("scenario `{}` has no task on `{}`", spec.scenario, dataset.name);
        return Err(Failure::new(message, "choose another scenario or more languages").into());
    };
    let metric = match &spec.metric {
        Some(metric) => metric.clone(),
        None => first.task.metrics.first().cloned().unwrap_or_default(),
    };
    metric.parse::<Metric>().map_err(|e| Failure::new(format!("[validation]: {e}"), ""))?;
    Ok(Some(Validation {
        dataset: dataset.key.clone(),
        documents: dataset.documents,
        copies: dataset.copies,
        tasks: first.object.clone(),
        metric,
        ties: Ties::Trec,
        every: spec.every,
    }))
}
