//! Which ONNX file of a model directory to run.

use clirbench_model::{ModelFiles, ONNX_VARIANTS, onnx_files, onnx_stem};
use clirbench_plugin::{Error, Result};

use crate::options::Options;

/// Chooses the file: `options.file`, else `options.variant`, else fp16 where `prefer_fp16` and there
/// is one, else fp32, else a graph without weights, else the only file there is. Returns its path
/// relative to the directory.
///
/// # Errors
/// Kind `model` or `config` when there is none, with a list of those that are there.
pub(crate) fn choose(
    files: &ModelFiles,
    transformer: &str,
    options: &Options,
    prefer_fp16: bool,
) -> Result<String> {
    if let Some(file) = &options.file {
        let relative = file.to_string_lossy().into_owned();
        return if files.path(&relative).is_file() {
            Ok(relative)
        } else {
            Err(Error::config(format!("{} does not exist", files.path(&relative).display()))
                .hint(listing(&onnx_files(files, transformer))))
        };
    }
    let found = onnx_files(files, transformer);
    if found.is_empty() {
        return Err(Error::model(format!("{} holds no ONNX file", files.root().display())).hint(
            "export the model first with `clirbench model export-onnx DIR`, or with `optimum-cli export onnx`",
        ));
    }
    let of = |variant: &str| {
        let known = ONNX_VARIANTS.iter().find(|(name, _)| *name == variant).map(|(_, stems)| *stems);
        match known {
            Some(stems) => stems.iter().find_map(|stem| with_stem(&found, stem)),
            None => with_stem(&found, variant),
        }
    };
    if let Some(variant) = &options.variant {
        let chosen = of(variant).or_else(|| with_stem(&found, variant));
        return chosen.ok_or_else(|| {
            Error::config(format!("{} has no variant `{variant}`", files.root().display()))
                .hint(listing(&found))
        });
    }
    let preferred = if prefer_fp16 { of("fp16") } else { None };
    preferred
        .or_else(|| of("fp32"))
        .or_else(|| with_stem(&found, "graph"))
        .or_else(|| if found.len() == 1 { found.first().cloned() } else { None })
        .ok_or_else(|| {
            Error::config(format!("{} has no fp32 variant, and `variant` is not set", files.root().display()))
                .hint(listing(&found))
        })
}

fn with_stem(found: &[String], stem: &str) -> Option<String> {
    found.iter().find(|path| onnx_stem(path) == Some(stem)).cloned()
}

fn listing(found: &[String]) -> String {
    if found.is_empty() {
        return "the directory holds no ONNX file".into();
    }
    let mut names = Vec::new();
    for (variant, stems) in ONNX_VARIANTS {
        if stems.iter().any(|stem| with_stem(found, stem).is_some()) {
            names.push(variant.to_owned());
        }
    }
    names.extend(found.iter().cloned());
    format!("there are: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;

    fn directory(names: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a temporary directory");
        for name in names {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            fs::write(path, b"").expect("written");
        }
        dir
    }

    fn chosen(root: &Path, mut config: Value, prefer_fp16: bool) -> Result<String> {
        config["path"] = json!("m");
        choose(&ModelFiles::open(root)?, "", &Options::parse(&config)?.1, prefer_fp16)
    }

    #[test]
    fn variants_are_found_by_name_by_stem_and_by_path() {
        let dir = directory(&[
            "onnx/model.onnx",
            "onnx/model_fp16.onnx",
            "onnx/model_quantized.onnx",
            "onnx/model_q4.onnx",
        ]);
        let run = |config, fp16| chosen(dir.path(), config, fp16).expect("chosen");
        assert_eq!(run(json!({}), false), "onnx/model.onnx");
        assert_eq!(run(json!({}), true), "onnx/model_fp16.onnx");
        assert_eq!(run(json!({"variant": "fp32"}), true), "onnx/model.onnx");
        assert_eq!(run(json!({"variant": "int8"}), false), "onnx/model_quantized.onnx");
        assert_eq!(run(json!({"variant": "model_q4"}), false), "onnx/model_q4.onnx");
        assert_eq!(run(json!({"file": "onnx/model_q4.onnx"}), false), "onnx/model_q4.onnx");
    }

    #[test]
    fn a_missing_variant_is_an_error_that_lists_the_others() {
        let dir = directory(&["model.onnx"]);
        assert_eq!(chosen(dir.path(), json!({}), true).expect("the file in the root"), "model.onnx");
        let error = chosen(dir.path(), json!({"variant": "int8"}), false).expect_err("no int8");
        assert!(error.hint.contains("fp32") && error.hint.contains("model.onnx"), "{}", error.hint);
        assert_eq!(chosen(directory(&[]).path(), json!({}), false).expect_err("empty").kind, "model");
        assert!(chosen(dir.path(), json!({"file": "other.onnx"}), false).is_err());
    }

    #[test]
    fn without_fp32_a_weightless_graph_or_the_only_file_is_run() {
        let graph = directory(&["onnx/graph.onnx", "onnx/model_q4.onnx"]);
        assert_eq!(chosen(graph.path(), json!({}), false).expect("the graph"), "onnx/graph.onnx");
        let only = directory(&["onnx/encoder.onnx"]);
        assert_eq!(chosen(only.path(), json!({}), false).expect("the only one"), "onnx/encoder.onnx");
        let several = directory(&["onnx/a.onnx", "onnx/b.onnx"]);
        assert!(chosen(several.path(), json!({}), false).expect_err("which?").hint.contains("onnx/b.onnx"));
    }
}
