//! From a recipe to an estimate of the Fisher information of its base's weights.

use std::sync::atomic::AtomicBool;

use clirbench_store::Key;
use serde_json::{Value, json};

use super::{PlanError, Setup, TextCount, TrainRequest, material::Material};
use crate::{
    executor::Event,
    job::{FISHER, FisherJob, Job},
};

/// What to estimate: a recipe, whose validation is of no account, and how much of its data to use.
#[derive(Clone, Debug)]
pub struct FisherRequest {
    /// The recipe with what the command line says; its base is the model.
    pub recipe: TrainRequest,
    /// Rows of a batch.
    pub batch_size: usize,
    /// Rows to use at most, a random sample; `None` for all.
    pub rows: Option<usize>,
}

/// The work that it comes to.
#[derive(Debug)]
pub struct FisherPlan {
    /// The estimate.
    pub job: FisherJob,
    /// Whether its result is in the store.
    pub done: bool,
    /// Embed jobs of the guide that are not in the store.
    pub embed: Vec<Job>,
    /// Texts of the guide.
    pub guide_texts: Option<TextCount>,
    /// Rows of the data.
    pub rows: usize,
    /// Distinct texts among them.
    pub texts: usize,
    /// What a reader of the result has to know.
    pub notes: Vec<String>,
}

/// The version of what an estimate does; part of every estimate's key.
const FISHER_VERSION: &str = "fisher/1";

impl FisherPlan {
    /// Makes the plan. `setup` is that of the recipe's [`Recipe::bench`](crate::recipe::Recipe::bench).
    ///
    /// # Errors
    /// As [`TrainPlan::make`](super::TrainPlan::make); also when the trainer cannot estimate.
    pub fn make(
        setup: &Setup,
        request: &FisherRequest,
        cancel: &AtomicBool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<FisherPlan, PlanError> {
        let material = Material::gather(setup, &request.recipe, "fisher/1", cancel, on_event)?;
        let FisherRequest { batch_size, rows: at_most, .. } = *request;
        let seed = request.recipe.recipe.seed;
        let key = Key::of(&json!({
            "version": FISHER_VERSION,
            "base": material.base_files,
            "trainer": [material.trainer.id, material.trainer.sha256],
            "trainer_config": material.trainer_config,
            "loss": [material.loss.id, material.loss.sha256],
            "loss_config": material.loss_config,
            "data": material.data,
            "guide": material.guide,
            "seed": seed,
            "batch_size": batch_size,
            "rows": at_most,
            "device": setup.device.as_str(),
        }));
        let origin = origin(&material, request, &key);
        let done = setup.store.has(FISHER, &key);
        let Material { base, trainer, trainer_config, loss, loss_config, data, guide, .. } = material;
        let job = FisherJob {
            key,
            base,
            trainer,
            trainer_config,
            loss,
            loss_config,
            data,
            guide,
            seed,
            batch_size,
            rows: at_most,
            origin,
        };
        let Material { embed, guide_texts, rows, texts, notes, .. } = material;
        Ok(FisherPlan { job, done, embed, guide_texts, rows, texts, notes })
    }
}

/// How the estimate came about: no name and no place, so that equal keys write equal files.
fn origin(material: &Material, request: &FisherRequest, key: &Key) -> Value {
    let Material { trainer, trainer_config, loss, loss_config, .. } = material;
    json!({
        "estimate": "fisher",
        "key": key,
        "base": material.base_files,
        "trainer": trainer.origin(trainer_config),
        "loss": loss.origin(loss_config),
        "data": {"key": material.data, "rows": material.rows, "texts": material.texts},
        "guide": material.guide,
        "seed": request.recipe.recipe.seed,
        "batch_size": request.batch_size,
        "rows": request.rows,
    })
}
