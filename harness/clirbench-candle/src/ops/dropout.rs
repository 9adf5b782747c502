//! Dropout (Srivastava et al. 2014), and the residual connection behind it.

use std::sync::Arc;

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use crate::buffer::{Buffer, Pool};
use crate::fused::Fused;
use crate::plain::Plain;
use crate::random::{Dropout, Mask};
use crate::simd::simd;
use crate::tape::Value;

/// Rows that a task takes, whatever the number of threads.
pub(crate) const ROWS: usize = 64;

pub(crate) fn plain(ops: &Plain<'_>, x: &Tensor, dropout: Dropout) -> Result<Tensor> {
    let (rows, _) = x.dims2()?;
    match ops.mask(dropout, x.dims(), 0..rows as u64)? {
        Some(factors) => x * factors,
        None => Ok(x.clone()),
    }
}

pub(crate) fn plain_add(ops: &Plain<'_>, x: &Tensor, residual: &Tensor, dropout: Dropout) -> Result<Tensor> {
    plain(ops, x, dropout)? + residual
}

pub(crate) fn fused(ops: &Fused<'_>, x: Value, dropout: Dropout) -> Result<Value> {
    let Some(mask) = ops.mask(dropout) else { return Ok(x) };
    let mut y = ops.copy(&x);
    apply(&mut y, x.cols, mask);
    let (rows, cols, id) = (x.rows, x.cols, x.id);
    Ok(ops.record(rows, cols, y, move |backward, mut dy| {
        apply(&mut dy, cols, mask);
        backward.put(id, dy);
        Ok(())
    }))
}

pub(crate) fn fused_add(ops: &Fused<'_>, x: Value, residual: &Value, dropout: Dropout) -> Result<Value> {
    let mask = ops.mask(dropout);
    let (rows, cols, id, residual_id) = (x.rows, x.cols, x.id, residual.id);
    let mut y = ops.take_buffer(x);
    y.par_chunks_mut(ROWS * cols)
        .zip(residual.data.par_chunks(ROWS * cols))
        .enumerate()
        .for_each(|(chunk, (y, residual))| add_rows(y, residual, cols, mask, chunk * ROWS));
    Ok(ops.record(rows, cols, y, move |backward, dy| {
        let dx = masked_copy(&backward.pool, &dy, cols, mask);
        backward.put(id, dx);
        backward.put(residual_id, dy);
        Ok(())
    }))
}

/// The gradient of `x` in `dropout(x) + residual`, from that of the sum.
pub(crate) fn masked_copy(pool: &Arc<Pool>, dy: &[f32], cols: usize, mask: Option<Mask>) -> Buffer {
    let mut dx = pool.stale(dy.len());
    dx.par_chunks_mut(ROWS * cols)
        .zip(dy.par_chunks(ROWS * cols))
        .enumerate()
        .for_each(|(chunk, (dx, dy))| copy_rows(dx, dy, cols, mask, chunk * ROWS));
    dx
}

/// Drops elements of rows of `cols` in place.
fn apply(values: &mut [f32], cols: usize, mask: Mask) {
    values
        .par_chunks_mut(ROWS * cols)
        .enumerate()
        .for_each(|(chunk, rows)| drop_rows(rows, cols, mask, chunk * ROWS));
}

simd! {
    fn drop_rows<'a>(rows: &'a mut [f32], cols: usize, mask: Mask, first: usize) {
        for (r, row) in rows.chunks_exact_mut(cols).enumerate() {
            let mask = mask.row((first + r) as u64);
            for (c, v) in row.iter_mut().enumerate() {
                *v *= mask.factor(c as u32);
            }
        }
    }
}

simd! {
    fn copy_rows<'a>(out: &'a mut [f32], rows: &'a [f32], cols: usize, mask: Option<Mask>, first: usize) {
        let Some(mask) = mask else {
            out.copy_from_slice(rows);
            return;
        };
        for (r, (out, row)) in out.chunks_exact_mut(cols).zip(rows.chunks_exact(cols)).enumerate() {
            let mask = mask.row((first + r) as u64);
            for (c, (o, v)) in out.iter_mut().zip(row).enumerate() {
                *o = v * mask.factor(c as u32);
            }
        }
    }
}

simd! {
    /// `sum = dropout(sum) + residual` over rows of `cols`, the first of which is row `first` of all.
    pub(crate) fn add_rows<'a>(
        sum: &'a mut [f32],
        residual: &'a [f32],
        cols: usize,
        mask: Option<Mask>,
        first: usize,
    ) {
        let Some(mask) = mask else {
            sum.iter_mut().zip(residual).for_each(|(s, r)| *s += r);
            return;
        };
        for (r, (sum, residual)) in sum.chunks_exact_mut(cols).zip(residual.chunks_exact(cols)).enumerate() {
            let mask = mask.row((first + r) as u64);
            for (c, (s, x)) in sum.iter_mut().zip(residual).enumerate() {
                *s = s.mul_add(mask.factor(c as u32), *x);
            }
        }
    }
}
