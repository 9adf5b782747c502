//! `encoder-onnx`: sentence-transformers directories through ONNX Runtime.
//!
//! A directory is read as sentence-transformers reads it ([`directory`], [`limits`], [`prompts`],
//! [`tokens`]); a graph is chosen by variant ([`variants`]), its weights bound from safetensors
//! where it has none ([`graph`], [`initializers`]), and run by [`session`]s beside tokenization
//! ([`pipeline`]); [`head`] makes the final vectors.
//!
//! The runtime is a library that is loaded when an encoder is opened ([`runtime`]); nothing links it.

mod batches;
mod dense;
mod directory;
mod encoder;
mod files;
mod graph;
mod head;
mod initializers;
mod limits;
mod options;
mod pipeline;
mod pooling;
mod prompts;
mod readme;
mod runtime;
mod safetensors;
mod session;
mod tokens;
mod variants;

pub use encoder::OnnxEncoder;

clirbench_plugin::export_plugin! {
    id: "encoder-onnx",
    interfaces: [
        encoder: OnnxEncoder {
            schema: include_str!("../schema.json"),
            detects: ["onnx/*.onnx", "*.onnx"],
        },
    ],
}
