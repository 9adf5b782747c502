//! Executes a plan of an estimate: the guide's texts first, then the estimate.

use std::{path::PathBuf, sync::atomic::AtomicBool};

use clirbench_host::EstimateReport;
use clirbench_store::Object;

use crate::{
    arranged::stored,
    executor::{Event, execute},
    job::{FISHER, Failure, Job},
    plan::{FisherPlan, Setup},
    train::{TrainProgress, encode},
};

/// Folder of the estimate in its object, and its file.
pub(crate) const FOLDER: &str = "out";
pub(crate) const FILE: &str = "fisher.safetensors";

/// An estimate in the store.
#[derive(Debug)]
pub struct Estimated {
    object: Object,
    /// What the estimator says.
    pub report: EstimateReport,
}

impl Estimated {
    /// The estimate that the plan's key stands for, where it is committed.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn of(setup: &Setup, plan: &FisherPlan) -> Result<Option<Estimated>, Failure> {
        let Some(object) = setup.store.get(FISHER, &plan.job.key).map_err(stored)? else { return Ok(None) };
        let report = object.json("report.json").map_err(stored)?;
        Ok(Some(Estimated { object, report }))
    }

    /// The safetensors file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.object.folder().join(FOLDER).join(FILE)
    }
}

/// Runs what the plan lists.
///
/// # Errors
/// Why there is no estimate; what was encoded is kept.
pub fn estimate(
    setup: &Setup,
    plan: &FisherPlan,
    cancel: &AtomicBool,
    on: &mut dyn FnMut(TrainProgress),
) -> Result<Estimated, Failure> {
    encode(setup, &plan.embed, "the guide", cancel, on)?;
    let mut outcome = Ok(());
    let jobs = [Job::Fisher(Box::new(plan.job.clone()))];
    execute(&jobs, 1, &setup.executor, cancel, &mut |event| match event {
        Event::Progress { done, total, .. } => on(TrainProgress::Batches { done, total }),
        Event::Log { level, message, .. } => on(TrainProgress::Log { level, message }),
        Event::Finished { outcome: finished, .. } => outcome = finished,
        Event::Started { .. } | Event::Step { .. } => {}
    });
    outcome?;
    let vanished = || Failure::new("the estimate vanished from the store", "run again");
    Estimated::of(setup, plan)?.ok_or_else(vanished)
}
