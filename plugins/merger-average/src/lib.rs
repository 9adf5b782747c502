//! The average of several models, weight by weight: sum w_i theta_i / sum w_i.
//!
//! Equal weights are a *uniform soup* (Wortsman et al. 2022, Model soups). The sum is anchored at the
//! first model, theta_1 + sum w_i (theta_i - theta_1) / sum w_i, which is the same number, and exactly
//! theta_1 where all models agree.

mod average;

use clirbench_plugin::{
    Error, Host, MergeChunk, MergeModels, MergePlan, Merger, Precision, Result, TensorJob, options,
};
use serde::Deserialize;

use crate::average::Coefficients;

clirbench_plugin::export_plugin! {
    id: "merger-average",
    interfaces: [merger: Average { schema: include_str!("../schema.json"), }],
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    normalize: bool,
    accumulate: Precision,
}

impl Default for Options {
    fn default() -> Self {
        Options { normalize: true, accumulate: Precision::F64 }
    }
}

/// The merger with its options, and the coefficients of the tensor in hand.
pub struct Average {
    options: Options,
    coefficients: Coefficients,
}

impl Merger for Average {
    fn open(config: &clirbench_plugin::serde_json::Value, _host: Host) -> Result<Self> {
        Ok(Average { options: options(config)?, coefficients: Coefficients::default() })
    }

    fn plan(&self, _models: &MergeModels) -> Result<MergePlan> {
        Ok(MergePlan { fewest: 1, most: None, base: false, importances: false, passes: 0 })
    }

    fn tensor(&mut self, job: &TensorJob) -> Result<()> {
        let normalize = self.options.normalize;
        self.coefficients = Coefficients::new(&job.weights, normalize).ok_or_else(|| {
            Error::config(format!(
                "the weights of tensor `{}` sum up to nothing: {:?}",
                job.name, job.weights
            ))
            .hint("give weights whose sum is not 0, or `normalize = false`")
        })?;
        Ok(())
    }

    fn merge(&mut self, chunk: &MergeChunk<'_>, out: &mut [f32]) -> Result<()> {
        match self.options.accumulate {
            Precision::F32 => self.coefficients.merge::<f32>(chunk.models(), out),
            Precision::F64 => self.coefficients.merge::<f64>(chunk.models(), out),
        }
        Ok(())
    }
}
