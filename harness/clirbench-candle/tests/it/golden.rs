//! all-MiniLM-L6-v2 against the embeddings that sentence-transformers gives on torch.

use std::path::Path;

use candle_core::{DType, Device};
use clirbench_candle::{Batch, Head, Mode, Model, Pooling, PoolingMode, Step};
use serde_json::Value;

use crate::npz;

#[test]
fn minilm_gives_the_golden_embeddings() {
    let Some(model) = std::env::var_os("CLIRBENCH_MINILM") else {
        println!("skipped: CLIRBENCH_MINILM is not set");
        return;
    };
    let golden = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden"));
    if !golden.exists() {
        println!("skipped: ../shared/golden is absent");
        return;
    }
    let json = std::fs::read(golden.join("embeddings.json")).expect("embeddings.json");
    let json: Value = serde_json::from_slice(&json).expect("JSON");
    let head = Head::Embedding { pooling: Pooling::of(PoolingMode::Mean), steps: vec![Step::Normalize] };
    let load = || Model::load(Path::new(&model), &head, &Device::Cpu, DType::F32).expect("MiniLM");
    let (fused, reference) = (load(), load().with_reference_ops());
    let mut compared = 0;
    for (name, expected) in npz::read(&golden.join("embeddings.npz")) {
        let ids: Vec<Vec<u32>> = serde_json::from_value(json["input_ids"][&name].clone()).expect("token ids");
        for model in [&fused, &reference] {
            let forward = model.forward(&Batch::from_ids(&ids), Mode::Inference).expect("embedded");
            let vectors = forward.embeddings.to_vec2::<f32>().expect("vectors");
            assert_eq!(vectors.len(), expected.len());
            for (vector, expected) in vectors.iter().zip(&expected) {
                let cosine: f32 = vector.iter().zip(expected).map(|(a, b)| a * b).sum();
                // Stricter than the cosine: each of the 384 values to 2e-6.
                let worst = vector.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(cosine > 0.99999 && worst < 2e-6, "{name}: cosine {cosine}, off by {worst:e}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 2 * (8 * 20 + 2 * 3));
}
