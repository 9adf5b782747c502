//! The plugin's options: one entry of the bench file, checked against `schema.json` by the host.

use std::path::PathBuf;

use clirbench_plugin::{Error, Result};
use serde::Deserialize;
use serde_json::Value;

/// What a bench file can set; every option but `path` has a default from the model directory.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    /// The model directory.
    pub(crate) path: PathBuf,
    /// `fp32`, `fp16`, `int8`, or the stem of an ONNX file of the directory.
    pub(crate) variant: Option<String>,
    /// An ONNX file, relative to `path`; instead of `variant`.
    pub(crate) file: Option<PathBuf>,
    /// Safetensors file or directory bound under a graph without weights, relative to `path`.
    pub(crate) weights: Option<PathBuf>,
    /// Pooling modes in place of the directory's; several are concatenated.
    pub(crate) pooling: Option<OneOrMany>,
    /// L2-normalise (true), or leave out the directory's Normalize modules (false).
    pub(crate) normalize: Option<bool>,
    /// Longest input in tokens, special tokens included.
    pub(crate) max_length: Option<usize>,
    /// Matryoshka dimension: the first `dim` components, renormalised where the model normalises.
    pub(crate) dim: Option<usize>,
    /// Text in front of queries.
    pub(crate) query_prompt: Option<String>,
    /// Text in front of documents.
    pub(crate) document_prompt: Option<String>,
    /// Name of the query prompt in the model's own list.
    pub(crate) query_prompt_name: Option<String>,
    /// Name of the document prompt in the model's own list.
    pub(crate) document_prompt_name: Option<String>,
    /// Most tokens of one batch, padding included.
    pub(crate) batch_tokens: Option<usize>,
}

/// One name or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    /// A single name.
    One(String),
    /// A list of names.
    Many(Vec<String>),
}

impl OneOrMany {
    /// The names in order.
    pub(crate) fn names(&self) -> &[String] {
        match self {
            OneOrMany::One(name) => std::slice::from_ref(name),
            OneOrMany::Many(names) => names,
        }
    }
}

impl Options {
    /// Reads the options of one model.
    ///
    /// # Errors
    /// Kind `config`: an unknown option, a value of the wrong type or out of range, or two options
    /// that contradict each other.
    pub(crate) fn parse(config: &Value) -> Result<Self> {
        let options = Self::deserialize(config).map_err(|e| {
            Error::config(format!("options of encoder-onnx: {e}"))
                .hint("`clirbench plugin inspect encoder-onnx` prints every option")
        })?;
        options.exclusive("variant", options.variant.is_some(), "file", options.file.is_some())?;
        options.exclusive(
            "query_prompt",
            options.query_prompt.is_some(),
            "query_prompt_name",
            options.query_prompt_name.is_some(),
        )?;
        options.exclusive(
            "document_prompt",
            options.document_prompt.is_some(),
            "document_prompt_name",
            options.document_prompt_name.is_some(),
        )?;
        for (name, value) in
            [("max_length", options.max_length), ("dim", options.dim), ("batch_tokens", options.batch_tokens)]
        {
            if value == Some(0) {
                return Err(Error::config(format!("`{name}` is 0")).hint(format!("give `{name}` at least 1")));
            }
        }
        Ok(options)
    }

    fn exclusive(&self, one: &str, has_one: bool, other: &str, has_other: bool) -> Result<()> {
        if has_one && has_other {
            return Err(Error::config(format!("both `{one}` and `{other}` are set"))
                .hint(format!("keep one of them: `{one}` or `{other}`")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_unknown_option_and_a_contradiction_are_config_errors() {
        let unknown = Options::parse(&json!({"path": "m", "poolin": "mean"})).expect_err("a misspelt option");
        assert_eq!(unknown.kind, "config");
        assert!(unknown.message.contains("poolin"), "{}", unknown.message);

        let both = Options::parse(&json!({"path": "m", "variant": "fp16", "file": "a.onnx"}))
            .expect_err("variant and file");
        assert!(both.message.contains("variant") && both.message.contains("file"), "{}", both.message);
        assert!(Options::parse(&json!({"path": "m", "dim": 0})).is_err());
        assert!(Options::parse(&json!({"variant": "fp32"})).is_err(), "path is required");
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
        let expected = unknown.message.matches('`').count() / 2 - 1;
        assert_eq!(expected, keys.len(), "{}", unknown.message);
    }
}
