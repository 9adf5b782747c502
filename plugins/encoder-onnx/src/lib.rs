//! `encoder-onnx`: sentence-transformers directories through ONNX Runtime.
//!
//! The directory, tokenization and what follows the graph are `clirbench-model`'s. Here a graph is chosen
//! by variant ([`variants`]), its weights are bound from safetensors where it has none ([`graph`],
//! [`initializers`]), and it is run in [`session`]s.
//!
//! The runtime is a library that is loaded when an encoder is opened ([`runtime`]); nothing links it.

mod encoder;
mod graph;
mod initializers;
mod options;
mod runtime;
mod session;
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
