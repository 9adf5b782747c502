//! The trainer interface: a model directory, texts and a loss in, a trained model directory out.

pub use clirbench_abi::trainer::{FitJob, FitReport, StepReport, TrainingColumn};

use crate::{Host, Result};

/// The texts of a fit.
#[derive(Clone, Debug)]
pub struct FitData<'a> {
    /// Distinct texts.
    pub texts: Vec<&'a str>,
    /// `[rows, columns]`: indices of texts; the columns are those of [`FitJob::columns`].
    pub rows: &'a [u32],
    /// Queries of the validation.
    pub validation_queries: Vec<&'a str>,
    /// Documents of the validation.
    pub validation_documents: Vec<&'a str>,
}

/// What the harness does for a fit in progress.
pub trait Session {
    /// The loss of the batch that consists of `rows` (indices of rows of the data):
    /// `embeddings` and `gradients` are `[columns, rows, dim]`; `parts` has an element per name of
    /// [`FitJob::parts`]. Guide embeddings and labels are the harness's affair.
    ///
    /// # Errors
    /// What the loss says, a value or gradient that is not finite included.
    fn loss(
        &mut self,
        rows: &[u32],
        embeddings: &[f32],
        gradients: &mut [f32],
        parts: &mut [f64],
    ) -> Result<f64>;

    /// The validation score of embeddings of the validation's queries and documents, row-major.
    ///
    /// # Errors
    /// When the embeddings cannot be scored.
    fn validate(&mut self, queries: &[f32], documents: &[f32]) -> Result<f64>;

    /// Tells whoever watches of a finished step.
    fn step(&mut self, report: &StepReport);
}

/// What trains a model.
pub trait Trainer: Send + Sized + 'static {
    /// Opens the trainer with its options (hyperparameters), checked against the manifest's schema.
    fn open(config: &serde_json::Value, host: Host) -> Result<Self>;

    /// Trains `job.base` and writes the result to `job.out`.
    ///
    /// Poll `host.cancelled()` once per chunk and leave a checkpoint behind: the next call with the
    /// same job goes on from it, and ends with the same bytes as one that was not interrupted.
    fn fit(&mut self, job: &FitJob, data: &FitData<'_>, session: &mut dyn Session) -> Result<FitReport>;
}

/// What `export_plugin!` needs of this interface.
#[doc(hidden)]
pub mod exported {
    use clirbench_abi::host::HostObject;
    use clirbench_abi::trainer::{
        FitData as WireData, SessionBox, Trainer1, TrainerBox, TrainerModule, trainer_box,
    };
    use clirbench_abi::{AbiError, Interface, InterfaceModule, RResult, RSlice, RSliceMut, RStr, RString};

    use super::{FitData, FitJob, Session, StepReport, Trainer};
    use crate::guard::{Checked, open};
    use crate::manifest::InterfaceSource;
    use crate::{Error, Result, wire};

    /// Id of the interface.
    pub const ID: &str = TrainerModule::ID;

    /// The manifest's entry of a trainer without options.
    #[must_use]
    pub const fn source() -> InterfaceSource {
        InterfaceSource::new(ID)
    }

    /// The interface that opens `T`.
    #[must_use]
    pub fn interface<T: Trainer>() -> Interface {
        Interface::new(const { &TrainerModule { open: opened::<T> } })
    }

    extern "C" fn opened<T: Trainer>(config: RStr<'_>, host: HostObject) -> RResult<TrainerBox, AbiError> {
        open(config, host, T::open).map(|trainer| trainer_box(Exported(trainer)))
    }

    struct Exported<T>(Checked<T>);

    impl<T: Trainer> Trainer1 for Exported<T> {
        fn fit(
            &mut self,
            job: RStr<'_>,
            data: WireData<'_>,
            session: SessionBox<'_>,
        ) -> RResult<RString, AbiError> {
            self.0.call_mut(|trainer| {
                let job: FitJob = wire::from_json("job", &job)?;
                let data = FitData {
                    texts: data.texts.iter().map(|t| t.as_str()).collect(),
                    rows: data.rows.as_slice(),
                    validation_queries: data.validation_queries.iter().map(|t| t.as_str()).collect(),
                    validation_documents: data.validation_documents.iter().map(|t| t.as_str()).collect(),
                };
                wire::to_json(&trainer.fit(&job, &data, &mut Remote(session))?)
            })
        }
    }

    /// The host's session behind the safe trait.
    pub(crate) struct Remote<'a>(pub(crate) SessionBox<'a>);

    impl Session for Remote<'_> {
        fn loss(
            &mut self,
            rows: &[u32],
            embeddings: &[f32],
            gradients: &mut [f32],
            parts: &mut [f64],
        ) -> Result<f64> {
            let value = self.0.loss(
                RSlice::from_slice(rows),
                RSlice::from_slice(embeddings),
                RSliceMut::from_mut_slice(gradients),
                RSliceMut::from_mut_slice(parts),
            );
            value.into_result().map_err(Error::from)
        }

        fn validate(&mut self, queries: &[f32], documents: &[f32]) -> Result<f64> {
            let score = self.0.validate(RSlice::from_slice(queries), RSlice::from_slice(documents));
            score.into_result().map_err(Error::from)
        }

        fn step(&mut self, report: &StepReport) {
            if let Ok(report) = wire::to_json(report) {
                self.0.step(report.as_rstr());
            }
        }
    }
}
