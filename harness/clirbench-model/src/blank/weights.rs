//! Random weights.

use std::path::Path;

use clirbench_plugin::Result;
use half::{bf16, f16};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{BertShape, Dtype, Network, SEGMENTS};
use crate::writer::{SHARD_BYTES, TensorSpec, TensorWriter};

/// The standard deviation of a new transformer's weights: BERT's `initializer_range`.
pub(super) const DEVIATION: f64 = 0.02;

/// Writes `model.safetensors`: zeros for biases, ones for the weights of norms, else uniform numbers of
/// mean 0 and the network's deviation that depend on the seed and the tensor's place.
pub(super) fn write(
    folder: &Path,
    network: &Network,
    vocabulary: usize,
    dtype: Dtype,
    seed: u64,
) -> Result<()> {
    let (tensors, deviation) = match network {
        Network::Bert(shape) => (bert(shape, vocabulary), DEVIATION),
        // Texts are means of rows: rows of length 1 or so.
        Network::Static { hidden_size } => (
            vec![("embedding.weight".to_owned(), vec![vocabulary, *hidden_size])],
            (*hidden_size as f64).powf(-0.5),
        ),
    };
    let spec = |(name, shape): &(String, Vec<usize>)| TensorSpec {
        name: name.clone(),
        dtype: dtype.name().to_owned(),
        shape: shape.clone(),
    };
    let mut writer = TensorWriter::create(folder, tensors.iter().map(spec).collect(), SHARD_BYTES)?;
    for (place, (name, shape)) in (0..).zip(&tensors) {
        let count = shape.iter().product();
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(place);
        let mut uniform = || (generator.next_u64() >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
        let values: Vec<f32> = if name.ends_with("bias") {
            vec![0.0; count]
        } else if shape.len() == 1 {
            vec![1.0; count]
        } else {
            (0..count).map(|_| (uniform() * deviation * 12f64.sqrt()) as f32).collect()
        };
        writer.write(name, &dtype.bytes(&values))?;
    }
    writer.finish()
}

/// Names and shapes of the state dict of `BertModel` without its pooler.
fn bert(shape: &BertShape, vocabulary: usize) -> Vec<(String, Vec<usize>)> {
    let (hidden, inner) = (shape.hidden_size, shape.intermediate_size);
    let mut tensors = Vec::new();
    let mut add = |name: String, shape: &[usize]| tensors.push((name, shape.to_vec()));
    add("embeddings.word_embeddings.weight".to_owned(), &[vocabulary, hidden]);
    add("embeddings.position_embeddings.weight".to_owned(), &[shape.max_position_embeddings, hidden]);
    add("embeddings.token_type_embeddings.weight".to_owned(), &[SEGMENTS, hidden]);
    add("embeddings.LayerNorm.weight".to_owned(), &[hidden]);
    add("embeddings.LayerNorm.bias".to_owned(), &[hidden]);
    for layer in 0..shape.num_hidden_layers {
        for (name, output, input) in [
            ("attention.self.query", hidden, hidden),
            ("attention.self.key", hidden, hidden),
            ("attention.self.value", hidden, hidden),
            ("attention.output.dense", hidden, hidden),
            ("intermediate.dense", inner, hidden),
            ("output.dense", hidden, inner),
        ] {
            add(format!("encoder.layer.{layer}.{name}.weight"), &[output, input]);
            add(format!("encoder.layer.{layer}.{name}.bias"), &[output]);
        }
        for name in ["attention.output.LayerNorm", "output.LayerNorm"] {
            add(format!("encoder.layer.{layer}.{name}.weight"), &[hidden]);
            add(format!("encoder.layer.{layer}.{name}.bias"), &[hidden]);
        }
    }
    tensors
}

impl Dtype {
    /// As safetensors writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Dtype::F32 => "F32",
            Dtype::F16 => "F16",
            Dtype::Bf16 => "BF16",
        }
    }

    /// As transformers' `config.json` writes it.
    pub(super) fn torch_name(self) -> &'static str {
        match self {
            Dtype::F32 => "float32",
            Dtype::F16 => "float16",
            Dtype::Bf16 => "bfloat16",
        }
    }

    fn bytes(self, values: &[f32]) -> Vec<u8> {
        match self {
            Dtype::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Dtype::F16 => values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect(),
            Dtype::Bf16 => values.iter().flat_map(|v| bf16::from_f32(*v).to_le_bytes()).collect(),
        }
    }
}
