//! Layer norm, alone and behind a residual connection.

use candle_core::{D, DType, Result, Tensor};
use rayon::prelude::*;

use super::Norm;
use super::dropout::{ROWS, add_rows, masked_copy};
use super::linear::{add_to_rows, sum_rows};
use crate::buffer::Buffer;
use crate::cpu;
use crate::fused::Fused;
use crate::plain::Plain;
use crate::random::Dropout;
use crate::simd::{simd, sum_by, sum_pairs};
use crate::tape::{Backward, Value};

pub(crate) fn plain(ops: &Plain<'_>, x: &Tensor, norm: &Norm) -> Result<Tensor> {
    // Means and variances of half-precision values are taken in f32, as everywhere.
    let x = x.to_dtype(DType::F32)?;
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    let y = centred.broadcast_div(&(variance + f64::from(norm.eps))?.sqrt()?)?;
    let y = y.broadcast_mul(&ops.master(norm.weight)?)?;
    let y = match norm.bias {
        Some(bias) => y.broadcast_add(&ops.master(bias)?)?,
        None => y,
    };
    y.to_dtype(ops.compute)
}

pub(crate) fn fused(ops: &Fused<'_>, x: &Value, norm: &Norm) -> Result<Value> {
    let (y, moments) = forward(ops, &x.data, x.cols, norm)?;
    let (x, norm) = (x.clone(), *norm);
    Ok(ops.record(x.rows, x.cols, y, move |backward, mut dy| {
        through_norm(backward, &mut dy, &x.data, &moments, x.cols, &norm)?;
        backward.put(x.id, dy);
        Ok(())
    }))
}

/// `norm(dropout(x) + residual)`: the sum takes the place of `x`.
pub(crate) fn fused_add(
    ops: &Fused<'_>,
    x: Value,
    residual: &Value,
    norm: &Norm,
    dropout: Dropout,
) -> Result<Value> {
    let mask = ops.mask(dropout);
    let (rows, cols, id, residual_id) = (x.rows, x.cols, x.id, residual.id);
    let mut sum = ops.take_buffer(x);
    sum.par_chunks_mut(ROWS * cols)
        .zip(residual.data.par_chunks(ROWS * cols))
        .enumerate()
        .for_each(|(chunk, (sum, residual))| add_rows(sum, residual, cols, mask, chunk * ROWS));
    let (y, moments) = forward(ops, &sum, cols, norm)?;
    let norm = *norm;
    Ok(ops.record(rows, cols, y, move |backward, mut dy| {
        through_norm(backward, &mut dy, &sum, &moments, cols, &norm)?;
        drop(sum);
        let dx = masked_copy(&backward.pool, &dy, cols, mask);
        backward.put(id, dx);
        backward.put(residual_id, dy);
        Ok(())
    }))
}

/// The normalised rows, and each row's mean and inverse standard deviation.
fn forward(ops: &Fused<'_>, x: &[f32], cols: usize, norm: &Norm) -> Result<(Buffer, Vec<Moments>)> {
    let weight = ops.values(norm.weight)?;
    let bias = norm.bias.map(|bias| ops.values(bias)).transpose()?;
    let bias = bias.as_deref();
    let mut y = ops.pool.stale(x.len());
    let mut moments = vec![Moments::default(); x.len() / cols];
    y.par_chunks_mut(ROWS * cols)
        .zip(x.par_chunks(ROWS * cols))
        .zip(moments.par_chunks_mut(ROWS))
        .for_each(|((y, x), moments)| norm_rows(y, x, moments, &weight, bias, norm.eps));
    Ok((y, moments))
}

/// Turns the gradient of normalised rows into that of what was normalised, and adds those of weight
/// and bias.
fn through_norm(
    backward: &mut Backward<'_>,
    dy: &mut [f32],
    x: &[f32],
    moments: &[Moments],
    cols: usize,
    norm: &Norm,
) -> Result<()> {
    let weight = cpu::values(backward.parameters.var(norm.weight))?;
    let partial: Vec<Vec<f32>> = dy
        .par_chunks_mut(ROWS * cols)
        .zip(x.par_chunks(ROWS * cols))
        .zip(moments.par_chunks(ROWS))
        .map(|((dy, x), moments)| {
            // Gradients of the weight, then of the bias.
            let mut sums = vec![0.0; 2 * cols];
            norm_rows_back(dy, x, moments, &weight, &mut sums);
            sums
        })
        .collect();
    drop(weight);
    let mut sums = vec![0.0; 2 * cols];
    partial.iter().for_each(|part| sum_rows(&mut sums, part));
    let (dweight, dbias) = sums.split_at(cols);
    backward.gradients.add_on_cpu(norm.weight, &[cols], |sum| add_to_rows(sum, dweight))?;
    if let Some(bias) = norm.bias {
        backward.gradients.add_on_cpu(bias, &[cols], |sum| add_to_rows(sum, dbias))?;
    }
    Ok(())
}

/// Mean and inverse standard deviation of a row.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    mean: f32,
    inverse: f32,
}

simd! {
    fn norm_rows<'a>(
        y: &'a mut [f32],
        x: &'a [f32],
        moments: &'a mut [Moments],
        weight: &'a [f32],
        bias: Option<&'a [f32]>,
        eps: f32,
    ) {
        let cols = weight.len();
        let over = 1.0 / cols as f32;
        for ((y, x), moments) in y.chunks_exact_mut(cols).zip(x.chunks_exact(cols)).zip(moments) {
            let mean = sum_by(x, |x| x) * over;
            let variance = sum_by(x, |x| (x - mean) * (x - mean)) * over;
            let inverse = 1.0 / (variance + eps).sqrt();
            *moments = Moments { mean, inverse };
            for ((y, x), w) in y.iter_mut().zip(x).zip(weight) {
                *y = (x - mean) * inverse * w;
            }
            if let Some(bias) = bias {
                y.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
            }
        }
    }
}

simd! {
    /// `dx = (g - mean(g) - z mean(g z)) / sigma` with `z` the standardised row and `g = dy w`; adds
    /// `dy z` and `dy` to the sums of weight and bias.
    fn norm_rows_back<'a>(
        dy: &'a mut [f32],
        x: &'a [f32],
        moments: &'a [Moments],
        weight: &'a [f32],
        sums: &'a mut [f32],
    ) {
        let cols = weight.len();
        let over = 1.0 / cols as f32;
        let (dweight, dbias) = sums.split_at_mut(cols);
        for ((dy, x), &Moments { mean, inverse }) in
            dy.chunks_exact_mut(cols).zip(x.chunks_exact(cols)).zip(moments)
        {
            let z = |x: f32| (x - mean) * inverse;
            let sums = dweight.iter_mut().zip(dbias.iter_mut());
            for (((dy, x), (dw, db)), w) in dy.iter_mut().zip(x).zip(sums).zip(weight) {
                *dw += *dy * z(*x);
                *db += *dy;
                *dy *= w;
            }
            let g_mean = sum_by(dy, |g| g) * over;
            let gz_mean = sum_pairs(dy, x, |g, x| g * z(x)) * over;
            for (g, x) in dy.iter_mut().zip(x) {
                *g = (*g - g_mean - z(*x) * gz_mean) * inverse;
            }
        }
    }
}
