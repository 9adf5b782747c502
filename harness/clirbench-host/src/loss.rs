//! A loss that is held to its contract.

use clirbench_abi::loss::{LossBatch, LossBox, LossInfo};
use clirbench_abi::{RSlice, RSliceMut};

use crate::{Error, Result};

/// The rows of one batch; shapes as in [`LossHandle::eval`].
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Rows of the batch.
    pub rows: usize,
    /// Length of one embedding; 1 for scores.
    pub dim: usize,
    /// `[columns, rows, dim]`.
    pub embeddings: &'a [f32],
    /// Length of one guide embedding; 0 without a guide.
    pub guide_dim: usize,
    /// `[columns, rows, guide_dim]`; empty without a guide.
    pub guide: &'a [f32],
    /// One per row; empty for a loss without labels.
    pub labels: &'a [f32],
}

/// An opened loss.
pub struct LossHandle {
    plugin: String,
    loss: LossBox,
    info: LossInfo,
}

impl LossHandle {
    pub(crate) fn new(plugin: &str, loss: LossBox) -> Result<Self> {
        let info = loss.info().into_result().map_err(|e| Error::from_plugin(plugin, e))?;
        let info: LossInfo = serde_json::from_str(&info)
            .map_err(|e| Error::contract(plugin, format!("its info is not that of a loss: {e}")))?;
        if info.columns.is_empty() {
            return Err(Error::contract(plugin, "it takes no column of the training data".to_owned()));
        }
        Ok(LossHandle { plugin: plugin.to_owned(), loss, info })
    }

    /// What the loss said about itself when it was opened.
    #[must_use]
    pub fn info(&self) -> &LossInfo {
        &self.info
    }

    /// The value of the loss. `gradients` has the shape of `batch.embeddings` (`[columns, rows,
    /// dim]`) and is wholly overwritten, `parts` has an element per part. On success every number
    /// is finite.
    ///
    /// # Errors
    /// What the plugin returned, or a number that is not finite.
    pub fn eval(&mut self, batch: &Batch<'_>, gradients: &mut [f32], parts: &mut [f64]) -> Result<f64> {
        let (expected, given) = (batch.embeddings.len(), gradients.len());
        if expected != given || batch.rows * batch.dim == 0 || expected % (batch.rows * batch.dim) != 0 {
            return Err(Error::Usage(format!(
                "{} rows of dimension {} do not fit {expected} embeddings and {given} gradients",
                batch.rows, batch.dim
            )));
        }
        if parts.len() != self.info.parts.len() {
            return Err(Error::Usage(format!("{} parts, not {}", self.info.parts.len(), parts.len())));
        }
        parts.fill(f64::NAN);
        let value = self.loss.eval(
            LossBatch {
                rows: batch.rows,
                dim: batch.dim,
                embeddings: RSlice::from_slice(batch.embeddings),
                guide_dim: batch.guide_dim,
                guide: RSlice::from_slice(batch.guide),
                labels: RSlice::from_slice(batch.labels),
            },
            RSliceMut::from_mut_slice(gradients),
            RSliceMut::from_mut_slice(parts),
        );
        let value = value.into_result().map_err(|e| Error::from_plugin(&self.plugin, e))?;
        match fault(value, gradients, parts, &self.info) {
            Some(breach) => Err(Error::contract(&self.plugin, breach)),
            None => Ok(value),
        }
    }
}

/// The first number that is not finite.
fn fault(value: f64, gradients: &[f32], parts: &[f64], info: &LossInfo) -> Option<String> {
    if !value.is_finite() {
        return Some(format!("the loss is {value}"));
    }
    if let Some(at) = parts.iter().position(|part| !part.is_finite()) {
        return Some(format!("its part `{}` is {}", info.parts[at], parts[at]));
    }
    let at = gradients.iter().position(|gradient| !gradient.is_finite())?;
    Some(format!("element {at} of its gradient is {}", gradients[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_is_named() {
        let info = LossInfo { parts: vec!["jsd".into()], ..Default::default() };
        assert_eq!(fault(1.0, &[0.0], &[0.5], &info), None);
        assert_eq!(fault(f64::NAN, &[0.0], &[0.5], &info).as_deref(), Some("the loss is NaN"));
        assert_eq!(fault(1.0, &[0.0], &[f64::INFINITY], &info).as_deref(), Some("its part `jsd` is inf"));
        assert_eq!(
            fault(1.0, &[0.0, f32::NAN], &[0.5], &info).as_deref(),
            Some("element 1 of its gradient is NaN")
        );
    }
}
