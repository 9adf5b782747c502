//! Times forward + backward of a model on made-up token ids, against the time that its linear layers
//! would take at the rate of a bare matrix product:
//!
//! ```text
//! cargo run --release -p clirbench-candle --example step_bench -- DIR [texts] [tokens] [steps] [threads]
//! ```
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use clirbench_candle::{Batch, Head, Mode, Model, PoolingMode};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default: usize| args.get(i).map_or(Ok(default), |text| text.parse());
    let dir = args.first().ok_or("usage: step_bench DIR [texts] [tokens] [steps] [threads]")?;
    let (texts, tokens, steps) = (number(1, 64)?, number(2, 128)?, number(3, 3)?);
    let threads = number(4, 2)?;
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;

    let model = Model::load(Path::new(dir), &Head::pooled(PoolingMode::Mean), &Device::Cpu, DType::F32)?;
    let ids: Vec<Vec<u32>> = (0..texts as u32)
        .map(|t| (0..tokens as u32).map(|i| 1000 + (t * 7919 + i * 104_729) % 20_000).collect())
        .collect();
    let batch = Batch::from_ids(&ids);
    let grad: Vec<f32> = (0..texts * model.dim()).map(|i| (i % 17) as f32 * 1e-3).collect();

    let mut gradients = model.gradients();
    for step in 0..=steps {
        gradients.clear();
        let start = Instant::now();
        let forward = model.forward(&batch, Mode::Train { dropout_seed: step as u64 })?;
        let middle = Instant::now();
        model.backward(forward, &grad, &mut gradients)?;
        let (f, b) = (middle - start, middle.elapsed());
        println!(
            "step {step}: forward {:.3} s, backward {:.3} s: {:.1} texts/s",
            f.as_secs_f64(),
            b.as_secs_f64(),
            texts as f64 / (f + b).as_secs_f64()
        );
    }
    for (name, time) in model.profile() {
        let per_step = |t: std::time::Duration| t.as_secs_f64() / (steps + 1) as f64;
        println!(
            "{name:>10}: forward {:.3} s, backward {:.3} s",
            per_step(time.forward),
            per_step(time.backward)
        );
    }
    println!("gradient norm {:.12}", gradients.norm()?);

    // Two products backward for each forward, of every matrix that is not a table.
    let matrices = model.parameters().filter(|(name, var)| var.rank() == 2 && !name.contains("embedding"));
    let elements: usize = matrices.map(|(_, var)| var.elem_count()).sum();
    let work = 6.0 * (elements * batch.tokens()) as f64;
    let rate = product_rate(batch.tokens(), model.hidden())?;
    println!(
        "linear layers: {:.1} GF per step, {:.3} s at the {:.0} GF/s of a bare product",
        work / 1e9,
        work / rate,
        rate / 1e9
    );
    Ok(())
}

/// Operations per second of `[tokens, hidden]` times `[hidden, 4 hidden]`, the best of some.
fn product_rate(tokens: usize, hidden: usize) -> candle_core::Result<f64> {
    let x = Tensor::ones((tokens, hidden), DType::F32, &Device::Cpu)?;
    let w = Tensor::ones((4 * hidden, hidden), DType::F32, &Device::Cpu)?;
    let mut best = f64::MAX;
    for _ in 0..8 {
        let start = Instant::now();
        x.matmul(&w.t()?)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok((8 * tokens * hidden * hidden) as f64 / best)
}
