//! Exported graphs, from the outside.
//!
//! - `structure`: the bytes of the ONNX files, read by a parser of their own (`onnx`): every value that is
//!   used is defined before, names are unique, weights are where the file says.
//! - `golden`: tiny models of every architecture against transformers (`golden.json`, made by `golden.py`);
//!   needs ONNX Runtime (`ORT_DYLIB_PATH`).
//! - `minilm`: a real model against its published graph; also needs `CLIRBENCH_MINILM`.
//! - `refusals`: what cannot be exported, what the error says, and that nothing stays behind.
//!
//! What is missing is printed, and the test passes without checking anything.
#![allow(clippy::print_stdout, reason = "tests say what they skipped")]

mod golden;
mod minilm;
mod onnx;
mod refusals;
mod session;
mod structure;
mod tiny;

use std::path::PathBuf;

/// The path in an environment variable, or a printed reason to skip.
fn path_of(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.exists());
    if path.is_none() {
        println!("skipped: {variable} is not set to a path that exists");
    }
    path
}
