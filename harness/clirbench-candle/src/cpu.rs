//! The f32 values of tensors that lie on the CPU, as slices.

use std::ops::{Deref, Range};
use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Storage, Tensor, bail};

/// The values of a contiguous f32 tensor on the CPU.
///
/// # Errors
/// When the tensor is of another type, elsewhere or not contiguous.
pub fn values(tensor: &Tensor) -> Result<impl Deref<Target = [f32]>> {
    let (storage, layout) = tensor.storage_and_layout();
    let Some((start, end)) = layout.contiguous_offsets() else { bail!("a tensor that is not contiguous") };
    match &*storage {
        Storage::Cpu(CpuStorage::F32(_)) => Ok(Values { storage, range: start..end }),
        _ => bail!("a tensor that is not f32 on the CPU"),
    }
}

/// Calls `write` with the values of a contiguous f32 tensor on the CPU, to change them in place; all
/// tensors and variables that share its memory change.
///
/// # Errors
/// When the tensor is of another type, elsewhere or not contiguous.
pub fn update(tensor: &Tensor, write: impl FnOnce(&mut [f32])) -> Result<()> {
    tensor.inplace_op1(&Update(Mutex::new(Some(write))))
}

/// A locked storage and the part of it that a tensor takes.
struct Values<S> {
    storage: S,
    range: Range<usize>,
}

impl<S: Deref<Target = Storage>> Deref for Values<S> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(all)) => &all[self.range.clone()],
            _ => unreachable!("checked in `values`"),
        }
    }
}

/// An in-place operation that runs once.
struct Update<F>(Mutex<Option<F>>);

impl<F: FnOnce(&mut [f32])> InplaceOp1 for Update<F> {
    fn name(&self) -> &'static str {
        "update"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let CpuStorage::F32(all) = storage else { bail!("a tensor that is not f32") };
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("a tensor that is not contiguous")
        };
        if let Some(write) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            write(&mut all[start..end]);
        }
        Ok(())
    }
}
