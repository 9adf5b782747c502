//! Model directories of a few weights, the same that `golden.py` gave to transformers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clirbench_export::{DEFAULT_FILE, ExportOptions, ExportReport, export};
use clirbench_model::{TensorSpec, TensorWriter};
use clirbench_plugin::Result;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

/// A model of `golden.json`.
#[derive(Clone, Deserialize)]
pub(crate) struct Case {
    pub(crate) config: Value,
    /// Shapes by name.
    pub(crate) tensors: BTreeMap<String, Vec<usize>>,
    /// `[texts, tokens]` by name of the graph's input.
    pub(crate) inputs: BTreeMap<String, Vec<Vec<i64>>>,
    /// `[texts, tokens without padding, hidden]`
    pub(crate) hidden: Vec<Vec<Vec<f32>>>,
}

pub(crate) fn cases() -> BTreeMap<String, Case> {
    serde_json::from_str(include_str!("golden.json")).expect("golden.json")
}

/// A directory that is put together by a test.
pub(crate) struct Model {
    dir: TempDir,
}

impl Model {
    /// config.json and weights of a case, names beginning with `prefix`.
    pub(crate) fn new(case: &Case, prefix: &str) -> Self {
        Model::with_types(case, prefix, |_| "F32")
    }

    /// The same; the type of each tensor, of four bytes an element, by its name.
    pub(crate) fn with_types(case: &Case, prefix: &str, dtype: impl Fn(&str) -> &'static str) -> Self {
        let model = Model { dir: tempfile::tempdir().expect("a temporary directory") };
        fs::write(model.path().join("config.json"), case.config.to_string()).expect("written");
        let specs = case.tensors.iter().map(|(name, shape)| TensorSpec {
            name: format!("{prefix}{name}"),
            dtype: dtype(name).into(),
            shape: shape.clone(),
        });
        let mut writer = TensorWriter::create(model.path(), specs.collect(), 1000).expect("created");
        for (name, shape) in &case.tensors {
            let bytes: Vec<u8> = elements(name, shape).iter().flat_map(|x| x.to_le_bytes()).collect();
            writer.write(&format!("{prefix}{name}"), &bytes).expect("written");
        }
        writer.finish().expect("finished");
        model
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where the graph goes.
    pub(crate) fn graph(&self) -> PathBuf {
        self.path().join(DEFAULT_FILE)
    }

    pub(crate) fn export(&self, options: ExportOptions) -> Result<ExportReport> {
        export(self.path(), &self.graph(), options)
    }

    /// All files below the directory, sorted.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).expect("a folder").flatten() {
                if entry.path().is_dir() { walk(&entry.path(), found) } else { found.push(entry.path()) }
            }
        }
        let mut found = Vec::new();
        walk(self.path(), &mut found);
        found.sort();
        found
    }
}

/// The elements of a tensor: a hash of its name and their positions, in -0.5..0.5, and 1 more where a
/// layer normalisation multiplies with them. `element_hash` in golden.py is the same.
pub(crate) fn elements(name: &str, shape: &[usize]) -> Vec<f32> {
    let seed = name.bytes().fold(0x811c_9dc5u32, |h, byte| (h ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let scale = name.to_lowercase().contains("norm") && name.ends_with("weight");
    let count: u32 = shape.iter().product::<usize>().try_into().expect("a tiny tensor");
    let element = |i: u32| {
        let mut h = i.wrapping_mul(2_654_435_761).wrapping_add(seed);
        h = (h ^ (h >> 15)).wrapping_mul(2_246_822_519);
        h ^= h >> 13;
        (f64::from(h) / 4_294_967_296.0) as f32 - 0.5 + f32::from(u8::from(scale))
    };
    (0..count).map(element).collect()
}
