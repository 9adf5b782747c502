//! A trainer, and the host's side of a fit.

use std::panic::{AssertUnwindSafe, catch_unwind};

use clirbench_abi::trainer::{
    FitData as WireData, FitJob, FitReport, Session1, StepReport, TrainerBox, session_box,
};
use clirbench_abi::{AbiError, RResult, RSlice, RSliceMut, RStr};

use crate::{Error, Result};

/// The texts of a fit; shapes as in [`TrainerHandle::fit`].
#[derive(Clone, Copy, Debug)]
pub struct FitData<'a> {
    /// Distinct texts.
    pub texts: &'a [String],
    /// `[rows, columns]`: indices of texts.
    pub rows: &'a [u32],
    /// Queries of the validation.
    pub validation_queries: &'a [String],
    /// Documents of the validation.
    pub validation_documents: &'a [String],
}

/// What a trainer asks of the harness while it fits. An error ends the fit and is its outcome.
pub trait FitSession: Send {
    /// Why a step cannot go on.
    type Error: std::fmt::Display;

    /// The loss of a batch: indices of rows, embeddings and gradients `[columns, rows, dim]`.
    ///
    /// # Errors
    /// When it cannot be computed.
    fn loss(
        &mut self,
        rows: &[u32],
        embeddings: &[f32],
        gradients: &mut [f32],
        parts: &mut [f64],
    ) -> std::result::Result<f64, Self::Error>;

    /// The validation score of embeddings, row-major in the order of the data's texts.
    ///
    /// # Errors
    /// When it cannot be computed.
    fn validate(&mut self, queries: &[f32], documents: &[f32]) -> std::result::Result<f64, Self::Error>;

    /// Takes note of a finished step.
    fn step(&mut self, report: &StepReport);
}

/// An opened trainer.
pub struct TrainerHandle {
    plugin: String,
    trainer: TrainerBox,
}

impl TrainerHandle {
    pub(crate) fn new(plugin: &str, trainer: TrainerBox) -> Self {
        TrainerHandle { plugin: plugin.to_owned(), trainer }
    }

    /// Trains `job.base` and leaves the result in `job.out`.
    ///
    /// # Errors
    /// What the plugin or the session returned.
    pub fn fit<S: FitSession>(
        &mut self,
        job: &FitJob,
        data: FitData<'_>,
        session: &mut S,
    ) -> Result<FitReport> {
        let job = serde_json::to_string(job)
            .map_err(|e| Error::Usage(format!("a training job that is not JSON: {e}")))?;
        let texts = wire(data.texts);
        let (queries, documents) = (wire(data.validation_queries), wire(data.validation_documents));
        let data = WireData {
            texts: RSlice::from_slice(&texts),
            rows: RSlice::from_slice(data.rows),
            validation_queries: RSlice::from_slice(&queries),
            validation_documents: RSlice::from_slice(&documents),
        };
        let report = self.trainer.fit(RStr::from(job.as_str()), data, session_box(Lent(session)));
        let report = report.into_result().map_err(|e| Error::from_plugin(&self.plugin, e))?;
        serde_json::from_str(&report)
            .map_err(|e| Error::contract(&self.plugin, format!("its report is not that of a fit: {e}")))
    }
}

pub(crate) fn wire(texts: &[String]) -> Vec<RStr<'_>> {
    texts.iter().map(|text| RStr::from(text.as_str())).collect()
}

/// A session on its way over the boundary, where no panic may pass.
pub(crate) struct Lent<'a, S>(pub(crate) &'a mut S);

fn contained<T>(call: impl FnOnce() -> std::result::Result<T, String>) -> RResult<T, AbiError> {
    let outcome = catch_unwind(AssertUnwindSafe(call));
    let outcome = outcome.unwrap_or_else(|_| Err("the harness panicked".to_owned()));
    outcome
        .map_err(|message| AbiError {
            kind: "session".into(),
            message: message.into(),
            hint: String::new().into(),
        })
        .into()
}

impl<S: FitSession> Session1 for Lent<'_, S> {
    fn loss(
        &mut self,
        rows: RSlice<'_, u32>,
        embeddings: RSlice<'_, f32>,
        gradients: RSliceMut<'_, f32>,
        parts: RSliceMut<'_, f64>,
    ) -> RResult<f64, AbiError> {
        contained(|| {
            let (gradients, parts) = (gradients.into_mut_slice(), parts.into_mut_slice());
            self.0.loss(rows.as_slice(), embeddings.as_slice(), gradients, parts).map_err(|e| e.to_string())
        })
    }

    fn validate(&mut self, queries: RSlice<'_, f32>, documents: RSlice<'_, f32>) -> RResult<f64, AbiError> {
        contained(|| self.0.validate(queries.as_slice(), documents.as_slice()).map_err(|e| e.to_string()))
    }

    fn step(&mut self, report: RStr<'_>) {
        // A report is for whoever watches: one that cannot be read is nobody's failure.
        if let Ok(report) = serde_json::from_str(report.as_str()) {
            let _ = catch_unwind(AssertUnwindSafe(|| self.0.step(&report)));
        }
    }
}
