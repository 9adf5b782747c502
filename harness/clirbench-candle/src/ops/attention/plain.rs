//! Attention of candle's operations: texts are padded to the longest.

use candle_core::{D, DType, Result, Tensor};

use crate::ops::rope::Angles;
use crate::ops::{Attention, linear};
use crate::plain::Plain;

/// Added to scores that must not count: finite, so that a row of nothing else has no NaN.
const MASKED: f32 = -1e9;

pub(crate) fn plain(ops: &Plain<'_>, qkv: &Tensor, attention: &Attention) -> Result<Tensor> {
    let (tokens, width) = qkv.dims2()?;
    let (hidden, heads) = (width / 3, attention.heads);
    let head_size = hidden / heads;
    let (texts, longest) = (ops.layout.texts(), ops.layout.longest());

    // Padded places repeat the text's first token, which the mask hides.
    let mut gather = Vec::with_capacity(texts * longest);
    let mut scatter = Vec::with_capacity(tokens);
    for (t, text) in ops.layout.iter().enumerate() {
        scatter.extend((0..text.len()).map(|i| (t * longest + i) as u32));
        gather.extend((0..longest).map(|i| (text.start + if i < text.len() { i } else { 0 }) as u32));
    }
    let gather = Tensor::from_vec(gather, texts * longest, ops.device)?;
    let scatter = Tensor::from_vec(scatter, tokens, ops.device)?;

    let padded = qkv.index_select(&gather, 0)?.reshape((texts, longest, 3, heads, head_size))?;
    let part = |i: usize| padded.narrow(2, i, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
    let (mut q, mut k, v) = (part(0)?, part(1)?, part(2)?);
    if let Some(theta) = attention.rope {
        let angles = Angles::new(theta, head_size, longest);
        q = angles.plain(&q, ops.device)?;
        k = angles.plain(&k, ops.device)?;
    }
    let scores = linear::matmul(&q, &k.t()?.contiguous()?)?.to_dtype(DType::F32)?;
    let scores = (scores * (1.0 / (head_size as f64).sqrt()))?;
    let probabilities = softmax(&scores.broadcast_add(&visible(ops, attention.window)?)?)?;
    let row_of = |t: usize, h: usize, i: usize| {
        let text = ops.layout.text(t);
        if i < text.len() { ((text.start + i) * heads + h) as u64 } else { 0 }
    };
    let rows = (0..texts).flat_map(|t| {
        (0..heads).flat_map(move |h| (0..longest).map(move |i| (t, h, i))).map(|(t, h, i)| row_of(t, h, i))
    });
    let probabilities = match ops.mask(attention.dropout, probabilities.dims(), rows)? {
        Some(factors) => (probabilities * factors.to_dtype(DType::F32)?)?,
        None => probabilities,
    };
    let context = linear::matmul(&probabilities.to_dtype(ops.compute)?, &v)?;
    let context = context.transpose(1, 2)?.contiguous()?.reshape((texts * longest, hidden))?;
    context.index_select(&scatter, 0)
}

/// `[texts, 1, longest, longest]`: 0 where the row's token attends to the column's.
fn visible(ops: &Plain<'_>, window: Option<usize>) -> Result<Tensor> {
    let (texts, longest) = (ops.layout.texts(), ops.layout.longest());
    let mut mask = Vec::with_capacity(texts * longest * longest);
    for text in ops.layout.iter() {
        for i in 0..longest {
            let near = |j: usize| window.is_none_or(|window| i.abs_diff(j) <= window);
            mask.extend((0..longest).map(|j| if j < text.len() && near(j) { 0.0 } else { MASKED }));
        }
    }
    Tensor::from_vec(mask, (texts, 1, longest, longest), ops.device)
}

fn softmax(scores: &Tensor) -> Result<Tensor> {
    let max = scores.max_keepdim(D::Minus1)?.detach();
    let e = scores.broadcast_sub(&max)?.exp()?;
    e.broadcast_div(&e.sum_keepdim(D::Minus1)?)
}
