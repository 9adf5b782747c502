//! AdamW over all tensors of a model, whose weights it changes in place.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::{Device, Tensor, Var};
use clirbench_candle::{Gradient, Gradients, cpu};
use clirbench_plugin::{Error, Result};
use rayon::prelude::*;

use crate::adamw::{AdamW, Moments, StepSize};
use crate::options::Options;
use crate::rows::LazyRows;
use crate::schedule::Schedule;

/// Elements of which one partial sum of a norm is made: fixed, so that no norm depends on threads.
const RUN: usize = 1 << 16;

/// The optimiser of one fit.
pub(crate) struct Optimizer {
    adamw: AdamW,
    tensors: Vec<Trained>,
    steps_done: usize,
}

/// A tensor that is trained.
pub(crate) struct Trained {
    pub(crate) name: String,
    pub(crate) weights: Var,
    /// Its place among the model's parameters.
    index: usize,
    /// The numbers of every step.
    sizes: Arc<[StepSize]>,
    state: State,
}

/// Moments of one tensor.
pub(crate) enum State {
    /// No gradient yet.
    New,
    /// One of each per element.
    Dense { first: Vec<f32>, second: Vec<f32> },
    /// Of the rows that had a gradient.
    Rows(LazyRows),
    /// One of each per element, beside the weights on their device.
    Device { first: Tensor, second: Tensor },
}

impl Optimizer {
    /// The optimiser of `parameters`, frozen ones left out, at its first step.
    pub(crate) fn new<'p>(
        parameters: impl Iterator<Item = (&'p str, &'p Var)>,
        options: &Options,
        schedule: &Schedule,
        steps: usize,
    ) -> Self {
        let adamw = AdamW::new(options.betas, options.eps);
        let mut sizes: BTreeMap<[u64; 2], Arc<[StepSize]>> = BTreeMap::new();
        let mut tensors = Vec::new();
        for (index, (name, weights)) in parameters.enumerate() {
            let Some(rates) = options.rates(name) else { continue };
            let key = [rates.learning_rate.to_bits(), rates.weight_decay.to_bits()];
            let sizes = sizes.entry(key).or_insert_with(|| adamw.step_sizes(rates, schedule, steps).into());
            tensors.push(Trained {
                name: name.to_owned(),
                weights: weights.clone(),
                index,
                sizes: Arc::clone(sizes),
                state: State::New,
            });
        }
        Optimizer { adamw, tensors, steps_done: 0 }
    }

    /// What is trained.
    pub(crate) fn tensors(&self) -> &[Trained] {
        &self.tensors
    }

    /// Numbers that are trained.
    pub(crate) fn parameters(&self) -> u64 {
        self.tensors.iter().map(|tensor| tensor.weights.elem_count() as u64).sum()
    }

    /// The norm of the gradient of everything that is trained.
    ///
    /// # Errors
    /// When the runtime fails.
    pub(crate) fn gradient_norm(&self, gradients: &Gradients) -> Result<f64> {
        let mut sum = 0.0;
        for gradient in self.tensors.iter().filter_map(|tensor| gradients.get(tensor.index)) {
            sum += squares(gradient.values())?;
        }
        Ok(sum.sqrt())
    }

    /// Names of trained tensors whose gradient is absent or all zeros.
    ///
    /// # Errors
    /// When the runtime fails.
    pub(crate) fn without_gradient(&self, gradients: &Gradients) -> Result<Vec<&str>> {
        let mut names = Vec::new();
        for tensor in &self.tensors {
            let gradient = gradients.get(tensor.index);
            if gradient.map(|g| squares(g.values())).transpose()?.unwrap_or(0.0) == 0.0 {
                names.push(&tensor.name[..]);
            }
        }
        Ok(names)
    }

    /// Gives rows of tables the steps that they missed, before a forward pass reads them. `ids` rise.
    ///
    /// # Errors
    /// When the runtime fails.
    pub(crate) fn catch_up(&mut self, ids: &[u32]) -> Result<()> {
        self.lazily(|adamw, state, sizes, table| state.catch_up(adamw, sizes, table, ids))
    }

    /// The same for all rows of all tables, before weights are saved or used whole.
    ///
    /// # Errors
    /// When the runtime fails.
    pub(crate) fn catch_up_all(&mut self) -> Result<()> {
        self.lazily(|adamw, state, sizes, table| state.catch_up_all(adamw, sizes, table))
    }

    fn lazily(&mut self, mut each: impl FnMut(&AdamW, &mut LazyRows, &[StepSize], &mut [f32])) -> Result<()> {
        for tensor in &mut self.tensors {
            let sizes = &tensor.sizes[..self.steps_done];
            if let State::Rows(state) = &mut tensor.state {
                cpu::update(&tensor.weights, |table| each(&self.adamw, state, sizes, table))
                    .map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Takes a step along `gradients`, multiplied by `scale`. A tensor without a gradient stays as it is,
    /// as in torch.
    ///
    /// # Errors
    /// When the runtime fails.
    pub(crate) fn step(&mut self, gradients: &Gradients, scale: f32) -> Result<()> {
        self.steps_done += 1;
        for tensor in &mut self.tensors {
            tensor.step(&self.adamw, self.steps_done, gradients.get(tensor.index), scale).map_err(failed)?;
        }
        Ok(())
    }

    /// Goes on after `steps_done` steps, with what `state` says of each tensor.
    ///
    /// # Errors
    /// Those of `state`.
    pub(crate) fn restore(
        &mut self,
        steps_done: usize,
        state: impl Fn(&Trained) -> Result<State>,
    ) -> Result<()> {
        for tensor in &mut self.tensors {
            tensor.state = state(tensor)?;
        }
        self.steps_done = steps_done;
        Ok(())
    }
}

impl Trained {
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// The weights on the CPU.
    ///
    /// # Errors
    /// When the runtime fails.
    pub(crate) fn values(&self) -> Result<Tensor> {
        self.weights.to_device(&Device::Cpu).map_err(failed)
    }

    fn step(
        &mut self,
        adamw: &AdamW,
        step: usize,
        gradient: Option<&Gradient>,
        scale: f32,
    ) -> candle_core::Result<()> {
        let sizes = &self.sizes[..step];
        let Some(size) = sizes.last() else { return Ok(()) };
        if let State::New = self.state {
            self.state = match gradient {
                None => return Ok(()),
                Some(_) if !self.weights.device().is_cpu() => {
                    State::Device { first: self.weights.zeros_like()?, second: self.weights.zeros_like()? }
                }
                Some(Gradient::Rows { .. }) => {
                    let (rows, dim) = self.weights.dims2()?;
                    State::Rows(LazyRows::new(rows, dim))
                }
                Some(Gradient::Dense(_)) => {
                    let zeros = || vec![0.0; self.weights.elem_count()];
                    State::Dense { first: zeros(), second: zeros() }
                }
            };
        }
        match (&mut self.state, gradient) {
            (_, None) => Ok(()),
            (State::Dense { first, second }, Some(Gradient::Dense(gradient))) => {
                let gradient = cpu::values(gradient)?;
                cpu::update(&self.weights, |weights| {
                    adamw.step(*size, weights, &gradient, scale, Moments { first, second });
                })
            }
            (State::Rows(state), Some(Gradient::Rows { ids, rows })) => {
                let gradient = cpu::values(rows)?;
                cpu::update(&self.weights, |table| state.step(adamw, sizes, table, (ids, &gradient), scale))
            }
            (State::Device { first, second }, Some(gradient)) => {
                let gradient = dense(gradient, &self.weights)?.affine(f64::from(scale), 0.0)?;
                let (weights, moments) =
                    adamw.step_tensor(*size, &self.weights, &gradient, [first, second])?;
                [*first, *second] = moments;
                self.weights.set(&weights)
            }
            _ => candle_core::bail!("the gradient of {} is of rows in some steps only", self.name),
        }
    }
}

/// A gradient of the shape of `weights`.
fn dense(gradient: &Gradient, weights: &Tensor) -> candle_core::Result<Tensor> {
    match gradient {
        Gradient::Dense(gradient) => Ok(gradient.clone()),
        Gradient::Rows { ids, rows } => {
            let ids = Tensor::new(&ids[..], weights.device())?;
            weights.zeros_like()?.index_add(&ids, rows, 0)
        }
    }
}

/// The sum of squares, in f64.
fn squares(tensor: &Tensor) -> Result<f64> {
    if tensor.device().is_cpu() {
        let sum = |run: &[f32]| run.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>();
        // The partial sums are added in order.
        let values = cpu::values(tensor).map_err(failed)?;
        let sums: Vec<f64> = values.par_chunks(RUN).map(sum).collect();
        return Ok(sums.iter().sum());
    }
    let sum = || tensor.sqr()?.sum_all()?.to_scalar::<f32>();
    sum().map(f64::from).map_err(failed)
}

/// What the tensor library says.
pub(crate) fn failed(error: candle_core::Error) -> Error {
    Error::runtime(format!("the tensor library failed: {error}"))
}
