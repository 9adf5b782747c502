//! Reads the recipe of a merge and executes its job.

use std::{fs, path::Path, sync::atomic::AtomicBool};

use clirbench_merge::MergeSpec;
use serde_json::Value;

use crate::{
    bench::{BenchError, toml_error},
    executor::{Event, ExecutorOptions, execute},
    job::{Failure, Job, MergeJob},
};

/// What a merge reports while it runs.
#[derive(Clone, Debug)]
pub enum MergeProgress {
    /// Numbers that are merged, of all.
    Merging {
        /// Done.
        done: u64,
        /// In all.
        total: u64,
    },
    /// The plugin says something.
    Log {
        /// Level name.
        level: String,
        /// What it says.
        message: String,
    },
}

/// Reads the text of a recipe and checks all that can be checked without files.
///
/// # Errors
/// [`BenchError`] with the place, where there is one, and a suggestion.
pub fn parse(text: &str) -> Result<MergeSpec, BenchError> {
    let spec: MergeSpec = toml::from_str(text).map_err(|e| toml_error(&e))?;
    spec.check().map_err(|e| BenchError::about(e.message, e.hint))?;
    Ok(spec)
}

/// Runs the job in a worker and returns what the merged directory says of itself (`clirbench.json`).
///
/// # Errors
/// Why there is no merged model.
pub fn merge(
    job: &MergeJob,
    executor: &ExecutorOptions,
    cancel: &AtomicBool,
    on: &mut dyn FnMut(MergeProgress),
) -> Result<Value, Failure> {
    let mut outcome = Ok(());
    execute(&[Job::Merge(Box::new(job.clone()))], 1, executor, cancel, &mut |event| match event {
        Event::Progress { done, total, .. } => on(MergeProgress::Merging { done, total }),
        Event::Log { level, message, .. } => on(MergeProgress::Log { level, message }),
        Event::Finished { outcome: finished, .. } => outcome = finished,
        Event::Started { .. } | Event::Step { .. } => {}
    });
    outcome?;
    origin(&job.out)
}

fn origin(model: &Path) -> Result<Value, Failure> {
    let path = model.join("clirbench.json");
    let unreadable =
        |e: &dyn std::fmt::Display| Failure::new(format!("cannot read {}: {e}", path.display()), "");
    let bytes = fs::read(&path).map_err(|e| unreadable(&e))?;
    serde_json::from_slice(&bytes).map_err(|e| unreadable(&e))
}
