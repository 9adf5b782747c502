//! Encoders of candle's differentiable operations, on any device and in any float type.

use std::cell::RefCell;

use candle_core::{DType, Device, Result, Tensor, Var};

use crate::head::{Activation, Pooling};
use crate::layout::Layout;
use crate::ops::{
    Attention, Embeddings, Linear, Norm, Ops, activation, attention, dropout, embedding, linear, norm,
    normalize, pooling,
};
use crate::parameters::{Parameter, Parameters};
use crate::random::{Dropout, Mask};

/// One forward pass.
pub(crate) struct Plain<'a> {
    pub(crate) parameters: &'a Parameters,
    pub(crate) layout: &'a Layout,
    pub(crate) device: &'a Device,
    /// Type that values have between operations.
    pub(crate) compute: DType,
    pub(crate) seed: Option<u64>,
    /// Whether gradients will be asked for.
    pub(crate) graph: bool,
    /// The gathered rows of the token table.
    pub(crate) token_rows: RefCell<Option<Var>>,
}

impl Plain<'_> {
    /// A parameter as f32.
    pub(crate) fn master(&self, parameter: Parameter) -> Result<Tensor> {
        let var = self.parameters.var(parameter);
        Ok(if self.graph { var.as_tensor().clone() } else { var.as_detached_tensor() })
    }

    /// A parameter in the type of the values.
    pub(crate) fn weight(&self, parameter: Parameter) -> Result<Tensor> {
        self.master(parameter)?.to_dtype(self.compute)
    }

    /// What dropout multiplies values by; `rows` are the numbers of the rows of `shape`. `None` where
    /// nothing is dropped.
    ///
    /// On the CPU this is the mask of the fused operations. A GPU draws with its own generator, seeded
    /// by place, which replays as well.
    pub(crate) fn mask(
        &self,
        dropout: Dropout,
        shape: &[usize],
        rows: impl Iterator<Item = u64>,
    ) -> Result<Option<Tensor>> {
        let Some(mask) = Mask::new(self.seed, dropout) else { return Ok(None) };
        if !self.device.is_cpu() {
            self.device.set_seed(mask.key())?;
            let drawn = Tensor::rand(0_f32, 1_f32, shape, self.device)?;
            let kept = drawn.ge(f64::from(dropout.rate))?.to_dtype(self.compute)?;
            return Ok(Some((kept * f64::from(mask.scale))?));
        }
        let cols = shape.last().copied().unwrap_or(0) as u32;
        let mut factors = Vec::with_capacity(shape.iter().product());
        for row in rows {
            let row = mask.row(row);
            factors.extend((0..cols).map(|col| row.factor(col)));
        }
        Ok(Some(Tensor::from_vec(factors, shape, self.device)?.to_dtype(self.compute)?))
    }
}

impl Ops for Plain<'_> {
    type Value = Tensor;

    fn embed(&self, embeddings: &Embeddings) -> Result<Tensor> {
        let (sum, leaf) = embedding::plain(self, embeddings)?;
        self.token_rows.replace(Some(leaf));
        Ok(sum)
    }

    fn linear(&self, x: &Tensor, layers: &[Linear]) -> Result<Tensor> {
        linear::plain(self, x, layers)
    }

    fn norm(&self, x: &Tensor, norm: &Norm) -> Result<Tensor> {
        norm::plain(self, x, norm)
    }

    fn add_norm(&self, x: Tensor, residual: &Tensor, norm: &Norm, dropout: Dropout) -> Result<Tensor> {
        norm::plain(self, &dropout::plain_add(self, &x, residual, dropout)?, norm)
    }

    fn add(&self, x: Tensor, residual: &Tensor, dropout: Dropout) -> Result<Tensor> {
        dropout::plain_add(self, &x, residual, dropout)
    }

    fn dropout(&self, x: Tensor, dropout: Dropout) -> Result<Tensor> {
        dropout::plain(self, &x, dropout)
    }

    fn activate(&self, x: Tensor, activation: Activation) -> Result<Tensor> {
        activation::plain(&x, activation)
    }

    fn gate(&self, x: Tensor, activation: Activation) -> Result<Tensor> {
        activation::plain_gate(&x, activation)
    }

    fn attention(&self, qkv: Tensor, attention: &Attention) -> Result<Tensor> {
        attention::plain(self, &qkv, attention)
    }

    fn pool(&self, x: Tensor, pooling: &Pooling) -> Result<Tensor> {
        pooling::plain(self, &x, pooling)
    }

    fn normalize(&self, x: Tensor) -> Result<Tensor> {
        normalize::plain(&x)
    }
}
