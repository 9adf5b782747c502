//! Ranking and measuring one cell.

use std::{sync::mpsc, thread, time::Duration};

use clirbench_core::{
    dataset::{Collection, Documents},
    metrics::{CellScores, Metric},
    ranking::{Ranking, Ties},
    stats::{Clusters, Resamples},
    task::Task,
};
use clirbench_search::{Outcome, Pool, Search, Target};
use serde_json::json;

use super::Hands;
use crate::{
    arranged::stored,
    bias,
    cell::{CellResult, MetricResult, encode_top, encode_values},
    embeddings::{Embeddings, text_id},
    job::{Failure, Measure, ScoreJob},
    pool::TaskPool,
};

impl Hands {
    pub(super) fn score(&mut self, job: &ScoreJob) -> Result<(), Failure> {
        let collection = self.collection(&job.dataset, job.documents, job.copies)?;
        let missing = || Failure::new("the cell's task is not in the store", "run again");
        let object = self.store.get("tasks", &job.tasks).map_err(stored)?.ok_or_else(missing)?;
        let tasks: Vec<Task> = object.json("tasks.json").map_err(stored)?;
        let task = tasks.get(job.index).ok_or_else(missing)?;
        let pool = TaskPool::of(&collection, task);
        let queries = self.embeddings(&job.query_group)?;
        let documents = self.embeddings(&job.document_group)?;
        let outcomes = self.search(job, &collection, task, &pool, &queries, &documents)?;
        let (rankings, top): (Vec<Ranking>, Vec<_>) = outcomes
            .into_iter()
            .map(|o| (o.ranking, o.top.iter().map(|h| (h.document, h.score)).collect::<Vec<_>>()))
            .unzip();
        let (mut cell, values) = measure(&collection, task, &rankings, job.documents, job.measure)?;
        cell.pool_size = pool.documents.len() as u32;
        if task.pool_langs.len() > 1 {
            cell.bias = bias::of_cell(&collection, task, &pool, &rankings, &top, job.measure.ties);
        }
        let bytes = serde_json::to_vec(&cell).expect("a cell has a JSON form");
        let mut draft = self.store.begin("score", &job.key).map_err(stored)?;
        draft.write("cell.json", &bytes).map_err(stored)?;
        draft.write("values", &encode_values(&values)).map_err(stored)?;
        draft.write("top", &encode_top(&top, job.measure.depth)).map_err(stored)?;
        draft.commit(json!({"scenario": task.scenario})).map_err(stored)?;
        Ok(())
    }

    fn search(
        &self,
        job: &ScoreJob,
        collection: &Collection,
        task: &Task,
        pool: &TaskPool,
        queries: &Embeddings,
        documents: &Embeddings,
    ) -> Result<Vec<Outcome>, Failure> {
        let row_of = |embeddings: &Embeddings, text: Option<&str>, id: &str| {
            text.and_then(|t| embeddings.row(&text_id(t))).ok_or_else(|| {
                Failure::new(format!("no vector of `{id}` is in the store"), "run again: it is encoded anew")
            })
        };
        let mut query_rows = Vec::with_capacity(task.queries.len());
        for &query in &task.queries {
            let entry = &collection.queries[query as usize];
            query_rows.push(row_of(queries, entry.texts[task.query_lang as usize].as_deref(), &entry.id)?);
        }
        let mut rows = Vec::with_capacity(pool.documents.len());
        for d in &pool.documents {
            let entry = &collection.documents[d.document as usize];
            rows.push(row_of(documents, entry.texts[d.language as usize].as_deref(), &entry.id)?);
        }
        let order = pool.tie_order(collection, job.measure.ties);
        let cosine = job.similarity == "cosine";
        let search = Search {
            queries: &queries.rows(cosine),
            query_rows: &query_rows,
            documents: &documents.rows(cosine),
            pool: Pool { rows: &rows, order: &order },
            targets: &targets(task, pool)?,
            top_k: job.measure.depth,
            threads: self.threads,
            cancel: &self.cancel,
        };
        self.while_alive(|| search.run()).map_err(|e| Failure::new(e.to_string(), ""))
    }
}

/// How often a search says that it is still at work: a large pool takes longer than a worker may be silent.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

impl Hands {
    fn while_alive<T>(&self, work: impl FnOnce() -> T) -> T {
        let (done, finished) = mpsc::channel::<()>();
        let progress = &self.services.progress;
        thread::scope(|scope| {
            scope.spawn(move || {
                while finished.recv_timeout(SIGN_OF_LIFE) == Err(mpsc::RecvTimeoutError::Timeout) {
                    progress(0, 0);
                }
            });
            let outcome = work();
            drop(done);
            outcome
        })
    }
}

pub(super) fn targets(task: &Task, pool: &TaskPool) -> Result<Vec<Target>, Failure> {
    let position = |d| {
        let outside = || {
            Failure::new(
                "the scenario names a document outside its pool",
                "report it to the plugin's authors",
            )
        };
        pool.position(d).ok_or_else(outside)
    };
    let mut targets = Vec::with_capacity(task.queries.len());
    for (i, relevant) in task.relevant.iter().enumerate() {
        let judged =
            relevant.iter().map(|(d, grade)| Ok((position(d)?, *grade))).collect::<Result<_, Failure>>()?;
        let excluded = task.excluded.get(i).map_or(&[][..], Vec::as_slice);
        let excluded = excluded.iter().map(position).collect::<Result<_, Failure>>()?;
        targets.push(Target { judged, excluded });
    }
    Ok(targets)
}

/// Equal texts tie exactly where each question brings its own copy: there every number stands
/// between its best and its worst case.
fn tie_rules(main: Ties, documents: Documents) -> Vec<(&'static str, Ties)> {
    let mut rules = vec![("", main)];
    if documents == Documents::PerQuestion {
        rules.extend([("/best", Ties::Best), ("/worst", Ties::Worst)]);
    }
    rules
}

fn measure(
    collection: &Collection,
    task: &Task,
    rankings: &[Ranking],
    documents: Documents,
    measure: Measure,
) -> Result<(CellResult, Vec<Vec<f64>>), Failure> {
    let wrong = |e: &dyn std::fmt::Display| Failure::new(e.to_string(), "");
    let mut cell = CellResult {
        pool_size: 0,
        queries: Vec::new(),
        left_out: 0,
        tie_rate: 0.0,
        metrics: Vec::new(),
        bias: Vec::new(),
        depth: measure.depth as u32,
    };
    let mut values = Vec::new();
    let mut resamples = None;
    for name in &task.metrics {
        let metric: Metric = name.parse().map_err(|e| wrong(&e))?;
        for (suffix, ties) in tie_rules(measure.ties, documents) {
            let scores = CellScores::of(metric, rankings, ties).map_err(|e| wrong(&e))?;
            let value = scores.value().map_err(|e| wrong(&e))?;
            if resamples.is_none() {
                cell.queries = scores.queries.iter().map(|&i| task.queries[i as usize]).collect();
                cell.left_out = scores.left_out;
                let ids: Vec<&str> =
                    cell.queries.iter().map(|&q| collection.queries[q as usize].id.as_str()).collect();
                let clusters = Clusters::of(&ids).map_err(|e| wrong(&e))?;
                resamples =
                    Some(Resamples::new(clusters, measure.resamples, measure.seed).map_err(|e| wrong(&e))?);
            }
            let drawn = resamples.as_ref().expect("drawn for the first metric");
            let interval = scores.interval(drawn).map_err(|e| wrong(&e))?;
            let metric = format!("{name}{suffix}");
            cell.metrics.push(MetricResult { metric, value, ci_low: interval.low, ci_high: interval.high });
            values.push(scores.values);
        }
    }
    let tied = rankings.iter().filter(|r| !r.ideal.is_empty() && r.has_tie()).count();
    cell.tie_rate = tied as f64 / cell.queries.len().max(1) as f64;
    Ok((cell, values))
}
