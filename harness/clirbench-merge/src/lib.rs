//! Merging of model directories, whatever the method: methods are plugins of `merger/1`.
//!
//! - *What to merge.* [`MergeSpec`] names method, models and weights; [`Parents`] opens the model
//!   directories and refuses, by name, what cannot be merged.
//! - *Merging.* [`Merge`] streams each tensor through a merger: chunks are read ahead on another thread,
//!   so memory holds a few chunks, whatever the size of a tensor. What comes out can go to disk or
//!   straight into an encoder.
//! - *Writing.* [`write`] makes a model directory of it, with the tokenizer, pooling, prompts and modules
//!   of the first model, and the same files of weights.
//!
//! Weights are read, not mapped: pages of a mapped file count as memory of the process, and a merge of
//! large models would seem to hold all of them.

mod agreement;
mod card;
mod cosine;
mod element;
mod folders;
mod layers;
mod merge;
mod method;
mod output;
mod parents;
mod reader;
mod report;
mod spec;
mod weights;

/// The error of everything here.
pub use clirbench_model::{Error, Result};

pub use element::StoredType;
pub use layers::{LayerRule, LayerWeights};
pub use merge::{Merge, MergeTensor};
pub use method::{MergerChoice, methods};
pub use output::write;
pub use parents::Parents;
pub use report::{MergeReport, TensorReport};
pub use spec::{MergeSpec, Parent};

/// A plugin's error as one of ours.
fn of_host(error: &clirbench_host::Error) -> Error {
    let kind = match error {
        clirbench_host::Error::Plugin { kind, .. } => kind.clone(),
        _ => "internal".to_owned(),
    };
    Error { kind, message: error.to_string(), hint: error.hint().unwrap_or_default().to_owned() }
}
