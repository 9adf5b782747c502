//! The harness's side of a fit, and of an estimate: the loss, the guide's vectors, the labels and the
//! validation meet here. Trainer and loss never do.

use std::{path::Path, sync::Arc};

use clirbench_host::{Batch, FitSession, LossHandle, Role, StepReport, TrainingColumn};
use clirbench_search::Rows;
use clirbench_store::Key;

use super::{Hands, validate::Validator};
use crate::{
    arranged::stored,
    embeddings::{Embeddings, text_id},
    job::{Failure, Guide},
    training_set::{TrainingSet, column_role},
};

impl Hands {
    /// The rows of a training, which planning has committed.
    pub(super) fn training_set(&self, data: &Key) -> Result<TrainingSet, Failure> {
        let missing = || Failure::new("the training data is not in the store", "run again");
        let object = self.store.get("training", data).map_err(stored)?.ok_or_else(missing)?;
        object.json("set.json").map_err(stored)
    }

    /// The guide's vector of each text of the set, by role; every text was encoded by an embed job.
    pub(super) fn guide(&mut self, guide: &Guide, set: &TrainingSet) -> Result<GuideVectors, Failure> {
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

/// The columns of a set as plugins are told of them.
pub(super) fn columns(set: &TrainingSet) -> Vec<TrainingColumn> {
    let column = |name: &String| TrainingColumn { name: name.clone(), role: column_role(name) };
    set.columns.iter().map(column).collect()
}

/// A path as plugins take it.
pub(super) fn path_text(path: &Path) -> Result<String, Failure> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Failure::new(format!("{} is not UTF-8", path.display()), "plugins take paths as text: rename it")
    })
}

/// A guide's vectors; arrays are indexed by role.
pub(super) struct GuideVectors {
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

/// The harness's side of a fit or an estimate.
pub(super) struct Session<'a> {
    set: &'a TrainingSet,
    loss: LossHandle,
    guide: Option<GuideVectors>,
    validator: Option<&'a Validator>,
    on_step: Arc<dyn Fn(&StepReport) + Send + Sync>,
    buffers: Buffers,
}

impl<'a> Session<'a> {
    /// The side that knows of these rows, their guide and how they are validated, if they are.
    pub(super) fn new(
        set: &'a TrainingSet,
        loss: LossHandle,
        guide: Option<GuideVectors>,
        validator: Option<&'a Validator>,
        on_step: Arc<dyn Fn(&StepReport) + Send + Sync>,
    ) -> Self {
        Session { set, loss, guide, validator, on_step, buffers: Buffers::default() }
    }
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
