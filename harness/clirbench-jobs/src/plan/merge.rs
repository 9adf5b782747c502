//! From the recipe of a merge to its job.

use std::path::{Path, PathBuf, absolute};

use clirbench_merge::{MergeSpec, MergerChoice, methods};

use serde_json::Value;

use super::{Setup, chosen};
use crate::{
    bench::{resolve, suggest},
    job::{Failure, MergeJob, PluginRef},
};

impl MergeJob {
    /// The job that merges what `spec` says, relative to the setup's folder, into `out`.
    ///
    /// # Errors
    /// When the spec is at fault, there is no such method, an option is wrong, a directory is missing, or
    /// `out` is taken (by one of the models even where it is to be replaced).
    pub fn make(setup: &Setup, spec: &MergeSpec, out: &Path, replace: bool) -> Result<MergeJob, Failure> {
        let PlannedMerge { plugin, config, spec } = planned(setup, spec)?;
        let out = absolute(out).unwrap_or_else(|_| out.to_owned());
        free(&out, &spec, replace)?;
        Ok(MergeJob { plugin, config, spec, out, replace })
    }
}

/// A spec whose plugin is found; its paths are absolute.
pub(super) struct PlannedMerge {
    pub(super) plugin: PluginRef,
    pub(super) config: Value,
    pub(super) spec: MergeSpec,
}

/// Finds the plugin of a spec whose paths are relative to the setup's folder.
pub(super) fn planned(setup: &Setup, spec: &MergeSpec) -> Result<PlannedMerge, Failure> {
    spec.check()?;
    let mut spec = spec.clone();
    for path in spec.models.iter_mut().flat_map(|m| std::iter::once(&mut m.path).chain(&mut m.importance)) {
        *path = located(setup, path);
    }
    spec.base = spec.base.map(|path| located(setup, &path));
    spec.output = None;
    let MergerChoice { plugin, options: config } = spec.merger();
    let plugin = chosen(setup, "merger", "merger/1", &plugin, &config, "options").map_err(|failure| {
        if methods().any(|method| method == spec.method) || !failure.message.contains("no plugin") {
            return failure;
        }
        let known: Vec<&str> = methods().collect();
        let near = suggest(&spec.method, known.iter().copied());
        let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
        Failure::new(
            format!("`{}` is neither a method nor a merger plugin", spec.method),
            format!("{near}methods: {}", known.join(", ")),
        )
    })?;
    Ok(PlannedMerge { plugin, config, spec })
}

fn located(setup: &Setup, path: &Path) -> PathBuf {
    let path = resolve(&setup.base, path);
    absolute(&path).unwrap_or(path)
}

/// Whether `out` can be written without harm.
fn free(out: &Path, spec: &MergeSpec, replace: bool) -> Result<(), Failure> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let target = real(out);
    let inputs =
        spec.models.iter().flat_map(|m| std::iter::once(&m.path).chain(&m.importance)).chain(&spec.base);
    if let Some(input) = inputs.into_iter().find(|input| real(input).starts_with(&target)) {
        return Err(Failure::new(
            format!("{} holds {}, which is merged", out.display(), input.display()),
            "choose another directory for the merged model",
        ));
    }
    let empty = || std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_none());
    if replace || !out.exists() || empty() {
        return Ok(());
    }
    Err(Failure::new(
        format!("{} already exists", out.display()),
        "choose another directory with --out, or give --force to replace it",
    ))
}
