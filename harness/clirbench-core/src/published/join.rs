//! Which measured row is beside a published figure.

use std::collections::{BTreeMap, BTreeSet};

use super::{Published, PublishedError, names::plain_dataset};
use crate::{
    figure::{Figure, Measure},
    results::{Cell, ScoreRow},
    stats::Interval,
};

/// What was measured beside a figure.
pub(super) struct Measured {
    pub(super) cell: Cell,
    pub(super) value: f64,
    pub(super) interval: Option<Interval>,
}

/// The rows of a run, as published figures ask for them.
pub(super) struct Run<'a> {
    rows: Vec<(&'a ScoreRow, Measure)>,
    /// Published dataset to that of the run.
    datasets: BTreeMap<String, String>,
    /// What `average` averages over, and the directions that `overall` averages over, by scenario.
    averaged: BTreeSet<&'a str>,
    directions: BTreeMap<&'a str, BTreeSet<(&'a str, &'a str)>>,
}

const AVERAGE: &str = "average";
const OVERALL: &str = "overall";

impl<'a> Run<'a> {
    pub(super) fn new(
        published: &'a Published,
        rows: &'a [ScoreRow],
        asked: &[(String, String)],
    ) -> Result<Run<'a>, PublishedError> {
        let figures = || published.figures.iter().map(|f| &f.cell);
        let averaged: BTreeSet<&str> =
            figures().map(|c| c.dataset.as_str()).filter(|d| !matches!(*d, AVERAGE | OVERALL)).collect();
        let measured: BTreeSet<&str> = rows.iter().map(|r| r.dataset.as_str()).collect();
        let mut datasets = BTreeMap::new();
        for dataset in &averaged {
            let same = measured.iter().find(|m| plain_dataset(m) == plain_dataset(dataset));
            datasets.extend(same.map(|m| ((*dataset).to_owned(), (*m).to_owned())));
        }
        for (name, dataset) in asked {
            for (side, name, known) in
                [(published.source.as_str(), name, &averaged), ("the run", dataset, &measured)]
            {
                if !known.contains(name.as_str()) {
                    let known = known.iter().map(|&k| k.to_owned()).collect();
                    let (side, name) = (side.to_owned(), name.clone());
                    return Err(PublishedError::Unknown { side, what: "dataset", name, known });
                }
            }
            datasets.insert(name.clone(), dataset.clone());
        }
        let mut directions: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
        for cell in figures().filter(|c| c.dataset == AVERAGE) {
            directions.entry(&cell.scenario).or_default().insert((&cell.query_lang, &cell.pool_langs));
        }
        let rows = rows.iter().filter(|r| !r.metric.contains('/')).map(|r| (r, Measure::of(&r.metric)));
        Ok(Run { rows: rows.collect(), datasets, averaged, directions })
    }

    /// The value beside `figure`, or why there is none.
    pub(super) fn measured(&self, figure: &Figure, model: &str) -> Result<Measured, String> {
        let cell = &figure.cell;
        let parts: Vec<Cell> = match cell.dataset.as_str() {
            AVERAGE => self.over_datasets(cell).collect(),
            OVERALL => {
                let all = cell.scenario == OVERALL;
                let scenarios = self.directions.iter().filter(|(s, _)| all || **s == cell.scenario);
                let directions = scenarios.flat_map(|(s, d)| d.iter().map(move |&(q, p)| (*s, q, p)));
                let cells = directions.map(|(scenario, query_lang, pool_langs)| Cell {
                    scenario: scenario.to_owned(),
                    query_lang: query_lang.to_owned(),
                    pool_langs: pool_langs.to_owned(),
                    ..cell.clone()
                });
                cells.collect::<Vec<_>>().iter().flat_map(|c| self.over_datasets(c)).collect()
            }
            _ => return self.row(cell, &figure.measure, model),
        };
        // Every direction has the same datasets, so the mean of their means is the mean of all.
        let values = parts.iter().map(|part| Ok(self.row(part, &figure.measure, model)?.value));
        let values: Vec<f64> =
            values.collect::<Result<_, String>>().map_err(|why| format!("an average: {why}"))?;
        if values.is_empty() {
            return Err("an average of which the tables have no part".to_owned());
        }
        let cell = Cell { model: model.to_owned(), ..cell.clone() };
        Ok(Measured { cell, value: values.iter().sum::<f64>() / values.len() as f64, interval: None })
    }

    fn over_datasets(&self, cell: &Cell) -> impl Iterator<Item = Cell> {
        self.averaged.iter().map(|dataset| Cell { dataset: (*dataset).to_owned(), ..cell.clone() })
    }

    /// The row of one cell. Reasons do not name languages, so that few of them stand for many figures.
    fn row(&self, cell: &Cell, measure: &Measure, model: &str) -> Result<Measured, String> {
        if cell.query_lang.is_empty() || cell.pool_langs.is_empty() {
            return Err("means over language pairs that the table does not list".to_owned());
        }
        let dataset = self.datasets.get(&cell.dataset).ok_or_else(|| {
            format!("the run has no dataset {0} (if it has another name: --dataset {0}=RUN)", cell.dataset)
        })?;
        let rows = self.rows.iter().filter(|(r, _)| r.model == model && r.dataset == *dataset);
        let mut rows: Vec<(&ScoreRow, &Measure)> = rows.map(|(r, m)| (*r, m)).collect();
        let mut keep = |test: &dyn Fn(&ScoreRow, &Measure) -> bool| {
            rows.retain(|(r, m)| test(r, m));
            !rows.is_empty()
        };
        let lacks = |what: String| format!("the run has no {what} of {dataset}");
        if !keep(&|r, _| r.scenario == cell.scenario) {
            return Err(lacks(format!("scenario {}", cell.scenario)));
        }
        if !cell.documents.is_empty() && !keep(&|r, _| r.documents == cell.documents) {
            return Err(format!(
                "published with documents = \"{0}\", which the run has not for {dataset}: measure it with documents = \"{0}\"",
                cell.documents
            ));
        }
        if !keep(&|r, _| {
            r.query_lang == cell.query_lang && languages(&r.pool_langs) == languages(&cell.pool_langs)
        }) {
            return Err(lacks(format!("such query and pool languages in {}", cell.scenario)));
        }
        if !keep(&|_, m| m == measure) {
            return Err(lacks(format!("{measure} in {}", cell.scenario)));
        }
        let row = rows[0].0;
        let interval = Interval { low: row.ci_low, high: row.ci_high };
        Ok(Measured { cell: row.cell(), value: row.value, interval: Some(interval) })
    }
}

fn languages(pool: &str) -> BTreeSet<&str> {
    pool.split('+').collect()
}
