//! A fit from its first step, or from a checkpoint, to the trained model.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clirbench_candle::{Changes, Gradients, Model, Opened};
use clirbench_model::{Tensors, TextModel};
use clirbench_plugin::{Error, FitData, FitJob, FitReport, Host, LossInput, Result, Session, StepReport};
use rayon::ThreadPool;

use crate::base;
use crate::batches::{Batches, Sampling};
use crate::card::Card;
use crate::check::{self, Fingerprints};
use crate::checkpoint::{Best, Checkpoints, Progress};
use crate::digest::digest;
use crate::examples::Examples;
use crate::gradcache::{Chunks, mixed};
use crate::gradient::{self, Batch};
use crate::inputs::Training;
use crate::log::Log;
use crate::network::{self, Network};
use crate::optimizer::Optimizer;
use crate::options::Options;
use crate::result;
use crate::schedule::{Schedule, clip_factor};
use crate::validation::Validation;

/// What a fit is given.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) options: &'a Options,
    pub(crate) host: &'a Host,
    pub(crate) device: &'a Opened,
    pub(crate) job: &'a FitJob,
    pub(crate) data: &'a FitData<'a>,
}

/// A fit between two steps.
pub(crate) struct Fit<'a> {
    given: Given<'a>,
    threads: ThreadPool,
    text: TextModel,
    model: Model,
    gradients: Gradients,
    training: Training,
    validation: Option<Validation>,
    batches: Batches,
    schedule: Schedule,
    optimizer: Optimizer,
    /// Of the base's weights.
    fingerprints: Fingerprints,
    checkpoints: Checkpoints,
    progress: Progress,
    log: Log,
    resumed_at: usize,
}

impl<'a> Fit<'a> {
    /// Reads base and data, plans all batches, and continues a checkpoint where there is one.
    ///
    /// # Errors
    /// `model` and `config` for a base, options or folders that do not fit, `input` for the data.
    pub(crate) fn open(given: Given<'a>) -> Result<Self> {
        let Given { options, host, device, job, data } = given;
        let examples = Examples::of_fit(job, data);
        examples.check()?;
        check::validation(job, data)?;
        result::check(Path::new(&job.out))?;
        let threads = network::threads(host.threads())?;
        let text = base::open(&job.base, options)?;
        let training = threads.install(|| Training::new(&examples, &text.tokenizer, &text.prompts))?;
        let validation = match job.validate_every {
            0 => None,
            _ => Some(threads.install(|| Validation::new(&text, data, job.greater_is_better))?),
        };
        let sampling = Sampling {
            batch_size: options.batch_size,
            epochs: options.epochs,
            drop_last: options.drop_last,
            distinct: job.input == LossInput::Embeddings,
            seed: job.seed,
        };
        let batches = Batches::plan(data.rows, job.columns.len(), data.texts.len(), sampling)?;
        let schedule = Schedule::new(options.schedule, options.warmup_ratio, batches.steps())?;

        let changes = Changes {
            dropout: options.dropout.map(|rate| rate as f32),
            classifier_seed: (job.input == LossInput::Scores).then_some(job.seed),
        };
        let model = base::load(&text, job.input, options, changes, device)?;
        let names: Vec<&str> = model.parameters().map(|(name, _)| name).collect();
        options.check_groups(&names)?;
        let mut optimizer = Optimizer::new(model.parameters(), options, &schedule, batches.steps());
        let fingerprints = Fingerprints::of(&optimizer)?;

        let files = files(&text)?;
        let digest = digest(options, job, data, device.kind, &files)?;
        let checkpoints = Checkpoints::open(Path::new(&job.checkpoints), digest)?;
        let (progress, log) = match checkpoints.resume(&mut optimizer)? {
            Some(resumed) => resumed,
            None => (Progress::default(), Log::new(&job.parts)),
        };
        let resumed_at = progress.step;
        let gradients = model.gradients();
        Ok(Fit {
            given,
            threads,
            text,
            model,
            gradients,
            training,
            validation,
            batches,
            schedule,
            optimizer,
            fingerprints,
            checkpoints,
            progress,
            log,
            resumed_at,
        })
    }

    /// Takes all steps that are left. A stop leaves a checkpoint behind.
    ///
    /// # Errors
    /// `cancelled`; `runtime` for numbers that are not finite; `model` for tensors that do not learn.
    pub(crate) fn train(&mut self, session: &mut dyn Session) -> Result<()> {
        let (host, steps) = (self.given.host, self.batches.steps());
        host.progress(self.progress.step, steps);
        while self.progress.pending.is_some() || self.progress.step < steps {
            let report = match self.step(session) {
                Err(error) if error.kind == "cancelled" => {
                    self.checkpoint()?;
                    return Err(error);
                }
                report => report?,
            };
            self.log.push(&report);
            session.step(&report);
            host.progress(self.progress.step, steps);
            let every = self.given.options.checkpoint_every;
            if every > 0 && self.progress.step.is_multiple_of(every) && self.progress.step < steps {
                self.checkpoint()?;
            }
        }
        Ok(())
    }

    /// Writes the weights of the best validation, or of the last step, and forgets the checkpoints.
    ///
    /// # Errors
    /// `model` for tensors that did not move, `runtime` when the disk is full or fails.
    pub(crate) fn finish(mut self, started: Instant) -> Result<FitReport> {
        let Given { options, job, .. } = self.given;
        self.threads.install(|| self.optimizer.catch_up_all())?;
        self.fingerprints.all_moved(&self.optimizer)?;
        let steps = self.batches.steps();
        let best = self.progress.best;
        if let Some(best) = best.filter(|best| best.step != steps) {
            self.checkpoints.load_best(best, &self.optimizer)?;
        }
        let base = Path::new(&job.base).file_name().map(|name| name.to_string_lossy());
        let base_card = std::fs::read_to_string(self.text.directory.files.path("README.md"));
        let card = Card {
            job,
            options,
            base: base.as_deref().unwrap_or("the base"),
            base_card: &base_card.unwrap_or_default(),
            rows: self.given.data.rows.len() / job.columns.len(),
            steps,
            best,
        };
        result::write(Path::new(&job.out), &self.text, &self.model, options.saved_type, &card, &self.log)?;
        self.checkpoints.clear()?;
        let warnings = self.text.warnings.into_iter().chain(self.batches.warning());
        Ok(FitReport {
            steps,
            resumed_at: self.resumed_at,
            best_step: best.map_or(steps, |best| best.step),
            best_score: best.map(|best| best.score),
            parameters: self.optimizer.parameters(),
            texts: self.progress.texts,
            truncated: self.training.inputs.truncated,
            seconds: started.elapsed().as_secs_f64(),
            warnings: warnings.collect(),
        })
    }

    /// A step, with the validation that is due after it. A stop can come between the two.
    fn step(&mut self, session: &mut dyn Session) -> Result<StepReport> {
        let report = match &self.progress.pending {
            Some(report) => report.clone(),
            None => {
                let report = self.update(session)?;
                self.progress.pending = Some(report.clone());
                report
            }
        };
        let validation = self.validate(session)?;
        self.progress.pending = None;
        Ok(StepReport { validation, ..report })
    }

    /// Takes the next step of the optimiser.
    fn update(&mut self, session: &mut dyn Session) -> Result<StepReport> {
        let Given { options, host, job, data, .. } = self.given;
        let step = self.progress.step;
        let rows = self.batches.rows(step);
        let inputs = &self.training.inputs;
        let chunks = Chunks::new(&self.training.cells(rows), |i| inputs.tokens(i), options.chunk_tokens);
        let ids = inputs.distinct_ids(chunks.inputs());
        self.threads.install(|| self.optimizer.catch_up(&ids))?;

        self.gradients.clear();
        let mut network =
            Network { model: &self.model, gradients: &mut self.gradients, inputs, threads: &self.threads };
        let number = step + 1;
        let name = format!("step {number}");
        let examples = Examples::of_fit(job, data);
        let batch = Batch { name: &name, rows, chunks: &chunks, seed: mixed(job.seed, step as u64) };
        let (precision, parts) = (options.precision, job.parts.len());
        let loss =
            gradient::add(&mut network, batch, &examples, precision, parts, session, || poll(host, step))?;

        let (optimizer, gradients) = (&mut self.optimizer, &self.gradients);
        let norm = self.threads.install(|| optimizer.gradient_norm(gradients))? / f64::from(loss.scale);
        check::finite_value("the norm of the gradient", &name, rows, norm, &examples)?;
        // Where the loss is flat there is nothing to see: an untrained margin that all rows keep.
        if loss.moves && !self.progress.gradients_seen {
            check::all_have_gradients(&optimizer.without_gradient(gradients)?)?;
            self.progress.gradients_seen = true;
        }
        let clip = clip_factor(norm, options.max_grad_norm) / loss.scale;
        self.threads.install(|| optimizer.step(gradients, clip))?;

        self.progress.step = number;
        self.progress.texts += chunks.inputs().len() as u64;
        Ok(StepReport {
            step: number,
            steps: self.batches.steps(),
            epoch: self.batches.epochs_after(number),
            loss: loss.value,
            parts: loss.parts,
            learning_rate: options.learning_rate * self.schedule.factor(step),
            gradient_norm: norm,
            validation: None,
        })
    }

    /// The validation score, where one is due.
    fn validate(&mut self, session: &mut dyn Session) -> Result<Option<f64>> {
        let (every, step) = (self.given.job.validate_every, self.progress.step);
        let Some(validation) = &self.validation else { return Ok(None) };
        if !step.is_multiple_of(every) && step != self.batches.steps() {
            return Ok(None);
        }
        self.threads.install(|| self.optimizer.catch_up_all())?;
        let (host, budget) = (self.given.host, self.given.options.chunk_tokens);
        let score = validation.score(&self.model, budget, &self.threads, session, || poll(host, step))?;
        if validation.improves(score, self.progress.best) {
            self.checkpoints.save_best(step, &self.optimizer)?;
            self.progress.best = Some(Best { step, score });
        }
        Ok(Some(score))
    }

    fn checkpoint(&mut self) -> Result<()> {
        self.threads.install(|| self.optimizer.catch_up_all())?;
        self.checkpoints.save(&self.progress, &self.log, &self.optimizer)
    }
}

/// The files of the base that the result depends on.
fn files(text: &TextModel) -> Result<Vec<PathBuf>> {
    let files = &text.directory.files;
    let mut paths: Vec<PathBuf> = files.used().iter().map(|name| files.path(name)).collect();
    paths.extend_from_slice(Tensors::open(&base::transformer(text))?.files());
    Ok(paths)
}

fn poll(host: &Host, step: usize) -> Result<()> {
    if host.cancelled() {
        return Err(Error::cancelled(format!("stopped after step {step}; the same job goes on from there")));
    }
    Ok(())
}
