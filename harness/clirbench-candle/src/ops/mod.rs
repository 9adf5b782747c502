//! What encoders are made of. Every operation has two implementations behind one name: `plain`, of
//! candle's differentiable operations, which runs on any device and in any float type and is the
//! other's test; and `fused`, for f32 on the CPU, with a gradient worked out by hand.

pub(crate) mod activation;
pub(crate) mod attention;
pub(crate) mod dropout;
pub(crate) mod embedding;
pub(crate) mod linear;
pub(crate) mod norm;
pub(crate) mod normalize;
pub(crate) mod pooling;
mod rope;
#[cfg(test)]
mod tests;

use candle_core::Result;

use crate::head::{Activation, Pooling};
use crate::parameters::Parameter;
use crate::random::Dropout;

/// `x W^T + b` (weight `[outputs, inputs]`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear {
    pub(crate) weight: Parameter,
    pub(crate) bias: Option<Parameter>,
    pub(crate) outputs: usize,
}

/// Layer norm over the columns (Ba et al. 2016).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Norm {
    pub(crate) weight: Parameter,
    pub(crate) bias: Option<Parameter>,
    pub(crate) eps: f32,
}

/// Sum of the rows of up to three tables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Embeddings {
    pub(crate) tokens: Parameter,
    /// The position table and the row of the first position.
    pub(crate) positions: Option<(Parameter, usize)>,
    pub(crate) segments: Option<Parameter>,
}

/// Self-attention within each text (Vaswani et al. 2017).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attention {
    pub(crate) heads: usize,
    /// Tokens to each side that are attended to; all of them without.
    pub(crate) window: Option<usize>,
    /// Base of rotary positions (Su et al. 2021), halves of a head rotated against each other.
    pub(crate) rope: Option<f64>,
    /// Dropout of the probabilities.
    pub(crate) dropout: Dropout,
}

/// A way to run an encoder over the tokens of one batch.
///
/// Values are matrices with a row per token, or per text behind [`Ops::pool`].
pub(crate) trait Ops {
    type Value: Clone;

    /// `[tokens, hidden]`.
    fn embed(&self, embeddings: &Embeddings) -> Result<Self::Value>;

    /// The outputs of all layers side by side.
    fn linear(&self, x: &Self::Value, layers: &[Linear]) -> Result<Self::Value>;

    fn norm(&self, x: &Self::Value, norm: &Norm) -> Result<Self::Value>;

    /// `norm(dropout(x) + residual)`.
    fn add_norm(
        &self,
        x: Self::Value,
        residual: &Self::Value,
        norm: &Norm,
        dropout: Dropout,
    ) -> Result<Self::Value>;

    /// `dropout(x) + residual`.
    fn add(&self, x: Self::Value, residual: &Self::Value, dropout: Dropout) -> Result<Self::Value>;

    fn dropout(&self, x: Self::Value, dropout: Dropout) -> Result<Self::Value>;

    fn activate(&self, x: Self::Value, activation: Activation) -> Result<Self::Value>;

    /// `f(a) * b` of the left half `a` and the right half `b` of the columns (Shazeer 2020).
    fn gate(&self, x: Self::Value, activation: Activation) -> Result<Self::Value>;

    /// The context `[tokens, hidden]` of queries, keys and values side by side.
    fn attention(&self, qkv: Self::Value, attention: &Attention) -> Result<Self::Value>;

    /// `[texts, hidden * modes]`.
    fn pool(&self, x: Self::Value, pooling: &Pooling) -> Result<Self::Value>;

    /// Rows of unit length.
    fn normalize(&self, x: Self::Value) -> Result<Self::Value>;
}
