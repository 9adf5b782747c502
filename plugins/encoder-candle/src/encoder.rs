//! The encoder: a directory, its network on a device, and the calls of the interface.

use candle_core::DType;
use clirbench_candle as network;
use clirbench_model::{Batch, Kind, ModelOptions, Network, Plan, Row, Runner, TextEncoder, TextModel};
use clirbench_plugin::{
    Device, Encoder, EncoderInfo, Error, Host, Result, Role, TextStats, serde_json::Value,
};
use network::{Head, Mode, Model, Opened};
use serde::Deserialize;

/// Batches on a CPU: enough tokens that the threads share each matrix product.
const CPU_PLAN: Plan = Plan { budget: 4096, equal_lengths: false, chunk: 512 };
/// Batches on a GPU: large enough to keep it busy.
const CUDA_PLAN: Plan = Plan { budget: 32_768, equal_lengths: false, chunk: 4096 };

/// The options beside those of every model directory.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    precision: Option<Precision>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Precision {
    F32,
    Bf16,
    F16,
}

impl Precision {
    fn dtype(self) -> DType {
        match self {
            Precision::F32 => DType::F32,
            Precision::Bf16 => DType::BF16,
            Precision::F16 => DType::F16,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
            Precision::F16 => "f16",
        }
    }
}

/// A sentence-transformers directory on candle.
pub struct CandleEncoder {
    text: TextEncoder,
    /// One: the threads share its operations.
    runners: [States; 1],
}

impl Encoder for CandleEncoder {
    fn open(config: &Value, host: Host) -> Result<Self> {
        let (options, own) = ModelOptions::parse::<Options>("encoder-candle", config)?;
        let mut model = TextModel::open(options)?;
        let opened = Opened::open(host.device(), "encoder-candle")?;
        let cuda = opened.kind == Device::Cuda;
        let precision = own.precision.unwrap_or(if cuda { Precision::F16 } else { Precision::F32 });
        let directory = &mut model.directory;
        let folder = directory.files.path(&directory.transformer);
        let mut states = Model::load(&folder, &Head::States, &opened.device, precision.dtype())?;
        if host.replaces_weights() {
            states.overwrite(|name, values| host.weights(name, values))?;
        }
        for file in network::weight_files(&folder)? {
            directory.files.note(&clirbench_model::join(&directory.transformer, &file));
        }
        let device = if cuda { "cuda" } else { "cpu" };
        let network = Network {
            kind: Kind::Tokens,
            hidden: states.hidden(),
            runtime: format!("candle {} {device} {}", network::CANDLE_VERSION, precision.name()),
            plan: if cuda { CUDA_PLAN } else { CPU_PLAN },
            tokenizer_threads: if cuda { host.threads() } else { 1 },
        };
        Ok(CandleEncoder { text: model.with_network(network, host)?, runners: [States(states)] })
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
        self.text.encode(&mut self.runners, role, texts, out, stats)
    }
}

/// A network without a head.
struct States(Model);

impl Runner for States {
    fn run(&mut self, batch: &Batch, each: &mut dyn FnMut(Row<'_>)) -> Result<()> {
        // A text without a token has no state and keeps its zeros.
        let with_tokens = || batch.tokens.iter().enumerate().filter(|(_, tokens)| !tokens.ids.is_empty());
        let packed = network::Batch {
            ids: with_tokens().flat_map(|(_, tokens)| tokens.ids.iter().copied()).collect(),
            types: with_tokens().flat_map(|(_, tokens)| tokens.types.iter().copied()).collect(),
            lengths: with_tokens().map(|(_, tokens)| tokens.ids.len()).collect(),
        };
        let states = self.0.forward(&packed, Mode::Inference)?.embeddings;
        let values: Vec<f32> = states
            .flatten_all()
            .and_then(|states| states.to_vec1())
            .map_err(|e| Error::runtime(format!("cannot read the network's output: {e}")))?;
        let hidden = self.0.hidden();
        let mut rest = values.as_slice();
        for (index, tokens) in with_tokens() {
            let (values, after) = rest.split_at(tokens.ids.len() * hidden);
            each(Row { index, kind: Kind::Tokens, values, hidden });
            rest = after;
        }
        Ok(())
    }
}
