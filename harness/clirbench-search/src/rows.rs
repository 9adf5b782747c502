//! Where vectors come from.

use std::{io, ops::Range};

/// A matrix that is read row block by row block: memory-mapped shards, or a plain slice.
pub trait Rows: Sync {
    /// Number of rows.
    fn len(&self) -> usize;
    /// Whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Length of one row.
    fn dim(&self) -> usize;
    /// Copies `rows` into `out`, row-major, `rows.len() * dim` values.
    fn read(&self, rows: Range<usize>, out: &mut [f32]) -> io::Result<()>;
    /// The same values without a copy, where they lie in memory as they are.
    fn lend(&self, _rows: Range<usize>) -> Option<&[f32]> {
        None
    }
}

/// A matrix in memory, row-major f32.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a> {
    values: &'a [f32],
    dim: usize,
    len: usize,
}

impl<'a> Dense<'a> {
    /// `len` rows of `dim` values; `None` unless `values` holds exactly that many.
    #[must_use]
    pub fn new(values: &'a [f32], len: usize, dim: usize) -> Option<Self> {
        (len.checked_mul(dim) == Some(values.len())).then_some(Self { values, dim, len })
    }
}

impl Rows for Dense<'_> {
    fn len(&self) -> usize {
        self.len
    }

    fn dim(&self) -> usize {
        self.dim
    }

    fn read(&self, rows: Range<usize>, out: &mut [f32]) -> io::Result<()> {
        out.copy_from_slice(&self.values[rows.start * self.dim..rows.end * self.dim]);
        Ok(())
    }

    fn lend(&self, rows: Range<usize>) -> Option<&[f32]> {
        self.values.get(rows.start * self.dim..rows.end * self.dim)
    }
}
