//! One side of `benches/encode_vs_peers.py`: encodes a file of texts again and again.
//!
//! `cargo run --release -p encoder-onnx --example encode_bench -- MODEL_DIR VARIANT THREADS TEXTFILE [OUT]`
//!
//! TEXTFILE is a JSON list of strings. After a first pass, whose first vector goes to OUT (little-endian
//! f32), it prints `ready`; then it encodes all texts once per line on standard input, so that several
//! programs can take turns, and prints the seconds that it took.
#![allow(clippy::print_stdout, reason = "a program whose result is a line of text")]

use std::io::{Write, stdin, stdout};
use std::time::Instant;

use clirbench_plugin::{Encoder, Host, Role, TextStats};
use encoder_onnx::OnnxEncoder;
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (model, variant, threads, texts, vector) = match arguments.as_slice() {
        [model, variant, threads, texts] => (model, variant, threads, texts, None),
        [model, variant, threads, texts, vector] => (model, variant, threads, texts, Some(vector)),
        _ => return Err("usage: encode_bench MODEL_DIR VARIANT THREADS TEXTFILE [OUT]".into()),
    };
    let texts: Vec<String> = serde_json::from_slice(&std::fs::read(texts)?)?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let host = Host::detached().with_threads(threads.parse()?);
    let mut encoder = OnnxEncoder::open(&json!({"path": model, "variant": variant}), host)?;
    let dim = encoder.info().dim;
    let mut out = vec![0.0; texts.len() * dim];
    let mut stats = vec![TextStats::default(); texts.len()];
    encoder.encode(Role::Document, &texts, &mut out, &mut stats)?;
    if let Some(path) = vector {
        let bytes: Vec<u8> = out.iter().take(dim).flat_map(|x| x.to_le_bytes()).collect();
        std::fs::write(path, bytes)?;
    }
    println!("ready");
    let mut line = String::new();
    while stdin().read_line(&mut line)? > 0 {
        let start = Instant::now();
        encoder.encode(Role::Document, &texts, &mut out, &mut stats)?;
        println!("{}", start.elapsed().as_secs_f64());
        stdout().flush()?;
        line.clear();
    }
    Ok(())
}
