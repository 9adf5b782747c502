//! Sums of table rows.
//!
//! The token table has a row per word of the vocabulary, of which a batch uses a few: only those are
//! gathered, only those get a gradient.

use candle_core::{Device, Result, Tensor, Var};
use rayon::prelude::*;

use super::Embeddings;
use crate::fused::Fused;
use crate::parameters::Parameter;
use crate::plain::Plain;
use crate::tape::{Backward, Value, add};

/// Rows that a task takes, whatever the number of threads.
const ROWS: usize = 64;

/// `[tokens, hidden]`, and the gathered token rows as a variable of its own.
pub(crate) fn plain(ops: &Plain<'_>, embeddings: &Embeddings) -> Result<(Tensor, Var)> {
    let layout = ops.layout;
    let index = |ids: Vec<u32>| {
        let len = ids.len();
        Tensor::from_vec(ids, len, ops.device)
    };
    let table = ops.parameters.var(embeddings.tokens).as_detached_tensor();
    let leaf = Var::from_tensor(&table.index_select(&index(layout.unique_ids.clone())?, 0)?)?;
    let gathered = if ops.graph { leaf.as_tensor().clone() } else { leaf.as_detached_tensor() };
    let mut sum = gathered.index_select(&index(layout.rows.clone())?, 0)?;
    if let Some((table, first)) = embeddings.positions {
        let positions = layout.positions().map(|p| (p + first) as u32).collect();
        sum = (sum + ops.master(table)?.index_select(&index(positions)?, 0)?)?;
    }
    if let Some(table) = embeddings.segments {
        let segments = segments(layout.tokens(), &layout.types);
        sum = (sum + ops.master(table)?.index_select(&index(segments)?, 0)?)?;
    }
    Ok((sum.to_dtype(ops.compute)?, leaf))
}

fn segments(tokens: usize, types: &[u32]) -> Vec<u32> {
    if types.is_empty() { vec![0; tokens] } else { types.to_vec() }
}

pub(crate) fn fused(ops: &Fused<'_>, embeddings: &Embeddings) -> Result<Value> {
    let layout = &ops.layout;
    let tokens = layout.tokens();
    let table = ops.values(embeddings.tokens)?;
    let cols = ops.parameters.var(embeddings.tokens).dim(1)?;
    let ids: Vec<u32> = layout.rows.iter().map(|&row| layout.unique_ids[row as usize]).collect();
    let mut parts = vec![(table, ids)];
    let positions: Vec<u32> = match embeddings.positions {
        Some((_, first)) => layout.positions().map(|p| (p + first) as u32).collect(),
        None => Vec::new(),
    };
    if let Some((table, _)) = embeddings.positions {
        parts.push((ops.values(table)?, positions.clone()));
    }
    let segments = segments(tokens, &layout.types);
    if let Some(table) = embeddings.segments {
        parts.push((ops.values(table)?, segments.clone()));
    }
    let mut sum = ops.pool.stale(tokens * cols);
    sum.par_chunks_mut(ROWS * cols).enumerate().for_each(|(chunk, rows)| {
        for (r, row) in rows.chunks_exact_mut(cols).enumerate() {
            let token = chunk * ROWS + r;
            for (part, (table, ids)) in parts.iter().enumerate() {
                let from = &table[ids[token] as usize * cols..][..cols];
                if part == 0 {
                    row.copy_from_slice(from);
                } else {
                    row.iter_mut().zip(from).for_each(|(s, v)| *s += v);
                }
            }
        }
    });
    drop(parts);
    let (embeddings, layout) = (*embeddings, layout.clone());
    Ok(ops.record(tokens, cols, sum, move |backward, d| {
        let unique = &layout.unique_ids;
        let rows = Tensor::from_vec(
            grouped(&d, cols, &layout.rows, unique.len()),
            (unique.len(), cols),
            &Device::Cpu,
        )?;
        backward.gradients.add_rows(embeddings.tokens, unique.clone(), rows)?;
        if let Some((table, _)) = embeddings.positions {
            add_to_table(backward, table, &d, cols, &positions)?;
        }
        if let Some(table) = embeddings.segments {
            add_to_table(backward, table, &d, cols, &segments)?;
        }
        Ok(())
    }))
}

/// Adds the gradient of the rows `ids` of a small table.
fn add_to_table(
    backward: &mut Backward<'_>,
    table: Parameter,
    d: &[f32],
    cols: usize,
    ids: &[u32],
) -> Result<()> {
    let rows = backward.parameters.var(table).dim(0)?;
    let sums = grouped(d, cols, ids, rows);
    backward.gradients.add_on_cpu(table, &[rows, cols], |sum| add(sum, &sums))
}

/// For each of `groups`, the sum of the rows that belong to it, in their order.
fn grouped(d: &[f32], cols: usize, group_of: &[u32], groups: usize) -> Vec<f32> {
    let mut members = vec![Vec::new(); groups];
    for (row, &group) in group_of.iter().enumerate() {
        members[group as usize].push(row);
    }
    let mut sums = vec![0.0; groups * cols];
    sums.par_chunks_mut(cols).zip(&members).for_each(|(sum, rows)| {
        for &row in rows {
            sum.iter_mut().zip(&d[row * cols..][..cols]).for_each(|(s, v)| *s += v);
        }
    });
    sums
}
