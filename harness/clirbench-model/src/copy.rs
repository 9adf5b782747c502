//! Copies a model directory except its transformer's weights: for what trains or merges models.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clirbench_plugin::{Error, Result};
use serde_json::{Map, Value};

use crate::directory::modules;
use crate::files::{ModelFiles, join};
use crate::partial::write_error;
use crate::writer::is_weights;

/// What belongs to a model besides weights: configs, vocabularies, sentencepiece models, chat templates
/// and the model card. Anything else (graphs that would be stale, pickles, checkpoints) stays behind.
const EXTENSIONS: [&str; 5] = ["json", "txt", "model", "jinja", "md"];
/// Formats of other exporters that end in one of [`EXTENSIONS`].
const WEIGHT_INDICES: [&str; 3] =
    ["pytorch_model.bin.index.json", "tf_model.h5.index.json", "flax_model.msgpack.index.json"];

/// Copies tokenizer, configs, module folders with the weights of Dense modules, prompts, licence and model
/// card from `base` to the existing folder `out`, so that the transformer's weights are all that is
/// missing. Hidden entries are left out.
///
/// `dtype` (`F32`, `F16`, `BF16`) is what the new weights are stored in: config.json, where it names a
/// type, is made to name this one, since transformers loads in the type that it finds there.
///
/// # Errors
/// Kind `model` when `base` is no model directory, `runtime` when a file cannot be copied.
pub fn copy_directory(base: &Path, out: &Path, dtype: Option<&str>) -> Result<()> {
    let mut files = ModelFiles::open(base)?;
    let modules = modules(&mut files)?;
    let transformer = modules.iter().find(|m| m.is_encoder()).map_or("", |m| m.path.as_str());
    let mut folders: BTreeSet<&str> = modules.iter().map(|m| m.path.as_str()).collect();
    folders.insert("");
    for folder in folders {
        let is_dense = modules.iter().any(|m| m.path == folder && m.kind() == "Dense");
        if !files.path(folder).is_dir() {
            // Normalize has nothing to say, so git and the hub lose its empty folder.
            continue;
        }
        for name in names(&files.path(folder))? {
            let known = Path::new(&name).extension().is_some_and(|e| EXTENSIONS.iter().any(|k| e == *k));
            let licence = ["LICENSE", "NOTICE"].iter().any(|start| name.starts_with(start));
            let weights = is_weights(&name) || WEIGHT_INDICES.contains(&name.as_str());
            if (weights && is_dense) || (!weights && (known || licence)) {
                copy(&files.path(folder), out, folder, &name)?;
            }
        }
    }
    if let Some(dtype) = dtype {
        set_dtype(&mut files, out, transformer, dtype)?;
    }
    Ok(())
}

/// Names of the files of a folder, sorted, hidden ones left out.
fn names(folder: &Path) -> Result<Vec<String>> {
    let failed = |e| Error::model(format!("cannot read {}: {e}", folder.display()));
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Files of a downloaded snapshot are links.
        if !name.starts_with('.') && entry.path().is_file() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn copy(from: &Path, out: &Path, folder: &str, name: &str) -> Result<()> {
    let to = out.join(folder);
    let target = to.join(name);
    fs::create_dir_all(&to).map_err(|e| write_error(&to, &e))?;
    // The content alone: a read-only original must not make a read-only copy.
    let mut source = fs::File::open(from.join(name))
        .map_err(|e| Error::model(format!("cannot read {}: {e}", from.join(name).display())))?;
    let written = fs::File::create(&target).and_then(|mut file| std::io::copy(&mut source, &mut file));
    written.map(drop).map_err(|e| write_error(&target, &e))
}

fn set_dtype(files: &mut ModelFiles, out: &Path, transformer: &str, dtype: &str) -> Result<()> {
    let torch = match dtype {
        "F32" => "float32",
        "F16" => "float16",
        "BF16" => "bfloat16",
        _ => return Err(Error::internal(format!("weights of a trained model in {dtype}"))),
    };
    let relative = join(transformer, "config.json");
    // A static model has none.
    let Some(mut config) = files.json_if_present::<Map<String, Value>>(&relative)? else { return Ok(()) };
    for key in ["dtype", "torch_dtype"] {
        if let Some(value) = config.get_mut(key) {
            *value = torch.into();
        }
    }
    let path = out.join(&relative);
    fs::write(&path, format!("{:#}\n", Value::Object(config))).map_err(|e| write_error(&path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(root: &Path) -> BTreeSet<String> {
        fn walk(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
            for entry in fs::read_dir(folder).expect("a folder").flatten() {
                let name = join(prefix, &entry.file_name().to_string_lossy());
                if entry.path().is_dir() {
                    walk(&entry.path(), &name, found);
                } else {
                    found.insert(name);
                }
            }
        }
        let mut found = BTreeSet::new();
        walk(root, "", &mut found);
        found
    }

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a temporary directory");
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            fs::write(path, text).expect("written");
        }
        dir
    }

    const MODULES: &str = r#"[
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"},
        {"idx": 3, "name": "3", "path": "3_Normalize", "type": "sentence_transformers.models.Normalize"}]"#;

    #[test]
    fn everything_but_the_transformers_weights_and_other_formats() {
        let kept = [
            ("modules.json", MODULES),
            ("config.json", r#"{"model_type": "bert", "torch_dtype": "float16", "hidden_size": 8}"#),
            ("tokenizer.json", "{}"),
            ("vocab.txt", "a"),
            ("sentencepiece.bpe.model", "b"),
            ("README.md", "card"),
            ("LICENSE", "text"),
            ("1_Pooling/config.json", "{}"),
            ("2_Dense/config.json", "{}"),
            ("2_Dense/model.safetensors", "weights of the module"),
        ];
        let left = [
            ("model.safetensors", "w"),
            ("model-00001-of-00002.safetensors", "w"),
            ("model.safetensors.index.json", "{}"),
            ("pytorch_model.bin", "w"),
            ("2_Dense/pytorch_model.bin", "w"),
            ("onnx/model.onnx", "graph"),
            ("onnx/config.json", "{}"),
            (".gitattributes", ""),
            (".cache/a.json", "{}"),
            ("checkpoint-10/config.json", "{}"),
        ];
        let base = directory(&[&kept[..], &left[..]].concat());
        let out = tempfile::tempdir().expect("a temporary directory");
        copy_directory(base.path(), out.path(), None).expect("copied");
        let expected: BTreeSet<String> = kept.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(tree(out.path()), expected);
        for (name, text) in kept {
            assert_eq!(fs::read_to_string(out.path().join(name)).expect("copied"), text, "{name}");
        }

        copy_directory(base.path(), out.path(), Some("F32")).expect("copied");
        let config = fs::read_to_string(out.path().join("config.json")).expect("config");
        let config: Value = serde_json::from_str(&config).expect("JSON");
        assert_eq!((&config["torch_dtype"], &config["hidden_size"]), (&"float32".into(), &8.into()));
        assert_eq!(config.get("dtype"), None, "a key that was not there is not added");
    }

    #[test]
    fn a_transformer_in_a_folder_of_its_own() {
        let modules = r#"[{"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}]"#;
        let base = directory(&[
            ("modules.json", modules),
            ("0_Transformer/config.json", "{}"),
            ("0_Transformer/model.safetensors", "w"),
        ]);
        let out = tempfile::tempdir().expect("a temporary directory");
        copy_directory(base.path(), out.path(), None).expect("copied");
        let expected = ["0_Transformer/config.json", "modules.json"].map(str::to_owned);
        assert_eq!(tree(out.path()), expected.into());
        assert_eq!(
            copy_directory(&base.path().join("none"), out.path(), None).expect_err("absent").kind,
            "model"
        );
    }
}
