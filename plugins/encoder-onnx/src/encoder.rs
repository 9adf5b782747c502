//! The encoder: a directory, a graph on a device, and the calls of the interface.

use std::fs;

use clirbench_plugin::{Device, Encoder, EncoderInfo, Error, Host, Result, Role, TextStats};
use serde_json::Value;

use crate::batches::{Batch, Plan};
use crate::directory::ModelDirectory;
use crate::head::{Head, Kind, Step};
use crate::initializers::Graph;
use crate::limits::max_length;
use crate::options::Options;
use crate::pipeline::Call;
use crate::pooling::{Pooling, PoolingMode};
use crate::prompts::Prompts;
use crate::readme;
use crate::runtime::Runtime;
use crate::session::{Padding, Worker};
use crate::tokens::TextTokenizer;
use crate::variants;

/// Batches on a CPU: the activations of 512 tokens stay in the cache of a core.
const CPU_PLAN: Plan = Plan { budget: 512, equal_lengths: true, chunk: 256 };
/// Batches on a GPU: large enough to keep it busy, padding or not.
const CUDA_PLAN: Plan = Plan { budget: 32_768, equal_lengths: false, chunk: 4096 };
/// Sessions do not share weights, so there are only as many as fit in this many bytes of weights;
/// the threads are divided among them.
const MAX_WEIGHTS: u64 = 4 << 30;

/// A sentence-transformers directory on ONNX Runtime.
pub struct OnnxEncoder {
    host: Host,
    info: EncoderInfo,
    tokenizer: TextTokenizer,
    prompts: Prompts,
    head: Head,
    workers: Vec<Worker>,
    plan: Plan,
    tokenizer_threads: usize,
}

/// The sessions of a graph, and what they put out.
struct Opened {
    workers: Vec<Worker>,
    kind: Kind,
    hidden: usize,
    cuda: bool,
    dynamic_quantization: bool,
}

impl Encoder for OnnxEncoder {
    fn open(config: &Value, host: Host) -> Result<Self> {
        let options = Options::parse(config)?;
        let mut directory = ModelDirectory::read(&options.path)?;
        let mut warnings = std::mem::take(&mut directory.warnings);
        let max_tokens = max_length(
            options.max_length,
            directory.max_seq_length,
            &directory.tokenizer,
            &directory.config,
            &mut warnings,
        )?;
        let tokenizer = TextTokenizer::read(&mut directory, max_tokens)?;
        let readme = fs::read_to_string(directory.files.path("README.md")).unwrap_or_default();
        let prompts = Prompts::choose(
            &options,
            &directory.prompts,
            directory.default_prompt.as_deref(),
            readme::has_e5_prefixes(&readme),
        )?;
        warnings.extend(prompts.warnings.iter().cloned());

        let runtime = Runtime::load(host.ort_library())?;
        let opened = open_on_device(&runtime, &mut directory, &options, &tokenizer, &host, &mut warnings)?;
        let head = head(&options, &directory, opened.kind, &mut warnings)?;
        if let (Some(hidden), true) = (directory.hidden, opened.kind == Kind::Tokens)
            && hidden != opened.hidden
        {
            return Err(Error::model(format!(
                "the graph's token vectors have {} components, the Pooling module says {hidden}",
                opened.hidden
            ))
            .hint("graph and configs have to come from the same model"));
        }
        let info = EncoderInfo {
            dim: head.dim(opened.kind, opened.hidden)?,
            max_tokens,
            query_prompt: prompts.query.clone(),
            document_prompt: prompts.document.clone(),
            symmetric: prompts.query == prompts.document,
            similarity: directory.similarity.clone(),
            languages: readme::languages(&readme),
            files: directory.files.used(),
            runtime: format!("onnxruntime {} {}", runtime.version, if opened.cuda { "cuda" } else { "cpu" }),
            warnings,
        };
        Ok(OnnxEncoder {
            plan: plan(&options, &opened),
            // A CPU is the sessions' own; one tokenizer thread stays ahead of them. A GPU is not.
            tokenizer_threads: if opened.cuda { host.threads() } else { 1 },
            workers: opened.workers,
            host,
            info,
            tokenizer,
            prompts,
            head,
        })
    }

    fn info(&self) -> EncoderInfo {
        self.info.clone()
    }

    fn render(&self, role: Role, text: &str) -> Result<String> {
        self.tokenizer.decode(&self.tokenizer.encode(self.prompts.of(role), text)?.ids)
    }

    fn encode(
        &mut self,
        role: Role,
        texts: &[&str],
        out: &mut [f32],
        stats: &mut [TextStats],
    ) -> Result<usize> {
        let dim = self.info.dim;
        if out.len() != texts.len() * dim || stats.len() != texts.len() {
            return Err(Error::internal(format!(
                "{} texts of dimension {dim} into {} values and {} stats",
                texts.len(),
                out.len(),
                stats.len()
            )));
        }
        let prompt = self.prompts.of(role);
        let call = Call {
            tokenizer: &self.tokenizer,
            prompt,
            prompt_tokens: self.tokenizer.prompt_length(prompt)?,
            head: &self.head,
            dim,
            plan: self.plan,
            tokenizer_threads: self.tokenizer_threads,
            host: &self.host,
        };
        call.run(&mut self.workers, texts, out, stats)?;
        Ok(texts.len())
    }
}

/// Opens the graph on the host's device; `auto` falls back to the CPU with one warning.
fn open_on_device(
    runtime: &Runtime,
    directory: &mut ModelDirectory,
    options: &Options,
    tokenizer: &TextTokenizer,
    host: &Host,
    warnings: &mut Vec<String>,
) -> Result<Opened> {
    let mut attempt = |cuda: bool| {
        let relative = variants::choose(&directory.files, &directory.transformer, options, cuda)?;
        let mut files = directory.files.clone();
        let graph = Graph::open(&mut files, &relative, options.weights.as_deref())?;
        let opened = open_sessions(runtime, directory, options, tokenizer, host, &graph, cuda)?;
        directory.files = files;
        Ok(opened)
    };
    match host.device() {
        Device::Cpu => attempt(false),
        Device::Cuda => attempt(true),
        Device::Auto => attempt(true).or_else(|cause: Error| {
            let opened = attempt(false)?;
            warnings.push(format!("CUDA cannot be used, the CPU computes: {}", cause.message));
            Ok(opened)
        }),
    }
}

fn open_sessions(
    runtime: &Runtime,
    directory: &ModelDirectory,
    options: &Options,
    tokenizer: &TextTokenizer,
    host: &Host,
    graph: &Graph,
    cuda: bool,
) -> Result<Opened> {
    let padding = Padding { id: tokenizer.pad(), first_position: directory.config.first_position() };
    let prefer_sentence = directory.pooling.is_none() && options.pooling.is_none();
    let mut workers = threads_of_sessions(host.threads(), graph.bytes, cuda)
        .into_iter()
        .map(|threads| Worker::open(runtime, graph, threads, cuda, padding, prefer_sentence))
        .collect::<Result<Vec<_>>>()?;

    // One short text shows what the graph puts out, and that the device really computes.
    let probe = Batch { positions: vec![0], tokens: vec![tokenizer.encode("", "a")?] };
    let mut seen = None;
    if let Some(worker) = workers.first_mut() {
        worker.run(&probe, |row| seen = Some((row.kind, row.hidden)))?;
    }
    let (kind, hidden) = seen.ok_or_else(|| Error::internal("no session answered the probe"))?;
    Ok(Opened { workers, kind, hidden, cuda, dynamic_quantization: graph.dynamic_quantization })
}

/// How texts are grouped. A graph that quantises activations by the scale of a batch gets one text at
/// a time, unless the user sets a budget: vectors must not depend on what else is encoded.
fn plan(options: &Options, opened: &Opened) -> Plan {
    let plan = if opened.cuda { CUDA_PLAN } else { CPU_PLAN };
    let budget = match options.batch_tokens {
        Some(budget) => budget,
        None if opened.dynamic_quantization => 1,
        None => plan.budget,
    };
    Plan { budget, ..plan }
}

/// Threads per session: as many sessions of one thread as threads, within [`MAX_WEIGHTS`]; one
/// session on a GPU. How many there are does not change any result.
fn threads_of_sessions(threads: usize, weights: u64, cuda: bool) -> Vec<usize> {
    if cuda {
        return vec![1];
    }
    let affordable = usize::try_from(MAX_WEIGHTS / weights.max(1)).unwrap_or(usize::MAX);
    let sessions = affordable.clamp(1, threads.max(1));
    (0..sessions)
        .map(|i| threads / sessions + usize::from(i < threads % sessions))
        .map(|n| n.max(1))
        .collect()
}

/// The modules after the transformer, with the options applied.
fn head(
    options: &Options,
    directory: &ModelDirectory,
    kind: Kind,
    warnings: &mut Vec<String>,
) -> Result<Head> {
    let include_prompt = directory.pooling.as_ref().is_none_or(|pooling| pooling.include_prompt);
    let pooling = match (&options.pooling, &directory.pooling) {
        (Some(names), _) => {
            let modes =
                names.names().iter().map(|name| PoolingMode::parse(name)).collect::<Result<Vec<_>>>()?;
            if modes.is_empty() {
                return Err(Error::config("`pooling` is an empty list").hint("name a mode, or leave it out"));
            }
            if kind != Kind::Tokens {
                warnings.push("`pooling` has no effect: the graph puts out pooled vectors only".into());
            }
            Pooling { modes, include_prompt }
        }
        (None, Some(pooling)) => pooling.clone(),
        (None, None) => {
            if kind == Kind::Tokens {
                warnings
                    .push("the directory says nothing about pooling (no modules.json): mean is used".into());
            }
            Pooling { modes: vec![PoolingMode::Mean], include_prompt }
        }
    };
    let mut steps = directory.steps.clone();
    match options.normalize {
        Some(true) if !matches!(steps.last(), Some(Step::Normalize)) => steps.push(Step::Normalize),
        Some(false) => steps.retain(|step| !matches!(step, Step::Normalize)),
        _ => {}
    }
    Ok(Head { pooling, steps, truncate: options.dim })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_divided_among_the_sessions_that_memory_allows() {
        assert_eq!(threads_of_sessions(4, 90 << 20, false), [1, 1, 1, 1]);
        assert_eq!(threads_of_sessions(8, (1 << 30) + (1 << 29), false), [4, 4]);
        assert_eq!(threads_of_sessions(7, 2 << 30, false), [4, 3]);
        assert_eq!(threads_of_sessions(2, 9 << 30, false), [2]);
        assert_eq!(threads_of_sessions(0, 0, false), [1]);
        assert_eq!(threads_of_sessions(16, 90 << 20, true), [1]);
    }
}
