//! The options of the merger.

use clirbench_plugin::serde_json::Value;
use clirbench_plugin::{Error, Precision, Result, options};
use serde::Deserialize;

/// What the config may say.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    pub(crate) method: Method,
    #[serde(default = "one")]
    pub(crate) lambda: f64,
    #[serde(default = "half")]
    pub(crate) density: f64,
    #[serde(default)]
    pub(crate) rescale: Rescale,
    normalize: Option<bool>,
    #[serde(default)]
    pub(crate) accumulate: Precision,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Method {
    TaskArithmetic,
    Ties,
    DareLinear,
    DareTies,
}

/// How dropping is made up for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Rescale {
    #[default]
    Density,
    L1,
    None,
}

/// Which differences are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sparsity {
    None,
    Largest,
    Drawn,
}

fn one() -> f64 {
    1.0
}

fn half() -> f64 {
    0.5
}

impl Options {
    pub(crate) fn read(config: &Value) -> Result<Self> {
        let read: Self = options(config)?;
        if !read.lambda.is_finite() {
            return Err(Error::config(format!("lambda is {}", read.lambda)).hint("lambda is a number"));
        }
        if !(read.density > 0.0 && read.density <= 1.0) {
            return Err(Error::config(format!("density is {}", read.density))
                .hint("density is a share: above 0, at most 1"));
        }
        Ok(read)
    }

    pub(crate) fn sparsity(&self) -> Sparsity {
        match self.method {
            Method::TaskArithmetic => Sparsity::None,
            // All of them are the largest.
            Method::Ties if self.density >= 1.0 => Sparsity::None,
            Method::Ties => Sparsity::Largest,
            Method::DareLinear | Method::DareTies => Sparsity::Drawn,
        }
    }

    /// Whether signs are elected.
    pub(crate) fn elects(&self) -> bool {
        matches!(self.method, Method::Ties | Method::DareTies)
    }

    /// Whether the sum is divided by the weights that took part.
    pub(crate) fn normalizes(&self) -> bool {
        self.normalize.unwrap_or(self.method == Method::Ties)
    }
}
