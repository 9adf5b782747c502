//! Spherical linear interpolation (Shoemake 1985) of two models, tensor by tensor:
//! (sin((1 - t) O) u + sin(t O) v) / sin O.
//!
//! O is the angle between the two tensors as vectors; the formula is applied to the tensors as they are,
//! not to unit vectors, so that lengths are interpolated too. Where they are almost parallel
//! (|cos O| > 0.9995) sin O is too small to divide by, and the line u + t (v - u) is taken, which differs
//! by less than rounding. Checkpoints of one base mostly are, so the note says for which tensors.

mod angle;

use clirbench_plugin::serde_json::{Map, Value, json};
use clirbench_plugin::{
    Error, Host, MergeChunk, MergeModels, MergePlan, Merger, Precision, Real, Result, TensorJob, options,
};
use serde::Deserialize;

use crate::angle::Angle;

clirbench_plugin::export_plugin! {
    id: "merger-spherical",
    interfaces: [merger: Spherical { schema: include_str!("../schema.json"), }],
}

/// A cosine beyond which two tensors count as parallel.
const PARALLEL: f64 = 0.9995;

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    t: Option<f64>,
    accumulate: Precision,
}

/// The merger with its options, and what it knows of the tensor in hand.
pub struct Spherical {
    options: Options,
    t: f64,
    angle: Angle,
    path: Option<Path>,
}

/// How a tensor is interpolated.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Path {
    /// What the first and the second are multiplied by.
    Arc(f64, f64),
    /// So far from the first to the second.
    Line(f64),
}

impl Merger for Spherical {
    fn open(config: &Value, _host: Host) -> Result<Self> {
        Ok(Spherical { options: options(config)?, t: 0.0, angle: Angle::default(), path: None })
    }

    fn plan(&self, _models: &MergeModels) -> Result<MergePlan> {
        Ok(MergePlan { fewest: 2, most: Some(2), base: false, importances: false, passes: 1 })
    }

    fn tensor(&mut self, job: &TensorJob) -> Result<()> {
        let by_weight = job.weights.get(1).copied().unwrap_or_default() / job.weights.iter().sum::<f64>();
        self.t = self.options.t.unwrap_or(by_weight);
        if !(0.0..=1.0).contains(&self.t) {
            let message =
                format!("weights {:?} of tensor `{}` are no point between two models", job.weights, job.name);
            return Err(Error::config(message).hint("give two weights of at least 0, one of them above"));
        }
        (self.angle, self.path) = (Angle::default(), None);
        Ok(())
    }

    fn observe(&mut self, _pass: usize, chunk: &MergeChunk<'_>) -> Result<()> {
        let [u, v] = chunk.models() else { return Err(Error::internal("slerp of other than two models")) };
        self.angle.add(chunk.offset, u, v);
        Ok(())
    }

    fn merge(&mut self, chunk: &MergeChunk<'_>, out: &mut [f32]) -> Result<()> {
        let [u, v] = chunk.models() else { return Err(Error::internal("slerp of other than two models")) };
        let path = *self.path.get_or_insert_with(|| path(self.angle.cosine(), self.t));
        match self.options.accumulate {
            Precision::F32 => interpolate::<f32>(path, u, v, out),
            Precision::F64 => interpolate::<f64>(path, u, v, out),
        }
        Ok(())
    }

    fn note(&self) -> Map<String, Value> {
        let line = matches!(self.path, Some(Path::Line(_)));
        let note = json!({"cosine": self.angle.cosine(), "t": self.t, "fell_back": line});
        // An empty tensor has no angle, and nothing to say.
        note.as_object().filter(|_| self.path.is_some()).cloned().unwrap_or_default()
    }
}

/// The way for tensors of this cosine, which is absent where one of them is zero.
fn path(cosine: Option<f64>, t: f64) -> Path {
    match cosine.filter(|cosine| cosine.abs() <= PARALLEL) {
        None => Path::Line(t),
        Some(cosine) => {
            let angle = cosine.acos();
            Path::Arc(((1.0 - t) * angle).sin() / angle.sin(), (t * angle).sin() / angle.sin())
        }
    }
}

fn interpolate<R: Real>(path: Path, u: &[f32], v: &[f32], out: &mut [f32]) {
    match path {
        Path::Arc(first, second) => {
            let (first, second) = (R::round(first), R::round(second));
            for ((out, u), v) in out.iter_mut().zip(u).zip(v) {
                *out = (first * R::widen(*u) + second * R::widen(*v)).narrow();
            }
        }
        Path::Line(t) => {
            let t = R::round(t);
            for ((out, u), v) in out.iter_mut().zip(u).zip(v) {
                let moved = (R::widen(*u) + t * (R::widen(*v) - R::widen(*u))).narrow();
                // Equal weights keep their bits: -0.0 plus zero would be 0.0.
                *out = if u == v { *u } else { moved };
            }
        }
    }
}
