//! From the directory of an encoder to that of a cross-encoder, as Transformers reads it.

use std::fs;
use std::path::Path;

use clirbench_model::{ModelDirectory, SHARD_BYTES, TensorSpec, TensorWriter, Tensors, write_error};
use clirbench_plugin::{Error, Result};
use serde_json::{Map, Value, json};

use crate::checkpoint::write_text;

/// Completes a trained cross-encoder in `folder`, the copy of a base that was perhaps an encoder of
/// single texts: its config names the classifier's class, its weights have the prefix that this class
/// expects, and the modules of embeddings are gone.
///
/// # Errors
/// `runtime` when the disk is full or fails, `model` for a damaged config.
pub(crate) fn complete(folder: &Path, directory: &ModelDirectory) -> Result<()> {
    let transformer = folder.join(&directory.transformer);
    let path = transformer.join("config.json");
    let damaged = |e: &dyn std::fmt::Display| Error::model(format!("{}: {e}", path.display()));
    let text = fs::read_to_string(&path).map_err(|e| damaged(&e))?;
    let mut config: Map<String, Value> = serde_json::from_str(&text).map_err(|e| damaged(&e))?;
    let Some((class, prefix)) = class(&directory.config.model_type) else {
        return Err(Error::model(format!("no classifier for model_type {:?}", directory.config.model_type)));
    };
    config.insert("architectures".into(), json!([class]));
    // One label: what Transformers derives `num_labels` from.
    config.entry("id2label").or_insert(json!({"0": "LABEL_0"}));
    config.entry("label2id").or_insert(json!({"LABEL_0": 0}));
    write_text(&path, &format!("{:#}\n", Value::Object(config)))?;
    add_prefix(&transformer, prefix)?;
    for module in directory.modules.iter().filter(|module| !module.path.is_empty()) {
        if module.path != directory.transformer {
            remove(&folder.join(&module.path))?;
        }
    }
    for name in ["modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"] {
        remove(&folder.join(name))?;
    }
    Ok(())
}

/// The class with a classifier, and the prefix of its transformer's tensors.
fn class(model_type: &str) -> Option<(&'static str, &'static str)> {
    Some(match model_type {
        "bert" => ("BertForSequenceClassification", "bert."),
        "roberta" => ("RobertaForSequenceClassification", "roberta."),
        "xlm-roberta" => ("XLMRobertaForSequenceClassification", "roberta."),
        "camembert" => ("CamembertForSequenceClassification", "roberta."),
        "modernbert" => ("ModernBertForSequenceClassification", "model."),
        _ => return None,
    })
}

/// Puts `prefix` before the transformer's tensors, where the base was saved without a head and so
/// without one.
fn add_prefix(folder: &Path, prefix: &str) -> Result<()> {
    let tensors = Tensors::open(folder)?;
    if tensors.names().any(|name| name.starts_with(prefix)) {
        return Ok(());
    }
    let outer = |name: &str| ["classifier.", "head."].iter().any(|head| name.starts_with(head));
    let renamed = |name: &str| if outer(name) { name.to_owned() } else { format!("{prefix}{name}") };
    let specs = tensors.names().filter_map(|name| {
        let (dtype, shape) = tensors.describe(name)?;
        Some(TensorSpec { name: renamed(name), dtype: dtype.to_owned(), shape: shape.to_vec() })
    });
    let mut writer = TensorWriter::create(folder, specs.collect(), SHARD_BYTES)?;
    for name in tensors.names() {
        writer.write(&renamed(name), &tensors.read(name)?.bytes)?;
    }
    drop(tensors);
    writer.finish()
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(write_error(path, &e)),
        _ => Ok(()),
    }
}
