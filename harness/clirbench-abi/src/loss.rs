//! `loss/1`: embeddings in, a value and gradients out.
#![allow(unsafe_code)] // `StableAbi` and `sabi_trait` derive unsafe impls
#![allow(missing_docs, non_local_definitions, unreachable_pub)] // items that `sabi_trait` generates

use abi_stable::std_types::{RBox, RResult, RSlice, RSliceMut, RStr, RString};
use abi_stable::type_level::downcasting::TD_Opaque;
use abi_stable::{StableAbi, sabi_trait};
use serde::{Deserialize, Serialize};

use crate::{AbiError, InterfaceModule, host::HostObject};

/// What a loss is given for each row of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LossInput {
    /// One embedding per column.
    #[default]
    Embeddings,
    /// One score of a (query, text) pair: a cross-encoder is trained, and there is one column of
    /// dimension 1.
    Scores,
}

/// What an opened loss says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossInfo {
    /// Columns of the training data that it takes, in the order in which it takes them (`query`,
    /// `positive`, `parallel`). With [`LossInput::Scores`] these are the two texts of a pair.
    pub columns: Vec<String>,
    /// Whether hard negatives follow the columns, as many as the data has.
    pub negatives: bool,
    /// Whether it needs the embeddings of the same texts by a guide model.
    pub guide: bool,
    /// Whether each row is one pair of texts with a label: 1 for a match, 0 for none.
    pub labels: bool,
    /// What it is computed from.
    pub input: LossInput,
    /// Names of the parts that it reports beside the value (`jsd`, `nce`).
    pub parts: Vec<String>,
}

/// The rows of one batch.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct LossBatch<'a> {
    /// Rows of the batch.
    pub rows: usize,
    /// Length of one embedding; 1 for scores.
    pub dim: usize,
    /// `[columns, rows, dim]`: the columns of [`LossInfo::columns`], then the negatives.
    pub embeddings: RSlice<'a, f32>,
    /// Length of one guide embedding; 0 without a guide.
    pub guide_dim: usize,
    /// `[columns, rows, guide_dim]`, parallel to `embeddings`; empty without a guide.
    pub guide: RSlice<'a, f32>,
    /// One per row; empty for a loss without labels.
    pub labels: RSlice<'a, f32>,
}

/// An opened loss, as it crosses the boundary.
#[sabi_trait]
pub trait Loss1: Send {
    /// [`LossInfo`] as JSON.
    fn info(&self) -> RResult<RString, AbiError>;

    /// Returns the value; writes its derivative by every element of `batch.embeddings` to
    /// `gradients` (same shape, wholly overwritten) and one number per name of
    /// [`LossInfo::parts`] to `parts`.
    #[sabi(last_prefix_field)]
    fn eval(
        &mut self,
        batch: LossBatch<'_>,
        gradients: RSliceMut<'_, f32>,
        parts: RSliceMut<'_, f64>,
    ) -> RResult<f64, AbiError>;
}

/// An owned [`Loss1`], freed by the plugin that made it.
pub type LossBox = Loss1_TO<'static, RBox<()>>;

/// Erases the type of an opened loss.
pub fn loss_box<L: Loss1 + 'static>(loss: L) -> LossBox {
    Loss1_TO::from_value(loss, TD_Opaque)
}

/// The functions of `loss/1`.
#[repr(C)]
#[derive(StableAbi)]
pub struct LossModule {
    /// Opens a loss with its config (JSON), which the host has checked against the schema.
    pub open: extern "C" fn(config: RStr<'_>, host: HostObject) -> RResult<LossBox, AbiError>,
}

impl InterfaceModule for LossModule {
    const ID: &'static str = "loss/1";
}
