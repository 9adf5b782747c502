//! `trainer/1`: a model directory, texts and a loss in, a trained model directory out.
#![allow(unsafe_code)] // `StableAbi` and `sabi_trait` derive unsafe impls
#![allow(missing_docs, non_local_definitions, unreachable_pub)] // items that `sabi_trait` generates

use abi_stable::std_types::{RBox, RResult, RSlice, RSliceMut, RStr, RString};
use abi_stable::type_level::downcasting::TD_Opaque;
use abi_stable::{StableAbi, sabi_trait};
use serde::{Deserialize, Serialize};

use crate::{AbiError, InterfaceModule, encoder::Role, host::HostObject, loss::LossInput};

/// One column of the training data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingColumn {
    /// `query`, `positive`, `parallel`, `negative_1`, ...
    pub name: String,
    /// Which prompt of the model its texts get.
    pub role: Role,
}

/// What to train; the trainer's own options are the config that it was opened with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitJob {
    /// Directory of the model to start from.
    pub base: String,
    /// Empty directory to write the trained model to.
    pub out: String,
    /// Directory for checkpoints; what an earlier call with the same job left in it is continued.
    pub checkpoints: String,
    /// Columns of the data, those of the loss in its order.
    pub columns: Vec<TrainingColumn>,
    /// What the loss is computed from.
    pub input: LossInput,
    /// Names of the parts that the loss reports.
    pub parts: Vec<String>,
    /// Seed of everything random.
    pub seed: u64,
    /// Validate every this many steps, and after the last; 0 for never.
    pub validate_every: usize,
    /// Whether a greater validation score is the better one.
    pub greater_is_better: bool,
}

/// The texts of a fit, in the trainer's memory only while it runs.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct FitData<'a> {
    /// Distinct texts.
    pub texts: RSlice<'a, RStr<'a>>,
    /// `[rows, columns]`: indices of texts.
    pub rows: RSlice<'a, u32>,
    /// Queries of the validation.
    pub validation_queries: RSlice<'a, RStr<'a>>,
    /// Documents of the validation.
    pub validation_documents: RSlice<'a, RStr<'a>>,
}

/// One optimiser step, for whoever watches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Counted from 1.
    pub step: usize,
    /// Steps of the whole fit.
    pub steps: usize,
    /// Epochs done, with a fraction.
    pub epoch: f64,
    /// Value of the loss.
    pub loss: f64,
    /// Parts of the loss, in the order of their names.
    pub parts: Vec<f64>,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Validation score after the step, where it was validated.
    pub validation: Option<f64>,
}

/// What a finished fit says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FitReport {
    /// Optimiser steps of the whole fit.
    pub steps: usize,
    /// The step that it was continued from; 0 for a fit in one go.
    pub resumed_at: usize,
    /// The step whose weights were written.
    pub best_step: usize,
    /// Its validation score.
    pub best_score: Option<f64>,
    /// Trained parameters (numbers, not tensors).
    pub parameters: u64,
    /// Texts that went through the model, a second pass not counted.
    pub texts: u64,
    /// Texts that were cut at the model's length.
    pub truncated: u64,
    /// Seconds of this call.
    pub seconds: f64,
    /// What a reader of the results has to know.
    pub warnings: Vec<String>,
}

/// What the host does for a fit in progress.
#[sabi_trait]
pub trait Session1: Send {
    /// The loss of some rows of the data (indices of rows, in the order of the batch):
    /// `embeddings` and `gradients` are `[columns, rows, dim]`, `parts` has one element per part.
    /// The host adds guide embeddings and labels, which the trainer never sees.
    fn loss(
        &mut self,
        rows: RSlice<'_, u32>,
        embeddings: RSlice<'_, f32>,
        gradients: RSliceMut<'_, f32>,
        parts: RSliceMut<'_, f64>,
    ) -> RResult<f64, AbiError>;

    /// The validation score of embeddings of the validation's queries and documents, row-major.
    fn validate(&mut self, queries: RSlice<'_, f32>, documents: RSlice<'_, f32>) -> RResult<f64, AbiError>;

    /// Takes a [`StepReport`] as JSON.
    #[sabi(last_prefix_field)]
    fn step(&mut self, report: RStr<'_>);
}

/// The host's side of a fit, lent for one call.
pub type SessionBox<'a> = Session1_TO<'a, RBox<()>>;

/// Erases the type of a session.
pub fn session_box<'a, S: Session1 + 'a>(session: S) -> SessionBox<'a> {
    Session1_TO::from_value(session, TD_Opaque)
}

/// An opened trainer, as it crosses the boundary.
#[sabi_trait]
pub trait Trainer1: Send {
    /// Takes a [`FitJob`] as JSON, returns a [`FitReport`] as JSON.
    #[sabi(last_prefix_field)]
    fn fit(
        &mut self,
        job: RStr<'_>,
        data: FitData<'_>,
        session: SessionBox<'_>,
    ) -> RResult<RString, AbiError>;
}

/// An owned [`Trainer1`], freed by the plugin that made it.
pub type TrainerBox = Trainer1_TO<'static, RBox<()>>;

/// Erases the type of an opened trainer.
pub fn trainer_box<T: Trainer1 + 'static>(trainer: T) -> TrainerBox {
    Trainer1_TO::from_value(trainer, TD_Opaque)
}

/// The functions of `trainer/1`.
#[repr(C)]
#[derive(StableAbi)]
pub struct TrainerModule {
    /// Opens a trainer with its config (JSON), which the host has checked against the schema.
    pub open: extern "C" fn(config: RStr<'_>, host: HostObject) -> RResult<TrainerBox, AbiError>,
}

impl InterfaceModule for TrainerModule {
    const ID: &'static str = "trainer/1";
}
