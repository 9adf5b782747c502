//! Writes the ONNX graph of a text encoder: config.json and safetensors in, `model.onnx` out.
//!
//! The graph takes `input_ids`, `attention_mask` and, for BERT, `token_type_ids` (int64, `[batch,
//! sequence]`, both dynamic) and puts out `last_hidden_state` (float, `[batch, sequence, hidden]`), like
//! the exports of Optimum. Pooling and what follows stay with whoever runs it. Architectures: BERT
//! ([`bert`]), RoBERTa and XLM-R (the same with other positions) and ModernBERT ([`modernbert`]).
//!
//! An architecture builds a [`graph::Graph`] of operators, in which weights are only named; [`write`](mod@write)
//! streams them from the safetensors files into the ONNX file ([`proto`]), one tensor in memory at a time.

mod architecture;
mod bert;
mod builder;
mod graph;
mod modernbert;
mod proto;
mod write;

use std::path::{Path, PathBuf};

use clirbench_model::{ModelFiles, Tensors};
use clirbench_plugin::{Error, Result};
use serde::Serialize;

pub use architecture::ARCHITECTURES;

/// How to write the graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// Put the weights into a file of their own (`model.onnx_data`) although they would fit into the
    /// graph's. Above 2 GB, where protobuf ends, that happens in any case.
    pub external_data: bool,
    /// Replace files that exist.
    pub force: bool,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportReport {
    /// `model_type` of config.json.
    pub architecture: String,
    /// The ONNX file.
    pub graph: PathBuf,
    /// Its size.
    pub graph_bytes: u64,
    /// The file beside it that holds the weights, where there is one.
    pub data: Option<PathBuf>,
    /// Its size, 0 without one.
    pub data_bytes: u64,
    /// Operators in the graph.
    pub nodes: usize,
    /// Elements of all weights.
    pub parameters: u64,
    /// Version of the operator set.
    pub opset: u64,
}

/// Where the graph of a model directory goes when nothing else is said.
pub const DEFAULT_FILE: &str = "onnx/model.onnx";

/// Writes the graph of the model directory `model` to `out` (in its directory, [`DEFAULT_FILE`]).
/// Weights are stored as f32, whatever they are in the directory.
///
/// # Errors
/// Kind `model`: a missing or damaged file, an architecture or option of one that cannot be exported, a
/// tensor that is missing or has another shape; `config` when `out` exists and `force` is not set;
/// `runtime` when it cannot be written. Nothing half-written stays.
pub fn export(model: &Path, out: &Path, options: ExportOptions) -> Result<ExportReport> {
    if !options.force && out.exists() {
        return Err(Error::config(format!("{} already exists", out.display()))
            .hint("`--force` replaces it, `--out` chooses another file"));
    }
    let mut files = ModelFiles::open(model)?;
    let folder = clirbench_model::transformer_folder(&mut files)?;
    let tensors = Tensors::open(&files.path(&folder))?;
    let config = files.json(&clirbench_model::join(&folder, "config.json"))?;
    let graph = architecture::graph(&config, &tensors).map_err(|mut e| {
        e.message = format!("{}: {}", model.display(), e.message);
        e
    })?;
    write::write(&graph, &tensors, out, options)
}
