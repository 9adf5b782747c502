//! The options that encoders of model directories have in common.

use std::path::PathBuf;

use clirbench_plugin::{Error, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What a bench file can set for any model directory; every option but `path` has a default from the
/// directory.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelOptions {
    /// The model directory.
    pub path: PathBuf,
    /// Pooling modes in place of the directory's; several are concatenated.
    pub pooling: Option<OneOrMany>,
    /// L2-normalise (true), or leave out the directory's Normalize modules (false).
    pub normalize: Option<bool>,
    /// Longest input in tokens, special tokens included.
    pub max_length: Option<usize>,
    /// Matryoshka dimension: the first `dim` components, renormalised where the model normalises.
    pub dim: Option<usize>,
    /// Text in front of queries.
    pub query_prompt: Option<String>,
    /// Text in front of documents.
    pub document_prompt: Option<String>,
    /// Name of the query prompt in the model's own list.
    pub query_prompt_name: Option<String>,
    /// Name of the document prompt in the model's own list.
    pub document_prompt_name: Option<String>,
    /// Most tokens of one batch, padding included.
    pub batch_tokens: Option<usize>,
}

/// One name or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// A single name.
    One(String),
    /// A list of names.
    Many(Vec<String>),
}

impl OneOrMany {
    /// The names in order.
    pub fn names(&self) -> &[String] {
        match self {
            OneOrMany::One(name) => std::slice::from_ref(name),
            OneOrMany::Many(names) => names,
        }
    }
}

impl ModelOptions {
    /// The names of the options, as in the schemas of the plugins.
    pub const NAMES: [&str; 10] = [
        "path",
        "pooling",
        "normalize",
        "max_length",
        "dim",
        "query_prompt",
        "document_prompt",
        "query_prompt_name",
        "document_prompt_name",
        "batch_tokens",
    ];

    /// Reads the options of one model: those of every model directory, and the `plugin`'s own. `Own`
    /// should deny unknown fields.
    ///
    /// # Errors
    /// Kind `config`: an unknown option, a value of the wrong type or out of range, or two options
    /// that contradict each other.
    pub fn parse<Own: DeserializeOwned>(plugin: &str, config: &Value) -> Result<(Self, Own)> {
        let wrong = |e: serde_json::Error| {
            Error::config(format!("options of {plugin}: {e}"))
                .hint(format!("`clirbench plugin inspect {plugin}` prints every option"))
        };
        let given: Map<String, Value> = Map::deserialize(config).map_err(wrong)?;
        let (shared, own): (Map<_, _>, Map<_, _>) =
            given.into_iter().partition(|(name, _)| Self::NAMES.contains(&name.as_str()));
        let options: Self = serde_json::from_value(Value::Object(shared)).map_err(wrong)?;
        let own = serde_json::from_value(Value::Object(own)).map_err(wrong)?;
        options.check()?;
        Ok((options, own))
    }

    fn check(&self) -> Result<()> {
        exclusive(
            ("query_prompt", self.query_prompt.is_some()),
            ("query_prompt_name", self.query_prompt_name.is_some()),
        )?;
        exclusive(
            ("document_prompt", self.document_prompt.is_some()),
            ("document_prompt_name", self.document_prompt_name.is_some()),
        )?;
        for (name, value) in
            [("max_length", self.max_length), ("dim", self.dim), ("batch_tokens", self.batch_tokens)]
        {
            if value == Some(0) {
                return Err(Error::config(format!("`{name}` is 0")).hint(format!("give `{name}` at least 1")));
            }
        }
        Ok(())
    }
}

/// Refuses two options, given as name and whether it is set, that say the same thing twice.
///
/// # Errors
/// Kind `config` when both are set.
pub fn exclusive((one, has_one): (&str, bool), (other, has_other): (&str, bool)) -> Result<()> {
    if has_one && has_other {
        return Err(Error::config(format!("both `{one}` and `{other}` are set"))
            .hint(format!("keep one of them: `{one}` or `{other}`")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Own {
        variant: Option<String>,
    }

    fn parse(config: Value) -> Result<(ModelOptions, Own)> {
        ModelOptions::parse("encoder-x", &config)
    }

    #[test]
    fn shared_and_own_options_are_told_apart() {
        let (shared, own) = parse(json!({"path": "m", "dim": 8, "variant": "fp16"})).expect("options");
        assert_eq!((shared.dim, own.variant.as_deref()), (Some(8), Some("fp16")));
        assert!(parse(json!({"variant": "fp32"})).is_err(), "path is required");
        assert!(parse(json!("m")).is_err(), "options are an object");
    }

    #[test]
    fn an_unknown_option_and_a_contradiction_are_config_errors() {
        let unknown = parse(json!({"path": "m", "poolin": "mean"})).expect_err("a misspelt option");
        assert_eq!(unknown.kind, "config");
        assert!(unknown.message.contains("poolin"), "{}", unknown.message);
        assert!(unknown.hint.contains("encoder-x"), "{}", unknown.hint);

        let both = parse(json!({"path": "m", "query_prompt": "Q ", "query_prompt_name": "query"}))
            .expect_err("a prompt and its name");
        assert!(both.message.contains("query_prompt_name"), "{}", both.message);
        assert!(parse(json!({"path": "m", "dim": 0})).is_err());
    }

    #[test]
    fn the_names_are_those_of_the_fields() {
        for name in ModelOptions::NAMES.iter().filter(|name| **name != "path") {
            assert!(parse(json!({"path": "m", *name: null})).is_ok(), "{name}");
        }
        let unknown = serde_json::from_value::<ModelOptions>(json!({"no-such": 1})).expect_err("unknown");
        assert_eq!(unknown.to_string().matches('`').count() / 2 - 1, ModelOptions::NAMES.len());
    }
}
