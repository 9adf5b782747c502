//! The options of the loss.

use clirbench_loss::{at_least_zero, positive};
use clirbench_plugin::{Result, options};
use serde::Deserialize;

/// What the config may say.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Options {
    pub(crate) temperature: f64,
    pub(crate) margin_strategy: MarginStrategy,
    pub(crate) margin: f64,
    pub(crate) contrast_anchors: bool,
    pub(crate) contrast_positives: bool,
}

/// How the margin lowers the threshold of a row.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MarginStrategy {
    Absolute,
    Relative,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            temperature: 0.01,
            margin_strategy: MarginStrategy::Absolute,
            margin: 0.0,
            contrast_anchors: true,
            contrast_positives: true,
        }
    }
}

impl Options {
    pub(crate) fn read(config: &serde_json::Value) -> Result<Self> {
        let read: Self = options(config)?;
        positive("temperature", read.temperature)?;
        at_least_zero("margin", read.margin)?;
        Ok(read)
    }

    /// The guide's cosine above which a candidate is hidden from a query whose own pair has the
    /// cosine `own`.
    pub(crate) fn threshold(&self, own: f64) -> f64 {
        match self.margin_strategy {
            MarginStrategy::Absolute => own - self.margin,
            MarginStrategy::Relative => own - own.abs() * self.margin,
        }
    }
}
