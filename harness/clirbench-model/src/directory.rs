//! A model directory: its modules, prompts and limits, in both layouts of sentence-transformers, or a
//! plain Hugging Face directory.

use std::collections::BTreeMap;
use std::path::Path;

use clirbench_plugin::{Error, Result};
use serde::Deserialize;

use crate::dense::Dense;
use crate::files::{ModelFiles, join};
use crate::head::Step;
use crate::limits::{HfConfig, TokenizerConfig};
use crate::options::OneOrMany;
use crate::pooling::{Pooling, PoolingMode};

/// Folder of the transformer module; empty for the directory itself.
///
/// # Errors
/// Kind `model` when modules.json is damaged.
pub fn transformer_folder(files: &mut ModelFiles) -> Result<String> {
    let transformer = modules(files)?.into_iter().find(Module::is_encoder);
    Ok(transformer.map(|module| module.path).unwrap_or_default())
}

/// Everything that a directory says about its model, except the graph and its weights.
#[derive(Clone, Debug)]
pub struct ModelDirectory {
    /// The files, and which were read.
    pub files: ModelFiles,
    /// modules.json; empty in a plain directory.
    pub modules: Vec<Module>,
    /// Folder of the transformer module, relative to the directory; empty for the directory itself.
    pub transformer: String,
    /// Whether that module is a table of token embeddings (`StaticEmbedding`), whose texts get no special
    /// tokens.
    pub is_static: bool,
    /// The Pooling module; `None` in a plain directory.
    pub pooling: Option<Pooling>,
    /// Length of a token vector as the Pooling module says.
    pub hidden: Option<usize>,
    /// The modules after pooling, in order.
    pub steps: Vec<Step>,
    /// Prompts by name.
    pub prompts: BTreeMap<String, String>,
    /// The prompt that is used where nothing else is said.
    pub default_prompt: Option<String>,
    /// `cosine` or `dot`.
    pub similarity: String,
    /// `max_seq_length`, where the directory gives one.
    pub max_seq_length: Option<usize>,
    /// Whether texts are lowercased before tokenization.
    pub lowercase: bool,
    /// The transformer's config.json.
    pub config: HfConfig,
    /// tokenizer_config.json.
    pub tokenizer: TokenizerConfig,
    /// What a reader of the results has to know.
    pub warnings: Vec<String>,
}

/// An entry of modules.json.
#[derive(Clone, Debug, Deserialize)]
pub struct Module {
    /// Its folder, relative to the directory; empty for the directory itself.
    #[serde(default)]
    pub path: String,
    /// The class path (`sentence_transformers.models.Pooling`).
    #[serde(rename = "type")]
    pub class: String,
}

impl Module {
    /// The class without the packages that it is in (`Pooling`).
    pub fn kind(&self) -> &str {
        self.class.rsplit('.').next().unwrap_or_default()
    }

    /// Whether it is what makes vectors of tokens.
    pub(crate) fn is_encoder(&self) -> bool {
        matches!(self.kind(), "Transformer" | "StaticEmbedding")
    }
}

/// The modules of a directory in order; none for a plain directory.
///
/// # Errors
/// Kind `model` when modules.json is damaged.
pub(crate) fn modules(files: &mut ModelFiles) -> Result<Vec<Module>> {
    Ok(files.json_if_present("modules.json")?.unwrap_or_default())
}

#[derive(Deserialize, Default)]
struct SentenceTransformersConfig {
    #[serde(default)]
    prompts: BTreeMap<String, String>,
    default_prompt_name: Option<String>,
    similarity_fn_name: Option<String>,
}

#[derive(Deserialize, Default)]
struct SentenceBertConfig {
    max_seq_length: Option<usize>,
    #[serde(default)]
    do_lower_case: bool,
}

/// Names of the transformer module's own config, newest first; older releases named it by model type.
const SENTENCE_BERT_CONFIGS: [&str; 7] = [
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
];

/// `1_Pooling/config.json` of both layouts.
#[derive(Deserialize)]
struct PoolingConfig {
    #[serde(alias = "word_embedding_dimension")]
    embedding_dimension: Option<usize>,
    pooling_mode: Option<OneOrMany>,
    #[serde(default)]
    pooling_mode_cls_token: bool,
    #[serde(default)]
    pooling_mode_max_tokens: bool,
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
    #[serde(default)]
    pooling_mode_mean_sqrt_len_tokens: bool,
    #[serde(default)]
    pooling_mode_weightedmean_tokens: bool,
    #[serde(default)]
    pooling_mode_lasttoken: bool,
    #[serde(default = "default_include_prompt")]
    include_prompt: bool,
}

fn default_include_prompt() -> bool {
    true
}

impl PoolingConfig {
    fn pooling(&self) -> Result<Pooling> {
        let modes = match &self.pooling_mode {
            Some(names) => {
                names.names().iter().map(|name| PoolingMode::parse(name)).collect::<Result<_>>()?
            }
            // The older layout concatenates in this order, whatever the order in the file.
            None => [
                (self.pooling_mode_cls_token, PoolingMode::Cls),
                (self.pooling_mode_max_tokens, PoolingMode::Max),
                (self.pooling_mode_mean_tokens, PoolingMode::Mean),
                (self.pooling_mode_mean_sqrt_len_tokens, PoolingMode::MeanSqrtLen),
                (self.pooling_mode_weightedmean_tokens, PoolingMode::WeightedMean),
                (self.pooling_mode_lasttoken, PoolingMode::LastToken),
            ]
            .into_iter()
            .filter_map(|(on, mode)| on.then_some(mode))
            .collect::<Vec<_>>(),
        };
        // A config that names no mode means the mean, as in sentence-transformers.
        let modes = if modes.is_empty() { vec![PoolingMode::Mean] } else { modes };
        Ok(Pooling { modes, include_prompt: self.include_prompt })
    }
}

impl ModelDirectory {
    /// Reads the directory's configs and the weights of its Dense modules.
    ///
    /// # Errors
    /// Kind `model`: a missing or damaged file, or a module that is not supported.
    pub fn read(root: &Path) -> Result<Self> {
        let mut files = ModelFiles::open(root)?;
        let modules = modules(&mut files)?;
        let sentence: SentenceTransformersConfig =
            files.json_if_present("config_sentence_transformers.json")?.unwrap_or_default();

        let mut directory = ModelDirectory {
            modules: Vec::new(),
            transformer: String::new(),
            is_static: false,
            pooling: None,
            hidden: None,
            steps: Vec::new(),
            prompts: sentence.prompts,
            default_prompt: sentence.default_prompt_name,
            similarity: "cosine".into(),
            max_seq_length: None,
            lowercase: false,
            config: HfConfig::default(),
            tokenizer: TokenizerConfig::default(),
            warnings: Vec::new(),
            files: files.clone(),
        };
        match sentence.similarity_fn_name.as_deref() {
            None | Some("cosine" | "cos_sim") => {}
            Some("dot" | "dot_product" | "dot_score") => directory.similarity = "dot".into(),
            Some(other) => {
                directory.warnings.push(format!("the model asks for similarity `{other}`; cosine is used"))
            }
        }
        for module in &modules {
            directory.module(&mut files, module)?;
        }
        directory.modules = modules;
        let sentence_bert = sentence_bert_config(&mut files, &directory.transformer)?;
        directory.max_seq_length = sentence_bert.max_seq_length;
        directory.lowercase = sentence_bert.do_lower_case;
        if !directory.is_static {
            directory.config = files.json(&join(&directory.transformer, "config.json"))?;
        }
        directory.tokenizer = files
            .json_if_present(&join(&directory.transformer, "tokenizer_config.json"))?
            .unwrap_or_default();
        directory.files = files;
        Ok(directory)
    }

    fn module(&mut self, files: &mut ModelFiles, module: &Module) -> Result<()> {
        match module.kind() {
            "Transformer" => self.transformer = module.path.clone(),
            "StaticEmbedding" => {
                self.transformer = module.path.clone();
                self.is_static = true;
                self.pooling = Some(Pooling { modes: vec![PoolingMode::Mean], include_prompt: true });
            }
            "Pooling" => {
                let config: PoolingConfig = files.json(&join(&module.path, "config.json"))?;
                self.pooling = Some(config.pooling()?);
                self.hidden = config.embedding_dimension;
            }
            "Dense" => self.steps.push(Step::Dense(Dense::read(files, &module.path)?)),
            "Normalize" => self.steps.push(Step::Normalize),
            // Does nothing at inference.
            "Dropout" => {}
            _ => {
                return Err(Error::model(format!(
                    "modules.json of {}: module `{}` is not supported",
                    files.root().display(),
                    module.class
                ))
                .hint("Transformer, StaticEmbedding, Pooling, Dense, Normalize and Dropout are"));
            }
        }
        Ok(())
    }
}

fn sentence_bert_config(files: &mut ModelFiles, transformer: &str) -> Result<SentenceBertConfig> {
    for name in SENTENCE_BERT_CONFIGS {
        if let Some(config) = files.json_if_present(&join(transformer, name))? {
            return Ok(config);
        }
    }
    Ok(SentenceBertConfig::default())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pooling(config: Value) -> Pooling {
        serde_json::from_value::<PoolingConfig>(config).expect("a config").pooling().expect("known modes")
    }

    #[test]
    fn a_static_model_has_no_config_and_pools_the_mean() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let modules = r#"[{"path": "0_Static", "type": "sentence_transformers.models.StaticEmbedding"},
            {"path": "1_Normalize", "type": "sentence_transformers.models.Normalize"}]"#;
        std::fs::write(dir.path().join("modules.json"), modules).expect("written");
        let directory = ModelDirectory::read(dir.path()).expect("a static model");
        assert_eq!((&directory.transformer[..], directory.is_static), ("0_Static", true));
        assert_eq!(directory.pooling.expect("the mean").modes, [PoolingMode::Mean]);
        assert_eq!(directory.steps.len(), 1);
    }

    #[test]
    fn pooling_of_the_older_layout() {
        let mean = pooling(json!({"word_embedding_dimension": 4, "pooling_mode_mean_tokens": true}));
        assert_eq!(mean, Pooling { modes: vec![PoolingMode::Mean], include_prompt: true });
        let several = pooling(json!({
            "pooling_mode_lasttoken": true, "pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true,
            "include_prompt": false
        }));
        assert_eq!(several.modes, [PoolingMode::Cls, PoolingMode::Mean, PoolingMode::LastToken]);
        assert!(!several.include_prompt);
        assert_eq!(pooling(json!({"pooling_mode_mean_tokens": false})).modes, [PoolingMode::Mean]);
    }

    #[test]
    fn pooling_of_the_newer_layout() {
        assert_eq!(
            pooling(json!({"embedding_dimension": 4, "pooling_mode": "cls"})).modes,
            [PoolingMode::Cls]
        );
        assert_eq!(
            pooling(json!({"pooling_mode": ["weightedmean", "max"]})).modes,
            [PoolingMode::WeightedMean, PoolingMode::Max]
        );
    }
}
