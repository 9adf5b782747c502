//! The Fisher interface: a model directory, texts and a loss in, the information of its weights out.

pub use clirbench_abi::fisher::{EstimateJob, EstimateReport};

use crate::{Host, Result, Session};

/// The texts of an estimate.
#[derive(Clone, Debug)]
pub struct EstimateData<'a> {
    /// Distinct texts.
    pub texts: Vec<&'a str>,
    /// `[rows, columns]`: indices of texts; the columns are those of [`EstimateJob::columns`].
    pub rows: &'a [u32],
}

/// What estimates the diagonal Fisher information of a model's weights.
pub trait Fisher: Send + Sized + 'static {
    /// Opens the estimator with its options, checked against the manifest's schema. They are those of
    /// the trainer in the same plugin, so that a recipe does for both.
    fn open(config: &serde_json::Value, host: Host) -> Result<Self>;

    /// Squares the gradients of the loss on batches of the data and writes what it estimates from them
    /// to `job.out`. Of the session it calls [`Session::loss`] only.
    ///
    /// Poll `host.cancelled()` once per chunk, tell `host.progress` of finished batches, and leave no
    /// file behind that is not whole.
    fn estimate(
        &mut self,
        job: &EstimateJob,
        data: &EstimateData<'_>,
        session: &mut dyn Session,
    ) -> Result<EstimateReport>;
}

/// What `export_plugin!` needs of this interface.
#[doc(hidden)]
pub mod exported {
    use clirbench_abi::fisher::{EstimateData as WireData, Fisher1, FisherBox, FisherModule, fisher_box};
    use clirbench_abi::host::HostObject;
    use clirbench_abi::trainer::SessionBox;
    use clirbench_abi::{AbiError, Interface, InterfaceModule, RResult, RStr, RString};

    use super::{EstimateData, EstimateJob, Fisher};
    use crate::guard::{Checked, open};
    use crate::manifest::InterfaceSource;
    use crate::trainer::exported::Remote;
    use crate::wire;

    /// Id of the interface.
    pub const ID: &str = FisherModule::ID;

    /// The manifest's entry of an estimator without options.
    #[must_use]
    pub const fn source() -> InterfaceSource {
        InterfaceSource::new(ID)
    }

    /// The interface that opens `F`.
    #[must_use]
    pub fn interface<F: Fisher>() -> Interface {
        Interface::new(const { &FisherModule { open: opened::<F> } })
    }

    extern "C" fn opened<F: Fisher>(config: RStr<'_>, host: HostObject) -> RResult<FisherBox, AbiError> {
        open(config, host, F::open).map(|fisher| fisher_box(Exported(fisher)))
    }

    struct Exported<F>(Checked<F>);

    impl<F: Fisher> Fisher1 for Exported<F> {
        fn estimate(
            &mut self,
            job: RStr<'_>,
            data: WireData<'_>,
            session: SessionBox<'_>,
        ) -> RResult<RString, AbiError> {
            self.0.call_mut(|fisher| {
                let job: EstimateJob = wire::from_json("job", &job)?;
                let texts = data.texts.iter().map(|t| t.as_str()).collect();
                let data = EstimateData { texts, rows: data.rows.as_slice() };
                wire::to_json(&fisher.estimate(&job, &data, &mut Remote(session))?)
            })
        }
    }
}
