//! A panel: the same queries in several cells, whose average is the statistic.
//!
//! The cells of one dataset ask the same queries in several languages. So an average over cells is
//! not an average of independent numbers: a query id is one cluster in all cells of its dataset,
//! drawn into or left out of all of them together, and swapped between two systems in all of them
//! together. Datasets are drawn apart.
//!
//! ```
//! use clirbench_core::stats::{CellStatistic::Mean, Panel, PanelCell};
//!
//! let queries: Vec<String> = ["q1", "q2", "q3", "q4"].map(str::to_owned).to_vec();
//! let cell = |_| PanelCell { dataset: "kdc", queries: &queries };
//! let panel = Panel::new(&[0, 1].map(cell), 1000, 42)?;
//! let (base, head) = ([0.5, 0.5, 0.5, 0.5], [1.0, 1.0, 1.0, 1.0]);
//! // Two cells, eight rows, but four queries: 2 of 16 sign patterns reach what was observed.
//! let test = panel.test(&[&base, &base], &[&head, &head], &[Mean, Mean], 10, 42)?;
//! assert_eq!(test.p, 2.0 / 16.0);
//! # Ok::<(), clirbench_core::stats::StatsError>(())
//! ```

use super::randomization::{SignedSums, share_of_patterns, sign_test};
use super::{Clusters, Randomization, Resamples, StatsError};

/// The queries of one cell; rows of values are parallel to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PanelCell<'a> {
    /// Query ids of one dataset are clusters across cells.
    pub dataset: &'a str,
    /// Query ids.
    pub queries: &'a [String],
}

/// How the number of a cell follows from the mean of its per-query values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CellStatistic {
    /// It is the mean.
    Mean,
    /// `max@r_norm_of_mean`: `factor (log2_pool - log2 mean)`, where the values are ranks.
    Norm {
        /// 100 / (log2 |D| - log2 |R|).
        factor: f64,
        /// log2 |D|.
        log2_pool: f64,
    },
}

impl CellStatistic {
    /// Its slope at a mean.
    fn slope(self, mean: f64) -> f64 {
        match self {
            CellStatistic::Mean => 1.0,
            CellStatistic::Norm { factor, .. } => -factor / (mean * std::f64::consts::LN_2),
        }
    }

    fn of_mean(self, mean: f64) -> f64 {
        match self {
            CellStatistic::Mean => mean,
            CellStatistic::Norm { factor, log2_pool } => factor * (log2_pool - mean.log2()),
        }
    }
}

/// Cells that are averaged, and one draw of resamples for all of them.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Per dataset, ordered by name: its distinct query ids.
    draws: Vec<Resamples>,
    /// Number of clusters in the datasets before each.
    offsets: Vec<usize>,
    cells: Vec<Placed>,
}

/// Where the rows of a cell belong.
#[derive(Clone, Debug)]
struct Placed {
    dataset: usize,
    /// Cluster of each row, within the dataset.
    cluster: Vec<usize>,
    /// Rows in each cluster of the dataset: 0 where the cell lacks the query.
    rows: Vec<f64>,
}

impl Panel {
    /// Draws `resamples` resamples of each dataset's queries from `seed`.
    ///
    /// # Errors
    /// [`StatsError::Empty`] where there is no cell or a cell has no query, [`StatsError::NoDraws`]
    /// when `resamples` is 0.
    pub fn new(cells: &[PanelCell<'_>], resamples: usize, seed: u64) -> Result<Panel, StatsError> {
        if cells.is_empty() || cells.iter().any(|cell| cell.queries.is_empty()) {
            return Err(StatsError::Empty);
        }
        let mut datasets: Vec<&str> = cells.iter().map(|cell| cell.dataset).collect();
        datasets.sort_unstable();
        datasets.dedup();
        let (mut draws, mut offsets, mut placed) = (Vec::new(), Vec::new(), vec![None; cells.len()]);
        let mut offset = 0;
        for (at, &dataset) in datasets.iter().enumerate() {
            let own = || cells.iter().enumerate().filter(|(_, cell)| cell.dataset == dataset);
            let mut ids: Vec<&str> = own().flat_map(|(_, cell)| cell.queries).map(String::as_str).collect();
            ids.sort_unstable();
            ids.dedup();
            for (i, cell) in own() {
                let place = |id: &String| ids.binary_search(&id.as_str()).expect("collected above");
                let cluster: Vec<usize> = cell.queries.iter().map(place).collect();
                let mut rows = vec![0.0; ids.len()];
                cluster.iter().for_each(|&c| rows[c] += 1.0);
                placed[i] = Some(Placed { dataset: at, cluster, rows });
            }
            offsets.push(offset);
            offset += ids.len();
            draws.push(Resamples::in_stream(Clusters::of(&ids)?, resamples, seed, at as u64)?);
        }
        Ok(Panel { draws, offsets, cells: placed.into_iter().flatten().collect() })
    }

    /// The average over the cells in each resample; `values[c]` are the rows of cell c. NaN in a
    /// resample that drew none of a cell's queries.
    ///
    /// # Errors
    /// Where values are not parallel to the cells' queries or not finite.
    pub fn samples(&self, values: &[&[f64]], statistics: &[CellStatistic]) -> Result<Vec<f64>, StatsError> {
        self.parallel(values.len())?;
        self.parallel(statistics.len())?;
        let mut average: Vec<f64> = Vec::new();
        for ((cell, values), statistic) in self.cells.iter().zip(values).zip(statistics) {
            let means = self.draws[cell.dataset].ratios(&cell.sums(values)?, &cell.rows);
            let numbers = means.into_iter().map(|mean| statistic.of_mean(mean));
            if average.is_empty() {
                average = numbers.collect();
            } else {
                average.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
            }
        }
        let cells = self.cells.len() as f64;
        average.iter_mut().for_each(|sum| *sum /= cells);
        Ok(average)
    }

    /// Two-sided paired randomization test of the difference between two systems' averages: a
    /// query id is swapped in all cells of its dataset or in none. As [`randomization_test`] for
    /// one cell.
    ///
    /// [`randomization_test`]: super::randomization_test
    ///
    /// # Errors
    /// Where values are not parallel to the cells' queries or not finite, or no pattern is asked for.
    pub fn test(
        &self,
        base: &[&[f64]],
        head: &[&[f64]],
        statistics: &[CellStatistic],
        permutations: usize,
        seed: u64,
    ) -> Result<Randomization, StatsError> {
        for given in [base.len(), head.len(), statistics.len()] {
            self.parallel(given)?;
        }
        // One cell's number is a monotone function of its mean, which orders patterns alike.
        let linear = self.cells.len() == 1 || statistics.iter().all(|s| *s == CellStatistic::Mean);
        if linear {
            self.linear(base, head, permutations, seed)
        } else {
            self.curved(base, head, statistics, permutations, seed)
        }
    }

    /// The difference of averages is a sum over clusters.
    fn linear(
        &self,
        base: &[&[f64]],
        head: &[&[f64]],
        permutations: usize,
        seed: u64,
    ) -> Result<Randomization, StatsError> {
        let mut differences = vec![0.0; self.clusters()];
        for ((cell, base), head) in self.cells.iter().zip(base).zip(head) {
            // Cells of equal size have equal weight; a sum of plain differences rounds least.
            let weight = self.cells[0].cluster.len() as f64 / cell.cluster.len() as f64;
            let own = &mut differences[self.offsets[cell.dataset]..];
            let sums = cell.sums(base)?.into_iter().zip(cell.sums(head)?);
            own.iter_mut().zip(sums).for_each(|(d, (b, h))| *d += weight * (h - b));
        }
        sign_test(differences, permutations, seed)
    }

    /// It is a sum over cells of what a pattern makes of the two means.
    fn curved(
        &self,
        base: &[&[f64]],
        head: &[&[f64]],
        statistics: &[CellStatistic],
        permutations: usize,
        seed: u64,
    ) -> Result<Randomization, StatsError> {
        let mut per_cell = Vec::with_capacity(self.cells.len());
        let mut differs = vec![false; self.clusters()];
        for ((cell, base), head) in self.cells.iter().zip(base).zip(head) {
            let (base, head) = (cell.sums(base)?, cell.sums(head)?);
            let total: f64 = base.iter().chain(&head).sum();
            let own: Vec<f64> = base.iter().zip(&head).map(|(b, h)| h - b).collect();
            let offset = self.offsets[cell.dataset];
            own.iter().enumerate().for_each(|(i, d)| differs[offset + i] |= *d != 0.0);
            per_cell.push((total, offset, own));
        }
        let differing: Vec<usize> = (0..differs.len()).filter(|&i| differs[i]).collect();
        let mut pulls = vec![0.0; differing.len()];
        let (mut curves, mut observed) = (Vec::with_capacity(self.cells.len()), 0.0);
        for (((total, offset, own), cell), &statistic) in per_cell.iter().zip(&self.cells).zip(statistics) {
            let of = |&i: &usize| i.checked_sub(*offset).and_then(|i| own.get(i)).copied().unwrap_or(0.0);
            let own: Vec<f64> = differing.iter().map(of).collect();
            let curve = Curve { statistic, total: *total, rows: 2.0 * cell.cluster.len() as f64 };
            let difference = own.iter().sum();
            let slope = curve.slope(difference);
            pulls.iter_mut().zip(&own).for_each(|(pull, d)| *pull += slope * d);
            observed += curve.gap(difference);
            curves.push((SignedSums::new(&own), curve));
        }
        let rounding = 1e-9 * observed.abs().max(1.0);
        share_of_patterns(&pulls, observed, rounding, permutations, seed, |pattern| {
            curves.iter().map(|(sums, curve)| curve.gap(sums.of(pattern))).sum()
        })
    }

    fn clusters(&self) -> usize {
        self.draws.iter().map(|draw| draw.clusters().len()).sum()
    }

    fn parallel(&self, found: usize) -> Result<(), StatsError> {
        let expected = self.cells.len();
        if found == expected { Ok(()) } else { Err(StatsError::Cells { expected, found }) }
    }
}

/// What a cell adds to the difference of two averages. Swapping queries keeps the total of both
/// systems' values and moves the difference of their sums.
struct Curve {
    statistic: CellStatistic,
    /// Sum of both systems' values.
    total: f64,
    /// Number of them.
    rows: f64,
}

impl Curve {
    fn gap(&self, difference: f64) -> f64 {
        let of = |sum: f64| self.statistic.of_mean(sum / self.rows);
        of(self.total + difference) - of(self.total - difference)
    }

    /// The derivative of [`Curve::gap`].
    fn slope(&self, difference: f64) -> f64 {
        let of = |sum: f64| self.statistic.slope(sum / self.rows) / self.rows;
        of(self.total + difference) + of(self.total - difference)
    }
}

impl Placed {
    /// Sum of the values of each cluster of the dataset.
    fn sums(&self, values: &[f64]) -> Result<Vec<f64>, StatsError> {
        if values.len() != self.cluster.len() {
            return Err(StatsError::Length { expected: self.cluster.len(), found: values.len() });
        }
        let mut sums = vec![0.0; self.rows.len()];
        for (row, (&value, &cluster)) in values.iter().zip(&self.cluster).enumerate() {
            if !value.is_finite() {
                return Err(StatsError::NotFinite { row, value });
            }
            sums[cluster] += value;
        }
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Interval, randomization_test};
    use super::*;

    fn ids(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    const MEANS: [CellStatistic; 2] = [CellStatistic::Mean; 2];

    #[test]
    fn one_cell_is_the_plain_test_and_the_plain_bootstrap() {
        let queries: Vec<String> = (0..30).map(|i| format!("q{}", (i * 7) % 30)).collect();
        let base: Vec<f64> = (0..30).map(|i| f64::from(i % 5) / 5.0).collect();
        let head: Vec<f64> = (0..30).map(|i| f64::from(i % 7) / 7.0).collect();
        let panel = Panel::new(&[PanelCell { dataset: "d", queries: &queries }], 200, 9).expect("valid");
        let clusters = Clusters::of(&queries).expect("not empty");
        let mean = &[CellStatistic::Mean];
        let test = panel.test(&[&base], &[&head], mean, 999, 9).expect("valid");
        assert_eq!(test, randomization_test(&clusters, &base, &head, 999, 9).expect("valid"));
        let plain = Resamples::new(clusters, 200, 9).expect("n > 0").means(&base).expect("parallel");
        assert_eq!(panel.samples(&[&base], mean).expect("valid"), plain);
    }

    #[test]
    fn a_query_is_one_cluster_in_all_cells_of_its_dataset_only() {
        let queries = ids(&["a", "b"]);
        let cell = |dataset| PanelCell { dataset, queries: &queries };
        let (zeros, ones): (&[f64], &[f64]) = (&[0.0; 2], &[1.0; 2]);
        let p = |cells: &[PanelCell]| {
            let panel = Panel::new(cells, 10, 0).expect("valid");
            panel.test(&[zeros, zeros], &[ones, ones], &MEANS, 999, 0).expect("valid")
        };
        // Two clusters: 2 of 4 patterns. Four clusters: 2 of 16.
        assert_eq!(p(&[cell("x"), cell("x")]).p, 0.5);
        assert_eq!(p(&[cell("x"), cell("y")]).p, 0.125);
    }

    #[test]
    fn cells_weigh_the_same_whatever_their_number_of_queries() {
        // Cell 1 has a and b, cell 2 has a alone: mean of (da + db) / 2 and da'.
        let (both, one) = (ids(&["a", "b"]), ids(&["a"]));
        let cells = [PanelCell { dataset: "x", queries: &both }, PanelCell { dataset: "x", queries: &one }];
        let panel = Panel::new(&cells, 500, 1).expect("valid");
        // a: 1/2 (1/2 * 2 - 1 * 1) = 0; b: 1/2 * 1/2 * 4 = 1. Only b can flip.
        let test = panel.test(&[&[0.0, 0.0], &[1.0]], &[&[2.0, 4.0], &[0.0]], &MEANS, 999, 0);
        assert_eq!(test, Ok(Randomization { p: 1.0, exact: true, differing: 1 }));
        // Resamples: aa -> (2, -1), ab -> (3, -1), bb -> cell 2 has no query.
        let samples = panel.samples(&[&[2.0, 4.0], &[-1.0]], &MEANS).expect("valid");
        let (mut left_out, mut seen) = (0, std::collections::BTreeSet::new());
        for sample in &samples {
            if sample.is_nan() {
                left_out += 1
            } else {
                seen.insert((sample * 10.0) as i32);
            }
        }
        assert!((75..175).contains(&left_out), "a quarter of 500: {left_out}");
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [5, 10]);
        assert_eq!(Interval::of_samples(samples), Some(Interval { low: 0.5, high: 1.0 }));
    }

    #[test]
    fn an_average_of_norms_by_hand() {
        // Ranks 1 and 4 against 4 and 4 in cell 1, 2 and 2 against 2 and 8 in cell 2; pool 16.
        let queries = ids(&["a", "b"]);
        let cells = [PanelCell { dataset: "x", queries: &queries }; 2];
        let norm = CellStatistic::Norm { factor: 25.0, log2_pool: 4.0 };
        let panel = Panel::new(&cells, 10, 0).expect("valid");
        let (base, head): ([&[f64]; 2], [&[f64]; 2]) =
            ([&[1.0, 4.0], &[2.0, 2.0]], [&[4.0, 4.0], &[2.0, 8.0]]);
        // Observed: log2(2.5 / 4) + log2(2 / 5) = -2. With a swapped, +0.678 - 1.322 = -0.644;
        // with b swapped its mirror image. So 2 of 4 reach it.
        let test = panel.test(&base, &head, &[norm; 2], 999, 0).expect("valid");
        assert_eq!(test, Randomization { p: 0.5, exact: true, differing: 2 });
        let equal = panel.test(&base, &base, &[norm; 2], 999, 0).expect("valid");
        assert_eq!(equal.p, 1.0);
    }

    #[test]
    fn bad_input_is_an_error() {
        let queries = ids(&["a", "b"]);
        assert_eq!(Panel::new(&[], 10, 0).err(), Some(StatsError::Empty));
        let cells = [PanelCell { dataset: "x", queries: &queries }];
        assert_eq!(Panel::new(&cells, 0, 0).err(), Some(StatsError::NoDraws));
        let panel = Panel::new(&cells, 10, 0).expect("valid");
        let mean = [CellStatistic::Mean];
        let two: &[f64] = &[0.0; 2];
        assert_eq!(panel.samples(&[], &mean), Err(StatsError::Cells { expected: 1, found: 0 }));
        assert_eq!(panel.samples(&[&[0.0]], &mean), Err(StatsError::Length { expected: 2, found: 1 }));
        assert!(panel.test(&[two], &[&[f64::NAN, 0.0]], &mean, 999, 0).is_err());
        assert_eq!(panel.test(&[two], &[two], &mean, 0, 0), Err(StatsError::NoDraws));
    }
}
