//! The gradient of a batch's loss by all weights: what a fit steps along and what an estimate squares.

use clirbench_plugin::{Error, Result, Session};

use crate::check;
use crate::examples::Examples;
use crate::gradcache::{Chunks, accumulate};
use crate::network::Network;
use crate::options::Precision;
use crate::underflow;

/// One of the batches that were planned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch<'a> {
    /// How errors call it: `step 3`.
    pub(crate) name: &'a str,
    /// Indices of its rows.
    pub(crate) rows: &'a [u32],
    /// Its inputs.
    pub(crate) chunks: &'a Chunks,
    /// Of its dropout.
    pub(crate) seed: u64,
}

/// The loss of a batch, beside the gradients that were added to the network's.
#[derive(Clone, Debug)]
pub(crate) struct Loss {
    pub(crate) value: f64,
    pub(crate) parts: Vec<f64>,
    /// The gradients are too large by this factor, a power of two.
    pub(crate) scale: f32,
    /// Whether any embedding moves the loss.
    pub(crate) moves: bool,
}

/// Asks `session` for the loss of `batch` and adds its gradient, times [`Loss::scale`], to the network's.
/// `poll` runs before each chunk.
///
/// # Errors
/// Those of network, session and `poll`, and `runtime` for numbers that are not finite.
pub(crate) fn add(
    network: &mut Network<'_>,
    batch: Batch<'_>,
    examples: &Examples<'_>,
    precision: Precision,
    parts: usize,
    session: &mut dyn Session,
    poll: impl FnMut() -> Result<()>,
) -> Result<Loss> {
    let Batch { name, rows, chunks, seed } = batch;
    let mut loss = Loss { value: 0.0, parts: vec![0.0; parts], scale: 1.0, moves: false };
    loss.value = accumulate(network, chunks, seed, poll, |embeddings, gradients| {
        check::finite("an embedding", name, rows, embeddings, examples)?;
        let value = session
            .loss(rows, embeddings, gradients, &mut loss.parts)
            .map_err(|e| Error { message: format!("{name}: {}", e.message), ..e })?;
        check::finite_value("the loss", name, rows, value, examples)?;
        check::finite("the gradient", name, rows, gradients, examples)?;
        loss.moves = gradients.iter().any(|g| *g != 0.0);
        if precision == Precision::F16 {
            loss.scale = underflow::scale_up(gradients);
        }
        Ok(value)
    })?;
    Ok(loss)
}
