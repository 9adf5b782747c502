//! `merger/1`: the weights of several models in, one model's weights out, tensor by tensor in chunks.
#![allow(unsafe_code)] // `StableAbi` and `sabi_trait` derive unsafe impls
#![allow(missing_docs, non_local_definitions, unreachable_pub)] // items that `sabi_trait` generates

use abi_stable::std_types::{RBox, RResult, RSlice, RSliceMut, RStr, RString};
use abi_stable::type_level::downcasting::TD_Opaque;
use abi_stable::{StableAbi, sabi_trait};
use serde::{Deserialize, Serialize};

use crate::{AbiError, InterfaceModule, host::HostObject};

/// What there is to merge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeModels {
    /// How many models.
    pub models: usize,
    /// Whether the model that they were all trained from is given.
    pub base: bool,
    /// Whether each has an importance per weight.
    pub importances: bool,
}

/// What a merger needs in order to merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergePlan {
    /// The fewest models that it merges.
    pub fewest: usize,
    /// The most; any number where absent.
    pub most: Option<usize>,
    /// Whether it takes the base: its first column then.
    pub base: bool,
    /// Whether it takes importances: its last columns then, one per model.
    pub importances: bool,
    /// How often it wants to see a whole tensor before it merges it.
    pub passes: usize,
}

impl MergePlan {
    /// Columns of every chunk of a merge of `models` models.
    #[must_use]
    pub fn columns(&self, models: usize) -> usize {
        usize::from(self.base) + models * if self.importances { 2 } else { 1 }
    }
}

/// The tensor that is merged next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TensorJob {
    /// Its name, as in the architecture's state dict.
    pub name: String,
    /// Dimensions, outermost first; none for a scalar.
    pub shape: Vec<usize>,
    /// Product of the dimensions.
    pub elements: usize,
    /// One per model, as they hold for this tensor; not normalised.
    pub weights: Vec<f64>,
    /// Whether the chunks begin with a column of the base.
    pub base: bool,
    /// Whether the chunks end with columns of importances.
    pub importances: bool,
    /// Seed of everything random.
    pub seed: u64,
}

/// An opened merger, as it crosses the boundary.
///
/// A tensor is: one call of `tensor`, then for each pass one `observe` per chunk, then one `merge` per
/// chunk, then `note`. Chunks come in order, do not overlap and cover the tensor exactly once per pass;
/// how it is cut must not change the result. Columns of a chunk are those that the plan asks for: the
/// base, each model, each model's importances; all finite and of one length.
#[sabi_trait]
pub trait Merger1: Send {
    /// Takes [`MergeModels`], returns a [`MergePlan`], both as JSON.
    fn plan(&self, models: RStr<'_>) -> RResult<RString, AbiError>;

    /// Starts a tensor: a [`TensorJob`] as JSON.
    fn tensor(&mut self, job: RStr<'_>) -> RResult<(), AbiError>;

    /// Looks at a chunk that begins at element `offset`, in pass `pass` (counted from 0).
    fn observe(
        &mut self,
        pass: usize,
        offset: usize,
        columns: RSlice<'_, RSlice<'_, f32>>,
    ) -> RResult<(), AbiError>;

    /// Merges a chunk that begins at element `offset` into `out` (as long as a column, wholly
    /// overwritten).
    fn merge(
        &mut self,
        offset: usize,
        columns: RSlice<'_, RSlice<'_, f32>>,
        out: RSliceMut<'_, f32>,
    ) -> RResult<(), AbiError>;

    /// What a reader of the merge should know of the tensor that was just merged: a JSON object, empty
    /// where there is nothing to say.
    #[sabi(last_prefix_field)]
    fn note(&self) -> RResult<RString, AbiError>;
}

/// An owned [`Merger1`], freed by the plugin that made it.
pub type MergerBox = Merger1_TO<'static, RBox<()>>;

/// Erases the type of an opened merger.
pub fn merger_box<M: Merger1 + 'static>(merger: M) -> MergerBox {
    Merger1_TO::from_value(merger, TD_Opaque)
}

/// The functions of `merger/1`.
#[repr(C)]
#[derive(StableAbi)]
pub struct MergerModule {
    /// Opens a merger with its config (JSON), which the host has checked against the schema.
    pub open: extern "C" fn(config: RStr<'_>, host: HostObject) -> RResult<MergerBox, AbiError>,
}

impl InterfaceModule for MergerModule {
    const ID: &'static str = "merger/1";
}
