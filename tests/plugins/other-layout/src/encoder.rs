//! `encoder/1` as the released one is not: `encode` takes one argument more.
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

/// An opened encoder, as it crosses the boundary.
#[sabi_trait]
pub trait Encoder1: Send {
    /// What the encoder says about itself, as JSON.
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
        normalize: bool,
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
