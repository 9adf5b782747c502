//! Counts over intervals whose width grows with the range, so that any range has few of them.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

/// Intervals at most.
const BINS: usize = 64;

/// How many values fall into `[from, to)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// Lower end, which is in it.
    pub from: f64,
    /// Upper end, which is not.
    pub to: f64,
    /// Values.
    pub count: u64,
}

/// Counts over intervals of equal width, which doubles when there are more than 64: so what it
/// holds at the end does not depend on the order of the values.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Where an interval begins.
    start: f64,
    /// The width is `units / per_one`: exact, so that ends print as they are.
    units: i64,
    per_one: f64,
    counts: BTreeMap<i64, u64>,
}

impl Histogram {
    /// Intervals of width `units / per_one` at first, one of them beginning at `start`.
    #[must_use]
    pub fn new(start: u32, units: u32, per_one: u32) -> Self {
        Histogram {
            start: f64::from(start),
            units: i64::from(units),
            per_one: f64::from(per_one),
            counts: BTreeMap::new(),
        }
    }

    /// Counts a finite value.
    pub fn add(&mut self, value: f64) {
        let at = ((value - self.start) * self.per_one / self.units as f64).floor() as i64;
        *self.counts.entry(at).or_default() += 1;
        while self.counts.len() > BINS {
            self.double();
        }
    }

    fn double(&mut self) {
        self.units = self.units.saturating_mul(2);
        for (at, count) in std::mem::take(&mut self.counts) {
            *self.counts.entry(at.div_euclid(2)).or_default() += count;
        }
    }

    /// The same in at most `bins` intervals.
    #[must_use]
    pub fn coarsened(&self, bins: usize) -> Histogram {
        let mut coarse = self.clone();
        while coarse.counts.len() > bins.max(2) {
            coarse.double();
        }
        coarse
    }

    /// The intervals that hold values, ascending.
    pub fn bins(&self) -> impl Iterator<Item = Bin> {
        let end = |at: f64| self.start + at * self.units as f64 / self.per_one;
        self.counts.iter().map(move |(&at, &count)| {
            let at = at as f64;
            Bin { from: end(at), to: end(at + 1.0), count }
        })
    }
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.bins())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_where_they_lie() {
        let mut histogram = Histogram::new(0, 1, 20);
        [-0.01, 0.0, 0.04, 0.15, 0.8].into_iter().for_each(|value| histogram.add(value));
        let bins: Vec<_> = histogram.bins().map(|bin| (bin.from, bin.to, bin.count)).collect();
        assert_eq!(bins, [(-0.05, 0.0, 1), (0.0, 0.05, 2), (0.15, 0.2, 1), (0.8, 0.85, 1)]);
        let mut ranks = Histogram::new(1, 10, 1);
        [1.0, 10.0, 11.0].into_iter().for_each(|rank| ranks.add(rank));
        let bins: Vec<_> = ranks.bins().map(|bin| (bin.from, bin.to, bin.count)).collect();
        assert_eq!(bins, [(1.0, 11.0, 2), (11.0, 21.0, 1)]);
        let coarse: Vec<_> = histogram.coarsened(2).bins().map(|bin| (bin.from, bin.count)).collect();
        assert_eq!(coarse, [(-1.6, 1), (0.0, 4)]);
    }

    #[test]
    fn a_wide_range_has_few_bins_whatever_the_order() {
        let values: Vec<f64> = (0..5_000).map(|i| f64::from(i * 7_919 % 5_000) - 2_000.0).collect();
        let fill = |values: &mut dyn Iterator<Item = &f64>| {
            let mut histogram = Histogram::new(0, 1, 20);
            values.for_each(|value| histogram.add(*value));
            histogram
        };
        let histogram = fill(&mut values.iter());
        assert_eq!(histogram, fill(&mut values.iter().rev()));
        assert!((32..=64).contains(&histogram.bins().count()));
        assert_eq!(histogram.bins().map(|bin| bin.count).sum::<u64>(), 5_000);
    }
}
