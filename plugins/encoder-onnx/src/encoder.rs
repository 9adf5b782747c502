//! The encoder: a directory, a graph on a device, and the calls of the interface.

use clirbench_model::{
    Batch, Kind, ModelDirectory, Network, Plan, Runner, TextEncoder, TextModel, TextTokenizer,
};
use clirbench_plugin::{Device, Encoder, EncoderInfo, Error, Host, Result, Role, TextStats};
use serde_json::Value;

use crate::initializers::Graph;
use crate::options::Options;
use crate::runtime::Runtime;
use crate::session::{Padding, Worker};
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
    text: TextEncoder,
    workers: Vec<Worker>,
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
        let (options, own) = Options::parse(config)?;
        let mut model = TextModel::open(options)?;
        let runtime = Runtime::load(host.ort_library())?;
        let opened = open_on_device(&runtime, &mut model, &own, &host)?;
        let network = Network {
            kind: opened.kind,
            hidden: opened.hidden,
            runtime: format!("onnxruntime {} {}", runtime.version, if opened.cuda { "cuda" } else { "cpu" }),
            plan: plan(&opened),
            // A CPU is the sessions' own; one tokenizer thread stays ahead of them. A GPU is not.
            tokenizer_threads: if opened.cuda { host.threads() } else { 1 },
        };
        Ok(OnnxEncoder { text: model.with_network(network, host)?, workers: opened.workers })
    }

    fn info(&self) -> EncoderInfo {
        self.text.info().clone()
    }

    fn render(&self, role: Role, text: &str) -> Result<String> {
        self.text.render(role, text)
    }

    fn encode(
        &mut self,
        role: Role,
        texts: &[&str],
        out: &mut [f32],
        stats: &mut [TextStats],
    ) -> Result<usize> {
        self.text.encode(&mut self.workers, role, texts, out, stats)
    }
}

/// Opens the graph on the host's device; `auto` falls back to the CPU with one warning.
fn open_on_device(runtime: &Runtime, model: &mut TextModel, own: &Options, host: &Host) -> Result<Opened> {
    let mut attempt = |cuda: bool| {
        let directory = &mut model.directory;
        let relative = variants::choose(&directory.files, &directory.transformer, own, cuda)?;
        let mut files = directory.files.clone();
        let graph = Graph::open(&mut files, &relative, own.weights.as_deref(), host)?;
        let prefer_sentence = directory.pooling.is_none() && model.options.pooling.is_none();
        let opened =
            open_sessions(runtime, directory, &model.tokenizer, prefer_sentence, host, &graph, cuda)?;
        directory.files = files;
        Ok(opened)
    };
    match host.device() {
        Device::Cpu => attempt(false),
        Device::Cuda => attempt(true),
        Device::Auto => attempt(true).or_else(|cause: Error| {
            let opened = attempt(false)?;
            model.warnings.push(format!("CUDA cannot be used, the CPU computes: {}", cause.message));
            Ok(opened)
        }),
    }
}

fn open_sessions(
    runtime: &Runtime,
    directory: &ModelDirectory,
    tokenizer: &TextTokenizer,
    prefer_sentence: bool,
    host: &Host,
    graph: &Graph,
    cuda: bool,
) -> Result<Opened> {
    let padding = Padding { id: tokenizer.pad(), first_position: directory.config.first_position() };
    let mut workers = threads_of_sessions(host.threads(), graph.bytes, cuda)
        .into_iter()
        .map(|threads| Worker::open(runtime, graph, threads, cuda, padding, prefer_sentence))
        .collect::<Result<Vec<_>>>()?;

    // One short text shows what the graph puts out, and that the device really computes.
    let probe = Batch { positions: vec![0], tokens: vec![tokenizer.encode("", "a")?] };
    let mut seen = None;
    if let Some(worker) = workers.first_mut() {
        worker.run(&probe, &mut |row| seen = Some((row.kind, row.hidden)))?;
    }
    let (kind, hidden) = seen.ok_or_else(|| Error::internal("no session answered the probe"))?;
    Ok(Opened { workers, kind, hidden, cuda, dynamic_quantization: graph.dynamic_quantization })
}

/// How texts are grouped. A graph that quantises activations by the scale of a batch gets one text at
/// a time, unless the user sets a budget: vectors must not depend on what else is encoded.
fn plan(opened: &Opened) -> Plan {
    let plan = if opened.cuda { CUDA_PLAN } else { CPU_PLAN };
    Plan { budget: if opened.dynamic_quantization { 1 } else { plan.budget }, ..plan }
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
