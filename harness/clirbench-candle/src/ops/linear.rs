//! Linear layers.

use candle_core::{D, DType, Result, Tensor};
use rayon::prelude::*;

use super::Linear;
use crate::cpu;
use crate::fused::Fused;
use crate::gemm::{Into, Matrix, MatrixMut, parallel_product};
use crate::parameters::Parameters;
use crate::plain::Plain;
use crate::simd::simd;
use crate::tape::{Array, Backward, Value};

/// Rows that a task takes, whatever the number of threads.
const ROWS: usize = 64;

pub(crate) fn plain(ops: &Plain<'_>, x: &Tensor, layers: &[Linear]) -> Result<Tensor> {
    let outputs = layers
        .iter()
        .map(|layer| {
            let y = matmul(x, &ops.weight(layer.weight)?.t()?)?;
            match layer.bias {
                Some(bias) => y.broadcast_add(&ops.weight(bias)?),
                None => Ok(y),
            }
        })
        .collect::<Result<Vec<_>>>()?;
    Tensor::cat(&outputs, D::Minus1)
}

/// The product, by way of f32 where candle's CPU has no product of the type.
pub(crate) fn matmul(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.device().is_cpu() && a.dtype() == DType::BF16 {
        return a.to_dtype(DType::F32)?.matmul(&b.to_dtype(DType::F32)?)?.to_dtype(DType::BF16);
    }
    a.matmul(b)
}

pub(crate) fn fused(ops: &Fused<'_>, x: &Value, layers: &[Linear]) -> Result<Value> {
    let cols = layers.iter().map(|layer| layer.outputs).sum();
    let mut y = ops.pool.stale(x.rows * cols);
    let mut start = 0;
    for layer in layers {
        let weight = ops.values(layer.weight)?;
        parallel_product(
            MatrixMut::new(&mut y[start..], x.rows, layer.outputs, cols),
            Into::Overwrite,
            Matrix::new(&x.data, x.rows, x.cols, x.cols),
            Matrix::new(&weight, layer.outputs, x.cols, x.cols).t(),
        );
        start += layer.outputs;
    }
    if let Some(bias) = joined_bias(ops.parameters, layers)? {
        y.par_chunks_mut(ROWS * cols).for_each(|rows| add_to_rows(rows, &bias));
    }
    let (x, layers) = (x.clone(), layers.to_vec());
    Ok(ops.record(x.rows, cols, y, move |backward, dy| {
        let dy = Array { id: usize::MAX, rows: x.rows, cols, data: dy };
        gradients(backward, &x, &layers, &dy)
    }))
}

fn gradients(backward: &mut Backward<'_>, x: &Array, layers: &[Linear], dy: &Array) -> Result<()> {
    // The product adds to what other uses of x have left, and saves a pass.
    let (mut into, mut dx) = match backward.take(x.id) {
        Some(sum) => (Into::Add, sum),
        None => (Into::Overwrite, backward.pool.stale(x.data.len())),
    };
    let sums = layers.iter().any(|layer| layer.bias.is_some()).then(|| column_sums(&dy.data, dy.cols));
    let mut start = 0;
    for layer in layers {
        let part = Matrix::new(&dy.data[start..], dy.rows, layer.outputs, dy.cols);
        let weight = cpu::values(backward.parameters.var(layer.weight))?;
        parallel_product(
            MatrixMut::new(&mut dx, x.rows, x.cols, x.cols),
            into,
            part,
            Matrix::new(&weight, layer.outputs, x.cols, x.cols),
        );
        into = Into::Add;
        backward.gradients.add_on_cpu(layer.weight, &[layer.outputs, x.cols], |dw| {
            parallel_product(
                MatrixMut::new(dw, layer.outputs, x.cols, x.cols),
                Into::Add,
                part.t(),
                Matrix::new(&x.data, x.rows, x.cols, x.cols),
            );
        })?;
        if let (Some(bias), Some(sums)) = (layer.bias, &sums) {
            let sums = &sums[start..start + layer.outputs];
            backward.gradients.add_on_cpu(bias, &[layer.outputs], |db| add_to_rows(db, sums))?;
        }
        start += layer.outputs;
    }
    backward.put(x.id, dx);
    Ok(())
}

/// The biases side by side, zeros where a layer has none; `None` if none has.
fn joined_bias(parameters: &Parameters, layers: &[Linear]) -> Result<Option<Vec<f32>>> {
    if layers.iter().all(|layer| layer.bias.is_none()) {
        return Ok(None);
    }
    let mut joined = Vec::new();
    for layer in layers {
        match layer.bias {
            Some(bias) => joined.extend_from_slice(&cpu::values(parameters.var(bias))?),
            None => joined.resize(joined.len() + layer.outputs, 0.0),
        }
    }
    Ok(Some(joined))
}

/// The sum of each column of rows of `cols`: in chunks of [`ROWS`], then over the chunks in order.
pub(crate) fn column_sums(values: &[f32], cols: usize) -> Vec<f32> {
    let chunks: Vec<Vec<f32>> = values
        .par_chunks(ROWS * cols)
        .map(|rows| {
            let mut sums = vec![0.0; cols];
            sum_rows(&mut sums, rows);
            sums
        })
        .collect();
    let mut sums = vec![0.0; cols];
    chunks.iter().for_each(|chunk| sum_rows(&mut sums, chunk));
    sums
}

simd! {
    /// Adds `row` to each row.
    pub(crate) fn add_to_rows<'a>(rows: &'a mut [f32], row: &'a [f32]) {
        for values in rows.chunks_exact_mut(row.len()) {
            values.iter_mut().zip(row).for_each(|(v, r)| *v += r);
        }
    }
}

simd! {
    /// Adds each row to `sums`.
    pub(crate) fn sum_rows<'a>(sums: &'a mut [f32], rows: &'a [f32]) {
        for values in rows.chunks_exact(sums.len()) {
            sums.iter_mut().zip(values).for_each(|(s, v)| *s += v);
        }
    }
}
