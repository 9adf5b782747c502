//! `clirbench work`: the process in which plugins live.

use anyhow::{Context, Result, anyhow};
use clirbench_jobs::{
    job::Job,
    worker::{WorkerOptions, run_one, serve},
};

use crate::{
    cli::{Global, WorkArgs},
    failure::{Advice, Exit},
};

pub(crate) fn run(args: &WorkArgs, global: &Global) -> Result<Exit> {
    let device = args.device.parse().map_err(|e| anyhow!("{e}"))?;
    let options =
        WorkerOptions { store: global.store.clone(), threads: args.threads, device, ort: global.ort.clone() };
    match &args.job {
        None => serve(&options).map_err(Advice::from)?,
        Some(path) => {
            let text =
                std::fs::read(path).with_context(|| format!("cannot read the job {}", path.display()))?;
            let job: Job =
                serde_json::from_slice(&text).with_context(|| format!("{} is no job", path.display()))?;
            run_one(&job, &options).map_err(Advice::from)?;
        }
    }
    Ok(Exit::Done)
}
