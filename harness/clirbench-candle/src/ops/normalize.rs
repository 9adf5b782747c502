//! Scaling rows to unit length.

use candle_core::{D, DType, Result, Tensor};

use crate::fused::Fused;
use crate::simd::{sum_by, sum_pairs};
use crate::tape::Value;

/// Norms below this are taken as this (torch's `F.normalize`).
const SMALLEST: f32 = 1e-12;

pub(crate) fn plain(x: &Tensor) -> Result<Tensor> {
    let wide = x.to_dtype(DType::F32)?;
    let norm = wide.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?.clamp(SMALLEST, f32::INFINITY)?;
    wide.broadcast_div(&norm)?.to_dtype(x.dtype())
}

pub(crate) fn fused(ops: &Fused<'_>, x: Value) -> Result<Value> {
    let cols = x.cols;
    let mut y = ops.pool.stale(x.data.len());
    for (y, x) in y.chunks_exact_mut(cols).zip(x.data.chunks_exact(cols)) {
        let norm = length(x);
        y.iter_mut().zip(x).for_each(|(y, x)| *y = x / norm);
    }
    Ok(ops.record(x.rows, cols, y, move |backward, mut dy| {
        for (dy, x) in dy.chunks_exact_mut(cols).zip(x.data.chunks_exact(cols)) {
            let norm = length(x);
            // A clamped norm is a constant.
            let along = if norm > SMALLEST { sum_pairs(dy, x, |a, b| a * b) / (norm * norm) } else { 0.0 };
            dy.iter_mut().zip(x).for_each(|(dy, x)| *dy = (*dy - along * x) / norm);
        }
        backward.put(x.id, dy);
        Ok(())
    }))
}

fn length(row: &[f32]) -> f32 {
    sum_by(row, |v| v * v).sqrt().max(SMALLEST)
}
