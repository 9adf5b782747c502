//! A merge that is measured without being written: its parents' weights go straight into the encoder.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use clirbench_host::{MergerHandle, Weights};
use clirbench_merge::{Merge, MergeSpec, Parents};
use clirbench_store::Key;
use serde_json::{Value, json};

use crate::{
    job::{Failure, MergeRef, PluginRef},
    model::{hash_files, weight_files},
};

/// Hashes of directories, each made once: the parents of a sweep are in many merges.
#[derive(Debug, Default)]
pub(crate) struct DirectoryHashes(HashMap<PathBuf, Key>);

impl DirectoryHashes {
    /// The hash of a directory's files, or of a file.
    fn of(&mut self, path: &Path) -> Result<Key, Failure> {
        if let Some(known) = self.0.get(path) {
            return Ok(known.clone());
        }
        let files = if path.is_dir() {
            hash_files(path, &weight_files(path)?)?
        } else {
            let folder = path.parent().unwrap_or(Path::new(""));
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
            hash_files(folder, &name.into_iter().collect::<Vec<_>>())?
        };
        let key = Key::of(&json!(files));
        self.0.insert(path.to_owned(), key.clone());
        Ok(key)
    }
}

impl MergeRef {
    /// Hashes the parents and pins the plugin.
    pub(crate) fn new(
        plugin: PluginRef,
        config: Value,
        spec: MergeSpec,
        hashes: &mut DirectoryHashes,
    ) -> Result<MergeRef, Failure> {
        let mut parents = Vec::new();
        for parent in &spec.models {
            let importance = parent.importance.as_deref().map(|path| hashes.of(path)).transpose()?;
            parents.push(json!([hashes.of(&parent.path)?, parent.weight, importance]));
        }
        let base = spec.base.as_deref().map(|base| hashes.of(base)).transpose()?;
        let key = Key::of(&json!({
            "version": "merge/1",
            "plugin": [plugin.id, plugin.sha256],
            "config": config,
            "layers": spec.layers,
            "seed": spec.seed,
            "dtype": spec.dtype,
            "parents": parents,
            "base": base,
        }));
        Ok(MergeRef { key, plugin, config, spec })
    }
}

/// Merged weights, a tensor at a time, when an encoder asks for it.
pub(crate) struct MergedWeights {
    merge: Merge,
    read: bool,
}

impl MergedWeights {
    pub(crate) fn open(spec: &MergeSpec, merger: MergerHandle) -> Result<MergedWeights, Failure> {
        let merge = Merge::open(spec, Parents::open(spec)?, merger)?;
        Ok(MergedWeights { merge, read: false })
    }

    /// Whether nobody has asked for any of them.
    pub(crate) fn untouched(&self) -> bool {
        !self.read
    }
}

impl Weights for MergedWeights {
    fn read(&mut self, name: &str, values: &mut [f32]) -> Result<bool, String> {
        let Some(tensor) = self.merge.tensors().iter().find(|tensor| tensor.name == name) else {
            return Ok(false);
        };
        let (stored, elements) = (tensor.stored, tensor.shape.iter().product::<usize>());
        if elements != values.len() {
            return Err(format!("tensor `{name}` has {elements} elements, not {}", values.len()));
        }
        self.read = true;
        let streamed = self.merge.tensor(name, &mut |offset, chunk| {
            values[offset..offset + chunk.len()].copy_from_slice(chunk);
            Ok(())
        });
        streamed.map_err(|e| e.to_string())?;
        // As if it had been written and read again.
        stored
            .round(values)
            .map_err(|at| format!("tensor `{name}`: element {at} is too large for {}", stored.name()))?;
        Ok(true)
    }
}
