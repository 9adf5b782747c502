//! `encoder/1`: texts in, vectors out.
#![allow(unsafe_code)] // `StableAbi` and `sabi_trait` derive unsafe impls
#![allow(missing_docs, non_local_definitions, unreachable_pub)] // items that `sabi_trait` generates

use abi_stable::std_types::{RBox, RResult, RSlice, RSliceMut, RStr, RString};
use abi_stable::type_level::downcasting::TD_Opaque;
use abi_stable::{StableAbi, sabi_trait};
use serde::{Deserialize, Serialize};

use crate::{AbiError, InterfaceModule, host::HostObject};

/// What a text is to the retrieval task; prompts differ by role.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, StableAbi)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A search query.
    Query,
    /// A document or passage.
    Document,
}

/// What happened to one text on its way in.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, StableAbi)]
pub struct TextStats {
    /// Tokens that the model saw, special tokens included.
    pub tokens: u32,
    /// Of those, unknown tokens.
    pub unknown: u32,
    /// Whether the text was cut at `max_tokens`.
    pub truncated: bool,
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

/// An opened encoder, as it crosses the boundary.
#[sabi_trait]
pub trait Encoder1: Send {
    /// [`EncoderInfo`] as JSON.
    fn info(&self) -> RResult<RString, AbiError>;

    /// The input that the model really sees for `text`.
    fn render(&self, role: Role, text: RStr<'_>) -> RResult<RString, AbiError>;

    /// Encodes `texts` into `out` (row-major, `[texts, dim]`, wholly overwritten), one `stats`
    /// entry per text; returns the number of rows written.
    #[sabi(last_prefix_field)]
    fn encode(
        &mut self,
        role: Role,
        texts: RSlice<'_, RStr<'_>>,
        out: RSliceMut<'_, f32>,
        stats: RSliceMut<'_, TextStats>,
    ) -> RResult<usize, AbiError>;
}

/// An owned [`Encoder1`], freed by the plugin that made it.
pub type EncoderBox = Encoder1_TO<'static, RBox<()>>;

/// Erases the type of an opened encoder.
pub fn encoder_box<E: Encoder1 + 'static>(encoder: E) -> EncoderBox {
    Encoder1_TO::from_value(encoder, TD_Opaque)
}

/// The functions of `encoder/1`.
#[repr(C)]
#[derive(StableAbi)]
pub struct EncoderModule {
    /// Opens an encoder with its config (JSON), which the host has checked against the schema.
    pub open: extern "C" fn(config: RStr<'_>, host: HostObject) -> RResult<EncoderBox, AbiError>,
}

impl InterfaceModule for EncoderModule {
    const ID: &'static str = "encoder/1";
}
