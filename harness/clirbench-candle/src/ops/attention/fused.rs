//! Attention of f32 on the CPU: blocks of queries of one text and head at a time, so that scores never
//! leave the cache; the way back computes them again (Dao et al. 2022, without the online softmax).

use std::ops::Range;

use candle_core::Result;
use rayon::prelude::*;

use crate::fused::Fused;
use crate::gemm::{Into, Matrix, MatrixMut, product};
use crate::math::exp;
use crate::ops::Attention;
use crate::ops::rope::Angles;
use crate::random::Mask;
use crate::simd::{max, simd, sum_by, sum_pairs};
use crate::tape::Value;

/// Queries of a block.
const BLOCK: usize = 128;

/// What every text and head needs to know.
struct Shape {
    heads: usize,
    head_size: usize,
    hidden: usize,
    window: Option<usize>,
    angles: Option<Angles>,
    mask: Option<Mask>,
    scale: f32,
}

/// Queries (scaled), keys and values of one text and head, each `[tokens, head size]`.
struct Head {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    tokens: usize,
}

pub(crate) fn fused(ops: &Fused<'_>, qkv: Value, attention: &Attention) -> Result<Value> {
    let (hidden, heads) = (qkv.cols / 3, attention.heads);
    let head_size = hidden / heads;
    let shape = Shape {
        heads,
        head_size,
        hidden,
        window: attention.window,
        angles: attention.rope.map(|theta| Angles::new(theta, head_size, ops.layout.longest())),
        mask: ops.mask(attention.dropout),
        scale: 1.0 / (head_size as f32).sqrt(),
    };
    let texts: Vec<Range<usize>> = ops.layout.iter().collect();
    let mut context = ops.pool.stale(qkv.rows * hidden);
    // Logarithms of the softmax denominators, `[heads]` per token.
    let mut logs = vec![0.0; qkv.rows * heads];
    let outputs = split(&mut context, &texts, hidden).into_par_iter().zip(split(&mut logs, &texts, heads));
    outputs.zip(&texts).for_each(|((context, logs), text)| {
        let of_heads: Vec<(Vec<f32>, Vec<f32>)> =
            (0..heads).into_par_iter().map(|h| shape.forward(&qkv.data, text, h)).collect();
        for (h, (out, log)) in of_heads.iter().enumerate() {
            scatter(context, out, hidden, h * head_size, head_size);
            logs.iter_mut().skip(h).step_by(heads).zip(log).for_each(|(to, from)| *to = *from);
        }
    });
    let rows = qkv.rows;
    if !ops.records() {
        return Ok(ops.value(rows, hidden, context));
    }
    let context = ops.value(rows, hidden, context);
    let output = context.clone();
    ops.push(&context, move |backward, dcontext| {
        let mut dqkv = backward.pool.stale(qkv.data.len());
        let grads = split(&mut dqkv, &texts, 3 * hidden).into_par_iter();
        grads.zip(&texts).for_each(|(dqkv, text)| {
            let of_heads: Vec<Head> = (0..heads)
                .into_par_iter()
                .map(|h| shape.backward(&qkv.data, &output.data, &dcontext, &logs, text, h))
                .collect();
            for (h, head) in of_heads.iter().enumerate() {
                for (i, part) in [&head.q, &head.k, &head.v].into_iter().enumerate() {
                    scatter(dqkv, part, 3 * hidden, i * hidden + h * head_size, head_size);
                }
            }
        });
        backward.put(qkv.id, dqkv);
        Ok(())
    });
    Ok(context)
}

/// The rows of each text, `cols` values per token.
fn split<'a>(mut values: &'a mut [f32], texts: &[Range<usize>], cols: usize) -> Vec<&'a mut [f32]> {
    texts
        .iter()
        .map(|text| {
            let (of_text, rest) = std::mem::take(&mut values).split_at_mut(text.len() * cols);
            values = rest;
            of_text
        })
        .collect()
}

impl Shape {
    /// Copies one head out of `[tokens, 3 hidden]`, with positions turned in and queries scaled.
    fn head(&self, qkv: &[f32], text: &Range<usize>, h: usize) -> Head {
        let part = |i: usize| self.gather(qkv, text, 3 * self.hidden, i * self.hidden + h * self.head_size);
        let (mut q, mut k, v) = (part(0), part(1), part(2));
        self.turn(&mut q, 1.0);
        self.turn(&mut k, 1.0);
        q.iter_mut().for_each(|q| *q *= self.scale);
        Head { q, k, v, tokens: text.len() }
    }

    fn gather(&self, values: &[f32], text: &Range<usize>, stride: usize, start: usize) -> Vec<f32> {
        let mut out = Vec::with_capacity(text.len() * self.head_size);
        for row in values[text.start * stride..text.end * stride].chunks_exact(stride) {
            out.extend_from_slice(&row[start..start + self.head_size]);
        }
        out
    }

    fn turn(&self, rows: &mut [f32], direction: f32) {
        if let Some(angles) = &self.angles {
            for (position, row) in rows.chunks_exact_mut(self.head_size).enumerate() {
                angles.turn(row, position, direction);
            }
        }
    }

    /// Keys that a block of queries can see.
    fn keys(&self, block: &Range<usize>, tokens: usize) -> Range<usize> {
        match self.window {
            Some(window) => block.start.saturating_sub(window)..tokens.min(block.end + window),
            None => 0..tokens,
        }
    }

    /// Scores `[block, keys]` of scaled queries.
    fn scores(&self, out: &mut [f32], head: &Head, block: &Range<usize>, keys: &Range<usize>) {
        let (rows, cols) = (block.len(), keys.len());
        product(
            MatrixMut::new(out, rows, cols, cols),
            Into::Overwrite,
            self.rows(&head.q, block),
            self.rows(&head.k, keys).t(),
        );
        let Some(window) = self.window else { return };
        for (i, row) in block.clone().zip(out.chunks_exact_mut(cols)) {
            for (j, score) in keys.clone().zip(row) {
                if i.abs_diff(j) > window {
                    *score = f32::NEG_INFINITY;
                }
            }
        }
    }

    fn rows<'a>(&self, values: &'a [f32], rows: &Range<usize>) -> Matrix<'a> {
        let d = self.head_size;
        Matrix::new(&values[rows.start * d..rows.end * d], rows.len(), d, d)
    }

    /// Dropout of the probabilities of a block.
    fn drop(&self, text: &Range<usize>, h: usize, block: &Range<usize>, keys: &Range<usize>) -> Option<Drop> {
        let first = (text.start + block.start) * self.heads + h;
        self.mask.map(|mask| Drop { mask, first, step: self.heads, start: keys.start as u32 })
    }

    /// Context `[tokens, head size]` and logarithms of the softmax denominators.
    fn forward(&self, qkv: &[f32], text: &Range<usize>, h: usize) -> (Vec<f32>, Vec<f32>) {
        let head = self.head(qkv, text, h);
        let (n, d) = (head.tokens, self.head_size);
        let mut context = vec![0.0; n * d];
        let mut logs = vec![0.0; n];
        let mut scores = vec![0.0; BLOCK.min(n) * n];
        for block in blocks(n) {
            let keys = self.keys(&block, n);
            let scores = &mut scores[..block.len() * keys.len()];
            self.scores(scores, &head, &block, &keys);
            let drop = self.drop(text, h, &block, &keys);
            softmax_rows(scores, keys.len(), &mut logs[block.clone()], drop);
            product(
                MatrixMut::new(&mut context[block.start * d..block.end * d], block.len(), d, d),
                Into::Overwrite,
                Matrix::new(scores, block.len(), keys.len(), keys.len()),
                self.rows(&head.v, &keys),
            );
        }
        (context, logs)
    }

    /// Gradients of queries, keys and values.
    ///
    /// With `P` the probabilities, `M` their dropout factors and `dO` the context's gradient:
    /// `dV = (P M)^T dO`, `dP = (dO V^T) M`, `dS = P (dP - rowsum(dO O))`, `dQ = dS K`, `dK = dS^T Q`.
    fn backward(
        &self,
        qkv: &[f32],
        context: &[f32],
        dcontext: &[f32],
        logs: &[f32],
        text: &Range<usize>,
        h: usize,
    ) -> Head {
        let head = self.head(qkv, text, h);
        let (n, d) = (head.tokens, self.head_size);
        let out = self.gather(context, text, self.hidden, h * d);
        let dout = self.gather(dcontext, text, self.hidden, h * d);
        let logs: Vec<f32> = text.clone().map(|token| logs[token * self.heads + h]).collect();
        let inner: Vec<f32> = out
            .chunks_exact(d)
            .zip(dout.chunks_exact(d))
            .map(|(o, g)| sum_pairs(o, g, |o, g| o * g))
            .collect();
        let mut grads = Head { q: vec![0.0; n * d], k: vec![0.0; n * d], v: vec![0.0; n * d], tokens: n };
        let size = BLOCK.min(n) * n;
        let (mut p, mut dp) = (vec![0.0; size], vec![0.0; size]);
        for block in blocks(n) {
            let keys = self.keys(&block, n);
            let (rows, cols) = (block.len(), keys.len());
            let (p, dp) = (&mut p[..rows * cols], &mut dp[..rows * cols]);
            self.scores(p, &head, &block, &keys);
            product(
                MatrixMut::new(dp, rows, cols, cols),
                Into::Overwrite,
                self.rows(&dout, &block),
                self.rows(&head.v, &keys).t(),
            );
            let drop = self.drop(text, h, &block, &keys);
            score_gradient_rows(p, dp, cols, &logs[block.clone()], &inner[block.clone()], drop);
            let (dropped, ds) = (Matrix::new(p, rows, cols, cols), Matrix::new(dp, rows, cols, cols));
            let key_values = keys.start * d..keys.end * d;
            product(
                MatrixMut::new(&mut grads.v[key_values.clone()], cols, d, d),
                Into::Add,
                dropped.t(),
                self.rows(&dout, &block),
            );
            product(
                MatrixMut::new(&mut grads.q[block.start * d..block.end * d], rows, d, d),
                Into::Overwrite,
                ds,
                self.rows(&head.k, &keys),
            );
            product(
                MatrixMut::new(&mut grads.k[key_values], cols, d, d),
                Into::Add,
                ds.t(),
                self.rows(&head.q, &block),
            );
        }
        grads.q.iter_mut().for_each(|q| *q *= self.scale);
        self.turn(&mut grads.q, -1.0);
        self.turn(&mut grads.k, -1.0);
        grads
    }
}

fn blocks(tokens: usize) -> impl Iterator<Item = Range<usize>> {
    (0..tokens).step_by(BLOCK).map(move |start| start..tokens.min(start + BLOCK))
}

/// Writes `[rows, width]` to the columns from `start` on of rows of `stride`.
fn scatter(to: &mut [f32], from: &[f32], stride: usize, start: usize, width: usize) {
    for (to, from) in to.chunks_exact_mut(stride).zip(from.chunks_exact(width)) {
        to[start..start + width].copy_from_slice(from);
    }
}

/// Dropout of rows whose numbers are `step` apart, in columns from `start` on.
#[derive(Clone, Copy)]
struct Drop {
    mask: Mask,
    first: usize,
    step: usize,
    start: u32,
}

simd! {
    /// Turns scores into probabilities, keeps the logarithms of the denominators, then drops.
    fn softmax_rows<'a>(scores: &'a mut [f32], cols: usize, logs: &'a mut [f32], drop: Option<Drop>) {
        for (r, (row, log)) in scores.chunks_exact_mut(cols).zip(logs).enumerate() {
            let max = max(row);
            row.iter_mut().for_each(|s| *s = exp(*s - max));
            let sum = sum_by(row, |p| p);
            let inverse = 1.0 / sum;
            *log = max + sum.ln();
            match drop {
                None => row.iter_mut().for_each(|s| *s *= inverse),
                Some(drop) => {
                    let mask = drop.mask.row((drop.first + r * drop.step) as u64);
                    for (c, s) in row.iter_mut().enumerate() {
                        *s *= inverse * mask.factor(drop.start + c as u32);
                    }
                }
            }
        }
    }
}

simd! {
    /// From scores `s` and gradients `dp` of dropped probabilities: `s` becomes the dropped
    /// probabilities, and `dp` the gradient of the scores.
    fn score_gradient_rows<'a>(
        s: &'a mut [f32],
        dp: &'a mut [f32],
        cols: usize,
        logs: &'a [f32],
        inner: &'a [f32],
        drop: Option<Drop>,
    ) {
        let rows = s.chunks_exact_mut(cols).zip(dp.chunks_exact_mut(cols)).zip(logs).zip(inner);
        for (r, (((s, dp), &log), &inner)) in rows.enumerate() {
            match drop {
                None => {
                    for (s, dp) in s.iter_mut().zip(dp) {
                        let p = exp(*s - log);
                        *dp = p * (*dp - inner);
                        *s = p;
                    }
                }
                Some(drop) => {
                    let mask = drop.mask.row((drop.first + r * drop.step) as u64);
                    for (c, (s, dp)) in s.iter_mut().zip(dp).enumerate() {
                        let (p, factor) = (exp(*s - log), mask.factor(drop.start + c as u32));
                        *dp = p * dp.mul_add(factor, -inner);
                        *s = p * factor;
                    }
                }
            }
        }
    }
}
