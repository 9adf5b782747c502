//! What a model directory holds and what it lacks, for people.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clirbench_plugin::{Error, Result};
use serde::Serialize;
use serde_json::Value;

use crate::directory::{ModelDirectory, Module, modules, transformer_folder};
use crate::files::{ModelFiles, join};
use crate::head::Step;
use crate::limits::max_length;
use crate::onnx::{onnx_files, onnx_variant};
use crate::readme;
use crate::safetensors::Tensors;

/// What a model directory holds. What could not be found out is `None` or empty, and
/// [`Summary::missing`] says why.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// `model_type` of config.json.
    pub architecture: Option<String>,
    /// Transformer layers.
    pub layers: Option<u64>,
    /// Length of a token's vector.
    pub hidden: Option<u64>,
    /// Attention heads.
    pub heads: Option<u64>,
    /// Rows of the word embeddings.
    pub vocabulary: Option<u64>,
    /// Longest input in tokens.
    pub max_length: Option<usize>,
    /// Elements of all tensors, those of Dense modules included.
    pub parameters: u64,
    /// The same by type of element (`F32`).
    pub types: BTreeMap<String, u64>,
    /// The modules in order.
    pub modules: Vec<ModuleSummary>,
    /// How tokens are pooled; several are concatenated.
    pub pooling: Vec<&'static str>,
    /// `cosine` or `dot`.
    pub similarity: Option<String>,
    /// Prompts by name.
    pub prompts: BTreeMap<String, String>,
    /// The prompt that is used where nothing else is said.
    pub default_prompt: Option<String>,
    /// Languages that the model card names.
    pub languages: Vec<String>,
    /// The files of the weights.
    pub weights: Vec<FileSummary>,
    /// The ONNX graphs.
    pub onnx: Vec<FileSummary>,
    /// What is wrong or not there, and what that means.
    pub missing: Vec<String>,
}

/// A module of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModuleSummary {
    /// `Transformer`, `Pooling`, `Dense`, ...
    pub kind: String,
    /// Its folder; empty for the directory itself.
    pub folder: String,
    /// Its dimensions and the like; empty where there is nothing to say.
    pub detail: String,
}

/// A file of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileSummary {
    /// Relative to the directory.
    pub file: String,
    /// Its size, that of its external data included.
    pub bytes: u64,
    /// For a graph, what it is a variant of (`fp32`), where its name says so.
    pub variant: Option<&'static str>,
}

impl Summary {
    /// Looks into a directory; reads no weights but those of Dense modules.
    ///
    /// # Errors
    /// Kind `model` when there is no such directory. Anything else that is wrong is part of the summary.
    pub fn of(root: &Path) -> Result<Self> {
        let mut files = ModelFiles::open(root)?;
        let mut summary = Summary::default();
        let transformer = summary.tried(transformer_folder(&mut files)).unwrap_or_default();
        let all = modules(&mut files).unwrap_or_default();
        if all.iter().any(|module| module.kind() == "StaticEmbedding") {
            summary.architecture = Some("static".to_owned());
        } else {
            let config: Option<Value> = summary.tried(files.json(&join(&transformer, "config.json")));
            summary.config(&config.unwrap_or_default());
        }
        let directory = match ModelDirectory::read(root) {
            Ok(directory) => Some(directory),
            Err(e) if summary.missing.contains(&e.message) => None,
            Err(e) => summary.tried(Err(e)),
        };
        summary.modules = all.iter().map(|m| module(m, directory.as_ref())).collect();
        if let Some(directory) = &directory {
            summary.directory(directory);
        }
        summary.weights(&files, &transformer, directory.as_ref());
        summary.onnx = onnx_files(&files, &transformer)
            .into_iter()
            .map(|file| {
                let bytes = size(&files, &file) + size(&files, &format!("{file}_data"));
                FileSummary { variant: onnx_variant(&file), bytes, file }
            })
            .collect();
        if !files.path(&join(&transformer, "tokenizer.json")).is_file() {
            summary.missing.push("tokenizer.json: texts cannot be tokenized".into());
        }
        if all.is_empty() && !files.path("modules.json").exists() {
            summary.missing.push("modules.json: nothing says how tokens are pooled, so mean is used".into());
        }
        let readme = fs::read_to_string(files.path("README.md")).unwrap_or_default();
        summary.languages = readme::languages(&readme);
        Ok(summary)
    }

    /// The value, or a note why there is none.
    fn tried<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|Error { message, .. }| self.missing.push(message)).ok()
    }

    fn config(&mut self, config: &Value) {
        // DistilBERT and older architectures have names of their own.
        let number = |names: &[&str]| names.iter().find_map(|name| config.get(name)?.as_u64());
        self.architecture = config.get("model_type").and_then(Value::as_str).map(str::to_owned);
        self.layers = number(&["num_hidden_layers", "n_layers", "num_layers"]);
        self.hidden = number(&["hidden_size", "dim", "d_model"]);
        self.heads = number(&["num_attention_heads", "n_heads", "num_heads"]);
        self.vocabulary = number(&["vocab_size"]);
    }

    fn directory(&mut self, directory: &ModelDirectory) {
        let mut notes = directory.warnings.clone();
        let length =
            max_length(None, directory.max_seq_length, &directory.tokenizer, &directory.config, &mut notes);
        self.max_length = self.tried(length).flatten();
        self.missing.extend(notes);
        self.pooling =
            directory.pooling.iter().flat_map(|pooling| &pooling.modes).map(|mode| mode.name()).collect();
        self.similarity = Some(directory.similarity.clone());
        self.prompts.clone_from(&directory.prompts);
        self.default_prompt.clone_from(&directory.default_prompt);
    }

    fn weights(&mut self, files: &ModelFiles, transformer: &str, directory: Option<&ModelDirectory>) {
        let dense = directory.iter().flat_map(|d| &d.steps).filter_map(|step| match step {
            Step::Dense(dense) => Some(dense.folder()),
            Step::Normalize => None,
        });
        let folders: Vec<&str> = std::iter::once(transformer).chain(dense).collect();
        for folder in folders {
            match Tensors::open(&files.path(folder)) {
                Ok(tensors) => self.tensors(files, &tensors),
                Err(_) if files.path(&join(folder, "pytorch_model.bin")).is_file() => self.missing.push(
                    "model.safetensors: the weights are a pickle (pytorch_model.bin); save the model again \
                     with a newer sentence-transformers"
                        .into(),
                ),
                Err(e) => self.missing.push(e.message),
            }
        }
    }

    fn tensors(&mut self, files: &ModelFiles, tensors: &Tensors) {
        if let Some(&[rows, width]) = tensors.describe("embedding.weight").map(|(_, shape)| shape) {
            (self.vocabulary, self.hidden) = (Some(rows as u64), Some(width as u64));
        }
        for (dtype, shape) in tensors.names().filter_map(|name| tensors.describe(name)) {
            // Position ids and the like are no parameters.
            if dtype.starts_with('F') || dtype.starts_with("BF") {
                let elements: u64 = shape.iter().map(|d| *d as u64).product();
                self.parameters += elements;
                *self.types.entry(dtype.to_owned()).or_default() += elements;
            }
        }
        let weights = tensors.files().iter().filter(|f| f.extension().is_some_and(|e| e == "safetensors"));
        self.weights.extend(weights.map(|path| {
            let relative = path.strip_prefix(files.root()).unwrap_or(path);
            let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
            let file = parts.join("/");
            FileSummary { bytes: size(files, &file), file, variant: None }
        }));
    }
}

fn module(module: &Module, directory: Option<&ModelDirectory>) -> ModuleSummary {
    let detail = match module.kind() {
        "Pooling" => directory.and_then(|d| d.pooling.as_ref()).map(|pooling| {
            let names: Vec<&str> = pooling.modes.iter().map(|mode| mode.name()).collect();
            let prompt = if pooling.include_prompt { "" } else { ", without the prompt" };
            format!("{}{prompt}", names.join(" + "))
        }),
        "Dense" => directory.iter().flat_map(|d| &d.steps).find_map(|step| match step {
            Step::Dense(dense) if dense.folder() == module.path => {
                let activation = format!("{:?}", dense.activation()).to_lowercase();
                Some(format!("{} -> {}, {activation}", dense.inputs(), dense.outputs()))
            }
            _ => None,
        }),
        _ => None,
    };
    ModuleSummary {
        kind: module.kind().to_owned(),
        folder: module.path.clone(),
        detail: detail.unwrap_or_default(),
    }
}

fn size(files: &ModelFiles, relative: &str) -> u64 {
    files.path(relative).metadata().map_or(0, |m| m.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::writer::{SHARD_BYTES, TensorSpec, TensorWriter};

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        fs::write(path, text).expect("written");
    }

    fn weights(folder: &Path, tensors: &[(&str, &str, &[usize])]) {
        let spec = |(name, dtype, shape): &(&str, &str, &[usize])| TensorSpec {
            name: (*name).into(),
            dtype: (*dtype).into(),
            shape: shape.to_vec(),
        };
        let specs: Vec<TensorSpec> = tensors.iter().map(spec).collect();
        let mut writer = TensorWriter::create(folder, specs.clone(), SHARD_BYTES).expect("created");
        for spec in specs {
            let bytes = spec.shape.iter().product::<usize>() * if spec.dtype == "F32" { 4 } else { 2 };
            writer.write(&spec.name, &vec![0; bytes]).expect("written");
        }
        writer.finish().expect("finished");
    }

    #[test]
    fn a_whole_directory() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = dir.path();
        write(
            root,
            "modules.json",
            r#"[{"path": "", "type": "sentence_transformers.models.Transformer"},
                {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
                {"path": "2_Dense", "type": "sentence_transformers.models.Dense"},
                {"path": "3_Normalize", "type": "sentence_transformers.models.Normalize"}]"#,
        );
        let config = json!({"model_type": "bert", "num_hidden_layers": 2, "hidden_size": 4,
            "num_attention_heads": 1, "vocab_size": 5, "max_position_embeddings": 16});
        write(root, "config.json", &config.to_string());
        write(root, "tokenizer.json", "{}");
        write(root, "sentence_bert_config.json", r#"{"max_seq_length": 12}"#);
        write(root, "1_Pooling/config.json", r#"{"pooling_mode_cls_token": true}"#);
        write(root, "2_Dense/config.json", r#"{"in_features": 4, "out_features": 2, "bias": false}"#);
        write(
            root,
            "config_sentence_transformers.json",
            r#"{"prompts": {"query": "q: "}, "similarity_fn_name": "dot"}"#,
        );
        write(root, "README.md", "---\nlanguage: [en, ko]\n---\n");
        write(root, "onnx/model.onnx", "graph");
        write(root, "onnx/model.onnx_data", "weights");
        weights(root, &[("a", "BF16", &[5, 4]), ("b", "F32", &[3])]);
        weights(&root.join("2_Dense"), &[("linear.weight", "F32", &[2, 4])]);

        let summary = Summary::of(root).expect("a directory");
        let module = |kind: &str, folder: &str, detail: &str| ModuleSummary {
            kind: kind.into(),
            folder: folder.into(),
            detail: detail.into(),
        };
        assert_eq!(
            summary.modules,
            [
                module("Transformer", "", ""),
                module("Pooling", "1_Pooling", "cls"),
                module("Dense", "2_Dense", "4 -> 2, tanh"),
                module("Normalize", "3_Normalize", ""),
            ]
        );
        assert_eq!((summary.parameters, summary.types["BF16"], summary.types["F32"]), (31, 20, 11));
        assert_eq!((summary.max_length, summary.similarity.as_deref()), (Some(12), Some("dot")));
        assert_eq!((summary.layers, summary.hidden, summary.vocabulary), (Some(2), Some(4), Some(5)));
        assert_eq!(
            (&summary.prompts["query"][..], &summary.languages[..]),
            ("q: ", &["en".into(), "ko".into()][..])
        );
        let files: Vec<_> = summary.weights.iter().map(|w| w.file.as_str()).collect();
        assert_eq!(files, ["model.safetensors", "2_Dense/model.safetensors"]);
        let graph = FileSummary { file: "onnx/model.onnx".into(), bytes: 12, variant: Some("fp32") };
        assert_eq!((&summary.onnx[..], &summary.missing[..]), (&[graph][..], &[][..]));
    }

    #[test]
    fn what_is_missing_is_said_and_the_rest_is_told() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        write(dir.path(), "config.json", r#"{"model_type": "distilbert", "n_layers": 6, "dim": 768}"#);
        write(dir.path(), "pytorch_model.bin", "pickle");
        let summary = Summary::of(dir.path()).expect("a directory");
        assert_eq!((summary.layers, summary.hidden), (Some(6), Some(768)));
        let said: Vec<bool> = ["model.safetensors: ", "tokenizer.json", "modules.json"]
            .iter()
            .map(|what| summary.missing.iter().any(|line| line.starts_with(what)))
            .collect();
        assert_eq!((said, summary.missing.len()), (vec![true; 3], 3), "{:?}", summary.missing);

        let empty = tempfile::tempdir().expect("a temporary directory");
        let summary = Summary::of(empty.path()).expect("a directory");
        let config = summary.missing.iter().filter(|line| line.contains("config.json")).count();
        assert_eq!(config, 1, "{:?}", summary.missing);
        assert_eq!(Summary::of(&empty.path().join("none")).expect_err("absent").kind, "model");
    }
}
