//! All weights of a model directory under names that are unique in it.

use std::path::Path;

use clirbench_model::{ModelDirectory, Step, Tensors};

use crate::Result;

/// The weights of the transformer, under their own names, and those of Dense modules, with the module's
/// folder in front (`2_Dense/linear.weight`).
#[derive(Debug)]
pub(crate) struct Weights {
    folders: Vec<WeightFolder>,
}

/// One folder of weights.
#[derive(Debug)]
pub(crate) struct WeightFolder {
    /// Relative to the model directory; empty for the directory itself.
    pub(crate) path: String,
    /// What stands in front of its tensors' names.
    pub(crate) prefix: String,
    pub(crate) tensors: Tensors,
}

impl Weights {
    /// Reads the headers of a directory's weights.
    ///
    /// # Errors
    /// Kind `model` where there are none, or damaged ones.
    pub(crate) fn open(root: &Path, directory: &ModelDirectory) -> Result<Self> {
        let open = |path: &str, prefix: String| -> Result<WeightFolder> {
            let folder = if path.is_empty() { root.to_owned() } else { root.join(path) };
            Ok(WeightFolder { path: path.to_owned(), prefix, tensors: Tensors::open(&folder)? })
        };
        let mut folders = vec![open(&directory.transformer, String::new())?];
        for step in &directory.steps {
            if let Step::Dense(dense) = step {
                folders.push(open(dense.folder(), format!("{}/", dense.folder()))?);
            }
        }
        Ok(Weights { folders })
    }

    /// The folders, the transformer's first.
    pub(crate) fn folders(&self) -> &[WeightFolder] {
        &self.folders
    }

    /// Names of all tensors in the order in which they lie on disk.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for folder in &self.folders {
            for (_, in_file) in folder.tensors.layout() {
                names.extend(in_file.iter().map(|name| format!("{}{name}", folder.prefix)));
            }
        }
        names
    }

    /// The file's type and the shape of a tensor.
    pub(crate) fn describe(&self, name: &str) -> Option<(&str, &[usize])> {
        let (tensors, name) = self.find(name)?;
        tensors.describe(name)
    }

    /// Where a tensor is: its files, and its name in them.
    pub(crate) fn find<'n>(&self, name: &'n str) -> Option<(&Tensors, &'n str)> {
        // The transformer, whose prefix is empty and fits everything, comes last.
        self.folders.iter().rev().find_map(|folder| {
            let name = name.strip_prefix(&folder.prefix)?;
            folder.tensors.describe(name).map(|_| (&folder.tensors, name))
        })
    }
}
