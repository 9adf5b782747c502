//! The record of a forward pass on the CPU, and its way back.
//!
//! candle's own graph starts every gradient as zeros and adds to it on one thread, and its custom
//! operations take at most three tensors and keep nothing from forward to backward. A tape of our own
//! moves the first gradient, adds the others in parallel, writes weight gradients straight into their
//! sum, and gives memory back as it goes.

use std::sync::Arc;

use candle_core::Result;
use rayon::prelude::*;

use crate::buffer::{Buffer, Pool};
use crate::gradients::Gradients;
use crate::parameters::Parameters;
use crate::profile::Profile;

/// A matrix `[rows, cols]` that operations made.
#[derive(Debug)]
pub(crate) struct Array {
    /// Place of its gradient.
    pub(crate) id: usize,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) data: Buffer,
}

/// Shared until the last operation that needs it has run.
pub(crate) type Value = Arc<Array>;

type Step = Box<dyn FnOnce(&mut Backward<'_>, Buffer) -> Result<()> + Send + Sync>;

/// Operations in the order in which they ran.
#[derive(Default)]
pub(crate) struct Tape {
    /// Name, value whose gradient it takes, and what it does.
    steps: Vec<(&'static str, usize, Step)>,
}

impl Tape {
    /// Records how the gradient of `output` goes on to what it was made from.
    pub(crate) fn push(
        &mut self,
        name: &'static str,
        output: usize,
        step: impl FnOnce(&mut Backward<'_>, Buffer) -> Result<()> + Send + Sync + 'static,
    ) {
        self.steps.push((name, output, Box::new(step)));
    }

    /// Runs all steps backwards from the gradient of the value `output`.
    pub(crate) fn run(
        self,
        output: usize,
        gradient: Buffer,
        mut backward: Backward<'_>,
        profile: &Profile,
    ) -> Result<()> {
        backward.put(output, gradient);
        for (name, output, step) in self.steps.into_iter().rev() {
            // No gradient: nothing that the result depends on was made from this value.
            if let Some(gradient) = backward.take(output) {
                profile.backward(name, || step(&mut backward, gradient))?;
            }
        }
        Ok(())
    }
}

/// What steps of the way back share.
pub(crate) struct Backward<'a> {
    pub(crate) parameters: &'a Parameters,
    pub(crate) gradients: &'a mut Gradients,
    pub(crate) pool: Arc<Pool>,
    pending: Vec<Option<Buffer>>,
}

impl<'a> Backward<'a> {
    pub(crate) fn new(
        parameters: &'a Parameters,
        gradients: &'a mut Gradients,
        pool: Arc<Pool>,
        values: usize,
    ) -> Self {
        Backward { parameters, gradients, pool, pending: (0..values).map(|_| None).collect() }
    }

    /// The gradient of a value so far.
    pub(crate) fn take(&mut self, id: usize) -> Option<Buffer> {
        self.pending[id].take()
    }

    /// Sets the gradient of a value, or adds to it.
    pub(crate) fn put(&mut self, id: usize, gradient: Buffer) {
        match &mut self.pending[id] {
            Some(sum) => add(sum, &gradient),
            empty => *empty = Some(gradient),
        }
    }
}

/// `sum += other`.
pub(crate) fn add(sum: &mut [f32], other: &[f32]) {
    const CHUNK: usize = 1 << 14;
    sum.par_chunks_mut(CHUNK).zip(other.par_chunks(CHUNK)).for_each(|(sum, other)| {
        sum.iter_mut().zip(other).for_each(|(s, o)| *s += o);
    });
}
