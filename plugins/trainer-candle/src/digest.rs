//! What identifies a fit: everything that its result depends on.

use std::fs::File;
use std::path::{Path, PathBuf};

use clirbench_plugin::{Device, Error, FitData, FitJob, Result};

use crate::options::Options;

/// BLAKE3, in hexadecimal, of options, job, data and the content of the base's `files`. Folders,
/// threads and the interval of checkpoints change no result and are left out.
///
/// # Errors
/// `model` when a file cannot be read.
pub(crate) fn digest(
    options: &Options,
    job: &FitJob,
    data: &FitData<'_>,
    device: Device,
    files: &[PathBuf],
) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let job = FitJob { base: String::new(), out: String::new(), checkpoints: String::new(), ..job.clone() };
    let options = Options { checkpoint_every: 0, ..options.clone() };
    let settings = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "options": options,
        "job": job,
        "device": device.to_string(),
    });
    strings(&mut hasher, &[&settings.to_string()]);
    strings(&mut hasher, &data.texts);
    hasher.update(&(data.rows.len() as u64).to_le_bytes());
    for text in data.rows {
        hasher.update(&text.to_le_bytes());
    }
    strings(&mut hasher, &data.validation_queries);
    strings(&mut hasher, &data.validation_documents);
    for path in files {
        hasher.update(file(path)?.as_bytes());
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// BLAKE3 of a file's content.
fn file(path: &Path) -> Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    let read = File::open(path).and_then(|file| hasher.update_reader(file).map(|h| h.finalize()));
    read.map_err(|e| {
        Error::model(format!("cannot read {}: {e}", path.display())).hint("check the model directory")
    })
}

/// How many, then each with its length: no two lists look alike.
fn strings(hasher: &mut blake3::Hasher, texts: &[&str]) {
    hasher.update(&(texts.len() as u64).to_le_bytes());
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use clirbench_plugin::serde_json::json;
    use clirbench_plugin::{LossInput, Role, TrainingColumn};

    use super::*;

    #[test]
    fn everything_that_changes_the_result_changes_the_digest() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("model.safetensors");
        std::fs::write(&path, "weights").expect("written");
        let files = [path.clone()];
        let job = FitJob {
            base: "base".into(),
            out: "out".into(),
            checkpoints: "checkpoints".into(),
            columns: vec![TrainingColumn { name: "query".into(), role: Role::Query }],
            input: LossInput::Embeddings,
            parts: vec![],
            seed: 1,
            validate_every: 0,
            greater_is_better: true,
        };
        let data = FitData {
            texts: vec!["a", "bc"],
            rows: &[0, 1],
            validation_queries: vec![],
            validation_documents: vec![],
        };
        let options = Options::default();
        let of = |options: &Options, job: &FitJob, data: &FitData<'_>, device| {
            digest(options, job, data, device, &files).expect("a digest")
        };
        let first = of(&options, &job, &data, Device::Cpu);
        let moved = FitJob { base: "b".into(), out: "o".into(), checkpoints: "c".into(), ..job.clone() };
        assert_eq!(
            of(&Options { checkpoint_every: 3, ..options.clone() }, &moved, &data, Device::Cpu),
            first
        );

        let slower = Options::read(&json!({ "learning_rate": 1e-6 })).expect("options");
        let mut others = vec![
            of(&slower, &job, &data, Device::Cpu),
            of(&options, &FitJob { seed: 2, ..job.clone() }, &data, Device::Cpu),
            of(&options, &job, &FitData { texts: vec!["ab", "c"], ..data.clone() }, Device::Cpu),
            of(&options, &job, &FitData { rows: &[1, 0], ..data.clone() }, Device::Cpu),
            of(&options, &job, &FitData { validation_queries: vec!["a"], ..data.clone() }, Device::Cpu),
            of(&options, &job, &data, Device::Cuda),
        ];
        std::fs::write(&path, "other weights").expect("written");
        others.push(of(&options, &job, &data, Device::Cpu));
        for other in others {
            assert_ne!(other, first);
        }
        let none = digest(&options, &job, &data, Device::Cpu, &[dir.path().join("none")]);
        assert_eq!(none.expect_err("no file").kind, "model");
    }
}
