//! Tensors in safetensors files: single files and shards.

mod read;
mod write;

pub(crate) use read::{Source, TensorFile};
pub(crate) use write::{Entry, write};

/// A single file of weights.
pub(crate) const SINGLE: &str = "model.safetensors";
/// The index of shards.
pub(crate) const INDEX: &str = "model.safetensors.index.json";
