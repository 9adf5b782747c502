//! Trains sentence-transformers directories on candle: bi-encoders from a loss of embeddings, and
//! cross-encoders from a loss of scores.
//!
//! A step is the planned batch (`batches`), the gradient of the whole batch in the memory of a chunk
//! (`gradcache`), the optimiser (`optimizer`, `adamw`, `rows`) and, where one is due, a validation or
//! a checkpoint (`fit`). The loss, its guide and its labels are the host's; the network is
//! `clirbench-candle`. An estimate of Fisher information (`estimate`, `squares`, `information`) takes the same
//! batches and gradients, and squares these.
//!
//! Equal jobs give equal bytes on the CPU, whatever the number of threads and however often they were
//! stopped in between.

mod adamw;
mod base;
mod batches;
mod card;
mod check;
mod checkpoint;
mod classifier;
mod digest;
mod estimate;
mod examples;
mod fit;
mod gradcache;
mod gradient;
mod head;
mod information;
mod inputs;
mod log;
mod network;
mod optimizer;
mod options;
mod pattern;
mod result;
mod rows;
mod saved;
mod schedule;
mod squares;
mod underflow;
mod validation;

use std::time::Instant;

use clirbench_candle::Opened;
use clirbench_plugin::{
    EstimateData, EstimateJob, EstimateReport, Fisher, FitData, FitJob, FitReport, Host, Result, Session,
    Trainer, serde_json::Value,
};

use crate::estimate::estimate;
use crate::fit::{Fit, Given};
use crate::options::Options;

clirbench_plugin::export_plugin! {
    id: "trainer-candle",
    interfaces: [
        trainer: CandleTrainer { schema: include_str!("../schema.json"), },
        // The same options: a recipe does for both. Those of the optimiser and dropout are not used.
        fisher: CandleFisher { schema: include_str!("../schema.json"), },
    ],
}

/// The trainer with its hyperparameters.
pub struct CandleTrainer {
    options: Options,
    host: Host,
    device: Opened,
}

impl Trainer for CandleTrainer {
    fn open(config: &Value, host: Host) -> Result<Self> {
        let options = Options::read(config)?;
        let device = Opened::open(host.device(), "trainer-candle")?;
        Ok(CandleTrainer { options, host, device })
    }

    fn fit(&mut self, job: &FitJob, data: &FitData<'_>, session: &mut dyn Session) -> Result<FitReport> {
        let started = Instant::now();
        let (options, host, device) = (&self.options, &self.host, &self.device);
        let mut fit = Fit::open(Given { options, host, device, job, data })?;
        fit.train(session)?;
        fit.finish(started)
    }
}

/// The estimator of Fisher information, with the options of the trainer.
pub struct CandleFisher {
    options: Options,
    host: Host,
    device: Opened,
}

impl Fisher for CandleFisher {
    fn open(config: &Value, host: Host) -> Result<Self> {
        let options = Options::read(config)?;
        let device = Opened::open(host.device(), "trainer-candle")?;
        Ok(CandleFisher { options, host, device })
    }

    fn estimate(
        &mut self,
        job: &EstimateJob,
        data: &EstimateData<'_>,
        session: &mut dyn Session,
    ) -> Result<EstimateReport> {
        estimate(&self.options, &self.host, &self.device, job, data, session)
    }
}
