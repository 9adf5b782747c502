//! AdamW for a table of which a step touches few rows: the token embeddings.
//!
//! A dense AdamW moves every row in every step, by its decay and by what is left of its moments. Here
//! a row is left alone until it is needed and then given the steps that it missed, one after the
//! other in the same arithmetic: the result is that of the dense AdamW, bit for bit. Of the 250,000
//! rows of XLM-R a batch touches some thousand, so a step costs some percent of the dense one, and
//! rows that no text ever uses need no moments.

use rayon::prelude::*;

use crate::adamw::{AdamW, Moments, StepSize};

/// The optimiser's state of a table `[rows, dim]`.
#[derive(Debug)]
pub(crate) struct LazyRows {
    dim: usize,
    rows: Vec<Row>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// Steps that the row has been given.
    done: u32,
    /// First moments, then second ones; `None` while there never was a gradient.
    moments: Option<Box<[f32]>>,
}

impl Row {
    fn catch_up(&mut self, adamw: &AdamW, sizes: &[StepSize], weights: &mut [f32]) {
        let missed = &sizes[self.done as usize..];
        match &mut self.moments {
            Some(moments) => {
                let (first, second) = moments.split_at_mut(weights.len());
                adamw.idle(missed, weights, Moments { first, second });
            }
            None => AdamW::idle_without_moments(missed, weights),
        }
        self.done = sizes.len() as u32;
    }
}

impl LazyRows {
    /// No step taken yet.
    pub(crate) fn new(rows: usize, dim: usize) -> Self {
        LazyRows { dim, rows: vec![Row::default(); rows] }
    }

    /// Brings some rows to the state after all steps of `sizes`. `rows` rise.
    pub(crate) fn catch_up(&mut self, adamw: &AdamW, sizes: &[StepSize], table: &mut [f32], rows: &[u32]) {
        self.pick(table, rows).into_par_iter().for_each(|(row, weights)| row.catch_up(adamw, sizes, weights));
    }

    /// The same for all rows.
    pub(crate) fn catch_up_all(&mut self, adamw: &AdamW, sizes: &[StepSize], table: &mut [f32]) {
        let rows = self.rows.par_iter_mut().zip(table.par_chunks_mut(self.dim));
        rows.for_each(|(row, weights)| row.catch_up(adamw, sizes, weights));
    }

    /// The last step of `sizes`, for the rows that have a gradient: `gradient` is `[rows.len(), dim]`
    /// and is multiplied by `scale` first. `rows` rise. Earlier steps are made up for.
    pub(crate) fn step(
        &mut self,
        adamw: &AdamW,
        sizes: &[StepSize],
        table: &mut [f32],
        (rows, gradient): (&[u32], &[f32]),
        scale: f32,
    ) {
        let Some((size, before)) = sizes.split_last() else { return };
        let dim = self.dim;
        let picked = self.pick(table, rows).into_par_iter().zip(gradient.par_chunks(dim));
        picked.for_each(|((row, weights), gradient)| {
            row.catch_up(adamw, before, weights);
            let moments = row.moments.get_or_insert_with(|| vec![0.0; 2 * dim].into());
            let (first, second) = moments.split_at_mut(dim);
            adamw.step_run(*size, weights, gradient, scale, Moments { first, second });
            row.done += 1;
        });
    }

    /// The rows that have moments, rising, and their moments: `[rows, 2, dim]`.
    pub(crate) fn moments(&self) -> (Vec<u32>, Vec<f32>) {
        let with = self.rows.iter().zip(0..).filter_map(|(row, index)| Some((index, row.moments.as_ref()?)));
        let mut moments = Vec::new();
        let rows = with.map(|(index, values)| {
            moments.extend_from_slice(values);
            index
        });
        (rows.collect(), moments)
    }

    /// The state of a table of `shape` after `steps` steps, from what [`LazyRows::moments`] gave when no
    /// row had steps to make up for. `None` where the parts do not fit each other.
    pub(crate) fn restored(
        (rows, dim): (usize, usize),
        steps: u32,
        ids: &[u32],
        moments: &[f32],
    ) -> Option<Self> {
        if moments.len() != ids.len() * 2 * dim {
            return None;
        }
        let mut state = LazyRows { dim, rows: vec![Row { done: steps, moments: None }; rows] };
        for (id, moments) in ids.iter().zip(moments.chunks(2 * dim)) {
            state.rows.get_mut(*id as usize)?.moments = Some(moments.into());
        }
        Some(state)
    }

    /// Disjoint borrows of some rows and their weights, in order; `rows` rise.
    fn pick<'a>(&'a mut self, table: &'a mut [f32], rows: &[u32]) -> Vec<(&'a mut Row, &'a mut [f32])> {
        let (mut states, mut weights) = (&mut self.rows[..], table);
        let mut next = 0;
        rows.iter()
            .map(|row| {
                let skip = *row as usize - next;
                next += skip + 1;
                let (state, later_states) = std::mem::take(&mut states)[skip..]
                    .split_first_mut()
                    .expect("a row of the gradient is a row of the table");
                let (row, later_weights) =
                    std::mem::take(&mut weights)[skip * self.dim..].split_at_mut(self.dim);
                (states, weights) = (later_states, later_weights);
                (state, row)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Rates;
    use crate::schedule::{Schedule, Shape};

    const ROWS: usize = 6;
    const DIM: usize = 3;
    const STEPS: usize = 40;

    /// The rows that a step touches, and their gradients: row 5 never, row 0 in the first step only.
    fn gradient(step: usize) -> (Vec<u32>, Vec<f32>) {
        let rows: Vec<u32> = match step {
            0 => vec![0, 2],
            s if s % 7 == 3 => vec![1, 4],
            s if s % 5 == 0 => vec![2],
            s if s % 11 == 6 => vec![3],
            _ => vec![],
        };
        let values = (0..rows.len() * DIM).map(|i| ((step * 31 + i * 17) % 13) as f32 / 5.0 - 1.2).collect();
        (rows, values)
    }

    fn table() -> Vec<f32> {
        (0..ROWS * DIM).map(|i| (i as f32 * 0.37).sin()).collect()
    }

    fn sizes(adamw: &AdamW) -> Vec<StepSize> {
        let schedule = Schedule::new(Shape::Linear, 0.1, STEPS).expect("a schedule");
        adamw.step_sizes(Rates { learning_rate: 3e-2, weight_decay: 0.02 }, &schedule, STEPS)
    }

    /// The dense AdamW, and what it leaves after some steps.
    fn dense(steps: usize) -> Vec<f32> {
        let adamw = AdamW::new([0.9, 0.99], 1e-8);
        let mut weights = table();
        let (mut first, mut second) = (vec![0.0; ROWS * DIM], vec![0.0; ROWS * DIM]);
        for (step, size) in sizes(&adamw).into_iter().take(steps).enumerate() {
            let mut full = vec![0.0; ROWS * DIM];
            let (rows, values) = gradient(step);
            for (row, values) in rows.iter().zip(values.chunks(DIM)) {
                full[*row as usize * DIM..][..DIM].copy_from_slice(values);
            }
            let moments = Moments { first: &mut first, second: &mut second };
            adamw.step(size, &mut weights, &full, 0.8, moments);
        }
        weights
    }

    fn run(steps: std::ops::Range<usize>, state: &mut LazyRows, weights: &mut [f32]) {
        let adamw = AdamW::new([0.9, 0.99], 1e-8);
        let sizes = sizes(&adamw);
        for step in steps {
            let (rows, values) = gradient(step);
            // What the forward pass of the step would read.
            state.catch_up(&adamw, &sizes[..step], weights, &rows);
            state.step(&adamw, &sizes[..step + 1], weights, (&rows, &values), 0.8);
        }
    }

    #[test]
    fn lazy_rows_are_bitwise_the_dense_table() {
        let adamw = AdamW::new([0.9, 0.99], 1e-8);
        for steps in [2, 13, STEPS] {
            let (mut state, mut weights) = (LazyRows::new(ROWS, DIM), table());
            run(0..steps, &mut state, &mut weights);
            assert_ne!(weights, dense(steps), "rows were left behind");
            state.catch_up_all(&adamw, &sizes(&adamw)[..steps], &mut weights);
            assert_eq!(weights, dense(steps), "{steps}");
        }
    }

    #[test]
    fn rows_read_by_a_forward_pass_are_up_to_date() {
        let (mut state, mut weights) = (LazyRows::new(ROWS, DIM), table());
        run(0..20, &mut state, &mut weights);
        let adamw = AdamW::new([0.9, 0.99], 1e-8);
        state.catch_up(&adamw, &sizes(&adamw)[..20], &mut weights, &[0, 5]);
        let dense = dense(20);
        assert_eq!(weights[..DIM], dense[..DIM]);
        assert_eq!(weights[5 * DIM..], dense[5 * DIM..]);
    }

    #[test]
    fn a_saved_state_goes_on_bitwise_and_keeps_moments_of_touched_rows_only() {
        let adamw = AdamW::new([0.9, 0.99], 1e-8);
        let (mut state, mut weights) = (LazyRows::new(ROWS, DIM), table());
        run(0..17, &mut state, &mut weights);
        state.catch_up_all(&adamw, &sizes(&adamw)[..17], &mut weights);
        let (rows, moments) = state.moments();
        assert_eq!(
            rows,
            [0, 1, 2, 3, 4]
                .into_iter()
                .filter(|r| (0..17).any(|s| gradient(s).0.contains(r)))
                .collect::<Vec<_>>()
        );
        assert_eq!(moments.len(), rows.len() * 2 * DIM);

        let shape = (ROWS, DIM);
        let mut restored = LazyRows::restored(shape, 17, &rows, &moments).expect("parts that fit");
        run(17..STEPS, &mut restored, &mut weights);
        restored.catch_up_all(&adamw, &sizes(&adamw), &mut weights);
        assert_eq!(weights, dense(STEPS));

        assert!(LazyRows::restored(shape, 17, &rows, &moments[1..]).is_none());
        assert!(LazyRows::restored(shape, 17, &[99], &[0.0; 2 * DIM]).is_none());
    }
}
