//! Values that other implementations gave.

use std::collections::HashMap;
use std::path::PathBuf;

use clirbench_plugin::serde_json::{self, Value};

use super::OwnedBatch;
use super::npz::{self, Array};
use crate::Objective;

/// The folder of golden values beside the workspace.
#[derive(Clone, Debug)]
pub struct GoldenFolder(PathBuf);

impl GoldenFolder {
    /// The folder, given the `CARGO_MANIFEST_DIR` of a crate two levels below the workspace's root;
    /// says so and gives none where it is absent.
    #[must_use]
    #[allow(clippy::print_stdout, reason = "only a test that is skipped prints, for whoever runs it")]
    pub fn find(manifest_dir: &str) -> Option<Self> {
        let folder = PathBuf::from(manifest_dir).join("../../../shared/golden");
        if folder.is_dir() {
            return Some(Self(folder));
        }
        println!("skipped: ../shared/golden is absent");
        None
    }

    /// The arrays of an `.npz` file.
    ///
    /// # Panics
    /// As [`npz::read`].
    #[must_use]
    pub fn arrays(&self, name: &str) -> HashMap<String, Array> {
        npz::read(&self.0.join(name))
    }

    /// The cases of a JSON file, by name.
    ///
    /// # Panics
    /// If it has none.
    #[must_use]
    pub fn cases(&self, name: &str) -> serde_json::Map<String, Value> {
        let path = self.0.join(name);
        let text = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let file: Value = serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        file["cases"].as_object().expect("a golden file has cases").clone()
    }
}

/// The largest difference of two arrays of one length, relative to the largest of `wanted` by size;
/// infinite where a difference is no number.
///
/// # Panics
/// If the lengths differ or `wanted` is zero everywhere.
#[must_use]
pub fn relative_error(got: &[f64], wanted: &[f64]) -> f64 {
    assert_eq!(got.len(), wanted.len(), "arrays of one length");
    let scale = wanted.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    assert!(scale > 0.0, "golden values other than zero");
    let differences = got.iter().zip(wanted).map(|(got, wanted)| (got - wanted).abs());
    differences.fold(0.0, |worst, d| {
        if d <= worst {
            worst
        } else if d.is_nan() {
            f64::INFINITY
        } else {
            d
        }
    }) / scale
}

/// Holds `objective` at `batch` against a golden value and gradient, both of f64: in f64 to 1e-11,
/// and through [`Loss::eval`](clirbench_plugin::Loss::eval) in f32 to 1e-6, gradients relative to
/// their largest element. Returns the parts of the exact evaluation.
///
/// Golden inputs are no f32 numbers, so the second includes what rounding the inputs does.
///
/// # Panics
/// If one of them differs; `name` says which case.
pub fn check_golden(
    name: &str,
    objective: &mut impl Objective,
    batch: &OwnedBatch,
    wanted_value: f64,
    wanted_gradient: &[f64],
) -> Vec<f64> {
    let mut gradient = vec![0.0; batch.embeddings.len()];
    let mut parts = vec![0.0; objective.info().parts.len()];
    let value = objective.value(&batch.view(), &mut gradient, &mut parts);
    let check = |value: f64, gradient: &[f64], tolerance: f64, what: &str| {
        let error = relative_error(&[value], &[wanted_value]);
        assert!(error <= tolerance, "{name} in {what}: {value} is {error:e} from {wanted_value}");
        let error = relative_error(gradient, wanted_gradient);
        assert!(error <= tolerance, "{name} in {what}: the gradient is {error:e} away");
    };
    check(value, &gradient, 1e-11, "f64");
    let (value, gradient, _) = batch.eval(objective).unwrap_or_else(|e| panic!("{name}: {e}"));
    let gradient: Vec<f64> = gradient.into_iter().map(f64::from).collect();
    check(value, &gradient, 1e-6, "f32");
    parts
}
