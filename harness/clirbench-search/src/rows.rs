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

/// The rows of another matrix, each scaled to unit length, so that dot products are cosines.
pub struct UnitLength<R>(pub R);

impl<R: Rows> Rows for UnitLength<R> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn read(&self, rows: Range<usize>, out: &mut [f32]) -> io::Result<()> {
        self.0.read(rows, out)?;
        out.chunks_exact_mut(self.dim().max(1)).for_each(normalise);
        Ok(())
    }
}

/// Scales a row to unit length, its norm taken in f64; a zero row stays zero.
pub fn normalise(row: &mut [f32]) {
    let norm = row.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
    if norm > 0.0 {
        row.iter_mut().for_each(|v| *v = (f64::from(*v) / norm) as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_unit_length_are_scaled_and_zeros_stay() {
        let dense = Dense::new(&[3.0, 4.0, 0.0, 0.0, 0.0, -2.0], 3, 2).expect("3 x 2");
        let mut out = [9.0; 4];
        UnitLength(dense).read(1..3, &mut out).expect("in memory");
        assert_eq!(out, [0.0, 0.0, 0.0, -1.0]);
        UnitLength(dense).read(0..1, &mut out[..2]).expect("in memory");
        assert_eq!(out[..2], [0.6, 0.8]);
        assert!(UnitLength(dense).lend(0..1).is_none(), "what lies in memory is not scaled");
    }
}
