//! The plugin's options: one entry of the bench file, checked against `schema.json` by the host.

use std::path::PathBuf;

use clirbench_model::{ModelOptions, exclusive};
use clirbench_plugin::Result;
use serde::Deserialize;
use serde_json::Value;

/// Which graph of a model directory to run; the directory itself is named in [`ModelOptions`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    /// `fp32`, `fp16`, `int8`, or the stem of an ONNX file of the directory.
    pub(crate) variant: Option<String>,
    /// An ONNX file, relative to the directory; instead of `variant`.
    pub(crate) file: Option<PathBuf>,
    /// Safetensors file or directory bound under a graph without weights, relative to the directory.
    pub(crate) weights: Option<PathBuf>,
}

impl Options {
    /// Reads the options of one model.
    ///
    /// # Errors
    /// Kind `config`: an unknown option, a value of the wrong type or out of range, or two options
    /// that contradict each other.
    pub(crate) fn parse(config: &Value) -> Result<(ModelOptions, Self)> {
        let (model, own): (_, Self) = ModelOptions::parse("encoder-onnx", config)?;
        exclusive(("variant", own.variant.is_some()), ("file", own.file.is_some()))?;
        Ok((model, own))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_contradiction_is_a_config_error() {
        let both = Options::parse(&json!({"path": "m", "variant": "fp16", "file": "a.onnx"}))
            .expect_err("variant and file");
        assert_eq!(both.kind, "config");
        assert!(both.message.contains("variant") && both.message.contains("file"), "{}", both.message);
    }

    #[test]
    fn the_schema_declares_every_option_and_no_other() {
        let schema: Value =
            serde_json::from_str(include_str!("../schema.json")).expect("schema.json is JSON");
        assert_eq!(schema["additionalProperties"], json!(false));
        let keys: Vec<&String> = schema["properties"].as_object().expect("properties").keys().collect();
        for key in &keys {
            // A key that the struct lacks would be reported as unknown, whatever its value.
            if let Err(e) = Options::parse(&json!({"path": "m", key.as_str(): Value::Null})) {
                assert!(!e.message.contains("unknown field"), "{key}: {}", e.message);
            }
        }
        let unknown = Options::parse(&json!({"path": "m", "no-such": 1})).expect_err("unknown");
        let own = unknown.message.matches('`').count() / 2 - 1;
        assert_eq!(own + ModelOptions::NAMES.len(), keys.len(), "{}", unknown.message);
    }
}
