//! Jobs: small JSON documents that name their inputs by content hash.
//!
//! A job carries the key under which its result is committed, so any worker anywhere can run it,
//! twice or not at all: the store decides what is done.

use std::{path::PathBuf, time::Duration};

use clirbench_core::{
    dataset::{Copies, Documents},
    ranking::Ties,
};
use clirbench_merge::MergeSpec;
use clirbench_store::{Dtype, Key};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A plugin library, pinned by its checksum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginRef {
    /// Plugin id.
    pub id: String,
    /// Version in its manifest.
    pub version: String,
    /// The library.
    pub path: PathBuf,
    /// SHA-256 of the library; checked before it is loaded.
    pub sha256: String,
}

impl PluginRef {
    /// The plugin and its options, as a result says what it was made with.
    #[must_use]
    pub fn origin(&self, options: &Value) -> Value {
        json!({"plugin": self.id, "version": self.version, "sha256": self.sha256, "options": options})
    }
}

/// A unit of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "lowercase")]
pub enum Job {
    /// Opens an encoder and asks what it is.
    Probe(ProbeJob),
    /// Asks a scenario for its tasks on a dataset.
    Tasks(TasksJob),
    /// Encodes a shard of texts.
    Embed(EmbedJob),
    /// Ranks and measures one cell.
    Score(ScoreJob),
    /// Opens a loss and asks what it is.
    Loss(LossJob),
    /// Trains a model.
    Train(Box<TrainJob>),
    /// Merges models.
    Merge(Box<MergeJob>),
    /// Estimates the Fisher information of a model's weights.
    Fisher(Box<FisherJob>),
}

/// Opens an encoder; commits `probe/<key>` with `info.json` ([`crate::model::Probe`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeJob {
    /// Key of the result.
    pub key: Key,
    /// The encoder plugin.
    pub plugin: PluginRef,
    /// Its configuration, the model directory under `path`.
    pub config: Value,
    /// A query to render.
    pub sample_query: String,
    /// A document to render.
    pub sample_document: String,
}

/// Lists a scenario's tasks; commits `tasks/<key>` with `tasks.json` (core's `Task`s).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TasksJob {
    /// Key of the result.
    pub key: Key,
    /// The scenario plugin.
    pub plugin: PluginRef,
    /// Its configuration.
    pub config: Value,
    /// The dataset object.
    pub dataset: Key,
    /// How its documents are laid out.
    pub documents: Documents,
    /// Which copies are relevant.
    pub copies: Copies,
}

/// A merge as a job names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MergeRef {
    /// Hash of everything that the merged weights depend on.
    pub key: Key,
    /// The merger plugin.
    pub plugin: PluginRef,
    /// Its configuration.
    pub config: Value,
    /// What is merged; absolute paths.
    pub spec: MergeSpec,
}

/// Encodes a shard; commits `embed/<group>/<key>` with `ids`, `rows` and `stats`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmbedJob {
    /// Key of the result.
    pub key: Key,
    /// The encoder plugin.
    pub plugin: PluginRef,
    /// Its configuration, the model directory under `path`.
    pub config: Value,
    /// Weights in place of those of the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<Box<MergeRef>>,
    /// Everything that a vector depends on besides its text, hashed: model, role, options.
    pub group: Key,
    /// `query` or `document`.
    pub role: String,
    /// Vector length that the probe promised.
    pub dim: usize,
    /// Storage type of the rows.
    pub dtype: Dtype,
    /// The `texts/<key>` object that holds the shard's texts.
    pub texts: Key,
    /// How many texts it holds.
    pub count: usize,
}

/// Ranks and measures one cell; commits `score/<key>` with `cell.json`, `values` and `top`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreJob {
    /// Key of the result.
    pub key: Key,
    /// The dataset object.
    pub dataset: Key,
    /// How its documents are laid out.
    pub documents: Documents,
    /// Which copies are relevant.
    pub copies: Copies,
    /// The `tasks/<key>` object.
    pub tasks: Key,
    /// Which of its tasks.
    pub index: usize,
    /// Group of the query vectors.
    pub query_group: Key,
    /// Group of the document vectors.
    pub document_group: Key,
    /// `cosine` or `dot`.
    pub similarity: String,
    /// How the result is measured.
    pub measure: Measure,
}

/// Opens a loss; commits `loss/<key>` with `info.json` (`LossInfo`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossJob {
    /// Key of the result.
    pub key: Key,
    /// The loss plugin.
    pub plugin: PluginRef,
    /// Its configuration.
    pub config: Value,
}

/// Trains a model; commits `model/<key>` with the model directory under `model/` and
/// `report.json` (`FitReport`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainJob {
    /// Key of the result.
    pub key: Key,
    /// Directory of the model to start from.
    pub base: PathBuf,
    /// The trainer plugin.
    pub trainer: PluginRef,
    /// Its configuration.
    pub trainer_config: Value,
    /// The loss plugin.
    pub loss: PluginRef,
    /// Its configuration.
    pub loss_config: Value,
    /// The `training/<key>` object.
    pub data: Key,
    /// Vectors of the training texts by the guide.
    pub guide: Option<Guide>,
    /// How checkpoints are compared.
    pub validation: Option<Validation>,
    /// Seed of everything random.
    pub seed: u64,
}

/// Merges models. Commits nothing: what it writes appears, whole, where the user wants it, and is not
/// written twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MergeJob {
    /// The merger plugin.
    pub plugin: PluginRef,
    /// Its configuration.
    pub config: Value,
    /// What to merge; paths are absolute.
    pub spec: MergeSpec,
    /// Where the merged model goes; absolute.
    pub out: PathBuf,
    /// Whether what is there is replaced.
    pub replace: bool,
}

/// Estimates the diagonal Fisher information of a model's weights; commits `fisher/<key>` with
/// `out/fisher.safetensors` and `report.json` (`EstimateReport`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FisherJob {
    /// Key of the result.
    pub key: Key,
    /// Directory of the model.
    pub base: PathBuf,
    /// The trainer plugin, which has a `fisher/1`.
    pub trainer: PluginRef,
    /// Its configuration.
    pub trainer_config: Value,
    /// The loss plugin.
    pub loss: PluginRef,
    /// Its configuration.
    pub loss_config: Value,
    /// The `training/<key>` object.
    pub data: Key,
    /// Vectors of the texts by the guide.
    pub guide: Option<Guide>,
    /// Seed of the batches.
    pub seed: u64,
    /// Rows of a batch.
    pub batch_size: usize,
    /// Rows to use at most; all where absent.
    pub rows: Option<usize>,
    /// What goes into the file's metadata: how it came about.
    pub origin: Value,
}

/// Groups of a guide's vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guide {
    /// Of queries.
    pub query_group: Key,
    /// Of all other columns.
    pub document_group: Key,
}

/// A scenario on a dataset, as a number that grows or shrinks while a model is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// The dataset object.
    pub dataset: Key,
    /// How its documents are laid out.
    pub documents: Documents,
    /// Which copies are relevant.
    pub copies: Copies,
    /// The `tasks/<key>` object; the score is the mean over its tasks.
    pub tasks: Key,
    /// The metric.
    pub metric: String,
    /// Tie rule.
    pub ties: Ties,
    /// Validate every this many steps.
    pub every: usize,
}

/// What the numbers of a cell depend on besides vectors, pool and relevance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Tie rule of the main rows.
    pub ties: Ties,
    /// Bootstrap resamples behind the 95% intervals.
    pub resamples: usize,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Documents kept per query, for run files and bias.
    pub depth: usize,
}

impl Job {
    /// Kind and key of the object that this job commits, where it commits one.
    #[must_use]
    pub fn result(&self) -> Option<(String, &Key)> {
        Some(match self {
            Job::Probe(job) => ("probe".to_owned(), &job.key),
            Job::Tasks(job) => ("tasks".to_owned(), &job.key),
            Job::Embed(job) => (embed_kind(&job.group), &job.key),
            Job::Score(job) => ("score".to_owned(), &job.key),
            Job::Loss(job) => ("loss".to_owned(), &job.key),
            Job::Train(job) => (MODEL.to_owned(), &job.key),
            Job::Fisher(job) => (FISHER.to_owned(), &job.key),
            Job::Merge(_) => return None,
        })
    }

    /// Jobs of equal affinity share what a worker has loaded; another affinity gets a fresh worker.
    #[must_use]
    pub fn affinity(&self) -> Option<String> {
        match self {
            Job::Probe(ProbeJob { plugin, config, .. })
            | Job::Embed(EmbedJob { plugin, config, merge: None, .. }) => {
                Some(format!("{} {config}", plugin.sha256))
            }
            Job::Embed(EmbedJob { plugin, config, merge: Some(merge), .. }) => {
                Some(format!("{} {config} {}", plugin.sha256, merge.key))
            }
            Job::Tasks(_) | Job::Score(_) | Job::Loss(_) | Job::Train(_) | Job::Fisher(_) | Job::Merge(_) => {
                None
            }
        }
    }

    /// How long a worker may take to give the job up when it is told to: a training leaves a
    /// checkpoint behind, a merge removes what it has written.
    #[must_use]
    pub fn grace(&self) -> Duration {
        Duration::from_secs(if matches!(self, Job::Train(_) | Job::Merge(_)) { 120 } else { 2 })
    }

    /// Jobs of one strand are not tried once one of them has failed.
    #[must_use]
    pub fn strand(&self) -> Option<String> {
        match self {
            Job::Embed(job) => Some(job.group.to_string()),
            _ => None,
        }
    }
}

/// Kind of trained models.
pub(crate) const MODEL: &str = "model";

/// Kind of estimates of Fisher information.
pub(crate) const FISHER: &str = "fisher";

/// Kind of the shards of a group.
#[must_use]
pub fn embed_kind(group: &Key) -> String {
    format!("embed/{group}")
}

/// Why a job has no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What and where, in one line.
    pub message: String,
    /// What to do about it; empty when unknown.
    pub hint: String,
}

impl Failure {
    /// A failure with a hint.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure { message: message.into(), hint: hint.into() }
    }
}

impl From<clirbench_host::Error> for Failure {
    fn from(error: clirbench_host::Error) -> Failure {
        Failure::new(error.to_string(), error.hint().unwrap_or_default())
    }
}

impl From<clirbench_merge::Error> for Failure {
    fn from(error: clirbench_merge::Error) -> Failure {
        Failure { message: error.message, hint: error.hint }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, " ({})", self.hint) }
    }
}
