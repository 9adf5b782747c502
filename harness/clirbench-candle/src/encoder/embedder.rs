//! Heads that make embeddings, and the static encoder that is little else.

use candle_core::Result as Candle;
use clirbench_plugin::{Error, Result};

use crate::files::TensorFile;
use crate::head::{Activation, Pooling, Step};
use crate::ops::{Embeddings, Linear, Ops};
use crate::parameters::Loader;

#[derive(Debug)]
pub(super) struct Embedder {
    pooling: Pooling,
    steps: Vec<BoundStep>,
    pub(super) dim: usize,
}

#[derive(Debug)]
enum BoundStep {
    Dense { linear: Linear, activation: Activation },
    Normalize,
}

impl Embedder {
    pub(super) fn load(
        pooling: &Pooling,
        steps: &[Step],
        hidden: usize,
        loader: &mut Loader<'_>,
    ) -> Result<Self> {
        if pooling.modes.is_empty() {
            return Err(Error::model("the pooling has no mode"));
        }
        let mut dim = hidden * pooling.modes.len();
        let steps = steps
            .iter()
            .map(|step| match step {
                Step::Normalize => Ok(BoundStep::Normalize),
                Step::Dense { name, weights, activation } => {
                    let linear = loader
                        .module(name, TensorFile::open(weights)?, |loader| dense(loader, dim))
                        .map_err(|e| Error {
                            message: format!("{}: {}", weights.display(), e.message),
                            ..e
                        })?;
                    dim = linear.outputs;
                    Ok(BoundStep::Dense { linear, activation: *activation })
                }
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Embedder { pooling: pooling.clone(), steps, dim })
    }

    pub(super) fn forward<O: Ops>(&self, ops: &O, states: O::Value) -> Candle<O::Value> {
        let mut x = ops.pool(states, &self.pooling)?;
        for step in &self.steps {
            x = match step {
                BoundStep::Normalize => ops.normalize(x)?,
                BoundStep::Dense { linear, activation } => {
                    ops.activate(ops.linear(&x, &[*linear])?, *activation)?
                }
            };
        }
        Ok(x)
    }
}

fn dense(loader: &mut Loader<'_>, inputs: usize) -> Result<Linear> {
    let shape = loader.shape("linear.weight").unwrap_or_default();
    let outputs = shape.first().copied().unwrap_or(0);
    let weight = loader.take("linear.weight", &[outputs, inputs])?;
    let bias = match loader.has("linear.bias") {
        true => Some(loader.take("linear.bias", &[outputs])?),
        false => None,
    };
    Ok(Linear { weight, bias, outputs })
}

/// The table of a static model: `embedding.weight` of sentence-transformers' `StaticEmbedding`, or
/// `embeddings` of model2vec.
pub(super) fn static_table(loader: &mut Loader<'_>) -> Result<(Embeddings, usize, usize)> {
    let name = loader.first_of(&["embedding.weight", "embeddings"]).unwrap_or("embedding.weight");
    let (rows, cols) = match loader.shape(name).as_deref() {
        Some(&[rows, cols]) => (rows, cols),
        Some(shape) => return Err(Error::model(format!("{name} has shape {shape:?}, not two dimensions"))),
        None => (0, 0),
    };
    let tokens = loader.take(name, &[rows, cols])?;
    Ok((Embeddings { tokens, positions: None, segments: None }, rows, cols))
}
