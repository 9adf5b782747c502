//! Encodes a text file once to warm up and then once for the clock, and prints the seconds: one side
//! of `benches/encode_vs_peers.py`.
//!
//! `cargo run --release -p encoder-onnx --example encode_bench -- MODEL_DIR VARIANT THREADS TEXTFILE`
//!
//! TEXTFILE is a JSON list of strings. For each line on standard input it encodes the file again, so
//! that several programs can take turns; `SECONDS` goes to standard output.
#![allow(clippy::print_stdout, reason = "a program whose result is a line of text")]

use std::io::{Write, stdin, stdout};
use std::time::Instant;

use clirbench_plugin::{Encoder, Host, Role, TextStats};
use encoder_onnx::OnnxEncoder;
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, variant, threads, texts] = arguments.as_slice() else {
        return Err("usage: encode_bench MODEL_DIR VARIANT THREADS TEXTFILE".into());
    };
    let texts: Vec<String> = serde_json::from_slice(&std::fs::read(texts)?)?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let host = Host::detached().with_threads(threads.parse()?);
    let mut encoder = OnnxEncoder::open(&json!({"path": model, "variant": variant}), host)?;
    let mut out = vec![0.0; texts.len() * encoder.info().dim];
    let mut stats = vec![TextStats::default(); texts.len()];
    encoder.encode(Role::Document, &texts, &mut out, &mut stats)?;
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
