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
    let number = |d: f64| if d.is_nan() { f64::INFINITY } else { d };
    differences.map(number).fold(0.0, f64::max) / scale
}

/// Holds `objective` at `batch` against a golden value and gradient, both of f64, three times:
///
/// - in f64 to 1e-10, which is what the golden values' own rounding leaves (the divergence of equal
///   rows is 1e-16 there and 0 here, before its root is taken);
/// - through [`Loss::eval`](clirbench_plugin::Loss::eval), which takes f32, to `in_f32`: golden
///   inputs are no f32 numbers, and some losses are steep in what rounding them does;
/// - the same against f64 at the rounded inputs, to 1e-7, which is what rounding a gradient does.
///
/// Errors of a gradient are relative to its largest element. Returns the parts in f64.
///
/// # Panics
/// If one of them differs; `name` says which case.
pub fn check_golden<O: Objective>(
    name: &str,
    objective: &mut O,
    batch: &OwnedBatch,
    wanted: (f64, &[f64]),
    in_f32: f64,
) -> Vec<f64> {
    let exact = |objective: &O, batch: &OwnedBatch| {
        let mut gradient = vec![0.0; batch.embeddings.len()];
        let mut parts = vec![0.0; objective.info().parts.len()];
        let value = objective.value(&batch.view(), &mut gradient, &mut parts);
        (value, gradient, parts)
    };
    let check = |got: (f64, &[f64]), wanted: (f64, &[f64]), tolerance: f64, what: &str| {
        let errors = (relative_error(&[got.0], &[wanted.0]), relative_error(got.1, wanted.1));
        let fits = errors.0 <= tolerance && errors.1 <= tolerance;
        assert!(fits, "{name}, {what}: the value is {:e} away, the gradient {:e}", errors.0, errors.1);
    };
    let (value, gradient, parts) = exact(objective, batch);
    check((value, &gradient), wanted, 1e-10, "f64");
    let (value, narrow, _) = batch.eval(objective).unwrap_or_else(|e| panic!("{name}: {e}"));
    let narrow: Vec<f64> = narrow.into_iter().map(f64::from).collect();
    check((value, &narrow), wanted, in_f32, "f32");
    let (value_there, gradient, _) = exact(objective, &batch.rounded());
    check((value, &narrow), (value_there, &gradient), 1e-7, "rounded once");
    parts
}
