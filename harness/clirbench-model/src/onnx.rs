//! The ONNX files of a model directory, and the names that exporters give them.

use std::fs;

use crate::files::{ModelFiles, join};

/// File stems by variant, in order of preference: the names of Optimum, Transformers.js and
/// sentence-transformers' exporters.
pub const ONNX_VARIANTS: [(&str, &[&str]); 3] = [
    ("fp32", &["model"]),
    ("fp16", &["model_fp16", "model_float16", "model_O4"]),
    (
        "int8",
        &[
            "model_int8",
            "model_quantized",
            "model_qint8_avx512_vnni",
            "model_qint8_avx512",
            "model_quint8_avx2",
            "model_qint8_arm64",
        ],
    ),
];

/// The ONNX files in `onnx/` and then beside the configs, each folder in order of name. `transformer` is
/// the folder of the transformer module.
pub fn onnx_files(files: &ModelFiles, transformer: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![join(transformer, "onnx"), transformer.to_owned()];
    if !transformer.is_empty() {
        folders.push("onnx".to_owned());
    }
    for folder in folders {
        let entries = fs::read_dir(files.path(&folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter(|entry| entry.path().is_file())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.ends_with(".onnx"))
            .collect();
        names.sort();
        found.extend(names.iter().map(|name| join(&folder, name)));
    }
    found
}

/// The stem of an ONNX file's name (`model_fp16` of `onnx/model_fp16.onnx`).
pub fn onnx_stem(path: &str) -> Option<&str> {
    path.rsplit('/').next()?.strip_suffix(".onnx")
}

/// The variant that a file of this name is, where the name says so.
pub fn onnx_variant(path: &str) -> Option<&'static str> {
    let stem = onnx_stem(path)?;
    ONNX_VARIANTS.iter().find(|(_, stems)| stems.contains(&stem)).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_by_name() {
        assert_eq!(onnx_variant("onnx/model.onnx"), Some("fp32"));
        assert_eq!(onnx_variant("model_quantized.onnx"), Some("int8"));
        assert_eq!(onnx_variant("onnx/graph.onnx"), None);
        assert_eq!(onnx_variant("onnx/model.onnx_data"), None);
    }
}
