//! The local executor: jobs to worker processes, whatever happens to those.
//!
//! A worker that panics, aborts, is killed or hangs costs the job in its hands, nothing else: the
//! next job gets a fresh worker. Nothing is read back from workers but their replies; results are
//! in the store.

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use clirbench_host::StepReport;

use crate::{
    job::{Failure, Job},
    process::{Heard, WorkerProcess},
    protocol::Reply,
};

pub use crate::process::ExecutorOptions;

/// What the executor reports while it works.
#[derive(Clone, Debug)]
pub enum Event {
    /// A job started.
    Started {
        /// Index of the job in the list.
        job: usize,
    },
    /// It goes on.
    Progress {
        /// Index of the job in the list.
        job: usize,
        /// Units done.
        done: u64,
        /// Units in all.
        total: u64,
    },
    /// A training made a step.
    Step {
        /// Index of the job in the list.
        job: usize,
        /// What it says of it.
        report: StepReport,
    },
    /// A plugin or worker says something.
    Log {
        /// Index of the job in the list.
        job: usize,
        /// Level name.
        level: String,
        /// What it says.
        message: String,
    },
    /// It ended.
    Finished {
        /// Index of the job in the list.
        job: usize,
        /// Committed, or why not.
        outcome: Result<(), Failure>,
    },
}

/// The failure of jobs that were not run because the user stopped the run.
#[must_use]
pub fn cancelled() -> Failure {
    Failure::new("the run was stopped", "run again to continue; committed results are kept")
}

/// Runs `jobs` on `workers` worker processes; every job ends in exactly one `Finished` event.
pub fn execute(
    jobs: &[Job],
    workers: usize,
    options: &ExecutorOptions,
    cancel: &AtomicBool,
    on_event: &mut dyn FnMut(Event),
) {
    let queue = Mutex::new((0..jobs.len()).collect::<VecDeque<_>>());
    let broken = Mutex::new(HashSet::new());
    let (events, heard) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..workers.clamp(1, jobs.len().max(1)) {
            let events = events.clone();
            let (queue, broken) = (&queue, &broken);
            scope.spawn(move || {
                let mut runner = Runner { options, cancel, events, worker: None };
                while let Some(job) = queue.lock().expect("no runner panics").pop_front() {
                    let outcome = runner.run(job, &jobs[job], broken);
                    let _ = runner.events.send(Event::Finished { job, outcome });
                }
            });
        }
        drop(events);
        heard.iter().for_each(on_event);
    });
}

struct Runner<'a> {
    options: &'a ExecutorOptions,
    cancel: &'a AtomicBool,
    events: mpsc::Sender<Event>,
    worker: Option<(WorkerProcess, Option<String>)>,
}

/// How often the user's wish to stop is looked at.
const TICK: Duration = Duration::from_millis(50);

impl Runner<'_> {
    fn run(&mut self, index: usize, job: &Job, broken: &Mutex<HashSet<String>>) -> Result<(), Failure> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(cancelled());
        }
        let strand = job.strand();
        if strand.as_ref().is_some_and(|s| broken.lock().expect("no runner panics").contains(s)) {
            return Err(Failure::new("an earlier part of the same work failed", ""));
        }
        let _ = self.events.send(Event::Started { job: index });
        let outcome = self.ask(index, job);
        if outcome.is_err() {
            broken.lock().expect("no runner panics").extend(strand);
        }
        outcome
    }

    fn ask(&mut self, index: usize, job: &Job) -> Result<(), Failure> {
        let affinity = job.affinity();
        if self.worker.as_ref().is_some_and(|(_, loaded)| affinity.is_some() && *loaded != affinity) {
            self.worker = None;
        }
        let (mut worker, _) = match self.worker.take() {
            Some(worker) => worker,
            None => (WorkerProcess::start(self.options)?, None),
        };
        worker.send(job)?;
        let mut last_sign = Instant::now();
        let mut told_to_stop: Option<Instant> = None;
        loop {
            match worker.hear(TICK) {
                Heard::Reply(Reply::Progress { done, total }) => {
                    last_sign = Instant::now();
                    let _ = self.events.send(Event::Progress { job: index, done, total });
                }
                Heard::Reply(Reply::Step(report)) => {
                    last_sign = Instant::now();
                    let _ = self.events.send(Event::Step { job: index, report });
                }
                Heard::Reply(Reply::Log { level, message }) => {
                    last_sign = Instant::now();
                    let _ = self.events.send(Event::Log { job: index, level, message });
                }
                Heard::Reply(Reply::Done) => {
                    self.worker = Some((worker, affinity));
                    return Ok(());
                }
                Heard::Reply(Reply::Failed(failure)) => {
                    // A worker that failed may hold a plugin in any state: the next job gets a fresh one.
                    return Err(if told_to_stop.is_some() { cancelled() } else { failure });
                }
                Heard::Ended => {
                    return Err(if told_to_stop.is_some() { cancelled() } else { worker.post_mortem() });
                }
                Heard::Nothing => {}
            }
            if told_to_stop.is_none() && self.cancel.load(Ordering::Relaxed) {
                told_to_stop = Some(Instant::now());
                worker.cancel();
            }
            if told_to_stop.is_some_and(|at| at.elapsed() > job.grace()) {
                worker.kill();
                return Err(cancelled());
            }
            if last_sign.elapsed() > self.options.stall {
                worker.kill();
                return Err(Failure::new(
                    format!("no sign of life for {} s: the worker was ended", self.options.stall.as_secs()),
                    "a larger `stall_seconds` under [run] gives it more time",
                ));
            }
        }
    }
}
