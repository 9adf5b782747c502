//! An estimate of Fisher information, from its first batch to its file.

use std::path::Path;
use std::time::Instant;

use clirbench_candle::{Changes, Model, Opened};
use clirbench_plugin::{Error, EstimateData, EstimateJob, EstimateReport, Host, LossInput, Result, Session};

use crate::batches::{Batches, Sampling};
use crate::check::listed;
use crate::examples::Examples;
use crate::gradcache::Chunks;
use crate::gradient::{self, Batch};
use crate::inputs::Training;
use crate::network::{self, Network};
use crate::options::Options;
use crate::squares::SquareSums;
use crate::{base, information};

/// Estimates the information of `job.base`'s weights and writes it to `job.out`. There is no dropout:
/// it is the model that is merged whose information counts.
///
/// # Errors
/// `model` and `config` for a base, options or a file that do not fit, `input` for the data, `runtime`
/// for numbers that are not finite, `cancelled`.
pub(crate) fn estimate(
    options: &Options,
    host: &Host,
    device: &Opened,
    job: &EstimateJob,
    data: &EstimateData<'_>,
    session: &mut dyn Session,
) -> Result<EstimateReport> {
    let started = Instant::now();
    let examples = Examples::of_estimate(job, data);
    examples.check()?;
    let out = Path::new(&job.out);
    information::check(out)?;
    let threads = network::threads(host.threads())?;
    let text = base::open(&job.base, options)?;
    let training = threads.install(|| Training::new(&examples, &text.tokenizer, &text.prompts))?;
    let (batches, used) = plan(job, &examples)?;
    let changes = Changes { dropout: Some(0.0), classifier_seed: None };
    let model = base::load(&text, job.input, options, changes, device)?;
    let mut gradients = model.gradients();
    let mut sums = SquareSums::new(model.parameters().map(|(_, var)| var.elem_count()));
    let (mut loss, mut texts) = (0.0, 0);
    host.progress(0, used);
    for number in 1..=used {
        let rows = batches.rows(number - 1);
        let inputs = &training.inputs;
        let chunks = Chunks::new(&training.cells(rows), |i| inputs.tokens(i), options.chunk_tokens);
        gradients.clear();
        let mut network = Network { model: &model, gradients: &mut gradients, inputs, threads: &threads };
        // Nothing is dropped, whatever the seed.
        let batch = Batch { name: &format!("batch {number}"), rows, chunks: &chunks, seed: 0 };
        let poll = || match host.cancelled() {
            true => Err(Error::cancelled(format!("stopped in batch {number} of {used}"))),
            false => Ok(()),
        };
        let of_batch =
            gradient::add(&mut network, batch, &examples, options.precision, job.parts.len(), session, poll)?;
        threads.install(|| sums.add(&gradients, rows.len(), of_batch.scale))?;
        loss += of_batch.value * rows.len() as f64;
        texts += chunks.inputs().len() as u64;
        host.progress(number, used);
    }
    let unmoved = unmoved(&model, &sums, job.batch_size)?;
    information::write(out, &model, &sums, &job.origin)?;
    let short = batches.warning().filter(|_| used == batches.steps());
    Ok(EstimateReport {
        batches: used,
        rows: sums.rows(),
        loss: loss / sums.rows() as f64,
        parameters: model.parameters().map(|(_, var)| var.elem_count() as u64).sum(),
        texts,
        truncated: training.inputs.truncated,
        seconds: started.elapsed().as_secs_f64(),
        warnings: text.warnings.into_iter().chain(short).chain(unmoved).collect(),
    })
}

/// All batches of the data, in random order, and how many of them hold at most `job.rows` rows.
fn plan(job: &EstimateJob, examples: &Examples<'_>) -> Result<(Batches, usize)> {
    if job.batch_size == 0 {
        return Err(Error::config("batches of 0 rows").hint("a batch has at least 1 row"));
    }
    let limit = if job.rows == 0 { usize::MAX } else { job.rows };
    let sampling = Sampling {
        batch_size: job.batch_size.min(limit),
        epochs: 1,
        drop_last: false,
        distinct: job.input == LossInput::Embeddings,
        seed: job.seed,
    };
    let batches = Batches::plan(examples.rows, examples.columns.len(), examples.texts.len(), sampling)?;
    let ends = (0..batches.steps()).scan(0, |end, step| {
        *end += batches.rows(step).len();
        Some(*end)
    });
    let used = ends.take_while(|end| *end <= limit).count();
    Ok((batches, used))
}

/// A warning where the loss does not depend on some weights.
///
/// # Errors
/// `input` where it depends on none.
fn unmoved(model: &Model, sums: &SquareSums, batch_size: usize) -> Result<Option<String>> {
    let parameters = model.parameters().enumerate();
    let names: Vec<&str> = parameters.filter(|(index, _)| sums.is_zero(*index)).map(|(_, p)| p.0).collect();
    if names.len() == model.parameters().len() {
        let message = format!("no weight moves the loss in batches of {batch_size}: its gradient is 0");
        return Err(Error::input(message).hint(
            "a contrastive loss has no negatives in batches of one row: use larger ones, or another loss",
        ));
    }
    let warning = || format!("the loss does not depend on {}: their information is 0", listed(&names));
    Ok((!names.is_empty()).then(warning))
}
