//! Fisher merging (Matena and Raffel 2022, Merging models with Fisher-weighted averaging, eq. 3):
//! sum l_i F_i theta_i / sum l_i F_i, element by element, with l the weights of the models and F the
//! importance of an element to a model, its diagonal Fisher information.
//!
//! An importance counts as `floor` at least, so that elements that matter to no model are averaged. The
//! sum is anchored at the first model, which is the same number, and exactly it where all models agree.
//! The note says which share of the importances was below the floor.

use clirbench_plugin::serde_json::{Map, Value, json};
use clirbench_plugin::{
    Error, Host, MergeChunk, MergeModels, MergePlan, Merger, Precision, Real, Result, TensorJob, options,
};
use serde::Deserialize;

clirbench_plugin::export_plugin! {
    id: "merger-fisher",
    interfaces: [merger: Fisher { schema: include_str!("../schema.json"), }],
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    floor: f64,
    accumulate: Precision,
}

impl Default for Options {
    fn default() -> Self {
        Options { floor: 1e-10, accumulate: Precision::F64 }
    }
}

/// The merger with its options, and the tensor in hand.
pub struct Fisher {
    options: Options,
    job: TensorJob,
    floored: u64,
}

impl Merger for Fisher {
    fn open(config: &Value, _host: Host) -> Result<Self> {
        let options: Options = options(config)?;
        if !(options.floor > 0.0 && options.floor.is_finite()) {
            return Err(
                Error::config(format!("floor is {}", options.floor)).hint("floor is a number above 0")
            );
        }
        Ok(Fisher { options, job: TensorJob::default(), floored: 0 })
    }

    fn plan(&self, _models: &MergeModels) -> Result<MergePlan> {
        Ok(MergePlan { fewest: 1, most: None, base: false, importances: true, passes: 0 })
    }

    fn tensor(&mut self, job: &TensorJob) -> Result<()> {
        // Of one sign: then no sum of importances is zero.
        if job.weights.iter().any(|weight| *weight < 0.0) || job.weights.iter().all(|weight| *weight == 0.0) {
            let message = format!("weights {:?} of tensor `{}`", job.weights, job.name);
            return Err(Error::config(message).hint("give weights of at least 0, one of them above"));
        }
        (self.job, self.floored) = (job.clone(), 0);
        Ok(())
    }

    fn merge(&mut self, chunk: &MergeChunk<'_>, out: &mut [f32]) -> Result<()> {
        for importances in chunk.importances() {
            if let Some(at) = importances.iter().position(|importance| *importance < 0.0) {
                let (element, name) = (chunk.offset + at, &self.job.name);
                let message =
                    format!("the importance of element {element} of `{name}` is {}", importances[at]);
                return Err(
                    Error::input(message).hint("importances are squared gradients: estimate them again")
                );
            }
            let below = importances.iter().filter(|importance| f64::from(**importance) < self.options.floor);
            self.floored += below.count() as u64;
        }
        match self.options.accumulate {
            Precision::F32 => merge::<f32>(&self.job.weights, self.options.floor, chunk, out),
            Precision::F64 => merge::<f64>(&self.job.weights, self.options.floor, chunk, out),
        }
        Ok(())
    }

    fn note(&self) -> Map<String, Value> {
        let importances = (self.job.elements * self.job.weights.len()) as f64;
        let share = json!({"below_floor": self.floored as f64 / importances});
        share.as_object().filter(|_| self.floored > 0).cloned().unwrap_or_default()
    }
}

/// Elements that are summed at a time: what is accumulated stays in the first cache.
const BLOCK: usize = 1024;

fn merge<R: Real>(weights: &[f64], floor: f64, chunk: &MergeChunk<'_>, out: &mut [f32]) {
    let (models, importances) = (chunk.models(), chunk.importances());
    // An f32 that holds the floor may be zero: a sum of importances never may.
    let floor = R::round(floor.max(f64::from(f32::MIN_POSITIVE)));
    let (mut differences, mut sums) = ([R::default(); BLOCK], [R::default(); BLOCK]);
    for (block, out) in out.chunks_mut(BLOCK).enumerate() {
        let part = block * BLOCK..block * BLOCK + out.len();
        let anchor = &models[0][part.clone()];
        let (differences, sums) = (&mut differences[..out.len()], &mut sums[..out.len()]);
        differences.fill(R::default());
        sums.fill(R::default());
        for ((model, importances), weight) in models.iter().zip(importances).zip(weights) {
            let weight = R::round(*weight);
            let elements = model[part.clone()].iter().zip(&importances[part.clone()]).zip(anchor);
            for ((difference, sum), ((x, importance), anchor)) in
                differences.iter_mut().zip(&mut *sums).zip(elements)
            {
                let importance = R::widen(*importance);
                let weight = weight * if importance < floor { floor } else { importance };
                *difference += weight * (R::widen(*x) - R::widen(*anchor));
                *sum += weight;
            }
        }
        for (((out, difference), sum), anchor) in out.iter_mut().zip(&*differences).zip(&*sums).zip(anchor) {
            let moved = (R::widen(*anchor) + *difference / *sum).narrow();
            // No difference keeps the anchor's bits: -0.0 plus zero would be 0.0.
            *out = if *difference == R::default() { *anchor } else { moved };
        }
    }
}
