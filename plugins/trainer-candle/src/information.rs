//! The file of an estimate.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::path::Path;

use clirbench_candle::Model;
use clirbench_model::write_error;
use clirbench_plugin::{Error, Result};
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, View, serialize_to_file};

use crate::squares::SquareSums;

/// The key of the file's metadata under which its origin stands.
const ORIGIN: &str = "clirbench";

/// Writes the estimate of every parameter of `model`, and zeros for the floating-point tensors of its
/// files that its network does not use: the loss does not depend on them.
///
/// # Errors
/// `config` when `out` names no file in a folder, `runtime` when the disk is full or fails, and when an
/// estimate is too large for f32.
pub(crate) fn write(out: &Path, model: &Model, sums: &SquareSums, origin: &str) -> Result<()> {
    let mut tensors = Vec::new();
    for (index, (name, var)) in model.parameters().enumerate() {
        if sums.per_row(index).any(|value| !value.is_finite()) {
            return Err(Error::runtime(format!("the information of `{name}` is too large for f32"))
                .hint("nothing was written; scale the loss down, its temperature for example"));
        }
        tensors.push((name, Information { shape: var.dims(), sums: Some((sums, index)) }));
    }
    let unused = model.unused().map(|(name, shape)| (name, Information { shape, sums: None }));
    tensors.extend(unused);
    // One key only: the order of several would not be fixed.
    let metadata = HashMap::from([(ORIGIN.to_owned(), origin.to_owned())]);
    serialize_to_file(tensors, Some(metadata), out).map_err(|e| match e {
        SafeTensorError::IoError(e) => write_error(out, &e),
        e => Error::internal(format!("{}: {e}", out.display())),
    })
}

/// Refuses a file that cannot be written, before anything is computed for it.
///
/// # Errors
/// `config` without a name, `runtime` when its folder does not exist.
pub(crate) fn check(out: &Path) -> Result<()> {
    if out.file_name().is_none() {
        return Err(Error::config("no file for the estimate").hint("set `out`"));
    }
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() {
        return Ok(());
    }
    Err(write_error(out, &io::Error::new(io::ErrorKind::NotFound, "its folder does not exist")))
}

/// One tensor of the file; its bytes exist only while they are written.
struct Information<'a> {
    shape: &'a [usize],
    /// Where its numbers are, if not all 0.
    sums: Option<(&'a SquareSums, usize)>,
}

impl View for Information<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self.sums {
            Some((sums, index)) => sums.per_row(index).flat_map(f32::to_le_bytes).collect(),
            None => vec![0; self.data_len()].into(),
        }
    }

    fn data_len(&self) -> usize {
        size_of::<f32>() * self.shape.iter().product::<usize>()
    }
}
