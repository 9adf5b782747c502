//! A sentence-transformers directory with one tensor to merge, one to copy, and a Dense module.

use std::fs;
use std::path::Path;

use clirbench_model::{TensorSpec, TensorWriter};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) struct Directory(TempDir);

/// Little-endian f32.
pub(crate) fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// Little-endian i64.
pub(crate) fn i64s(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

impl Directory {
    pub(crate) fn new() -> Self {
        let directory = Directory(tempfile::tempdir().unwrap());
        let module = |path: &str, class: &str| json!({"path": path, "type": format!("sentence_transformers.models.{class}")});
        let modules = [module("", "Transformer"), module("1_Pooling", "Pooling"), module("2_Dense", "Dense")];
        directory.put("modules.json", &json!(modules));
        directory.put("1_Pooling/config.json", &json!({"pooling_mode_mean_tokens": true}));
        directory.put("2_Dense/config.json", &json!({"in_features": 2, "out_features": 2}));
        directory.put("config_sentence_transformers.json", &json!({"prompts": {"query": "query: "}}));
        directory.put("sentence_bert_config.json", &json!({"max_seq_length": 16}));
        directory.put(
            "config.json",
            &json!({"model_type": "bert", "num_attention_heads": 2, "torch_dtype": "float32"}),
        );
        let model = json!({"type": "WordLevel", "vocab": {"a": 0, "b": 1}});
        directory.put("tokenizer.json", &json!({"truncation": null, "model": model}));
        directory.weights("", &[("w", "F32", &[2, 3]), ("ids", "I64", &[2])], |name, elements| {
            if name == "ids" { i64s(&[0, 1]) } else { vec![0; 4 * elements] }
        });
        directory.weights(
            "2_Dense",
            &[("linear.weight", "F32", &[2, 2]), ("linear.bias", "F32", &[2])],
            |_, n| vec![0; 4 * n],
        );
        directory
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    fn put(&self, name: &str, value: &Value) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value.to_string()).unwrap();
    }

    pub(crate) fn edit(&self, name: &str, edit: impl FnOnce(&mut Value)) {
        let mut value = serde_json::from_slice(&fs::read(self.path().join(name)).unwrap()).unwrap();
        edit(&mut value);
        self.put(name, &value);
    }

    /// Replaces the weights of a folder; `bytes` gets a tensor's name and number of elements.
    pub(crate) fn weights(
        &self,
        folder: &str,
        tensors: &[(&str, &str, &[usize])],
        bytes: impl Fn(&str, usize) -> Vec<u8>,
    ) {
        let spec = |(name, dtype, shape): &(&str, &str, &[usize])| TensorSpec {
            name: (*name).to_owned(),
            dtype: (*dtype).to_owned(),
            shape: shape.to_vec(),
        };
        let mut writer =
            TensorWriter::create(&self.path().join(folder), tensors.iter().map(spec).collect(), u64::MAX)
                .unwrap();
        for (name, _, shape) in tensors {
            writer.write(name, &bytes(name, shape.iter().product())).unwrap();
        }
        writer.finish().unwrap();
    }
}
