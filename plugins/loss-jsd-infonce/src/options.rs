//! The options of the loss.

use clirbench_loss::{at_least_zero, positive};
use clirbench_plugin::{Result, options};
use serde::Deserialize;

/// What the config may say.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Options {
    pub(crate) w_jsd: f64,
    pub(crate) w_nce: f64,
    pub(crate) temperature: f64,
    pub(crate) eps: f64,
    pub(crate) z: Z,
    pub(crate) nce_pairs: NcePairs,
}

/// What eq. 5 takes the softmax of.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Z {
    /// The embedding as the model gives it.
    Raw,
    /// The embedding scaled to unit length.
    Normalized,
}

/// What InfoNCE pairs with the parallel passage.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NcePairs {
    /// The query: eq. 7.
    Query,
    /// The positive passage: the ablation L_NCE_psg.
    Psg,
}

impl Default for Options {
    fn default() -> Self {
        Self { w_jsd: 1.0, w_nce: 1.0, temperature: 1.0, eps: 1e-8, z: Z::Raw, nce_pairs: NcePairs::Query }
    }
}

impl Options {
    pub(crate) fn read(config: &serde_json::Value) -> Result<Self> {
        let read: Self = options(config)?;
        at_least_zero("w_jsd", read.w_jsd)?;
        at_least_zero("w_nce", read.w_nce)?;
        positive("temperature", read.temperature)?;
        positive("eps", read.eps)?;
        Ok(read)
    }
}
