//! The merged weights on their way to disk.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender};

use clirbench_model::{TensorSpec, TensorWriter};

use crate::element::StoredType;
use crate::merge::MergeTensor;
use crate::weights::Weights;
use crate::{Error, Result};

/// What the writer is sent.
pub(crate) enum Part {
    /// Values of a tensor (an index) from this element on.
    Values { tensor: usize, offset: usize, values: Vec<f32> },
    /// Everything was sent. Without it nothing is finished.
    End,
}

/// The folders of weights of a directory that is being written.
pub(crate) struct Folders {
    /// With what stands in front of the names of its tensors; the transformer, where nothing does, first.
    writers: Vec<(String, TensorWriter)>,
}

impl Folders {
    /// Starts the same files as those of `first`, in `out`. Tensors that are merged get their new type.
    ///
    /// # Errors
    /// Kind `runtime` when a file cannot be created.
    pub(crate) fn create(first: &Weights, merged: &[MergeTensor], out: &Path) -> Result<Self> {
        let mut writers = Vec::new();
        for folder in first.folders() {
            let mut files = Vec::new();
            for (path, names) in folder.tensors.layout() {
                let mut specs = Vec::new();
                for name in names {
                    let Some((dtype, shape)) = folder.tensors.describe(name) else { continue };
                    let merged = merged.iter().find(|t| t.name.strip_prefix(&folder.prefix) == Some(name));
                    let dtype = merged.map_or(dtype, |tensor| tensor.stored.name()).to_owned();
                    specs.push(TensorSpec { name: name.to_owned(), dtype, shape: shape.to_vec() });
                }
                let name =
                    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
                files.push((name, specs));
            }
            let path = if folder.path.is_empty() { out.to_owned() } else { out.join(&folder.path) };
            writers.push((folder.prefix.clone(), TensorWriter::in_files(&path, files)?));
        }
        Ok(Folders { writers })
    }

    /// Writes a part of a tensor, from this byte on.
    ///
    /// # Errors
    /// As [`TensorWriter::write_at`].
    pub(crate) fn write(&mut self, tensor: &str, offset: u64, bytes: &[u8]) -> Result<()> {
        // The transformer, whose prefix is empty and fits everything, comes last.
        let found = self
            .writers
            .iter_mut()
            .rev()
            .find_map(|(prefix, writer)| tensor.strip_prefix(prefix.as_str()).map(|name| (name, writer)));
        let (name, writer) = found.ok_or_else(|| Error::internal(format!("no folder for `{tensor}`")))?;
        writer.write_at(name, offset, bytes)
    }

    /// Writes what is sent, and gives buffers back, until the end; then makes the files whole.
    ///
    /// # Errors
    /// Kind `model` for a value that does not fit its type, `runtime` when the disk is full or fails.
    pub(crate) fn write_behind(
        mut self,
        tensors: &[MergeTensor],
        parts: &Receiver<Part>,
        empty: &Sender<Vec<f32>>,
    ) -> Result<()> {
        let (mut bits, mut bytes) = (Vec::new(), Vec::new());
        while let Ok(part) = parts.recv() {
            let Part::Values { tensor, offset, values } = part else {
                return self.writers.into_iter().try_for_each(|(_, writer)| writer.finish());
            };
            let MergeTensor { name, stored, .. } = &tensors[tensor];
            stored
                .encode(&values, &mut bits, &mut bytes)
                .map_err(|at| too_large(name, *stored, offset + at, values[at]))?;
            self.write(name, (offset * stored.bytes()) as u64, &bytes)?;
            // The merge may be done, and need no more.
            let _ = empty.send(values);
        }
        Ok(())
    }
}

fn too_large(name: &str, stored: StoredType, element: usize, value: f32) -> Error {
    Error::model(format!(
        "element {element} of the merged tensor `{name}` is {value}: too large for {}",
        stored.name()
    ))
    .hint("store the merged model in f32 or bf16: `dtype`, or --dtype")
}
