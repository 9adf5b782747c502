//! The validation score of a model in training: a scenario's metric, averaged over its tasks.

use std::{collections::HashMap, sync::atomic::AtomicBool};

use clirbench_core::{
    metrics::{CellScores, Metric},
    task::Task,
};
use clirbench_search::{Dense, Pool, Search, Target};

use super::{Hands, score::targets};
use crate::{
    arranged::stored,
    job::{Failure, Validation},
    pool::TaskPool,
};

/// Everything that the score needs but the vectors.
pub(super) struct Validator {
    /// Distinct texts of the tasks' queries.
    pub(super) queries: Vec<String>,
    /// Distinct texts of the tasks' pools.
    pub(super) documents: Vec<String>,
    /// What is averaged.
    pub(super) metric: Metric,
    tasks: Vec<ValidationTask>,
    ties: clirbench_core::ranking::Ties,
    threads: usize,
}

struct ValidationTask {
    query_rows: Vec<u32>,
    pool_rows: Vec<u32>,
    order: Vec<u32>,
    targets: Vec<Target>,
}

/// Distinct texts, each with its row.
#[derive(Default)]
struct Texts(HashMap<String, u32>, Vec<String>);

impl Texts {
    fn row(&mut self, text: &str) -> u32 {
        if let Some(&row) = self.0.get(text) {
            return row;
        }
        let row = self.1.len() as u32;
        self.0.insert(text.to_owned(), row);
        self.1.push(text.to_owned());
        row
    }
}

impl Hands {
    pub(super) fn validator(&mut self, validation: &Validation) -> Result<Validator, Failure> {
        let collection = self.collection(&validation.dataset, validation.documents, validation.copies)?;
        let missing = || Failure::new("the validation's tasks are not in the store", "run again");
        let object = self.store.get("tasks", &validation.tasks).map_err(stored)?.ok_or_else(missing)?;
        let tasks: Vec<Task> = object.json("tasks.json").map_err(stored)?;
        let (mut queries, mut documents) = (Texts::default(), Texts::default());
        let mut laid_out = Vec::with_capacity(tasks.len());
        for task in &tasks {
            let pool = TaskPool::of(&collection, task);
            let query_texts = task
                .queries
                .iter()
                .filter_map(|&q| collection.queries[q as usize].texts[task.query_lang as usize].as_deref());
            let pool_texts = pool.documents.iter().filter_map(|d| {
                collection.documents[d.document as usize].texts[d.language as usize].as_deref()
            });
            laid_out.push(ValidationTask {
                query_rows: query_texts.map(|text| queries.row(text)).collect(),
                pool_rows: pool_texts.map(|text| documents.row(text)).collect(),
                order: pool.tie_order(&collection, validation.ties),
                targets: targets(task, &pool)?,
            });
        }
        Ok(Validator {
            queries: queries.1,
            documents: documents.1,
            metric: validation.metric.parse().map_err(|e| Failure::new(format!("{e}"), ""))?,
            tasks: laid_out,
            ties: validation.ties,
            threads: self.threads,
        })
    }
}

impl Validator {
    /// The mean of the metric over the tasks, by cosine; `queries` and `documents` are row-major
    /// and not empty.
    pub(super) fn score(&self, queries: &[f32], documents: &[f32]) -> Result<f64, Failure> {
        let queries = unit_rows(queries, self.queries.len(), "queries")?;
        let documents = unit_rows(documents, self.documents.len(), "documents")?;
        let wrong = |e: &dyn std::fmt::Display| Failure::new(format!("validation: {e}"), "");
        let mut sum = 0.0;
        for task in &self.tasks {
            let search = Search {
                queries: &queries.rows(),
                query_rows: &task.query_rows,
                documents: &documents.rows(),
                pool: Pool { rows: &task.pool_rows, order: &task.order },
                targets: &task.targets,
                top_k: 1,
                threads: self.threads,
                cancel: &AtomicBool::new(false),
            };
            let outcomes = search.run().map_err(|e| wrong(&e))?;
            let rankings: Vec<_> = outcomes.into_iter().map(|o| o.ranking).collect();
            let scores = CellScores::of(self.metric, &rankings, self.ties).map_err(|e| wrong(&e))?;
            sum += scores.value().map_err(|e| wrong(&e))?;
        }
        Ok(sum / self.tasks.len() as f64)
    }
}

/// Rows of unit length.
struct UnitRows {
    values: Vec<f32>,
    len: usize,
    dim: usize,
}

fn unit_rows(values: &[f32], len: usize, what: &str) -> Result<UnitRows, Failure> {
    let dim = values.len() / len.max(1);
    if dim == 0 || dim * len != values.len() {
        let message = format!("validation: {} numbers are no vectors of {len} {what}", values.len());
        return Err(Failure::new(message, "this is a fault of the trainer plugin"));
    }
    let mut values = values.to_vec();
    values.chunks_exact_mut(dim).for_each(clirbench_search::normalise);
    Ok(UnitRows { values, len, dim })
}

impl UnitRows {
    fn rows(&self) -> Dense<'_> {
        Dense::new(&self.values, self.len, self.dim).expect("unit_rows checked the length")
    }
}
