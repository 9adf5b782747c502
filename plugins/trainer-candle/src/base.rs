//! The model that a fit starts from, or whose Fisher information is estimated: what it makes of texts,
//! and its network.

use std::path::PathBuf;

use candle_core::DType;
use clirbench_candle::{Changes, Model, Opened};
use clirbench_model::{ModelOptions, TextModel};
use clirbench_plugin::{LossInput, Result};

use crate::head::head;
use crate::options::{Options, Precision};

/// Opens the directory `base`, without its network.
///
/// # Errors
/// `model` and `config` for a base or a length that does not fit.
pub(crate) fn open(base: &str, options: &Options) -> Result<TextModel> {
    TextModel::open(ModelOptions {
        path: PathBuf::from(base),
        max_length: options.max_length,
        ..ModelOptions::default()
    })
}

/// The folder of the network's weights.
pub(crate) fn transformer(text: &TextModel) -> PathBuf {
    text.directory.files.path(&text.directory.transformer)
}

/// Loads the network for a loss of `input`.
///
/// # Errors
/// `model` for weights that are missing or do not fit, `runtime` when the device fails.
pub(crate) fn load(
    text: &TextModel,
    input: LossInput,
    options: &Options,
    changes: Changes,
    device: &Opened,
) -> Result<Model> {
    let length = |prompt: &str| text.tokenizer.prompt_length(prompt);
    let prompts = [length(&text.prompts.query)?, length(&text.prompts.document)?];
    let head = head(&text.directory, input, prompts)?;
    let compute = match options.precision {
        Precision::F32 => DType::F32,
        Precision::Bf16 => DType::BF16,
        Precision::F16 => DType::F16,
    };
    Model::load_with(&transformer(text), &head, &device.device, compute, changes)
}
