//! Which graph a config.json asks for.

use clirbench_model::Tensors;
use clirbench_plugin::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::bert::{self, BertConfig, Positions};
use crate::graph::Graph;
use crate::modernbert::{self, ModernBertConfig};

/// The architectures that can be exported: `model_type` of config.json.
pub const ARCHITECTURES: [&str; 5] = ["bert", "camembert", "modernbert", "roberta", "xlm-roberta"];

/// Builds the graph that `config` describes over `tensors`.
///
/// # Errors
/// Kind `model`: an architecture or option of one that cannot be exported, a damaged config, a tensor
/// that is missing or has another shape.
pub(crate) fn graph(config: &Value, tensors: &Tensors) -> Result<Graph> {
    let model_type = config.get("model_type").and_then(Value::as_str).unwrap_or_default();
    match model_type {
        "bert" => bert::graph(model_type, &read::<BertConfig>(config)?, Positions::Absolute, tensors),
        "roberta" | "xlm-roberta" | "camembert" => {
            bert::graph(model_type, &read::<BertConfig>(config)?, Positions::AfterPadding, tensors)
        }
        "modernbert" => modernbert::graph(&read::<ModernBertConfig>(config)?, tensors),
        _ => Err(Error::model(format!(
            "architecture `{model_type}` (model_type in config.json) cannot be exported"
        ))
        .hint(format!("{} can", ARCHITECTURES.join(", ")))),
    }
}

fn read<T: DeserializeOwned>(config: &Value) -> Result<T> {
    T::deserialize(config)
        .map_err(|e| Error::model(format!("config.json: {e}")).hint("copy config.json from the model again"))
}
