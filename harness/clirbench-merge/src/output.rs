//! Writes a merged model as a directory.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

use clirbench_model::{PartialDirectory, copy_directory, write_error};
use serde_json::{Map, Value};

use crate::card::card;
use crate::element::StoredType;
use crate::folders::{Folders, Part};
use crate::merge::{Merge, MergeTensor};
use crate::report::{MergeReport, TensorReport};
use crate::{Error, Result};

/// The file of a directory that says how it came about.
const ORIGIN: &str = "clirbench.json";

/// The file of a merged directory that says how similar the models are.
const TENSORS: &str = "merge.csv";

/// Chunks on their way to disk: one is written while one is merged.
const BEHIND: usize = 3;

/// Writes the merged model as `out`, which appears when it is whole: everything but weights from the first
/// model (graphs of other formats stay behind, they would be stale), weights in the same files as there,
/// `merge.csv` with a row per tensor, and `clirbench.json` with what `origin` returns and the summary of
/// the report. `origin` runs beside the merge, on a thread of its own: it hashes the models' files.
///
/// What is at `out` is replaced where `replace` says so. `watch` is told how many numbers are done, of all; it returns whether to go on.
///
/// # Errors
/// Kind `config` where something is at `out` that is not to be replaced, `model` for weights that cannot be read, are not finite or do not fit the type they are to be
/// stored in; `runtime` when the disk is full or fails; `cancelled` when `watch` says so; and what `origin`
/// says. Then there is no directory.
pub fn write(
    merge: &mut Merge,
    out: &Path,
    replace: bool,
    origin: impl FnOnce() -> Result<Map<String, Value>> + Send,
    watch: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<MergeReport> {
    let out = if replace { PartialDirectory::replacing(out) } else { PartialDirectory::create(out) }?;
    let first = merge.parents.first().to_owned();
    copy_directory(&first, out.path(), merge.spec.dtype.map(StoredType::name))?;
    let weights = &merge.parents.models[0].weights;
    let mut folders = Folders::create(weights, merge.tensors(), out.path())?;
    for name in merge.copied() {
        let found = weights.find(name).ok_or_else(|| Error::internal(format!("tensor `{name}`")))?;
        folders.write(name, 0, &found.0.read(found.1)?.bytes)?;
    }
    let (reports, mut origin) = thread::scope(|scope| {
        let origin = scope.spawn(origin);
        let reports = stream_to(folders, merge, watch)?;
        let origin = origin.join().map_err(|_| Error::internal("hashing the models panicked"))??;
        Ok::<_, Error>((reports, origin))
    })?;
    let report = merge.report(reports);
    origin.insert("merge".to_owned(), report.summary());

    let text = |name: &str, text: String| {
        let path = out.path().join(name);
        fs::write(&path, text).map_err(|e| write_error(&path, &e))
    };
    let first_card = fs::read_to_string(first.join("README.md")).unwrap_or_default();
    text("README.md", card(&merge.spec, &merge.parents, &first_card))?;
    text(TENSORS, report.csv())?;
    text(ORIGIN, format!("{:#}\n", Value::Object(origin)))?;
    out.commit()?;
    Ok(report)
}

/// Merges every tensor while what was merged before is written.
fn stream_to(
    folders: Folders,
    merge: &mut Merge,
    watch: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Vec<TensorReport>> {
    let tensors: Vec<MergeTensor> = merge.tensors().to_vec();
    let all: Vec<usize> = (0..tensors.len()).collect();
    let total: u64 = tensors.iter().map(|t| t.shape.iter().product::<usize>() as u64).sum();
    let stopped = || Error::cancelled("the merge was stopped").hint("nothing of it stays");
    let hung_up = || Error::internal("the writer of the weights ended");
    thread::scope(|scope| {
        let (full, filled) = sync_channel(BEHIND);
        let (empty, free) = channel();
        for _ in 0..BEHIND {
            // The writer is not started yet, so nobody can have hung up.
            let _ = empty.send(Vec::new());
        }
        let writer = scope.spawn(move || folders.write_behind(&tensors, &filled, &empty));
        let mut done = 0;
        let streamed = merge.stream(&all, &mut |tensor, offset, values| {
            if !watch(done, total) {
                return Err(stopped());
            }
            done += values.len() as u64;
            let mut buffer: Vec<f32> = free.recv().map_err(|_| hung_up())?;
            buffer.clear();
            buffer.extend_from_slice(values);
            full.send(Part::Values { tensor, offset, values: buffer }).map_err(|_| hung_up())
        });
        let streamed =
            streamed.and_then(|reports| if watch(total, total) { Ok(reports) } else { Err(stopped()) });
        if streamed.is_ok() {
            // A writer that has ended says why when it is joined.
            let _ = full.send(Part::End);
        }
        drop(full);
        // Where the writer failed, the stream only knows that nobody listens.
        writer.join().map_err(|_| Error::internal("the writer of the weights panicked"))??;
        streamed
    })
}
