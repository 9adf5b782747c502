//! From token states to embeddings or scores: what stands after the transformer.

use std::path::PathBuf;

/// How the token states of a text become one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolingMode {
    /// The state of the first token.
    Cls,
    /// The mean over the tokens.
    Mean,
    /// The greatest value of each dimension.
    Max,
    /// The state of the last token.
    LastToken,
    /// The mean with weights 1, 2, 3, ... by position.
    WeightedMean,
    /// The sum over the tokens divided by the root of their number.
    MeanSqrtLen,
}

/// Pooling of a sentence-transformers directory (`1_Pooling/config.json`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pooling {
    /// Modes whose vectors are concatenated, in this order.
    pub modes: Vec<PoolingMode>,
    /// Leading tokens that are left out (`include_prompt = false`); they still take part in attention.
    /// A text that has no more tokens than that keeps its last one.
    pub skip: usize,
}

impl Pooling {
    /// One mode over all tokens.
    #[must_use]
    pub fn of(mode: PoolingMode) -> Self {
        Pooling { modes: vec![mode], skip: 0 }
    }
}

/// An elementwise function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x`.
    Identity,
    /// `x * Phi(x)` with the exact normal distribution function (`gelu`).
    Gelu,
    /// The approximation of gelu by tanh (`gelu_new`, `gelu_pytorch_tanh`, `gelu_fast`).
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
    /// `tanh(x)`.
    Tanh,
}

impl Activation {
    /// The function that Transformers or torch calls `name` (`gelu_new`, `torch.nn.modules.activation.Tanh`).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.rsplit('.').next().unwrap_or(name) {
            "linear" | "Identity" => Some(Activation::Identity),
            "gelu" | "gelu_python" | "GELU" => Some(Activation::Gelu),
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Some(Activation::GeluTanh),
            "relu" | "ReLU" => Some(Activation::Relu),
            "tanh" | "Tanh" => Some(Activation::Tanh),
            _ => None,
        }
    }
}

/// A module behind the pooling.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A linear layer and an activation, as LaBSE's `3_Dense`.
    Dense {
        /// Directory of the module: its parameters are called `{name}/linear.weight` and
        /// `{name}/linear.bias` (absent if the file has none).
        name: String,
        /// The module's `model.safetensors`.
        weights: PathBuf,
        /// Its activation.
        activation: Activation,
    },
    /// Scales every embedding to unit length (norms below 1e-12 are taken as 1e-12).
    Normalize,
}

/// What stands after the transformer.
#[derive(Clone, Debug, PartialEq)]
pub enum Head {
    /// Embeddings.
    Embedding {
        /// How the token states become one vector.
        pooling: Pooling,
        /// What happens to it.
        steps: Vec<Step>,
    },
    /// A relevance score per pair of texts (the logit, before any sigmoid): the classifier that
    /// Transformers' `...ForSequenceClassification` of the architecture has, with one label.
    CrossEncoder,
}

impl Head {
    /// Pooling and nothing else.
    #[must_use]
    pub fn pooled(mode: PoolingMode) -> Self {
        Head::Embedding { pooling: Pooling::of(mode), steps: Vec::new() }
    }
}
