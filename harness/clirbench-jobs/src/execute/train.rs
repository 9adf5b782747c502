//! Training a model: the trainer's plugin gets its job, and its result goes to the store.

use std::{fs, sync::Arc};

use clirbench_host::{FitData, FitJob, LossInfo};
use serde_json::json;

use super::{
    Hands,
    session::{Session, columns, path_text},
    validate::Validator,
};
use crate::{
    arranged::stored,
    job::{Failure, MODEL, TrainJob},
    training_set::TrainingSet,
};

impl Hands {
    pub(super) fn train(&mut self, job: &TrainJob) -> Result<(), Failure> {
        let set = self.training_set(&job.data)?;
        let guide = job.guide.as_ref().map(|guide| self.guide(guide, &set)).transpose()?;
        let validator = job.validation.as_ref().map(|v| self.validator(v)).transpose()?;
        let loss = self.plugin(&job.loss)?.loss(&job.loss_config)?;
        let info = loss.info().clone();
        let mut trainer = self.plugin(&job.trainer)?.trainer(&job.trainer_config)?;

        let place = self.store.work_folder(&job.key).map_err(stored)?;
        let (out, checkpoints) = (place.join("out"), place.join("checkpoints"));
        let unusable = |e: std::io::Error| {
            Failure::new(format!("cannot write to {}: {e}", place.display()), "check the store's folder")
        };
        // What an attempt that was killed has left in `out` is nobody's: checkpoints count.
        if out.exists() {
            fs::remove_dir_all(&out).map_err(unusable)?;
        }
        fs::create_dir_all(&out).and_then(|()| fs::create_dir_all(&checkpoints)).map_err(unusable)?;

        let fit = fit_job(job, &set, &info, validator.as_ref(), [&job.base, &out, &checkpoints])?;
        let data = FitData {
            texts: &set.texts,
            rows: &set.rows,
            validation_queries: validator.as_ref().map_or(&[][..], |v| &v.queries),
            validation_documents: validator.as_ref().map_or(&[][..], |v| &v.documents),
        };
        let on_step = Arc::clone(&self.on_step);
        let mut session = Session::new(&set, loss, guide, validator.as_ref(), on_step);
        let report = trainer.fit(&fit, data, &mut session)?;

        let bytes = serde_json::to_vec_pretty(&report).expect("a report has a JSON form");
        let mut draft = self.store.begin(MODEL, &job.key).map_err(stored)?;
        fs::rename(&out, draft.folder().join("model")).map_err(unusable)?;
        draft.adopt("model").map_err(stored)?;
        draft.write("report.json", &bytes).map_err(stored)?;
        draft.commit(json!({"trainer": job.trainer.id, "loss": job.loss.id})).map_err(stored)?;
        // The result is committed; what is left of the way there is only space.
        let _ = fs::remove_dir_all(&place);
        Ok(())
    }
}

fn fit_job(
    job: &TrainJob,
    set: &TrainingSet,
    loss: &LossInfo,
    validator: Option<&Validator>,
    [base, out, checkpoints]: [&std::path::Path; 3],
) -> Result<FitJob, Failure> {
    Ok(FitJob {
        base: path_text(base)?,
        out: path_text(out)?,
        checkpoints: path_text(checkpoints)?,
        columns: columns(set),
        input: loss.input,
        parts: loss.parts.clone(),
        seed: job.seed,
        validate_every: job.validation.as_ref().map_or(0, |v| v.every),
        greater_is_better: validator.is_none_or(|v| v.metric.higher_is_better()),
    })
}
