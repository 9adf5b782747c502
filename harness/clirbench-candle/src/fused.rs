//! Encoders of operations with gradients worked out by hand, for f32 on the CPU.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::sync::Arc;

use candle_core::Result;

use crate::buffer::{Buffer, Pool};
use crate::cpu;
use crate::head::{Activation, Pooling};
use crate::layout::Layout;
use crate::ops::{
    Attention, Embeddings, Linear, Norm, Ops, activation, attention, dropout, embedding, linear, norm,
    normalize, pooling,
};
use crate::parameters::{Parameter, Parameters};
use crate::profile::Profile;
use crate::random::{Dropout, Mask};
use crate::tape::{Array, Backward, Tape, Value};

/// One forward pass.
pub(crate) struct Fused<'a> {
    pub(crate) parameters: &'a Parameters,
    pub(crate) layout: Arc<Layout>,
    pub(crate) pool: Arc<Pool>,
    profile: &'a Profile,
    /// The operation that runs.
    current: Cell<&'static str>,
    seed: Option<u64>,
    tape: Option<RefCell<Tape>>,
    values: Cell<usize>,
}

impl<'a> Fused<'a> {
    /// A pass that records the way back if `graph`.
    pub(crate) fn new(
        parameters: &'a Parameters,
        layout: Layout,
        pool: Arc<Pool>,
        profile: &'a Profile,
        seed: Option<u64>,
        graph: bool,
    ) -> Self {
        let tape = graph.then(RefCell::default);
        Fused {
            parameters,
            layout: Arc::new(layout),
            pool,
            profile,
            current: Cell::new(""),
            seed,
            tape,
            values: Cell::new(0),
        }
    }

    /// The record of the pass and the number of its values.
    pub(crate) fn finish(self) -> Option<(Tape, usize)> {
        self.tape.map(|tape| (tape.into_inner(), self.values.get()))
    }

    /// The values of a parameter.
    pub(crate) fn values(&self, parameter: Parameter) -> Result<impl Deref<Target = [f32]> + Sync + use<'a>> {
        cpu::values(self.parameters.var(parameter))
    }

    pub(crate) fn mask(&self, dropout: Dropout) -> Option<Mask> {
        Mask::new(self.seed, dropout)
    }

    /// Whether the way back is recorded.
    pub(crate) fn records(&self) -> bool {
        self.tape.is_some()
    }

    /// A new value.
    pub(crate) fn value(&self, rows: usize, cols: usize, data: Buffer) -> Value {
        let id = self.values.get();
        self.values.set(id + 1);
        Arc::new(Array { id, rows, cols, data })
    }

    /// Runs an operation under its name in the profile.
    fn timed(&self, name: &'static str, run: impl FnOnce() -> Result<Value>) -> Result<Value> {
        self.current.set(name);
        self.profile.forward(name, run)
    }

    /// Records how the gradient of `output` goes on.
    pub(crate) fn push(
        &self,
        output: &Value,
        step: impl FnOnce(&mut Backward<'_>, Buffer) -> Result<()> + Send + Sync + 'static,
    ) {
        if let Some(tape) = &self.tape {
            tape.borrow_mut().push(self.current.get(), output.id, step);
        }
    }

    /// A new value and how its gradient goes on.
    pub(crate) fn record(
        &self,
        rows: usize,
        cols: usize,
        data: Buffer,
        step: impl FnOnce(&mut Backward<'_>, Buffer) -> Result<()> + Send + Sync + 'static,
    ) -> Value {
        let value = self.value(rows, cols, data);
        self.push(&value, step);
        value
    }

    /// The memory of a value, or a copy where it is still needed elsewhere.
    pub(crate) fn take_buffer(&self, value: Value) -> Buffer {
        match Arc::try_unwrap(value) {
            Ok(array) => array.data,
            Err(shared) => self.copy(&shared),
        }
    }

    /// A copy of the values.
    pub(crate) fn copy(&self, value: &Array) -> Buffer {
        let mut copy = self.pool.stale(value.data.len());
        copy.copy_from_slice(&value.data);
        copy
    }
}

impl Ops for Fused<'_> {
    type Value = Value;

    fn embed(&self, embeddings: &Embeddings) -> Result<Value> {
        self.timed("embed", || embedding::fused(self, embeddings))
    }

    fn linear(&self, x: &Value, layers: &[Linear]) -> Result<Value> {
        self.timed("linear", || linear::fused(self, x, layers))
    }

    fn norm(&self, x: &Value, norm: &Norm) -> Result<Value> {
        self.timed("norm", || norm::fused(self, x, norm))
    }

    fn add_norm(&self, x: Value, residual: &Value, norm: &Norm, dropout: Dropout) -> Result<Value> {
        self.timed("add_norm", || norm::fused_add(self, x, residual, norm, dropout))
    }

    fn add(&self, x: Value, residual: &Value, dropout: Dropout) -> Result<Value> {
        self.timed("add", || dropout::fused_add(self, x, residual, dropout))
    }

    fn dropout(&self, x: Value, dropout: Dropout) -> Result<Value> {
        self.timed("dropout", || dropout::fused(self, x, dropout))
    }

    fn activate(&self, x: Value, activation: Activation) -> Result<Value> {
        self.timed("activate", || activation::fused(self, x, activation))
    }

    fn gate(&self, x: Value, activation: Activation) -> Result<Value> {
        self.timed("gate", || activation::fused_gate(self, x, activation))
    }

    fn attention(&self, qkv: Value, attention: &Attention) -> Result<Value> {
        self.timed("attention", || attention::fused(self, qkv, attention))
    }

    fn pool(&self, x: Value, pooling: &Pooling) -> Result<Value> {
        self.timed("pool", || pooling::fused(self, x, pooling))
    }

    fn normalize(&self, x: Value) -> Result<Value> {
        self.timed("normalize", || normalize::fused(self, x))
    }
}
