//! Matrices on disk: row-major f32 or f16, memory-mapped.
//!
//! The one `unsafe` of the store. A map is sound while nobody changes the file; committed files
//! are never changed, only unlinked, and an unlinked file stays until it is unmapped.
#![allow(unsafe_code)]

use std::{fmt, fs::File, ops::Range, path::Path};

use half::{f16, slice::HalfFloatSliceExt};
use memmap2::{Mmap, UncheckedAdvice};
use serde::{Deserialize, Serialize};

use crate::{Result, StoreError};

/// Storage type of a matrix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// 4 bytes a value.
    #[default]
    F32,
    /// 2 bytes a value; relative error up to 2^-11.
    F16,
}

impl Dtype {
    /// Bytes of one value.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Dtype::F32 => 4,
            Dtype::F16 => 2,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dtype::F32 => "f32",
            Dtype::F16 => "f16",
        })
    }
}

/// The bytes of `values` in little-endian storage of `dtype`.
#[must_use]
pub fn encode_rows(values: &[f32], dtype: Dtype) -> Vec<u8> {
    match dtype {
        Dtype::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Dtype::F16 => values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect(),
    }
}

/// A memory-mapped matrix, shape `[rows, dim]`, row-major.
#[derive(Debug)]
pub struct Matrix {
    map: Option<Mmap>,
    rows: usize,
    dim: usize,
    dtype: Dtype,
}

/// Pages are handed back after runs of at least this size, so that memory stays flat on large pools.
/// A search reads 64 rows at a time; single rows (queries, relevant documents) are left alone.
const RELEASE: usize = 16 << 10;
/// Touching a page maps its neighbours too, at most those of the same page table. They go as well:
/// some lie behind the run and would never be handed back.
const PAGE_TABLE: usize = 2 << 20;

impl Matrix {
    pub(crate) fn map(path: &Path, rows: usize, dim: usize, dtype: Dtype) -> Result<Matrix> {
        let size = rows * dim * dtype.size();
        if size == 0 {
            return Ok(Matrix { map: None, rows, dim, dtype });
        }
        let file = File::open(path).map_err(StoreError::io("open", path))?;
        // SAFETY: committed files do not change (see the module's comment).
        let map = unsafe { Mmap::map(&file) }.map_err(StoreError::io("map", path))?;
        if map.len() != size {
            return Err(StoreError::damaged(path, format!("{} bytes instead of {size}", map.len())));
        }
        Ok(Matrix { map: Some(map), rows, dim, dtype })
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Length of a row.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Copies `rows` into `out` as f32, row-major.
    ///
    /// # Panics
    /// When `rows` is out of range or `out` is not `rows.len() * dim` long.
    pub fn read(&self, rows: Range<usize>, out: &mut [f32]) {
        assert!(rows.end <= self.rows && out.len() == rows.len() * self.dim, "rows within the matrix");
        let Some(map) = &self.map else { return };
        let stride = self.dim * self.dtype.size();
        let bytes = rows.start * stride..rows.end * stride;
        match self.dtype {
            Dtype::F32 => {
                for (value, b) in out.iter_mut().zip(map[bytes.clone()].chunks_exact(4)) {
                    *value = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
                }
            }
            Dtype::F16 => {
                let halves: Vec<f16> =
                    map[bytes.clone()].chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]])).collect();
                halves.convert_to_f32_slice(out);
            }
        }
        if bytes.len() >= RELEASE {
            let start = bytes.start.saturating_sub(PAGE_TABLE);
            let len = map.len().min(bytes.end + PAGE_TABLE) - start;
            // SAFETY: a read-only map of a file: dropped pages are read again when touched again.
            // Advice that the system does not take costs memory, not correctness.
            let _ = unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, start, len) };
        }
    }
}
