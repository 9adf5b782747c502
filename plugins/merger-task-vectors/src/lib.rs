//! Merging what models have learned since the base that all were trained from: task vectors,
//! delta_i = theta_i - theta_0.
//!
//! - `task-arithmetic` (Ilharco et al. 2023): theta_0 + lambda sum w_i delta_i.
//! - `ties` (Yadav et al. 2023): of each tensor's delta_i only the largest share `density` by size is
//!   kept; each element elects the sign of sum w_i delta_i (+ for 0), and only those count that agree.
//! - `dare-linear`, `dare-ties` (Yu et al. 2024): elements of delta_i are kept with probability `density`
//!   and divided by it; then task arithmetic, or the election of ties.
//!
//! `normalize` divides by the sum of the weights that took part. Where no difference is left an element is
//! the base's, bit for bit.

mod combine;
mod draws;
#[cfg(test)]
mod golden;
mod options;
mod rescale;
mod trim;

use clirbench_plugin::serde_json::Value;
use clirbench_plugin::{
    Error, Host, MergeChunk, MergeModels, MergePlan, Merger, Precision, Result, TensorJob,
};

use crate::combine::Combination;
use crate::draws::Draws;
use crate::options::{Options, Rescale, Sparsity};
use crate::rescale::Norms;
use crate::trim::Trim;

clirbench_plugin::export_plugin! {
    id: "merger-task-vectors",
    interfaces: [merger: TaskVectors { schema: include_str!("../schema.json"), }],
}

/// The merger with its options, and the tensor in hand.
pub struct TaskVectors {
    options: Options,
    combination: Combination,
    /// What is kept of each model's differences.
    kept: Vec<Kept>,
    /// For each model, what each difference of the chunk in hand is multiplied by.
    factors: Vec<Vec<f32>>,
}

/// What is kept of one model's differences in one tensor.
enum Kept {
    All,
    Largest(Trim),
    Drawn { draws: Draws, norms: Box<Norms> },
}

impl Merger for TaskVectors {
    fn open(config: &Value, _host: Host) -> Result<Self> {
        let options = Options::read(config)?;
        Ok(TaskVectors {
            combination: Combination::new(&options, &[]),
            options,
            kept: Vec::new(),
            factors: Vec::new(),
        })
    }

    fn plan(&self, _models: &MergeModels) -> Result<MergePlan> {
        let passes = match self.options.sparsity() {
            Sparsity::Largest => Trim::PASSES,
            Sparsity::Drawn if self.options.rescale == Rescale::L1 => 1,
            Sparsity::None | Sparsity::Drawn => 0,
        };
        Ok(MergePlan { fewest: 1, most: None, base: true, importances: false, passes })
    }

    fn tensor(&mut self, job: &TensorJob) -> Result<()> {
        self.combination = Combination::new(&self.options, &job.weights);
        let density = self.options.density;
        let kept = |model: usize| match self.options.sparsity() {
            Sparsity::None => Kept::All,
            Sparsity::Largest => Kept::Largest(Trim::new(job.elements, density)),
            Sparsity::Drawn => {
                Kept::Drawn { draws: Draws::new(job.seed, &job.name, model, density), norms: Box::default() }
            }
        };
        self.kept = (0..job.weights.len()).map(kept).collect();
        Ok(())
    }

    fn observe(&mut self, pass: usize, chunk: &MergeChunk<'_>) -> Result<()> {
        let base = base(chunk)?;
        for (kept, model) in self.kept.iter_mut().zip(chunk.models()) {
            match kept {
                Kept::All => {}
                Kept::Largest(trim) => trim.observe(pass, base, model),
                Kept::Drawn { draws, norms } => norms.observe(chunk.offset, base, model, draws),
            }
        }
        Ok(())
    }

    fn merge(&mut self, chunk: &MergeChunk<'_>, out: &mut [f32]) -> Result<()> {
        let base = base(chunk)?;
        self.factors.resize_with(self.kept.len(), Vec::new);
        for ((kept, model), factors) in self.kept.iter_mut().zip(chunk.models()).zip(&mut self.factors) {
            factors.resize(chunk.len(), 1.0);
            match kept {
                Kept::All => factors.fill(1.0),
                Kept::Largest(trim) => trim.keep(base, model, factors),
                Kept::Drawn { draws, .. } => draws.keep(chunk.offset, factors),
            }
        }
        let scales: Vec<f64> = self.kept.iter().map(|kept| self.scale(kept)).collect();
        match self.options.accumulate {
            Precision::F32 => {
                self.combination.merge::<f32>(base, chunk.models(), &self.factors, &scales, out)
            }
            Precision::F64 => {
                self.combination.merge::<f64>(base, chunk.models(), &self.factors, &scales, out)
            }
        }
        Ok(())
    }
}

impl TaskVectors {
    /// What makes up for the differences that were dropped.
    fn scale(&self, kept: &Kept) -> f64 {
        match (kept, self.options.rescale) {
            (Kept::Drawn { .. }, Rescale::Density) => 1.0 / self.options.density,
            (Kept::Drawn { norms, .. }, Rescale::L1) => norms.ratio(),
            (Kept::Drawn { .. }, Rescale::None) | (Kept::All | Kept::Largest(_), _) => 1.0,
        }
    }
}

fn base<'a>(chunk: &MergeChunk<'a>) -> Result<&'a [f32]> {
    chunk.base().ok_or_else(|| Error::internal("a chunk of task vectors without the base"))
}
