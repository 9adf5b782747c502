//! `encoder-onnx` through the interface that the harness calls.
//!
//! - `tiny`: models of a few weights that the tests write themselves, with results worked out by hand;
//!   needs ONNX Runtime (`ORT_DYLIB_PATH`).
//! - `refusals`: what cannot be run, and what the error says; some need ONNX Runtime.
//! - `minilm`: a real model against reference embeddings; also needs `CLIRBENCH_MINILM` and
//!   `../shared/golden`.
//!
//! What is missing is printed, and the test passes without checking anything.
#![allow(clippy::print_stdout, reason = "tests say what they skipped")]

mod minilm;
mod model;
mod npz;
mod onnx;
mod refusals;
mod tiny;

use std::path::PathBuf;

use clirbench_plugin::{Encoder, Role, TextStats};
use encoder_onnx::OnnxEncoder;

/// The folder in an environment variable, or a printed reason to skip.
fn folder_of(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.exists());
    if path.is_none() {
        println!("skipped: {variable} is not set to a path that exists");
    }
    path
}

/// Vectors, one per text, and what happened to the texts.
fn encode(encoder: &mut OnnxEncoder, role: Role, texts: &[&str]) -> (Vec<Vec<f32>>, Vec<TextStats>) {
    let dim = encoder.info().dim;
    let mut out = vec![f32::NAN; texts.len() * dim];
    let mut stats = vec![TextStats::default(); texts.len()];
    let rows = encoder.encode(role, texts, &mut out, &mut stats).expect("encoded");
    assert_eq!(rows, texts.len());
    (out.chunks_exact(dim).map(<[f32]>::to_vec).collect(), stats)
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
