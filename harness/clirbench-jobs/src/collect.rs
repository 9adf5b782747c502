//! From committed cells to results: the rows of every file that a run writes.

use clirbench_core::results::{BiasRow, Cell, QueryValues, RunLine, ScoreRow};
use clirbench_report::{Results, trec::QrelsLine};
use clirbench_store::{Object, Store};

use crate::{
    arranged::stored,
    bias,
    cell::{CellResult, read_top, read_values},
    job::Failure,
    plan::{Plan, PlannedCell},
    pool::{TaskPool, pool_id},
};

/// Results as they come in, cell by cell; each committed cell is read once.
#[derive(Debug)]
pub struct Collector<'a> {
    plan: &'a Plan,
    store: &'a Store,
    cells: Vec<Option<Collected>>,
}

/// A cell as run file and qrels.
#[derive(Debug)]
pub struct TrecCell {
    /// Its coordinates.
    pub cell: Cell,
    /// The retrieved documents.
    pub run: Vec<RunLine>,
    /// The judgements.
    pub qrels: Vec<QrelsLine>,
}

#[derive(Debug)]
struct Collected {
    result: CellResult,
    values: Vec<Vec<f64>>,
}

impl<'a> Collector<'a> {
    /// A collector over the plan's cells; nothing is read yet.
    #[must_use]
    pub fn new(plan: &'a Plan, store: &'a Store) -> Collector<'a> {
        Collector { plan, store, cells: plan.cells.iter().map(|_| None).collect() }
    }

    fn object(&self, cell: &PlannedCell) -> Result<Option<Object>, Failure> {
        match &cell.job {
            Some(job) => self.store.get("score", &job.key).map_err(stored),
            None => Ok(None),
        }
    }

    /// Reads one cell if it is committed.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn add(&mut self, index: usize) -> Result<(), Failure> {
        if self.cells[index].is_some() {
            return Ok(());
        }
        if let Some(object) = self.object(&self.plan.cells[index])? {
            let result: CellResult = object.json("cell.json").map_err(stored)?;
            let values = read_values(&object, &result)?;
            self.cells[index] = Some(Collected { result, values });
        }
        Ok(())
    }

    /// Reads every committed cell.
    ///
    /// # Errors
    /// When one is damaged.
    pub fn add_all(&mut self) -> Result<(), Failure> {
        (0..self.cells.len()).try_for_each(|index| self.add(index))
    }

    /// The collected cells with their coordinates.
    pub fn cells(&self) -> impl Iterator<Item = (Cell, &PlannedCell, &CellResult)> {
        self.plan.cells.iter().zip(&self.cells).filter_map(|(planned, collected)| {
            Some((self.plan.coordinates(planned), planned, &collected.as_ref()?.result))
        })
    }

    /// Everything collected so far, with `run` as provenance.
    #[must_use]
    pub fn results(&self, run: serde_json::Value) -> Results {
        let mut results = Results { run, ..Results::default() };
        for (planned, collected) in self.plan.cells.iter().zip(&self.cells) {
            let Some(Collected { result, values }) = collected else { continue };
            let cell = self.plan.coordinates(planned);
            let queries = &self.plan.datasets[planned.dataset].arranged.queries;
            let ids: Vec<String> = result.queries.iter().map(|&q| queries[q as usize].id.clone()).collect();
            for (metric, values) in result.metrics.iter().zip(values) {
                results.scores.push(score_row(&cell, result, metric));
                results.per_query.push(QueryValues {
                    cell: cell.clone(),
                    metric: metric.metric.clone(),
                    queries: ids.clone(),
                    values: values.clone(),
                });
            }
            results.bias.extend(result.bias.iter().map(|b| BiasRow {
                model: cell.model.clone(),
                dataset: cell.dataset.clone(),
                documents: cell.documents.clone(),
                scenario: cell.scenario.clone(),
                query_lang: cell.query_lang.clone(),
                pool_langs: cell.pool_langs.clone(),
                statistic: b.statistic.clone(),
                language: b.language.clone(),
                value: b.value,
                queries: b.queries,
            }));
        }
        results.bias.extend(bias::between_query_languages(&results.scores));
        results
    }

    /// The TREC run and qrels of a committed cell.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn trec(&self, index: usize) -> Result<Option<TrecCell>, Failure> {
        let planned = &self.plan.cells[index];
        let (Some(object), Some(collected)) = (self.object(planned)?, &self.cells[index]) else {
            return Ok(None);
        };
        let collection = &self.plan.datasets[planned.dataset].arranged;
        let task = self.plan.task(planned);
        let pool = TaskPool::of(collection, task);
        let (mut run, mut qrels) = (Vec::new(), Vec::new());
        let top = read_top(&object, &collected.result)?;
        for ((&query, hits), judged) in task.queries.iter().zip(&top).zip(&task.relevant) {
            let query = &collection.queries[query as usize].id;
            run.extend((1u32..).zip(hits).map(|(rank, &(document, score))| RunLine {
                query: query.clone(),
                document: pool.id(collection, document),
                rank,
                score,
            }));
            qrels.extend(judged.iter().map(|&(document, grade)| QrelsLine {
                query: query.clone(),
                document: pool_id(collection, document),
                grade,
            }));
        }
        Ok(Some(TrecCell { cell: self.plan.coordinates(planned), run, qrels }))
    }
}

fn score_row(cell: &Cell, result: &CellResult, metric: &crate::cell::MetricResult) -> ScoreRow {
    ScoreRow {
        model: cell.model.clone(),
        dataset: cell.dataset.clone(),
        documents: cell.documents.clone(),
        scenario: cell.scenario.clone(),
        query_lang: cell.query_lang.clone(),
        pool_langs: cell.pool_langs.clone(),
        metric: metric.metric.clone(),
        value: metric.value,
        ci_low: metric.ci_low,
        ci_high: metric.ci_high,
        queries: result.queries.len() as u32,
        pool_size: result.pool_size,
    }
}
