//! The cluster bootstrap: percentile intervals from one draw that serves every metric of a cell.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use serde::{Deserialize, Serialize};

use super::{Clusters, StatsError};

/// Resamples per interval unless told otherwise.
pub const DEFAULT_RESAMPLES: usize = 1000;

/// Coverage that every interval aims at.
pub const LEVEL: f64 = 0.95;

/// A 95% percentile interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The 2.5th percentile of the resampled statistic.
    pub low: f64,
    /// The 97.5th percentile of the resampled statistic.
    pub high: f64,
}

impl Interval {
    /// The interval of a statistic from its value in each resample, such as the average of the
    /// [`Resamples::means`] of several cells. Resamples in which it has none (NaN) are left out;
    /// `None` where no resample is left.
    #[must_use]
    pub fn of_samples(mut samples: Vec<f64>) -> Option<Interval> {
        samples.retain(|sample| !sample.is_nan());
        (!samples.is_empty()).then(|| percentiles(samples))
    }
}

/// Clusters drawn with replacement, many times; as many clusters per resample as there are.
///
/// Holds how often each cluster was drawn (2 bytes per cluster and resample: 100 MB for 50,000
/// queries), so a resample's mean is a dot product with the cluster sums. Build it once per set of
/// queries and use it for every metric: all intervals then speak of the same resamples.
#[derive(Clone, Debug)]
pub struct Resamples {
    clusters: Clusters,
    /// Row-major `[resamples, clusters]`.
    multiplicity: Vec<u16>,
    /// Rows in each resample: varies where clusters differ in size.
    rows: Vec<f64>,
}

impl Resamples {
    /// Draws `resamples` resamples with ChaCha8 from `seed`.
    ///
    /// # Errors
    /// [`StatsError::NoDraws`] when `resamples` is 0.
    pub fn new(clusters: Clusters, resamples: usize, seed: u64) -> Result<Resamples, StatsError> {
        Resamples::in_stream(clusters, resamples, seed, 0)
    }

    /// The same from one of the seed's streams. Draws from different streams are independent, which
    /// the datasets of an average have to be; [`Resamples::new`] draws from stream 0.
    ///
    /// # Errors
    /// [`StatsError::NoDraws`] when `resamples` is 0.
    pub fn in_stream(
        clusters: Clusters,
        resamples: usize,
        seed: u64,
        stream: u64,
    ) -> Result<Resamples, StatsError> {
        if resamples == 0 {
            return Err(StatsError::NoDraws);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        let count = clusters.len();
        let mut multiplicity = vec![0_u16; resamples * count];
        let mut rows = Vec::with_capacity(resamples);
        for drawn in multiplicity.chunks_exact_mut(count) {
            let mut drawn_rows = 0_u64;
            for _ in 0..count {
                let cluster = below(&mut rng, count as u32) as usize;
                // Overflow needs one cluster drawn 65,536 times where once is expected.
                drawn[cluster] = drawn[cluster].saturating_add(1);
                drawn_rows += u64::from(clusters.sizes()[cluster]);
            }
            rows.push(drawn_rows as f64);
        }
        Ok(Resamples { clusters, multiplicity, rows })
    }

    /// The clusters that are resampled.
    #[must_use]
    pub fn clusters(&self) -> &Clusters {
        &self.clusters
    }

    /// The mean of `values` in each resample.
    ///
    /// # Errors
    /// When `values` is not parallel to the clusters' rows or holds a non-finite value.
    pub fn means(&self, values: &[f64]) -> Result<Vec<f64>, StatsError> {
        let sums = self.clusters.sums(values)?;
        let drawn = self.multiplicity.chunks_exact(sums.len());
        Ok(drawn.zip(&self.rows).map(|(times, rows)| weighted_sum(times, &sums) / rows).collect())
    }

    /// Sum over sum in each resample, both given per cluster: the mean of rows of which some
    /// clusters have none. Not a number where a resample drew only such clusters.
    pub(super) fn ratios(&self, sums: &[f64], rows: &[f64]) -> Vec<f64> {
        let drawn = self.multiplicity.chunks_exact(sums.len());
        drawn.map(|times| weighted_sum(times, sums) / weighted_sum(times, rows)).collect()
    }

    /// Interval of the mean of `values`.
    ///
    /// # Errors
    /// As [`Resamples::means`].
    pub fn interval(&self, values: &[f64]) -> Result<Interval, StatsError> {
        self.interval_of(values, |mean| mean)
    }

    /// Interval of a statistic that is a function of the mean (`max@r_norm_of_mean`): `statistic`
    /// is applied to each resample's mean.
    ///
    /// # Errors
    /// As [`Resamples::means`].
    pub fn interval_of(
        &self,
        values: &[f64],
        statistic: impl Fn(f64) -> f64,
    ) -> Result<Interval, StatsError> {
        Ok(percentiles(self.means(values)?.into_iter().map(statistic).collect()))
    }
}

/// Sum of `times[i] * values[i]` in eight running sums: an order that every machine repeats and
/// that compiles to vector instructions.
fn weighted_sum(times: &[u16], values: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut lanes = [0.0; LANES];
    let (times, times_rest) = times.as_chunks::<LANES>();
    let (values, values_rest) = values.as_chunks::<LANES>();
    for (times, values) in times.iter().zip(values) {
        for lane in 0..LANES {
            lanes[lane] += f64::from(times[lane]) * values[lane];
        }
    }
    let rest: f64 = times_rest.iter().zip(values_rest).map(|(&t, v)| f64::from(t) * v).sum();
    lanes.iter().sum::<f64>() + rest
}

/// An unbiased draw from `0..bound` (Lemire 2019, with rejection). `bound` is positive.
fn below(rng: &mut ChaCha8Rng, bound: u32) -> u32 {
    let rejected = bound.wrapping_neg() % bound;
    loop {
        let product = u64::from(rng.next_u32()) * u64::from(bound);
        if product as u32 >= rejected {
            return (product >> 32) as u32;
        }
    }
}

/// The central [`LEVEL`] of a non-empty sample, linear between order statistics (R's type 7).
fn percentiles(mut sample: Vec<f64>) -> Interval {
    sample.sort_unstable_by(f64::total_cmp);
    let at = |p: f64| {
        let position = p * (sample.len() - 1) as f64;
        let (low, high) = (sample[position.floor() as usize], sample[position.ceil() as usize]);
        low + (high - low) * position.fract()
    };
    let tail = (1.0 - LEVEL) / 2.0;
    Interval { low: at(tail), high: at(1.0 - tail) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resamples(ids: &[&str], n: usize, seed: u64) -> Resamples {
        Resamples::new(Clusters::of(ids).expect("not empty"), n, seed).expect("n > 0")
    }

    #[test]
    fn percentiles_interpolate() {
        // 0, 1, ..., 40: the 2.5th percentile is 0.025 * 40 = 1.
        let Interval { low, high } = percentiles((0..=40).rev().map(f64::from).collect());
        assert!((low - 1.0).abs() < 1e-12 && (high - 39.0).abs() < 1e-12, "{low} {high}");
        // 0, 1: 0.025 of the way.
        let Interval { low, high } = percentiles(vec![1.0, 0.0]);
        assert!((low - 0.025).abs() < 1e-12 && (high - 0.975).abs() < 1e-12, "{low} {high}");
    }

    #[test]
    fn every_resample_draws_as_many_clusters_as_there_are() {
        let drawn = resamples(&["a", "b", "b", "c", "d"], 200, 7);
        for (times, &rows) in drawn.multiplicity.chunks_exact(4).zip(&drawn.rows) {
            assert_eq!(times.iter().sum::<u16>(), 4);
            let expected = times[0] + 2 * times[1] + times[2] + times[3];
            assert_eq!(rows, f64::from(expected));
        }
    }

    #[test]
    fn each_cluster_is_drawn_equally_often() {
        // 20,000 resamples of 5 clusters: expected 20,000 draws each, sd about 126.
        let drawn = resamples(&["a", "b", "c", "d", "e"], 20_000, 1);
        for cluster in 0..5 {
            let total: u32 = drawn.multiplicity.iter().skip(cluster).step_by(5).map(|&t| u32::from(t)).sum();
            assert!((19_400..20_600).contains(&total), "cluster {cluster}: {total}");
        }
    }

    #[test]
    fn means_are_weighted_by_cluster_size() {
        let ids = ["a", "b", "b"];
        let values = [3.0, 0.0, 0.0];
        let drawn = resamples(&ids, 50, 3);
        for (mean, times) in
            drawn.means(&values).expect("parallel").iter().zip(drawn.multiplicity.chunks_exact(2))
        {
            let (a, b) = (f64::from(times[0]), f64::from(times[1]));
            assert!((mean - 3.0 * a / (a + 2.0 * b)).abs() < 1e-15);
        }
    }

    #[test]
    fn vector_sum_equals_the_plain_sum() {
        let times: Vec<u16> = (0..19).collect();
        let values: Vec<f64> = (0..19).map(|i| f64::from(i) / 2.0).collect();
        // sum of i * i / 2 for i in 0..19
        assert_eq!(weighted_sum(&times, &values), 18.0 * 19.0 * 37.0 / 6.0 / 2.0);
    }

    #[test]
    fn constant_values_have_an_interval_of_no_width() {
        let interval = resamples(&["a", "b", "c"], 100, 0).interval(&[0.25; 3]);
        assert_eq!(interval, Ok(Interval { low: 0.25, high: 0.25 }));
    }

    #[test]
    fn row_order_does_not_matter() {
        let straight = resamples(&["a", "b", "c"], 100, 9).interval(&[0.0, 0.5, 1.0]);
        let shuffled = resamples(&["c", "a", "b"], 100, 9).interval(&[1.0, 0.0, 0.5]);
        assert_eq!(straight, shuffled);
    }

    #[test]
    fn a_monotone_statistic_moves_the_interval() {
        let drawn = resamples(&["a", "b", "c", "d"], 101, 5);
        let values = [1.0, 2.0, 3.0, 4.0];
        let mean = drawn.interval(&values).expect("parallel");
        let negated = drawn.interval_of(&values, |m| -m).expect("parallel");
        assert!((negated.low + mean.high).abs() < 1e-12 && (negated.high + mean.low).abs() < 1e-12);
    }

    #[test]
    fn the_draw_is_pinned() {
        // A new version of the generator that draws differently would change published intervals.
        let drawn = resamples(&["a", "b", "c", "d", "e", "f"], 2, 42);
        assert_eq!(drawn.multiplicity, [1, 1, 1, 0, 2, 1, 1, 1, 1, 2, 1, 0]);
        let clusters = Clusters::of(&["a", "b", "c", "d", "e", "f"]).expect("not empty");
        let other = Resamples::in_stream(clusters, 2, 42, 1).expect("n > 0");
        assert_ne!(other.multiplicity, drawn.multiplicity);
    }

    #[test]
    fn zero_resamples_are_refused() {
        let clusters = Clusters::of(&["a"]).expect("not empty");
        assert_eq!(Resamples::new(clusters, 0, 0).err(), Some(StatsError::NoDraws));
    }
}
