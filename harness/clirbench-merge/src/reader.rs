//! Reads chunks of tensors ahead of those who merge them.

use std::sync::mpsc::{Receiver, SyncSender};

use clirbench_model::Tensors;

use crate::element::StoredType;
use crate::{Error, Result};

/// A tensor in one of the files that are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column<'a> {
    pub(crate) tensors: &'a Tensors,
    /// Its name there.
    pub(crate) name: &'a str,
    pub(crate) stored: StoredType,
    /// Whose tensor it is, for messages.
    pub(crate) owner: &'a str,
}

/// A tensor to read, all its columns side by side.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) columns: Vec<Column<'a>>,
    pub(crate) elements: usize,
}

/// Part of a tensor.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// Index of the source.
    pub(crate) source: usize,
    pub(crate) pass: usize,
    /// Element at which it begins.
    pub(crate) offset: usize,
    /// Finite; all of one length.
    pub(crate) columns: Vec<Vec<f32>>,
}

/// Reads every source `passes` times, chunk by chunk, into chunks that come back through `free`, until all
/// is read or nobody listens any more.
pub(crate) fn read_ahead(
    sources: &[Source<'_>],
    passes: usize,
    chunk: usize,
    free: &Receiver<Chunk>,
    full: &SyncSender<Result<Chunk>>,
) {
    let mut scratch = Scratch::default();
    for (index, source) in sources.iter().enumerate() {
        for pass in 0..passes {
            for offset in (0..source.elements).step_by(chunk) {
                let Ok(mut filled) = free.recv() else { return };
                (filled.source, filled.pass, filled.offset) = (index, pass, offset);
                let length = chunk.min(source.elements - offset);
                let outcome = fill(source, offset, length, &mut scratch, &mut filled.columns);
                let failed = outcome.is_err();
                if full.send(outcome.map(|()| filled)).is_err() || failed {
                    return;
                }
            }
        }
    }
}

#[derive(Default)]
struct Scratch {
    bytes: Vec<u8>,
    bits: Vec<u16>,
}

fn fill(
    source: &Source<'_>,
    offset: usize,
    length: usize,
    scratch: &mut Scratch,
    columns: &mut Vec<Vec<f32>>,
) -> Result<()> {
    columns.resize_with(source.columns.len(), Vec::new);
    for (Column { tensors, name, stored, owner }, values) in source.columns.iter().zip(columns) {
        values.resize(length, 0.0);
        scratch.bytes.resize(length * stored.bytes(), 0);
        tensors.read_into(name, offset * stored.bytes(), &mut scratch.bytes)?;
        stored.decode(&scratch.bytes, &mut scratch.bits, values);
        // Counted, not searched for: that is a loop of vector instructions.
        if values.iter().filter(|x| !x.is_finite()).count() > 0 {
            let at = values.iter().position(|x| !x.is_finite()).unwrap_or_default();
            let (element, value) = (offset + at, values[at]);
            return Err(Error::model(format!(
                "element {element} of tensor `{name}` of `{owner}` is {value}"
            ))
            .hint("the weights are damaged, or the training diverged: such a model cannot be merged"));
        }
    }
    Ok(())
}
