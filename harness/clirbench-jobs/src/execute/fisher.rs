//! Estimating Fisher information: the estimator's plugin gets its job, its file is checked, and goes to
//! the store.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use clirbench_host::{EstimateData, EstimateJob};
use clirbench_model::{ModelDirectory, Step, Tensors, join};
use serde_json::json;

use super::{
    Hands,
    session::{Session, columns, path_text},
};
use crate::{
    arranged::stored,
    fisher::{FILE, FOLDER},
    job::{FISHER, Failure, FisherJob},
};

impl Hands {
    pub(super) fn fisher(&mut self, job: &FisherJob) -> Result<(), Failure> {
        let set = self.training_set(&job.data)?;
        let guide = job.guide.as_ref().map(|guide| self.guide(guide, &set)).transpose()?;
        let loss = self.plugin(&job.loss)?.loss(&job.loss_config)?;
        let info = loss.info().clone();
        let mut estimator = self.plugin(&job.trainer)?.fisher(&job.trainer_config)?;

        let mut draft = self.store.begin(FISHER, &job.key).map_err(stored)?;
        let folder = draft.folder().join(FOLDER);
        fs::create_dir(&folder).map_err(|e| {
            Failure::new(format!("cannot write to {}: {e}", folder.display()), "check the store's folder")
        })?;
        let file = std::path::absolute(folder.join(FILE)).unwrap_or_else(|_| folder.join(FILE));
        let estimate = EstimateJob {
            base: path_text(&job.base)?,
            out: path_text(&file)?,
            origin: job.origin.to_string(),
            columns: columns(&set),
            input: info.input,
            parts: info.parts,
            seed: job.seed,
            batch_size: job.batch_size,
            rows: job.rows.unwrap_or_default(),
        };
        let data = EstimateData { texts: &set.texts, rows: &set.rows };
        let mut session = Session::new(&set, loss, guide, None, Arc::clone(&self.on_step));
        let report = estimator.estimate(&estimate, data, &mut session)?;
        check(&file, &job.base).map_err(|message| {
            let message = format!("plugin `{}`: {message}", job.trainer.id);
            Failure::new(message, "this is a fault of the plugin: report it to its author")
        })?;

        let bytes = serde_json::to_vec_pretty(&report).expect("a report has a JSON form");
        draft.adopt(FOLDER).map_err(stored)?;
        draft.write("report.json", &bytes).map_err(stored)?;
        draft.commit(json!({"trainer": job.trainer.id, "loss": job.loss.id})).map_err(stored)?;
        Ok(())
    }
}

/// Holds an estimate to what `fisher/1` promises: a number of at least 0 for every weight of the model.
fn check(file: &Path, base: &Path) -> Result<(), String> {
    let said = |e: clirbench_model::Error| e.message;
    let estimate = Tensors::open(file).map_err(said)?;
    let weights = weights(base).map_err(said)?;
    if let Some(name) = estimate.names().find(|name| !weights.contains_key(*name)) {
        return Err(format!("its estimate has a tensor `{name}`, the model has none"));
    }
    for (name, shape) in &weights {
        match estimate.describe(name) {
            Some(("F32", of)) if of == &shape[..] => {}
            Some((dtype, of)) => {
                return Err(format!("its estimate of `{name}` is {dtype} {of:?}, not F32 {shape:?}"));
            }
            None => return Err(format!("its estimate lacks `{name}`")),
        }
        check_values(&estimate, name)?;
    }
    Ok(())
}

/// Bytes that are read at once.
const PIECE: usize = 1 << 22;

fn check_values(estimate: &Tensors, name: &str) -> Result<(), String> {
    let bytes = estimate.bytes(name).unwrap_or_default() as usize;
    for start in (0..bytes).step_by(PIECE) {
        let piece = estimate.read_range(name, start..bytes.min(start + PIECE)).map_err(|e| e.message)?;
        let values = piece.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        if let Some(value) = values.into_iter().find(|value| !value.is_finite() || *value < 0.0) {
            return Err(format!("its estimate of `{name}` holds {value}"));
        }
    }
    Ok(())
}

/// Names and shapes of a model's floating-point weights, those of Dense modules with their folder.
fn weights(base: &Path) -> clirbench_model::Result<BTreeMap<String, Vec<usize>>> {
    let directory = ModelDirectory::read(base)?;
    let mut folders: Vec<(String, PathBuf)> =
        vec![(String::new(), directory.files.path(&directory.transformer))];
    for step in &directory.steps {
        if let Step::Dense(dense) = step {
            let file = directory.files.path(&join(dense.folder(), "model.safetensors"));
            folders.push((format!("{}/", dense.folder()), file));
        }
    }
    let mut weights = BTreeMap::new();
    for (prefix, folder) in folders {
        let tensors = Tensors::open(&folder)?;
        for name in tensors.names() {
            let described = tensors.describe(name);
            if let Some(("F64" | "F32" | "F16" | "BF16", shape)) = described {
                weights.insert(format!("{prefix}{name}"), shape.to_vec());
            }
        }
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use clirbench_model::{TensorSpec, TensorWriter};

    use super::*;

    type Named<'a> = (&'a str, &'a [f32]);

    /// Writes tensors of one type to `folder`, which is made.
    fn write(folder: &Path, dtype: &str, tensors: &[Named<'_>]) {
        fs::create_dir_all(folder).expect("a folder");
        let half = |value: &f32| value.to_le_bytes()[2..].to_vec();
        let spec = |(name, values): &Named<'_>| TensorSpec {
            name: (*name).to_owned(),
            dtype: dtype.to_owned(),
            // A matrix, as a Dense module wants it, or a vector.
            shape: if name.ends_with("linear.weight") { vec![1, values.len()] } else { vec![values.len()] },
        };
        let specs = tensors.iter().map(spec).collect();
        let mut writer = TensorWriter::create(folder, specs, u64::MAX).expect("created");
        for (name, values) in tensors {
            let bytes: Vec<u8> = match dtype {
                // The upper half of an f32 is a bf16.
                "BF16" => values.iter().flat_map(half).collect(),
                _ => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            };
            writer.write(name, &bytes).expect("written");
        }
        writer.finish().expect("written");
    }

    #[test]
    fn an_estimate_that_breaks_its_promise_is_refused_by_name() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let base = dir.path().join("base");
        write(&base, "BF16", &[("a", &[1.0, 2.0]), ("b", &[3.0])]);
        write(&base.join("1_Dense"), "F32", &[("linear.weight", &[1.0])]);
        let modules = r#"[
            {"path": "", "type": "sentence_transformers.models.Transformer"},
            {"path": "1_Dense", "type": "sentence_transformers.models.Dense"}]"#;
        let dense = r#"{"in_features": 1, "out_features": 1, "bias": false,
            "activation_function": "torch.nn.modules.linear.Identity"}"#;
        for (name, text) in [("config.json", "{}"), ("modules.json", modules), ("1_Dense/config.json", dense)]
        {
            fs::write(base.join(name), text).expect("written");
        }
        let whole: [Named<'_>; 3] = [("a", &[0.0, 1.0]), ("b", &[2.0]), ("1_Dense/linear.weight", &[3.0])];
        let with = |index: usize, tensor| {
            let mut tensors = whole;
            tensors[index] = tensor;
            tensors.to_vec()
        };
        let cases: [(&str, Vec<Named<'_>>, &str); 7] = [
            ("F32", whole.to_vec(), ""),
            ("F32", whole[..2].to_vec(), "lacks `1_Dense/linear.weight`"),
            ("F32", [&whole[..], &[("c", &[1.0])]].concat(), "a tensor `c`, the model has none"),
            ("F32", with(0, ("a", &[1.0])), "`a` is F32 [1], not F32 [2]"),
            ("F32", with(0, ("a", &[0.0, -1.0])), "`a` holds -1"),
            ("F32", with(1, ("b", &[f32::NAN])), "`b` holds NaN"),
            ("BF16", whole.to_vec(), "is BF16"),
        ];
        for (dtype, tensors, expected) in cases {
            let folder = dir.path().join("estimate");
            write(&folder, dtype, &tensors);
            match check(&folder.join("model.safetensors"), &base) {
                Ok(()) => assert_eq!(expected, ""),
                Err(breach) => assert!(breach.contains(expected) && !expected.is_empty(), "{breach}"),
            }
        }
    }
}
