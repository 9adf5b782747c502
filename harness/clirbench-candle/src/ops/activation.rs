//! Elementwise functions and gated units.

use candle_core::{D, Result, Tensor};
use rayon::prelude::*;

use crate::fused::Fused;
use crate::head::Activation;
use crate::math;
use crate::simd::simd;
use crate::tape::Value;

/// Values that a task takes, whatever the number of threads.
const CHUNK: usize = 1 << 14;
/// Rows that a task of a gated unit takes.
const ROWS: usize = 16;

pub(crate) fn plain(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::Identity => Ok(x.clone()),
        Activation::Gelu => x.gelu_erf(),
        Activation::GeluTanh => x.gelu(),
        Activation::Relu => x.relu(),
        Activation::Tanh => x.tanh(),
    }
}

pub(crate) fn plain_gate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    let half = x.dim(D::Minus1)? / 2;
    let a = x.narrow(D::Minus1, 0, half)?.contiguous()?;
    plain(&a, activation)? * x.narrow(D::Minus1, half, half)?.contiguous()?
}

pub(crate) fn fused(ops: &Fused<'_>, x: Value, activation: Activation) -> Result<Value> {
    if activation == Activation::Identity {
        return Ok(x);
    }
    let mut y = ops.pool.stale(x.data.len());
    y.par_chunks_mut(CHUNK).zip(x.data.par_chunks(CHUNK)).for_each(|(y, x)| apply(y, x, activation));
    Ok(ops.record(x.rows, x.cols, y, move |backward, mut dy| {
        dy.par_chunks_mut(CHUNK)
            .zip(x.data.par_chunks(CHUNK))
            .for_each(|(dy, x)| apply_back(dy, x, activation));
        backward.put(x.id, dy);
        Ok(())
    }))
}

pub(crate) fn fused_gate(ops: &Fused<'_>, x: Value, activation: Activation) -> Result<Value> {
    let cols = x.cols / 2;
    let mut y = ops.pool.stale(x.rows * cols);
    y.par_chunks_mut(ROWS * cols)
        .zip(x.data.par_chunks(ROWS * x.cols))
        .for_each(|(y, x)| gate(y, x, cols, activation));
    Ok(ops.record(x.rows, cols, y, move |backward, dy| {
        let mut dx = backward.pool.stale(x.data.len());
        dx.par_chunks_mut(ROWS * x.cols)
            .zip(x.data.par_chunks(ROWS * x.cols))
            .zip(dy.par_chunks(ROWS * cols))
            .for_each(|((dx, x), dy)| gate_back(dx, x, dy, cols, activation));
        backward.put(x.id, dx);
        Ok(())
    }))
}

/// Runs a loop with the value and the derivative of the activation as a closure, so that each has a
/// loop without branches.
macro_rules! with_function {
    ($activation:expr, $f:ident => $loop:expr) => {
        match $activation {
            Activation::Identity => {
                let $f = |x: f32| (x, 1.0);
                $loop
            }
            Activation::Gelu => {
                let $f = math::gelu;
                $loop
            }
            Activation::GeluTanh => {
                let $f = math::gelu_tanh;
                $loop
            }
            Activation::Relu => {
                let $f = |x: f32| if x > 0.0 { (x, 1.0) } else { (0.0, 0.0) };
                $loop
            }
            Activation::Tanh => {
                let $f = |x: f32| {
                    let t = math::tanh(x);
                    (t, 1.0 - t * t)
                };
                $loop
            }
        }
    };
}

simd! {
    fn apply<'a>(y: &'a mut [f32], x: &'a [f32], activation: Activation) {
        with_function!(activation, f => y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x).0));
    }
}

simd! {
    fn apply_back<'a>(dy: &'a mut [f32], x: &'a [f32], activation: Activation) {
        with_function!(activation, f => dy.iter_mut().zip(x).for_each(|(dy, &x)| *dy *= f(x).1));
    }
}

simd! {
    fn gate<'a>(y: &'a mut [f32], x: &'a [f32], cols: usize, activation: Activation) {
        for (y, x) in y.chunks_exact_mut(cols).zip(x.chunks_exact(2 * cols)) {
            let (a, b) = x.split_at(cols);
            with_function!(activation, f => {
                y.iter_mut().zip(a).zip(b).for_each(|((y, &a), b)| *y = f(a).0 * b)
            });
        }
    }
}

simd! {
    fn gate_back<'a>(dx: &'a mut [f32], x: &'a [f32], dy: &'a [f32], cols: usize, activation: Activation) {
        for ((dx, x), dy) in
            dx.chunks_exact_mut(2 * cols).zip(x.chunks_exact(2 * cols)).zip(dy.chunks_exact(cols))
        {
            let (a, b) = x.split_at(cols);
            let (da, db) = dx.split_at_mut(cols);
            with_function!(activation, f => {
                for ((((da, db), &a), b), dy) in da.iter_mut().zip(db.iter_mut()).zip(a).zip(b).zip(dy) {
                    let (value, slope) = f(a);
                    *da = dy * b * slope;
                    *db = dy * value;
                }
            });
        }
    }
}
