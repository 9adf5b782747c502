//! An estimator of Fisher information.

use clirbench_abi::fisher::{EstimateData as WireData, EstimateJob, EstimateReport, FisherBox};
use clirbench_abi::trainer::session_box;
use clirbench_abi::{RSlice, RStr};

use crate::trainer::{Lent, wire};
use crate::{Error, FitSession, Result};

/// The texts of an estimate; shapes as in [`FisherHandle::estimate`].
#[derive(Clone, Copy, Debug)]
pub struct EstimateData<'a> {
    /// Distinct texts.
    pub texts: &'a [String],
    /// `[rows, columns]`: indices of texts.
    pub rows: &'a [u32],
}

/// An opened estimator.
pub struct FisherHandle {
    plugin: String,
    fisher: FisherBox,
}

impl FisherHandle {
    pub(crate) fn new(plugin: &str, fisher: FisherBox) -> Self {
        FisherHandle { plugin: plugin.to_owned(), fisher }
    }

    /// Estimates the information of `job.base`'s weights and leaves it in the file `job.out`, whose
    /// content is for the caller to check.
    ///
    /// # Errors
    /// What the plugin or the session returned, or a report of less than one batch.
    pub fn estimate<S: FitSession>(
        &mut self,
        job: &EstimateJob,
        data: EstimateData<'_>,
        session: &mut S,
    ) -> Result<EstimateReport> {
        let job = serde_json::to_string(job)
            .map_err(|e| Error::Usage(format!("an estimate's job that is not JSON: {e}")))?;
        let texts = wire(data.texts);
        let data = WireData { texts: RSlice::from_slice(&texts), rows: RSlice::from_slice(data.rows) };
        let report = self.fisher.estimate(RStr::from(job.as_str()), data, session_box(Lent(session)));
        let report = report.into_result().map_err(|e| Error::from_plugin(&self.plugin, e))?;
        let report: EstimateReport = serde_json::from_str(&report).map_err(|e| {
            Error::contract(&self.plugin, format!("its report is not that of an estimate: {e}"))
        })?;
        if report.batches == 0 || !report.loss.is_finite() {
            let said = format!("it reports {} batches and a loss of {}", report.batches, report.loss);
            return Err(Error::contract(&self.plugin, said));
        }
        Ok(report)
    }
}
