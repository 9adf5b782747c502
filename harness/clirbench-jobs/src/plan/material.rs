//! What a recipe's training and its estimate of Fisher information are both made from: the base, the
//! plugins, the rows, the guide's texts that are not encoded yet.

use std::{path::PathBuf, sync::atomic::AtomicBool};

use clirbench_host::{LossInfo, Role};
use clirbench_store::Key;
use serde_json::{Value, json};

use super::{PlanError, Setup, TextCount, TrainRequest, chosen, config, models, run_small, shards};
use crate::{
    arranged::stored,
    bench::resolve,
    executor::Event,
    job::{Failure, Guide, Job, LossJob, PluginRef},
    model::{ModelFile, hash_files, weight_files},
    recipe::{PluginSpec, Recipe},
    training_set::TrainingSet,
};

/// What both are made from.
pub(super) struct Material {
    pub(super) base: PathBuf,
    pub(super) base_files: Vec<ModelFile>,
    pub(super) trainer: PluginRef,
    pub(super) trainer_config: Value,
    pub(super) loss: PluginRef,
    pub(super) loss_config: Value,
    pub(super) loss_key: Key,
    pub(super) data: Key,
    pub(super) rows: usize,
    pub(super) texts: usize,
    pub(super) guide: Option<Guide>,
    pub(super) embed: Vec<Job>,
    pub(super) guide_texts: Option<TextCount>,
    pub(super) notes: Vec<String>,
}

impl Material {
    /// Gathers it. `interface` is what the recipe's trainer is wanted for: `trainer/1` or `fisher/1`.
    ///
    /// # Errors
    /// As [`TrainPlan::make`](super::TrainPlan::make).
    pub(super) fn gather(
        setup: &Setup,
        request: &TrainRequest,
        interface: &str,
        cancel: &AtomicBool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Material, PlanError> {
        let recipe = &request.recipe;
        let base = base_directory(setup, request)?;
        let (trainer, trainer_config) = plugin(setup, "trainer", interface, &recipe.trainer)?;
        let (loss, loss_config) = plugin(setup, "loss", "loss/1", &recipe.loss)?;
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
        let base_files = hash_files(&base, &weight_files(&base)?)?;
        let (rows, texts) = (set.len(), set.texts.len());
        Ok(Material {
            base,
            base_files,
            trainer,
            trainer_config,
            loss,
            loss_config,
            loss_key,
            data,
            rows,
            texts,
            guide,
            embed,
            guide_texts,
            notes,
        })
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

/// The plugin of a recipe's table, `kind` being `trainer` or `loss`, and its configuration, checked for
/// an interface.
fn plugin(
    setup: &Setup,
    kind: &str,
    interface: &str,
    spec: &PluginSpec,
) -> Result<(PluginRef, Value), Failure> {
    let options = config(&spec.options);
    let plugin = chosen(setup, kind, interface, &spec.plugin, &options, &format!("{kind}.options"))?;
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
