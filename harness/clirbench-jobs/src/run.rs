//! Executes a plan: encode what is missing, score what is not done, and say what became of each cell.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use clirbench_store::Key;

use crate::{
    executor::{Event, ExecutorOptions, cancelled, execute},
    job::{Failure, Job},
    plan::{Plan, Setup},
};

/// Above this many documents a cell is searched by all threads at once; below, cells run side by side.
const LARGE_POOL: usize = 50_000;

/// What a run reports.
#[derive(Clone, Debug)]
pub enum Progress {
    /// Texts encoded so far, of this run's texts.
    Encoding {
        /// Texts done.
        done: usize,
        /// Texts in all.
        total: usize,
        /// The model at work.
        model: String,
    },
    /// Cells scored so far, of this run's cells.
    Scoring {
        /// Cells done.
        done: usize,
        /// Cells in all.
        total: usize,
    },
    /// A plugin says something.
    Log {
        /// Level name.
        level: String,
        /// What it says.
        message: String,
    },
    /// A cell's result is in the store.
    Cell {
        /// Index into [`Plan::cells`].
        cell: usize,
    },
}

/// What became of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Cells without a result, and why; by index into [`Plan::cells`].
    pub failed: HashMap<usize, Failure>,
    /// Texts that this run encoded, per model.
    pub encoded: Vec<usize>,
    /// Seconds spent encoding.
    pub encoding_seconds: f64,
    /// Seconds spent scoring.
    pub scoring_seconds: f64,
    /// Whether the user stopped it.
    pub cancelled: bool,
}

/// Runs what the plan lists; returns when every cell is done, failed or the run is cancelled.
pub fn run(setup: &Setup, plan: &Plan, cancel: &AtomicBool, on: &mut dyn FnMut(Progress)) -> Outcome {
    let mut outcome = Outcome { encoded: vec![0; plan.models.len()], ..Default::default() };
    let started = Instant::now();
    let broken = encode(setup, plan, cancel, &mut outcome, on);
    outcome.encoding_seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    score(setup, plan, &broken, cancel, &mut outcome, on);
    outcome.scoring_seconds = started.elapsed().as_secs_f64();
    outcome.cancelled = cancel.load(Ordering::Relaxed);
    outcome
}

/// Encodes shard by shard; returns the groups that are incomplete and why.
fn encode(
    setup: &Setup,
    plan: &Plan,
    cancel: &AtomicBool,
    outcome: &mut Outcome,
    on: &mut dyn FnMut(Progress),
) -> HashMap<Key, Failure> {
    let shard = |job: usize| match &plan.embed[job] {
        Job::Embed(job) => job,
        _ => unreachable!("the plan lists embed jobs here"),
    };
    let model_of = |job: usize| {
        let group = &shard(job).group;
        plan.models.iter().position(|m| {
            m.opened.as_ref().is_ok_and(|o| o.query_group == *group || o.document_group == *group)
        })
    };
    let total = (0..plan.embed.len()).map(|job| shard(job).count).sum();
    let mut finished = 0;
    let mut broken = HashMap::new();
    execute(&plan.embed, 1, &setup.executor, cancel, &mut |event| {
        let name = |job| model_of(job).map_or_else(String::new, |m| plan.models[m].name.clone());
        match event {
            Event::Started { job } => on(Progress::Encoding { done: finished, total, model: name(job) }),
            Event::Progress { job, done, .. } => {
                let done = finished + (done as usize).min(shard(job).count);
                on(Progress::Encoding { done, total, model: name(job) });
            }
            Event::Log { level, message, .. } => on(Progress::Log { level, message }),
            Event::Step { .. } => {}
            Event::Finished { job, outcome: Ok(()) } => {
                finished += shard(job).count;
                if let Some(model) = model_of(job) {
                    outcome.encoded[model] += shard(job).count;
                }
                on(Progress::Encoding { done: finished, total, model: name(job) });
            }
            Event::Finished { job, outcome: Err(failure) } => {
                broken.entry(shard(job).group.clone()).or_insert(failure);
            }
        }
    });
    broken
}

fn score(
    setup: &Setup,
    plan: &Plan,
    broken: &HashMap<Key, Failure>,
    cancel: &AtomicBool,
    outcome: &mut Outcome,
    on: &mut dyn FnMut(Progress),
) {
    let (mut cells, mut jobs) = (Vec::new(), Vec::new());
    for (index, cell) in plan.cells.iter().enumerate() {
        let opened = &plan.models[cell.model].opened;
        let failure = match (&cell.job, opened) {
            (_, Err(failure)) => Some(failure),
            _ if cell.done => continue,
            (Some(job), _) => broken.get(&job.query_group).or_else(|| broken.get(&job.document_group)),
            (None, Ok(_)) => unreachable!("a model that opened has score jobs"),
        };
        match (failure, &cell.job) {
            (Some(failure), _) => {
                outcome.failed.insert(index, failure.clone());
            }
            (None, Some(job)) => {
                cells.push(index);
                jobs.push(Job::Score(job.clone()));
            }
            (None, None) => {}
        }
    }
    let pool = |cell: &usize| {
        let cell = &plan.cells[*cell];
        plan.datasets[cell.dataset].arranged.documents.len() * plan.task(cell).pool_langs.len()
    };
    let threads = setup.executor.threads;
    let (workers, threads) =
        if cells.iter().any(|c| pool(c) > LARGE_POOL) { (1, threads) } else { (threads, 1) };
    let options = ExecutorOptions { threads, ..setup.executor.clone() };
    let (mut finished, total) = (0, jobs.len());
    execute(&jobs, workers, &options, cancel, &mut |event| match event {
        Event::Log { level, message, .. } => on(Progress::Log { level, message }),
        Event::Finished { job, outcome: result } => {
            finished += 1;
            match result {
                Ok(()) => on(Progress::Cell { cell: cells[job] }),
                Err(failure) => {
                    outcome.failed.insert(cells[job], failure);
                }
            }
            on(Progress::Scoring { done: finished, total });
        }
        Event::Started { .. } | Event::Progress { .. } | Event::Step { .. } => {}
    });
    if cancel.load(Ordering::Relaxed) {
        for cell in cells {
            let job = plan.cells[cell].job.as_ref().expect("it had a job");
            if !setup.store.has("score", &job.key) {
                outcome.failed.insert(cell, cancelled());
            }
        }
    }
}
