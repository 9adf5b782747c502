//! What the executor and a worker say to each other: one JSON document a line.

use clirbench_host::StepReport;
use serde::{Deserialize, Serialize};

use crate::job::{Failure, Job};

/// To a worker, on its standard input. When the input closes, the worker ends at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Request {
    /// Run this job and answer with `Done` or `Failed`.
    Run(Box<Job>),
    /// Give up the job in hand soon.
    Cancel,
}

/// From a worker, on what was its standard output when it started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reply {
    /// The job goes on: `done` of `total` (0 when unknown).
    Progress {
        /// Units done.
        done: u64,
        /// Units in all.
        total: u64,
    },
    /// A training made a step.
    Step(StepReport),
    /// A plugin logs.
    Log {
        /// `error`, `warn`, `info`, `debug` or `trace`.
        level: String,
        /// What it says.
        message: String,
    },
    /// The result is committed.
    Done,
    /// There is no result.
    Failed(Failure),
}
