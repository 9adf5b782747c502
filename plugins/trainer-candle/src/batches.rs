//! Which rows share a batch: all of a fit's batches, planned before the first step.
//!
//! A batch holds no text twice, whatever the columns: in-batch negatives would otherwise include a
//! row's own positive. A row that shares a text with the batch in the making waits for a later one.

use clirbench_plugin::{Error, Result};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// What the batches of a fit depend on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sampling {
    pub(crate) batch_size: usize,
    pub(crate) epochs: usize,
    /// Leave out the rows of an epoch that no full batch takes.
    pub(crate) drop_last: bool,
    /// Keep texts apart that are equal. Pairs that are scored alone need none of it.
    pub(crate) distinct: bool,
    pub(crate) seed: u64,
}

/// The batches of a fit, one per step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Batches {
    /// Indices of rows, batch after batch.
    rows: Vec<u32>,
    /// Where each batch ends in `rows`.
    ends: Vec<usize>,
    /// The number of batches up to the end of each epoch.
    epochs: Vec<usize>,
    /// Batches before the last of their epoch that are not full.
    short: usize,
}

impl Batches {
    /// Plans the batches of `rows` (`[n, columns]`, indices of texts). Each epoch shuffles the rows
    /// and fills batches in that order, rows that had to wait first.
    ///
    /// # Errors
    /// `input` without rows, `config` when `drop_last` leaves no batch.
    pub(crate) fn plan(rows: &[u32], columns: usize, texts: usize, sampling: Sampling) -> Result<Self> {
        let count = rows.len() / columns.max(1);
        if count == 0 {
            return Err(Error::input("the training data has no rows")
                .hint("check the data file and the filters on it"));
        }
        let mut plan = Batches { rows: Vec::new(), ends: Vec::new(), epochs: Vec::new(), short: 0 };
        let mut filling = Filling { rows, columns, sampling, seen: vec![0; texts], stamp: 0 };
        let mut rng = ChaCha8Rng::seed_from_u64(sampling.seed);
        for _ in 0..sampling.epochs {
            let order = shuffled(count, &mut rng);
            filling.epoch(&order, &mut plan);
            plan.epochs.push(plan.ends.len());
        }
        if plan.ends.is_empty() {
            return Err(Error::config(format!(
                "`drop_last` leaves no batch: {count} rows make none of {} without a text twice",
                sampling.batch_size
            ))
            .hint("set a smaller `batch_size`, or `drop_last = false`"));
        }
        Ok(plan)
    }

    /// Steps of the fit.
    pub(crate) fn steps(&self) -> usize {
        self.ends.len()
    }

    /// The rows of the batch of a step, counted from 0.
    pub(crate) fn rows(&self, step: usize) -> &[u32] {
        &self.rows[self.start(step)..self.ends[step]]
    }

    /// Epochs done after so many steps, with a fraction counted in rows.
    pub(crate) fn epochs_after(&self, steps: usize) -> f64 {
        let done = self.epochs.partition_point(|end| *end <= steps);
        let Some(end) = self.epochs.get(done) else { return done as f64 };
        let first = done.checked_sub(1).map_or(0, |before| self.epochs[before]);
        let rows = |from: usize, to: usize| (self.start(to) - self.start(from)) as f64;
        done as f64 + rows(first, steps) / rows(first, *end)
    }

    /// What a reader of the results has to know.
    pub(crate) fn warning(&self) -> Option<String> {
        (self.short > 0).then(|| {
            format!(
                "{} of {} batches are not full, because texts that repeat have to be kept apart",
                self.short,
                self.steps()
            )
        })
    }

    fn start(&self, step: usize) -> usize {
        step.checked_sub(1).map_or(0, |before| self.ends[before])
    }
}

/// Fills batches, remembering which texts the one in the making holds.
struct Filling<'a> {
    rows: &'a [u32],
    columns: usize,
    sampling: Sampling,
    /// The last batch that held each text.
    seen: Vec<u32>,
    stamp: u32,
}

impl Filling<'_> {
    fn epoch(&mut self, order: &[u32], plan: &mut Batches) {
        let mut fresh = order.iter().copied();
        let mut waiting: Vec<u32> = Vec::new();
        loop {
            self.stamp += 1;
            let start = plan.rows.len();
            let full = start + self.sampling.batch_size;
            waiting.retain(|row| {
                let taken = plan.rows.len() < full && self.take(*row);
                if taken {
                    plan.rows.push(*row);
                }
                !taken
            });
            while plan.rows.len() < full
                && let Some(row) = fresh.next()
            {
                if self.take(row) { plan.rows.push(row) } else { waiting.push(row) }
            }
            let is_full = plan.rows.len() == full;
            if plan.rows.len() == start {
                return;
            }
            if !is_full && self.sampling.drop_last {
                plan.rows.truncate(start);
            } else {
                plan.ends.push(plan.rows.len());
                let is_last = waiting.is_empty() && fresh.len() == 0;
                plan.short += usize::from(!is_full && !is_last);
            }
        }
    }

    /// Takes a row into the batch in the making, unless one of its texts is there. A row may hold the
    /// same text twice itself: a word that two languages share.
    fn take(&mut self, row: u32) -> bool {
        let texts = &self.rows[row as usize * self.columns..][..self.columns];
        let free = !self.sampling.distinct || texts.iter().all(|t| self.seen[*t as usize] != self.stamp);
        if free {
            texts.iter().for_each(|text| self.seen[*text as usize] = self.stamp);
        }
        free
    }
}

/// The numbers below `count` in random order (Fisher and Yates).
fn shuffled(count: usize, rng: &mut ChaCha8Rng) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    for last in (1..count).rev() {
        // The high half of the product is below `last + 1`; its bias is of the order of 2^-40.
        let other = (u128::from(rng.next_u64()) * (last as u128 + 1)) >> 64;
        order.swap(last, other as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const SAMPLING: Sampling =
        Sampling { batch_size: 4, epochs: 2, drop_last: false, distinct: true, seed: 7 };

    /// `n` rows of two texts each, all distinct.
    fn distinct(n: u32) -> Vec<u32> {
        (0..2 * n).collect()
    }

    #[test]
    fn every_epoch_takes_every_row_once_in_another_order() {
        let plan = Batches::plan(&distinct(10), 2, 20, SAMPLING).expect("batches");
        assert_eq!(plan.steps(), 6);
        let sizes: Vec<usize> = (0..6).map(|step| plan.rows(step).len()).collect();
        assert_eq!(sizes, [4, 4, 2, 4, 4, 2]);
        let epoch =
            |steps: std::ops::Range<usize>| steps.flat_map(|s| plan.rows(s).to_vec()).collect::<Vec<_>>();
        let (first, second) = (epoch(0..3), epoch(3..6));
        assert_ne!(first, second);
        for rows in [first, second] {
            assert_eq!(rows.into_iter().collect::<BTreeSet<_>>(), (0..10).collect());
        }
        assert_eq!(plan.warning(), None);
        let epochs: Vec<f64> = (0..=6).map(|steps| plan.epochs_after(steps)).collect();
        assert_eq!(epochs, [0.0, 0.4, 0.8, 1.0, 1.4, 1.8, 2.0]);
    }

    #[test]
    fn drop_last_keeps_full_batches_only() {
        let sampling = Sampling { drop_last: true, ..SAMPLING };
        let plan = Batches::plan(&distinct(10), 2, 20, sampling).expect("batches");
        assert_eq!(plan.steps(), 4);
        assert!((0..4).all(|step| plan.rows(step).len() == 4));
        assert_eq!(plan.epochs_after(4), 2.0);
        let error = Batches::plan(&distinct(3), 2, 6, sampling).expect_err("three rows");
        assert_eq!(error.kind, "config");
        assert!(error.message.contains("3 rows make none of 4"), "{error}");
    }

    #[test]
    fn rows_that_share_a_text_wait_for_a_later_batch() {
        // Six rows with the same query: one per batch, the other two rows beside it.
        let rows: Vec<u32> = (1..7).flat_map(|p| [0, p]).chain([7, 8, 9, 10]).collect();
        let sampling = Sampling { epochs: 1, ..SAMPLING };
        let plan = Batches::plan(&rows, 2, 11, sampling).expect("batches");
        assert_eq!(plan.steps(), 6);
        assert_eq!(plan.rows(0).len(), 3);
        assert_eq!(
            plan.warning().expect("batches of one row"),
            "5 of 6 batches are not full, because texts that repeat have to be kept apart"
        );
        let scores = Sampling { distinct: false, ..sampling };
        assert_eq!(Batches::plan(&rows, 2, 11, scores).expect("batches").steps(), 2);
    }

    #[test]
    fn a_row_may_hold_one_text_twice() {
        let plan = Batches::plan(&[0, 0, 1, 2], 2, 3, SAMPLING).expect("batches");
        assert_eq!(plan.steps(), 2);
    }

    #[test]
    fn no_rows_are_an_error() {
        assert_eq!(Batches::plan(&[], 3, 0, SAMPLING).expect_err("nothing").kind, "input");
    }

    proptest! {
        #[test]
        fn no_batch_holds_a_text_twice_and_no_row_is_lost(
            rows in prop::collection::vec([0u32..40, 40u32..60], 1..80),
            batch_size in 1usize..9,
            seed: u64,
        ) {
            let flat = rows.concat();
            let sampling = Sampling { batch_size, seed, epochs: 1, ..SAMPLING };
            let plan = Batches::plan(&flat, 2, 60, sampling).expect("batches");
            prop_assert_eq!(&plan, &Batches::plan(&flat, 2, 60, sampling).expect("batches"));
            let mut taken: Vec<u32> = Vec::new();
            for step in 0..plan.steps() {
                let batch = plan.rows(step);
                prop_assert!((1..=batch_size).contains(&batch.len()));
                let texts: BTreeSet<u32> = batch.iter().flat_map(|row| rows[*row as usize]).collect();
                prop_assert_eq!(texts.len(), 2 * batch.len());
                taken.extend(batch);
            }
            taken.sort_unstable();
            prop_assert_eq!(taken, (0..rows.len() as u32).collect::<Vec<_>>());
        }
    }
}
