//! `fisher/1`: a model directory, texts and a loss in, the diagonal Fisher information of its weights out.
#![allow(unsafe_code)] // `StableAbi` and `sabi_trait` derive unsafe impls
#![allow(missing_docs, non_local_definitions, unreachable_pub)] // items that `sabi_trait` generates

use abi_stable::std_types::{RBox, RResult, RSlice, RStr, RString};
use abi_stable::type_level::downcasting::TD_Opaque;
use abi_stable::{StableAbi, sabi_trait};
use serde::{Deserialize, Serialize};

use crate::{
    AbiError, InterfaceModule,
    host::HostObject,
    loss::LossInput,
    trainer::{SessionBox, TrainingColumn},
};

/// What to estimate; the estimator's own options are the config that it was opened with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimateJob {
    /// Directory of the model, which is only read.
    pub base: String,
    /// The safetensors file to write: an f32 tensor, all of it at least 0, for each floating-point
    /// tensor of the model's files, of its name and shape. Names of a module's weights have the module's
    /// folder before them (`2_Dense/linear.weight`), the transformer's are bare.
    pub out: String,
    /// What goes into the file's metadata under the key `clirbench`.
    pub origin: String,
    /// Columns of the data, those of the loss in its order.
    pub columns: Vec<TrainingColumn>,
    /// What the loss is computed from.
    pub input: LossInput,
    /// Names of the parts that the loss reports.
    pub parts: Vec<String>,
    /// Seed of the batches.
    pub seed: u64,
    /// Rows of a batch.
    pub batch_size: usize,
    /// Rows to use at most, a random sample; 0 for all.
    pub rows: usize,
}

/// The texts of an estimate, in the estimator's memory only while it runs.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct EstimateData<'a> {
    /// Distinct texts.
    pub texts: RSlice<'a, RStr<'a>>,
    /// `[rows, columns]`: indices of texts.
    pub rows: RSlice<'a, u32>,
}

/// What a finished estimate says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EstimateReport {
    /// Batches whose gradients were squared.
    pub batches: usize,
    /// Rows in them.
    pub rows: usize,
    /// Mean of the loss, each batch weighted with its rows.
    pub loss: f64,
    /// Weights with an estimate (numbers, not tensors).
    pub parameters: u64,
    /// Texts that went through the model, a second pass not counted.
    pub texts: u64,
    /// Texts that were cut at the model's length.
    pub truncated: u64,
    /// Seconds of the call.
    pub seconds: f64,
    /// What a reader of the estimate has to know.
    pub warnings: Vec<String>,
}

/// An opened estimator, as it crosses the boundary.
#[sabi_trait]
pub trait Fisher1: Send {
    /// Takes an [`EstimateJob`] as JSON, returns an [`EstimateReport`] as JSON. Of the session it calls
    /// the loss only.
    #[sabi(last_prefix_field)]
    fn estimate(
        &mut self,
        job: RStr<'_>,
        data: EstimateData<'_>,
        session: SessionBox<'_>,
    ) -> RResult<RString, AbiError>;
}

/// An owned [`Fisher1`], freed by the plugin that made it.
pub type FisherBox = Fisher1_TO<'static, RBox<()>>;

/// Erases the type of an opened estimator.
pub fn fisher_box<F: Fisher1 + 'static>(fisher: F) -> FisherBox {
    Fisher1_TO::from_value(fisher, TD_Opaque)
}

/// The functions of `fisher/1`.
#[repr(C)]
#[derive(StableAbi)]
pub struct FisherModule {
    /// Opens an estimator with its config (JSON), which the host has checked against the schema.
    pub open: extern "C" fn(config: RStr<'_>, host: HostObject) -> RResult<FisherBox, AbiError>,
}

impl InterfaceModule for FisherModule {
    const ID: &'static str = "fisher/1";
}
