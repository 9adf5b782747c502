//! `record.json`: what a record's numbers depend on, and where to measure them again.

use std::collections::BTreeMap;

use clirbench_core::dataset::{Copies, Documents};
use clirbench_core::ranking::Ties;
use clirbench_core::results::{BiasRow, QueryValues, ScoreRow};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What one model got on one dataset: the description and the numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The description.
    pub record: Record,
    /// A row per cell and metric, in the order of the run.
    pub scores: Vec<ScoreRow>,
    /// Per-query values of the same.
    pub per_query: Vec<QueryValues>,
    /// Language bias of the mixed pools.
    pub bias: Vec<BiasRow>,
}

/// A record's description: `record.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Version of the layout: [`Record::VERSION`].
    pub record: u32,
    /// The model.
    pub model: RecordedModel,
    /// The dataset.
    pub dataset: RecordedDataset,
    /// How it was measured.
    pub configuration: Configuration,
    /// With what it was measured.
    pub measured: Measured,
    /// SHA-256 of the record's other files, in hex.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

impl Record {
    /// The layout that this version writes and reads.
    pub const VERSION: u32 = 1;

    /// The record's folder below `records`: `MODEL/DATASET`.
    #[must_use]
    pub fn folder(&self) -> String {
        format!("{}/{}", self.model.name, self.dataset.name)
    }
}

/// The model of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedModel {
    /// Name in leaderboards.
    pub name: String,
    /// Hash of the encoder's id, its options and the model's files: equal where the model is.
    pub hash: String,
    /// The encoder, as it was built.
    pub plugin: PluginStamp,
    /// Its entry of the bench file. `path` counts from the root of the repository, and is absent
    /// where the model's directory lies outside of it.
    pub entry: Value,
    /// The files that its vectors depend on.
    pub files: Vec<HashedFile>,
    /// Runtime and device that computed.
    pub runtime: String,
    /// What a reader of the numbers has to know.
    pub warnings: Vec<String>,
    /// How it was merged from other models, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<Value>,
}

/// A plugin as it was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginStamp {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the library: another with every build.
    pub sha256: String,
}

/// A file of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashedFile {
    /// Path in the model's directory.
    pub path: String,
    /// BLAKE3 of its bytes, in hex.
    pub blake3: String,
}

/// The dataset of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedDataset {
    /// Name in leaderboards.
    pub name: String,
    /// SHA-256 of its content, in hex.
    pub hash: String,
    /// Its entry of a bench file, complete without a manifest. `path` counts from the root of the
    /// repository, and is absent where the data lie outside of it.
    pub entry: Value,
    /// Queries.
    pub queries: u64,
    /// Documents, as laid out.
    pub documents: u64,
    /// What the scenarios say about it.
    pub notes: Vec<String>,
}

/// What numbers depend on beside the model and the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// How documents that serve several queries enter the pool.
    pub documents: Documents,
    /// Which copies answer a query in per-question pools.
    pub copies: Copies,
    /// The scenarios with their options.
    pub scenarios: Vec<RecordedScenario>,
    /// Tie rule.
    pub ties: Ties,
    /// Bootstrap resamples behind the intervals.
    pub resamples: usize,
    /// Seed of everything drawn at random.
    pub seed: u64,
    /// Of the intervals.
    pub confidence: f64,
    /// Storage type of vectors.
    pub dtype: String,
    /// Texts per embed job.
    pub shard: usize,
    /// Hash of the rest.
    pub hash: String,
}

/// A scenario of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedScenario {
    /// Its name.
    pub scenario: String,
    /// The plugin's id.
    pub plugin: String,
    /// Its options.
    pub config: Value,
}

/// The program and machine that measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Version of the program.
    pub clirbench: String,
    /// Operating system.
    pub os: String,
    /// Processor architecture.
    pub architecture: String,
    /// Device of the encoder.
    pub device: String,
    /// The plugins of the scenarios, as they were built.
    pub scenarios: Vec<PluginStamp>,
}

impl Recorded {
    /// The numbers as a results folder holds them, without provenance.
    pub(super) fn results(&self) -> crate::Results {
        crate::Results {
            scores: self.scores.clone(),
            per_query: self.per_query.clone(),
            bias: self.bias.clone(),
            run: Value::Null,
        }
    }

    /// What is wrong with the numbers, if anything is: rows of another model or dataset, or one
    /// cell and metric twice.
    pub(super) fn inconsistency(&self) -> Option<String> {
        let (model, dataset) = (&self.record.model.name, &self.record.dataset.name);
        let rows = self.scores.iter().map(|s| (s.cell(), &s.metric));
        let queries = self.per_query.iter().map(|q| (q.cell.clone(), &q.metric));
        let bias = self.bias.iter().map(|b| (b.cell(), &b.statistic));
        let foreign = |cell: &clirbench_core::results::Cell| (&cell.model, &cell.dataset) != (model, dataset);
        if let Some((cell, _)) = rows.clone().chain(queries).chain(bias).find(|(cell, _)| foreign(cell)) {
            return Some(format!("it has a row of {} on {}", cell.model, cell.dataset));
        }
        let mut seen = std::collections::BTreeSet::new();
        let twice = rows.into_iter().find(|row| !seen.insert(row.clone()));
        twice.map(|(cell, metric)| {
            format!("{} {}-{} {metric} stands in it twice", cell.scenario, cell.query_lang, cell.pool_langs)
        })
    }
}
