//! Averages over cells, and their intervals.
//!
//! The cells of one dataset ask the same queries in several languages, so their resamples draw the
//! same query ids together; datasets are drawn apart. An average's interval comes from the average
//! of its cells' means in each resample.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use clirbench_core::results::{Cell, QueryValues};
use clirbench_core::stats::{Clusters, DEFAULT_RESAMPLES, Interval, Resamples};

use super::{Column, Place, Value};

/// A column and, per model, its mean in each resample; `None` where there are no per-query values.
#[derive(Clone)]
pub(super) struct Sampled {
    pub(super) column: Column,
    samples: Vec<Option<Vec<f64>>>,
}

/// Resampled means of cells.
pub(super) struct Bootstrap<'a> {
    per_query: HashMap<(&'a Cell, &'a str), &'a QueryValues>,
    draws: HashMap<(&'a str, &'a str, &'a [String]), Resamples>,
}

impl<'a> Bootstrap<'a> {
    pub(super) fn new(per_query: &'a [QueryValues]) -> Self {
        let per_query = per_query.iter().map(|v| ((&v.cell, v.metric.as_str()), v)).collect();
        Bootstrap { per_query, draws: HashMap::new() }
    }

    /// Adds resampled means to the column of a place.
    pub(super) fn sample(&mut self, column: Column, place: Place, models: &[&str]) -> Sampled {
        let samples = models.iter().map(|model| self.means(&place.cell(model), &column.metric)).collect();
        Sampled { column, samples }
    }

    fn means(&mut self, cell: &Cell, metric: &str) -> Option<Vec<f64>> {
        // The one metric that is not the mean of its per-query values, which are ranks.
        if metric == "max@r_norm_of_mean" {
            return None;
        }
        let values = *self.per_query.get(&(cell, metric))?;
        let key = (values.cell.dataset.as_str(), values.cell.documents.as_str(), values.queries.as_slice());
        let draw = match self.draws.entry(key) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(free) => {
                let clusters = Clusters::of(&values.queries).ok()?;
                free.insert(Resamples::new(clusters, DEFAULT_RESAMPLES, seed(key.0)).ok()?)
            }
        };
        draw.means(&values.values).ok()
    }
}

/// FNV-1a of the dataset's name: each dataset has draws of its own, whatever else is in the table.
fn seed(dataset: &str) -> u64 {
    dataset
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// The mean of several columns, model by model; empty for a model that lacks one of them. The mean
/// of one column is that column, with its own interval.
pub(super) fn average(columns: &[&Sampled], group: &str, name: &str) -> Sampled {
    let (group, name) = (group.to_owned(), name.to_owned());
    if let [only] = columns {
        return Sampled {
            column: Column { group, name, ..only.column.clone() },
            samples: only.samples.clone(),
        };
    }
    let models = columns.first().map_or(0, |c| c.samples.len());
    let samples: Vec<Option<Vec<f64>>> = (0..models)
        .map(|model| {
            let cells: Option<Vec<&Vec<f64>>> = columns.iter().map(|c| c.samples[model].as_ref()).collect();
            cells.map(|cells| (0..DEFAULT_RESAMPLES).map(|i| mean(cells.iter().map(|c| c[i]))).collect())
        })
        .collect();
    let value = |model: usize| {
        let cells: Option<Vec<f64>> =
            columns.iter().map(|c| c.column.values[model].map(|v| v.mean)).collect();
        let interval = samples[model].clone().and_then(Interval::of_samples);
        cells
            .map(|cells| Value { mean: mean(cells.into_iter()), interval: interval.map(|i| (i.low, i.high)) })
    };
    let column = Column {
        group,
        name,
        metric: columns.first().map_or_else(String::new, |c| c.column.metric.clone()),
        values: (0..models).map(value).collect(),
    };
    Sampled { column, samples }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}
