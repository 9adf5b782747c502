//! The encoder interface: texts in, vectors out.

use serde::{Deserialize, Serialize};

use crate::{Host, Result};

/// What a text is to the retrieval task; prompts differ by role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A search query.
    Query,
    /// A document or passage.
    Document,
}

/// What an opened encoder says about itself; goes into cache keys and `run.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EncoderInfo {
    /// Length of one vector.
    pub dim: usize,
    /// Longest input in tokens, special tokens included; longer texts are truncated.
    pub max_tokens: Option<usize>,
    /// Text put in front of queries; empty for none.
    pub query_prompt: String,
    /// Text put in front of documents; empty for none.
    pub document_prompt: String,
    /// Whether both roles render and encode a text the same way, so that one vector serves both.
    pub symmetric: bool,
    /// `cosine` or `dot`: how two vectors are compared.
    pub similarity: String,
    /// Languages that the model's documentation names; empty when unknown.
    pub languages: Vec<String>,
    /// Files that the vectors depend on, relative to the model directory. The harness hashes them.
    pub files: Vec<String>,
    /// Runtime and device that compute, for the cache key (`onnxruntime 1.31.1 cpu`).
    pub runtime: String,
    /// What a reader of the results has to know (`documents a query prompt, runs without it`).
    pub warnings: Vec<String>,
}

/// What happened to one text on its way in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextStats {
    /// Tokens that the model saw, special tokens included.
    pub tokens: u32,
    /// Of those, unknown tokens.
    pub unknown: u32,
    /// Whether the text was cut at `max_tokens`.
    pub truncated: bool,
}

/// A model that turns texts into vectors.
pub trait Encoder: Send + Sized + 'static {
    /// Opens the encoder. `config` is the plugin's own options, checked against the manifest's
    /// schema; `config["path"]` is the model directory where the bench file names one.
    fn open(config: &serde_json::Value, host: Host) -> Result<Self>;

    /// What the harness has to know before the first text.
    fn info(&self) -> EncoderInfo;

    /// The input that the model really sees for `text`, prompt and special tokens included.
    fn render(&self, role: Role, text: &str) -> Result<String>;

    /// Encodes `texts` into `out` (row-major f32, `[texts.len(), dim]`, wholly overwritten) and
    /// fills one `stats` entry per text. Returns the number of rows written.
    ///
    /// Poll `host.cancelled()` once per batch; report with `host.progress(done, total)`.
    fn encode(&mut self, role: Role, texts: &[&str], out: &mut [f32], stats: &mut [TextStats]) -> Result<usize>;
}
