//! How many tokens a model takes.

use clirbench_plugin::{Error, Result};
use serde::Deserialize;
use serde_json::Value;

/// What the transformer's config.json says.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct HfConfig {
    /// Architecture (`bert`, `xlm-roberta`).
    #[serde(default)]
    pub model_type: String,
    /// Rows of the position table, or the length that the model was made for; -1 for no limit.
    pub max_position_embeddings: Option<i64>,
    /// Id of the padding token.
    pub pad_token_id: Option<i64>,
}

/// What tokenizer_config.json says.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct TokenizerConfig {
    /// An integer, or a float like 1e30 for "no limit".
    #[serde(default)]
    model_max_length: Value,
    /// A string or an object with `content`.
    #[serde(default)]
    unk_token: Value,
    /// The same.
    #[serde(default)]
    pad_token: Value,
    /// `right` where absent.
    pub truncation_side: Option<String>,
}

impl TokenizerConfig {
    /// `model_max_length`, unless it only stands for "no limit".
    pub fn max_length(&self) -> Option<usize> {
        let length = self.model_max_length.as_f64()?;
        (1.0..1e9).contains(&length).then_some(length as usize)
    }

    /// The unknown token.
    pub fn unk_token(&self) -> Option<&str> {
        token(&self.unk_token)
    }

    /// The padding token.
    pub fn pad_token(&self) -> Option<&str> {
        token(&self.pad_token)
    }
}

fn token(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("content")?.as_str())
}

/// Model types that look positions up in a table, which ends: a longer input fails in the graph.
const POSITION_TABLE: [&str; 5] = ["bert", "distilbert", "electra", "albert", "nezha"];
/// The same, and the table starts after the padding position: RoBERTa's descendants.
const OFFSET_POSITION_TABLE: [&str; 7] =
    ["roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "longformer", "data2vec-text"];

impl HfConfig {
    /// Position of the first token: 0, or the one after the padding position.
    pub fn first_position(&self) -> usize {
        if OFFSET_POSITION_TABLE.contains(&self.model_type.as_str()) {
            usize::try_from(self.pad_token_id.unwrap_or(1)).unwrap_or(1) + 1
        } else {
            0
        }
    }

    /// Usable positions: XLM-R has 514, of which 512.
    fn positions(&self) -> Option<usize> {
        let table = usize::try_from(self.max_position_embeddings?).ok()?;
        table.checked_sub(self.first_position()).filter(|n| *n > 0)
    }

    fn has_position_table(&self) -> bool {
        let model_type = self.model_type.as_str();
        POSITION_TABLE.contains(&model_type) || OFFSET_POSITION_TABLE.contains(&model_type)
    }
}

/// The longest input in tokens: `option`, else `max_seq_length`, else the smaller of what tokenizer
/// and positions allow; `None` for no limit. A `max_seq_length` past the model's position table is
/// cut to it, with a warning.
///
/// # Errors
/// Kind `config` when `option` is past the model's position table.
pub fn max_length(
    option: Option<usize>,
    max_seq_length: Option<usize>,
    tokenizer: &TokenizerConfig,
    config: &HfConfig,
    warnings: &mut Vec<String>,
) -> Result<Option<usize>> {
    let positions = config.positions();
    let table = positions.filter(|_| config.has_position_table());
    if let (Some(length), Some(table)) = (option, table)
        && length > table
    {
        return Err(Error::config(format!("`max_length` is {length}, the model has {table} positions"))
            .hint(format!("set `max_length` to at most {table}")));
    }
    if option.is_some() {
        return Ok(option);
    }
    if let (Some(length), Some(table)) = (max_seq_length, table)
        && length > table
    {
        warnings
            .push(format!("max_seq_length is {length}, the model has {table} positions: {table} is used"));
        return Ok(Some(table));
    }
    if max_seq_length.is_some() {
        return Ok(max_seq_length);
    }
    Ok([tokenizer.max_length(), positions].into_iter().flatten().min())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn limit(
        option: Option<usize>,
        declared: Option<usize>,
        tokenizer: Value,
        config: Value,
    ) -> Result<Option<usize>> {
        let tokenizer = serde_json::from_value(tokenizer).expect("tokenizer_config.json");
        let config = serde_json::from_value(config).expect("config.json");
        max_length(option, declared, &tokenizer, &config, &mut Vec::new())
    }

    #[test]
    fn xlm_r_has_514_positions_and_takes_512_tokens() {
        let config = json!({"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1});
        let no_limit = json!({"model_max_length": 1e30});
        assert_eq!(limit(None, None, no_limit.clone(), config.clone()).expect("a limit"), Some(512));
        assert_eq!(
            limit(None, None, json!({"model_max_length": 128}), config.clone()).expect("a limit"),
            Some(128)
        );
        assert_eq!(limit(None, Some(514), no_limit.clone(), config.clone()).expect("cut"), Some(512));
        assert_eq!(limit(Some(513), None, no_limit, config).expect_err("too long").kind, "config");
    }

    #[test]
    fn the_declared_length_wins_over_tokenizer_and_positions() {
        let config = json!({"model_type": "bert", "max_position_embeddings": 512});
        assert_eq!(
            limit(None, Some(256), json!({"model_max_length": 512}), config.clone()).expect("a limit"),
            Some(256)
        );
        assert_eq!(limit(Some(64), Some(256), json!({}), config.clone()).expect("a limit"), Some(64));
        assert_eq!(limit(None, None, json!({}), config).expect("a limit"), Some(512));
        // Rotary positions go on: a longer length is the user's choice.
        let rotary = json!({"model_type": "modernbert", "max_position_embeddings": 8192});
        assert_eq!(limit(Some(9000), None, json!({}), rotary).expect("a limit"), Some(9000));
        assert_eq!(limit(None, None, json!({}), json!({"max_position_embeddings": -1})).expect("none"), None);
    }

    #[test]
    fn special_tokens_are_strings_or_objects() {
        let config: TokenizerConfig =
            serde_json::from_value(json!({"unk_token": {"content": "<unk>"}, "pad_token": "[PAD]"}))
                .expect("config");
        assert_eq!((config.unk_token(), config.pad_token()), (Some("<unk>"), Some("[PAD]")));
    }
}
