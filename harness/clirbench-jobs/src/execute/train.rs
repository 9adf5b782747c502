//! Training a model: the trainer's plugin, the loss, the guide's vectors and the validation meet here.

use std::{fs, sync::Arc};

use clirbench_host::{
    Batch, FitData, FitJob, FitSession, LossHandle, LossInfo, Role, StepReport, TrainingColumn,
};
use clirbench_search::Rows;
use serde_json::json;

use super::{Hands, validate::Validator};
use crate::{
    arranged::stored,
    embeddings::{Embeddings, text_id},
    job::{Failure, Guide, MODEL, TrainJob},
    training_set::{TrainingSet, column_role},
};

impl Hands {
    pub(super) fn train(&mut self, job: &TrainJob) -> Result<(), Failure> {
        let missing = || Failure::new("the training data is not in the store", "run again");
        let object = self.store.get("training", &job.data).map_err(stored)?.ok_or_else(missing)?;
        let set: TrainingSet = object.json("set.json").map_err(stored)?;
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
        let mut session = Session {
            set: &set,
            loss,
            guide,
            validator: validator.as_ref(),
            on_step,
            buffers: Buffers::default(),
        };
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

    /// The guide's vector of each text of the set, by role; every text was encoded by an embed job.
    fn guide(&mut self, guide: &Guide, set: &TrainingSet) -> Result<GuideVectors, Failure> {
        let query = self.embeddings(&guide.query_group)?;
        let document = self.embeddings(&guide.document_group)?;
        let mut rows = [vec![None; set.texts.len()], vec![None; set.texts.len()]];
        for (role, embeddings) in [(Role::Query, &query), (Role::Document, &document)] {
            for (row, text) in rows[role as usize].iter_mut().zip(&set.texts) {
                *row = embeddings.row(&text_id(text));
            }
        }
        Ok(GuideVectors { embeddings: [query, document], rows })
    }
}

fn fit_job(
    job: &TrainJob,
    set: &TrainingSet,
    loss: &LossInfo,
    validator: Option<&Validator>,
    [base, out, checkpoints]: [&std::path::Path; 3],
) -> Result<FitJob, Failure> {
    let text = |path: &std::path::Path| {
        path.to_str().map(str::to_owned).ok_or_else(|| {
            Failure::new(format!("{} is not UTF-8", path.display()), "plugins take paths as text: rename it")
        })
    };
    let column = |name: &String| TrainingColumn { name: name.clone(), role: column_role(name) };
    Ok(FitJob {
        base: text(base)?,
        out: text(out)?,
        checkpoints: text(checkpoints)?,
        columns: set.columns.iter().map(column).collect(),
        input: loss.input,
        parts: loss.parts.clone(),
        seed: job.seed,
        validate_every: job.validation.as_ref().map_or(0, |v| v.every),
        greater_is_better: validator.is_none_or(|v| v.metric.higher_is_better()),
    })
}

/// A guide's vectors; arrays are indexed by role.
struct GuideVectors {
    embeddings: [Arc<Embeddings>; 2],
    rows: [Vec<Option<u32>>; 2],
}

impl GuideVectors {
    fn dim(&self) -> usize {
        self.embeddings[Role::Document as usize].rows(false).dim()
    }

    /// Copies the vector of a text to `out`.
    fn copy(&self, role: Role, text: u32, out: &mut [f32]) -> Result<(), Failure> {
        let row = self.rows[role as usize][text as usize]
            .ok_or_else(|| Failure::new("the guide's vector of a text is not in the store", "run again"))?;
        let row = row as usize;
        self.embeddings[role as usize]
            .rows(false)
            .read(row..row + 1, out)
            .map_err(|e| Failure::new(format!("cannot read a guide's vector: {e}"), ""))
    }
}

#[derive(Default)]
struct Buffers {
    guide: Vec<f32>,
    labels: Vec<f32>,
}

/// The harness's side of a fit.
struct Session<'a> {
    set: &'a TrainingSet,
    loss: LossHandle,
    guide: Option<GuideVectors>,
    validator: Option<&'a Validator>,
    on_step: Arc<dyn Fn(&StepReport) + Send + Sync>,
    buffers: Buffers,
}

impl FitSession for Session<'_> {
    type Error = Failure;

    fn loss(
        &mut self,
        rows: &[u32],
        embeddings: &[f32],
        gradients: &mut [f32],
        parts: &mut [f64],
    ) -> Result<f64, Failure> {
        if let Some(row) = rows.iter().find(|&&row| row as usize >= self.set.len()) {
            let message = format!("the trainer asks for row {row} of {}", self.set.len());
            return Err(Failure::new(message, "this is a fault of the trainer plugin"));
        }
        let columns = self.set.columns.len();
        let Buffers { guide: guide_rows, labels } = &mut self.buffers;
        let mut guide_dim = 0;
        guide_rows.clear();
        if let Some(guide) = &self.guide {
            guide_dim = guide.dim();
            guide_rows.resize(columns * rows.len() * guide_dim, 0.0);
            let cells = (0..columns).flat_map(|column| rows.iter().map(move |&row| (column, row as usize)));
            for ((column, row), out) in cells.zip(guide_rows.chunks_exact_mut(guide_dim)) {
                let text = self.set.rows[row * columns + column];
                guide.copy(column_role(&self.set.columns[column]), text, out)?;
            }
        }
        labels.clear();
        if !self.set.labels.is_empty() {
            labels.extend(rows.iter().map(|&row| self.set.labels[row as usize]));
        }
        // Scores of pairs are one column, whatever the texts' columns are.
        let scored = self.loss.info().input == clirbench_host::LossInput::Scores;
        let vectors = rows.len() * if scored { 1 } else { columns };
        let dim = embeddings.len() / vectors.max(1);
        let batch = Batch { rows: rows.len(), dim, embeddings, guide_dim, guide: guide_rows, labels };
        Ok(self.loss.eval(&batch, gradients, parts)?)
    }

    fn validate(&mut self, queries: &[f32], documents: &[f32]) -> Result<f64, Failure> {
        match self.validator {
            Some(validator) => validator.score(queries, documents),
            None => Err(Failure::new("the trainer validates, the recipe has no [validation]", "")),
        }
    }

    fn step(&mut self, report: &StepReport) {
        (self.on_step)(report);
    }
}
