//! Sentence-transformers directories: what they say, and everything around a network that makes
//! vectors of texts.
//!
//! - *Reading.* [`ModelDirectory`] is what a directory says about its model, in both layouts of
//!   sentence-transformers or plain Hugging Face; [`Tensors`] are its weights,
//!   [`Summary`] is for people.
//! - *Encoding.* [`TextModel`] is such a directory opened with the options of a bench file
//!   ([`ModelOptions`]). An encoder adds a network behind [`Runner`]; [`TextEncoder`] tokenizes, groups
//!   texts into batches ([`Plan`]), runs them and applies the modules after the network ([`Head`]).
//!
//! - *Writing.* [`copy_directory`] takes over everything but the transformer's weights, [`TensorWriter`]
//!   writes those, and [`PartialDirectory`] makes the whole visible at once. [`create`] makes a new model
//!   with a vocabulary of its own, to be trained from scratch.
//!
//! Plugins that encode, train or merge models share this crate, so that a text has the same tokens and
//! the same pooling in all of them. It contains no network and loads no runtime.

mod batches;
mod blank;
mod copy;
mod dense;
mod directory;
mod encoder;
mod files;
mod head;
mod limits;
mod onnx;
mod options;
mod partial;
mod pipeline;
mod pooling;
mod prompts;
mod readme;
mod safetensors;
mod summary;
mod tokens;
mod writer;

/// The error of everything here.
pub use clirbench_plugin::{Error, Result};

pub use batches::{Batch, Plan};
pub use blank::{BertShape, BlankSpec, Dtype, Network as BlankNetwork, VocabularySpec, create};
pub use copy::copy_directory;
pub use dense::{Activation, Dense};
pub use directory::{ModelDirectory, Module, transformer_folder};
pub use encoder::{Network, TextEncoder, TextModel};
pub use files::{ModelFiles, join};
pub use head::{Head, Kind, Step};
pub use limits::{HfConfig, TokenizerConfig, max_length};
pub use onnx::{ONNX_VARIANTS, onnx_files, onnx_stem, onnx_variant};
pub use options::{ModelOptions, OneOrMany, exclusive};
pub use partial::{PartialDirectory, PartialFile, write_error};
pub use pipeline::{Row, Runner};
pub use pooling::{Pooling, PoolingMode, normalize};
pub use prompts::Prompts;
pub use readme::{card_parts, has_e5_prefixes, languages};
pub use safetensors::{Tensor, Tensors};
pub use summary::{FileSummary, ModuleSummary, Summary};
pub use tokens::{TextTokenizer, Tokens};
pub use writer::{SHARD_BYTES, TensorSpec, TensorWriter};
