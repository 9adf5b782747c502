//! From a recipe to jobs: the guide's texts that are not encoded yet, and the training itself.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use clirbench_core::{metrics::Metric, ranking::Ties};
use clirbench_store::Key;
use serde_json::json;

use super::{PlanError, PlannedDataset, Setup, TextCount, datasets, material::Material};
use crate::{
    executor::{Event, cancelled},
    job::{Failure, Job, MODEL, TrainJob, Validation},
    model::ModelFile,
    recipe::Recipe,
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
        let material = Material::gather(setup, request, "trainer/1", cancel, on_event)?;
        let Material { base, base_files, trainer, trainer_config, loss, loss_config, data, guide, .. } =
            material;
        let validation = validation(setup, recipe, cancel, on_event)?;
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
        let Material { embed, guide_texts, rows, texts, loss_key, notes, .. } = material;
        Ok(TrainPlan { job, done, embed, guide_texts, rows, texts, loss_key, base_files, notes })
    }
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
