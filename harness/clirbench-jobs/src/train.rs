//! Executes a training plan: the guide's texts first, then the training.

use std::sync::atomic::{AtomicBool, Ordering};

use clirbench_host::{FitReport, StepReport};
use clirbench_store::Object;

use crate::{
    arranged::stored,
    executor::{Event, cancelled, execute},
    job::{Failure, Job, MODEL},
    plan::{Setup, TrainPlan},
};

/// What a training, an estimate, or an encoding reports while it runs.
#[derive(Clone, Debug)]
pub enum TrainProgress {
    /// Texts that a model has encoded, of those that it has to.
    Encoding {
        /// Texts done.
        done: usize,
        /// Texts in all.
        total: usize,
    },
    /// A step of the optimiser.
    Step(StepReport),
    /// Batches of an estimate, of those that it takes.
    Batches {
        /// Batches done.
        done: u64,
        /// Batches in all.
        total: u64,
    },
    /// A plugin says something.
    Log {
        /// Level name.
        level: String,
        /// What it says.
        message: String,
    },
}

/// A trained model in the store.
#[derive(Debug)]
pub struct Trained {
    /// The object; the model directory is its folder `model`.
    pub object: Object,
    /// What the trainer says.
    pub report: FitReport,
}

impl Trained {
    /// The model that the plan's key stands for, where it is committed.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn of(setup: &Setup, plan: &TrainPlan) -> Result<Option<Trained>, Failure> {
        let Some(object) = setup.store.get(MODEL, &plan.job.key).map_err(stored)? else { return Ok(None) };
        let report = object.json("report.json").map_err(stored)?;
        Ok(Some(Trained { object, report }))
    }
}

/// Runs what the plan lists.
///
/// # Errors
/// Why there is no model; what was encoded, and the training's checkpoints, are kept.
pub fn train(
    setup: &Setup,
    plan: &TrainPlan,
    cancel: &AtomicBool,
    on: &mut dyn FnMut(TrainProgress),
) -> Result<Trained, Failure> {
    encode(setup, &plan.embed, "the guide", cancel, on)?;
    let mut outcome = Ok(());
    let jobs = [Job::Train(Box::new(plan.job.clone()))];
    execute(&jobs, 1, &setup.executor, cancel, &mut |event| match event {
        Event::Step { report, .. } => on(TrainProgress::Step(report)),
        Event::Log { level, message, .. } => on(TrainProgress::Log { level, message }),
        Event::Finished { outcome: finished, .. } => outcome = finished,
        Event::Started { .. } | Event::Progress { .. } => {}
    });
    outcome?;
    let vanished = || Failure::new("the trained model vanished from the store", "run again");
    Trained::of(setup, plan)?.ok_or_else(vanished)
}

/// Runs the embed jobs of one model; `who` is what errors call it.
///
/// # Errors
/// Why the model failed, or that the run was stopped.
pub(crate) fn encode(
    setup: &Setup,
    embed: &[Job],
    who: &str,
    cancel: &AtomicBool,
    on: &mut dyn FnMut(TrainProgress),
) -> Result<(), Failure> {
    let count = |job: usize| if let Job::Embed(job) = &embed[job] { job.count } else { 0 };
    let total = (0..embed.len()).map(count).sum();
    let (mut finished, mut failed) = (0, None);
    execute(embed, 1, &setup.executor, cancel, &mut |event| match event {
        Event::Progress { job, done, .. } => {
            on(TrainProgress::Encoding { done: finished + (done as usize).min(count(job)), total });
        }
        Event::Log { level, message, .. } => on(TrainProgress::Log { level, message }),
        Event::Finished { job, outcome: Ok(()) } => {
            finished += count(job);
            on(TrainProgress::Encoding { done: finished, total });
        }
        Event::Finished { outcome: Err(failure), .. } => failed = failed.take().or(Some(failure)),
        Event::Started { .. } | Event::Step { .. } => {}
    });
    if cancel.load(Ordering::Relaxed) {
        return Err(cancelled());
    }
    match failed {
        Some(failure) => Err(Failure::new(format!("{who} failed: {}", failure.message), failure.hint)),
        None => Ok(()),
    }
}
