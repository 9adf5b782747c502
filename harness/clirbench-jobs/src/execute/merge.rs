//! Merging models: parents and merger meet here, and what comes out goes straight to its place.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use clirbench_merge::{Error, Merge, Parents, write};
use clirbench_store::Key;
use serde_json::{Map, Value, json};

use super::Hands;
use crate::{
    job::{Failure, MergeJob},
    model::{ModelFile, weight_files},
};

impl Hands {
    pub(super) fn merge(&mut self, job: &MergeJob) -> Result<(), Failure> {
        let merger = self.plugin(&job.plugin)?.merger(&job.config)?;
        let parents = Parents::open(&job.spec)?;
        let mut merge = Merge::open(&job.spec, parents, merger)?;
        let (cancel, report) = (Arc::clone(&self.cancel), Arc::clone(&self.services.progress));
        let mut shown = None;
        let mut watch = |done: u64, total: u64| {
            let percent = done * 100 / total.max(1);
            if shown.replace(percent) != Some(percent) {
                report(done, total);
            }
            !cancel.load(Ordering::Relaxed)
        };
        write(&mut merge, &job.out, job.replace, || origin(job, &cancel), &mut watch)?;
        Ok(())
    }
}

/// How the model came about; no time and no place, so that the same merge writes the same file.
fn origin(job: &MergeJob, cancel: &AtomicBool) -> Result<Map<String, Value>, Error> {
    let spec = &job.spec;
    let mut models = Vec::new();
    for parent in &spec.models {
        let mut model = json!({"name": parent.name(), "files": directory(&parent.path, cancel)?});
        if let Some(weight) = parent.weight {
            model["weight"] = json!(weight);
        }
        if let Some(importance) = &parent.importance {
            model["importance"] = json!(if importance.is_dir() {
                directory(importance, cancel)?
            } else {
                vec![file(Path::new(""), importance.to_string_lossy().into_owned(), cancel).map(
                    |hashed| {
                        // The name alone: where it lies is this machine's affair.
                        let name = importance.file_name().map(|name| name.to_string_lossy().into_owned());
                        ModelFile { path: name.unwrap_or_default(), ..hashed }
                    },
                )?]
            });
        }
        models.push(model);
    }
    let base = spec.base.as_deref().map(|base| directory(base, cancel)).transpose()?;
    let plugin = &job.plugin;
    let value = json!({
        "clirbench": env!("CARGO_PKG_VERSION"),
        "method": spec.method,
        "merger": {
            "plugin": plugin.id, "version": plugin.version, "sha256": plugin.sha256, "options": job.config,
        },
        "models": models,
        "base": base,
        "layers": spec.layers,
        "dtype": spec.dtype,
        "seed": spec.seed,
    });
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(Error::internal("a recipe that is no object")),
    }
}

/// The files of a model directory that a merge depends on.
fn directory(folder: &Path, cancel: &AtomicBool) -> Result<Vec<ModelFile>, Error> {
    let files = weight_files(folder).map_err(|failure| Error::model(failure.message).hint(failure.hint))?;
    files.into_iter().map(|path| file(folder, path, cancel)).collect()
}

fn file(folder: &Path, path: String, cancel: &AtomicBool) -> Result<ModelFile, Error> {
    let full = folder.join(&path);
    let hashed = File::open(&full).and_then(|file| Key::of_reader(Stoppable { file, cancel }));
    let blake3 = hashed.map_err(|e| Error::model(format!("cannot read {}: {e}", full.display())))?;
    Ok(ModelFile { path, blake3 })
}

/// A file that ends with an error when the user wants to stop: large ones take seconds to hash.
struct Stoppable<'a> {
    file: File,
    cancel: &'a AtomicBool,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(io::Error::other("the merge was stopped"));
        }
        self.file.read(buffer)
    }
}
