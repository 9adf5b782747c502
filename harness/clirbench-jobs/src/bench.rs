//! The bench file: models, datasets and what to run, in TOML.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
};

use clirbench_core::ranking::Ties;
use clirbench_data::DatasetSpec;
use clirbench_merge::MergeSpec;
use clirbench_store::Dtype;
use serde::{Deserialize, Serialize};

use crate::job::Measure;

/// A bench file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bench {
    /// Models, in the order of leaderboards.
    pub models: Vec<ModelSpec>,
    /// Datasets, in the order of leaderboards.
    pub datasets: Vec<DatasetSpec>,
    /// What to run and how.
    #[serde(default)]
    pub run: RunSpec,
    /// Options per scenario: `[scenario.multi-1]`.
    #[serde(default)]
    pub scenario: BTreeMap<String, toml::Table>,
}

/// One `[[models]]` entry.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// Name in leaderboards.
    pub name: String,
    /// The model's directory; relative to the bench file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// In place of `path`: a merge, measured without being written. Its paths are relative to the
    /// bench file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge: Option<MergeSpec>,
    /// Encoder plugin, with or without `encoder-`; chosen by what the directory holds when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<String>,
    /// The plugin's options.
    #[serde(default)]
    pub options: toml::Table,
}

/// The `[run]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunSpec {
    /// Scenario names.
    pub scenarios: Vec<String>,
    /// Tie rule of the main rows.
    pub ties: Ties,
    /// Bootstrap resamples behind the 95% intervals.
    pub resamples: usize,
    /// Seed of everything drawn at random.
    pub seed: u64,
    /// Documents kept per query when run files are written.
    pub depth: usize,
    /// Texts per embed job.
    pub shard: usize,
    /// Storage type of vectors.
    pub dtype: Dtype,
    /// Device for encoders: `cpu`, `cuda` or `auto`.
    pub device: Option<String>,
    /// A worker that gives no sign of life for so long is ended.
    pub stall_seconds: u64,
}

impl Default for RunSpec {
    fn default() -> Self {
        RunSpec {
            scenarios: ["mono", "clir", "multi", "multi-1"].map(str::to_owned).to_vec(),
            ties: Ties::Trec,
            resamples: 1000,
            seed: 42,
            depth: 100,
            shard: 512,
            dtype: Dtype::F32,
            device: None,
            stall_seconds: 600,
        }
    }
}

/// Documents kept per query for the bias statistics when no run files are asked for.
const BIAS_DEPTH: usize = 10;

impl RunSpec {
    /// How cells are measured.
    #[must_use]
    pub fn measure(&self, run_files: bool) -> Measure {
        let depth = if run_files { self.depth.max(BIAS_DEPTH) } else { BIAS_DEPTH };
        Measure { ties: self.ties, resamples: self.resamples, seed: self.seed, depth }
    }
}

/// What is wrong with a bench or recipe file, and where.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct BenchError {
    /// What.
    pub message: String,
    /// Bytes of the file that it is about.
    pub span: Option<Range<usize>>,
    /// What to do.
    pub hint: Option<String>,
}

impl BenchError {
    pub(crate) fn about(message: impl Into<String>, hint: impl Into<String>) -> BenchError {
        BenchError { message: message.into(), span: None, hint: Some(hint.into()) }
    }

    pub(crate) fn at(mut self, text: &str, needle: &str) -> BenchError {
        self.span = text.find(needle).map(|start| start..start + needle.len());
        self
    }
}

impl Bench {
    /// Reads a bench file's text and checks all that can be checked without files.
    ///
    /// # Errors
    /// [`BenchError`] with the place and a suggestion.
    pub fn parse(text: &str) -> Result<Bench, BenchError> {
        let bench: Bench = toml::from_str(text).map_err(|e| toml_error(&e))?;
        bench.check(text)?;
        Ok(bench)
    }

    pub(crate) fn check(&self, text: &str) -> Result<(), BenchError> {
        if self.models.is_empty() {
            return Err(BenchError::about("there are no models", "add a [[models]] table with a `name`"));
        }
        if self.datasets.is_empty() {
            return Err(BenchError::about("there are no datasets", "add a [[datasets]] table"));
        }
        unique(self.models.iter().map(|m| m.name.as_str()), "models", text)?;
        if let Some(both) = self.models.iter().find(|m| m.path.is_some() && m.merge.is_some()) {
            let message = format!("model `{}` has both a `path` and a `merge`", both.name);
            let hint = "the directory of a merge is that of its first model: leave `path` out";
            return Err(BenchError::about(message, hint).at(text, &both.name));
        }
        unique(self.datasets.iter().map(|d| d.name.as_str()), "datasets", text)?;
        unique(self.run.scenarios.iter().map(String::as_str), "scenarios", text)?;
        for dataset in &self.datasets {
            if let Some(name) = dataset.scenarios.iter().find(|name| !self.run.scenarios.contains(name)) {
                let hint = suggest(name, self.run.scenarios.iter().map(String::as_str)).map_or_else(
                    || format!("add \"{name}\" to `scenarios` under [run], or leave it out"),
                    |near| format!("did you mean `{near}`?"),
                );
                let message = format!("dataset `{}` takes part in `{name}`, which is not run", dataset.name);
                return Err(BenchError::about(message, hint).at(text, name));
            }
        }
        if let Some(name) = self.scenario.keys().find(|n| !self.run.scenarios.contains(n)) {
            let hint = suggest(name, self.run.scenarios.iter().map(String::as_str)).map_or_else(
                || format!("add \"{name}\" to `scenarios` under [run], or remove the table"),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("options for scenario `{name}`, which is not run");
            return Err(BenchError::about(message, hint).at(text, name));
        }
        if self.run.resamples == 0 || self.run.shard == 0 {
            let message = "`resamples` and `shard` under [run] must be at least 1";
            return Err(BenchError::about(message, "leave them out for the defaults").at(text, "[run]"));
        }
        if let Some(device) = &self.run.device
            && !["cpu", "cuda", "auto"].contains(&device.as_str())
        {
            let hint = "expected \"cpu\", \"cuda\" or \"auto\"";
            return Err(BenchError::about(format!("unknown device `{device}`"), hint).at(text, device));
        }
        Ok(())
    }
}

pub(crate) fn unique<'a>(
    names: impl Iterator<Item = &'a str>,
    what: &str,
    text: &str,
) -> Result<(), BenchError> {
    let mut seen = Vec::new();
    for name in names {
        let bad = name.is_empty() || name.contains(['/', '\\', '\n', ',']);
        if bad {
            let hint = "a name is printed in tables and file names: letters, digits, - and _ are safe";
            return Err(
                BenchError::about(format!("`{name}` is no usable name in {what}"), hint).at(text, name)
            );
        }
        if seen.contains(&name) {
            let message = format!("`{name}` occurs twice in {what}");
            return Err(BenchError::about(message, "names have to differ").at(text, name));
        }
        seen.push(name);
    }
    Ok(())
}

/// What the TOML reader says, with a suggestion.
pub(crate) fn toml_error(error: &toml::de::Error) -> BenchError {
    let message = error.message().to_owned();
    let hint = unknown_field_hint(&message).or_else(|| expected_hint(&message));
    BenchError { message: first_line(&message), span: error.span(), hint }
}

/// serde lists what it expected; the nearest of those is the suggestion.
fn unknown_field_hint(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    let expected: Vec<&str> = quoted.collect();
    match suggest(unknown, expected.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if expected.is_empty() => None,
        None => Some(format!("expected one of: {}", expected.join(", "))),
    }
}

/// What a value of the wrong type should be, in a user's words.
fn expected_hint(message: &str) -> Option<String> {
    let (_, expected) = message.lines().next()?.split_once(", expected ")?;
    Some(match expected {
        "usize" | "u64" | "u32" => "expected a whole number, 0 or more".to_owned(),
        expected => format!("expected {expected}"),
    })
}

fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    line.split(", expected").next().unwrap_or(line).to_owned()
}

/// The candidate most like `word`, if any is like it.
pub(crate) fn suggest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|c| (strsim::jaro_winkler(word, c), c))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c)
}

/// `path` as seen from the folder of the file that names it.
#[must_use]
pub fn resolve(base: &Path, path: &Path) -> PathBuf {
    if path.is_absolute() { path.to_owned() } else { base.join(path) }
}
