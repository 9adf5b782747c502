//! One vector per text.

use std::ops::Range;

use candle_core::{D, DType, Result, Tensor};
use rayon::prelude::*;

use crate::fused::Fused;
use crate::head::{Pooling, PoolingMode};
use crate::layout::Layout;
use crate::plain::Plain;
use crate::tape::Value;

/// Tokens of each text that are pooled.
fn pooled(layout: &Layout, pooling: &Pooling) -> Vec<Range<usize>> {
    layout.iter().map(|text| text.start + pooling.skip.min(text.len() - 1)..text.end).collect()
}

/// The weight of each pooled token of a text; the mode is not [`PoolingMode::Max`].
fn weight(mode: PoolingMode, tokens: &Range<usize>, token: usize) -> f32 {
    let (n, place) = (tokens.len() as f32, (token - tokens.start) as f32);
    match mode {
        PoolingMode::Cls => f32::from(token == tokens.start),
        PoolingMode::LastToken => f32::from(token + 1 == tokens.end),
        PoolingMode::Mean | PoolingMode::Max => 1.0 / n,
        PoolingMode::MeanSqrtLen => 1.0 / n.sqrt(),
        PoolingMode::WeightedMean => (place + 1.0) / (0.5 * n * (n + 1.0)),
    }
}

pub(crate) fn plain(ops: &Plain<'_>, x: &Tensor, pooling: &Pooling) -> Result<Tensor> {
    let texts = pooled(ops.layout, pooling);
    let x = x.to_dtype(DType::F32)?;
    let of_modes = pooling.modes.iter().map(|&mode| match mode {
        PoolingMode::Max => {
            let greatest = texts.iter().map(|text| x.narrow(0, text.start, text.len())?.max_keepdim(0));
            Tensor::cat(&greatest.collect::<Result<Vec<_>>>()?, 0)
        }
        // The other modes are linear.
        _ => {
            let tokens = ops.layout.tokens();
            let mut weights = vec![0.0; texts.len() * tokens];
            for (row, text) in weights.chunks_exact_mut(tokens).zip(&texts) {
                for token in text.clone() {
                    row[token] = weight(mode, text, token);
                }
            }
            Tensor::from_vec(weights, (texts.len(), tokens), ops.device)?.matmul(&x)
        }
    });
    Tensor::cat(&of_modes.collect::<Result<Vec<_>>>()?, D::Minus1)?.to_dtype(ops.compute)
}

pub(crate) fn fused(ops: &Fused<'_>, x: Value, pooling: &Pooling) -> Result<Value> {
    let texts = pooled(&ops.layout, pooling);
    let modes = pooling.modes.clone();
    let (rows, cols, width) = (x.rows, x.cols, x.cols * modes.len());
    let mut y = ops.pool.stale(texts.len() * width);
    y.par_chunks_mut(width).zip(&texts).for_each(|(y, text)| {
        for (y, &mode) in y.chunks_exact_mut(cols).zip(&modes) {
            pool_text(y, &x.data, text, mode);
        }
    });
    let layout = ops.layout.clone();
    Ok(ops.record(texts.len(), width, y, move |backward, dy| {
        let mut dx = backward.pool.stale(rows * cols);
        let mut rest = &mut dx[..];
        let parts: Vec<_> = layout
            .iter()
            .map(|text| {
                let (part, others) = std::mem::take(&mut rest).split_at_mut(text.len() * cols);
                rest = others;
                (part, text.start)
            })
            .collect();
        parts.into_par_iter().zip(&texts).zip(dy.par_chunks(width)).for_each(|(((dx, start), text), dy)| {
            dx.fill(0.0);
            for (dy, &mode) in dy.chunks_exact(cols).zip(&modes) {
                pool_text_back(dx, start, dy, &x.data, text, mode);
            }
        });
        backward.put(x.id, dx);
        Ok(())
    }))
}

fn pool_text(y: &mut [f32], x: &[f32], text: &Range<usize>, mode: PoolingMode) {
    let cols = y.len();
    let row = |token: usize| &x[token * cols..][..cols];
    if mode == PoolingMode::Max {
        y.copy_from_slice(row(text.start));
        for token in text.start + 1..text.end {
            y.iter_mut().zip(row(token)).for_each(|(y, x)| *y = if *x > *y { *x } else { *y });
        }
        return;
    }
    y.fill(0.0);
    for token in text.clone() {
        let weight = weight(mode, text, token);
        if weight != 0.0 {
            y.iter_mut().zip(row(token)).for_each(|(y, x)| *y += weight * x);
        }
    }
}

/// Adds to the gradient `dx` of a text's tokens, the first of which is token `start` of the batch. The
/// greatest value of a dimension is the first of equals.
fn pool_text_back(
    dx: &mut [f32],
    start: usize,
    dy: &[f32],
    x: &[f32],
    text: &Range<usize>,
    mode: PoolingMode,
) {
    let cols = dy.len();
    if mode == PoolingMode::Max {
        for (c, dy) in dy.iter().enumerate() {
            let first = text
                .clone()
                .reduce(|best, token| if x[token * cols + c] > x[best * cols + c] { token } else { best });
            if let Some(token) = first {
                dx[(token - start) * cols + c] += dy;
            }
        }
        return;
    }
    for token in text.clone() {
        let weight = weight(mode, text, token);
        if weight != 0.0 {
            let row = &mut dx[(token - start) * cols..][..cols];
            row.iter_mut().zip(dy).for_each(|(dx, dy)| *dx += weight * dy);
        }
    }
}
