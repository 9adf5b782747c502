//! `encoder-candle`: sentence-transformers directories from their safetensors.
//!
//! What was trained is measured with no export: the network is `clirbench-candle`'s, everything
//! around it `clirbench-model`'s, so that a text has the same tokens and the same pooling here as in
//! `encoder-onnx`.

mod encoder;

pub use encoder::CandleEncoder;

clirbench_plugin::export_plugin! {
    id: "encoder-candle",
    interfaces: [
        encoder: CandleEncoder {
            schema: include_str!("../schema.json"),
            detects: ["*.safetensors", "0_Transformer/*.safetensors", "!onnx/*.onnx", "!*.onnx"],
        },
    ],
}
