//! Encoders against references: golden embeddings (`golden`), each other and finite differences on tiny
//! models of every architecture (`gradients`), batches in other shapes and threads (`batches`), and
//! files in and out (`files`).

mod batches;
mod files;
mod golden;
mod gradients;
#[path = "../../../../plugins/encoder-onnx/tests/it/npz.rs"]
mod npz;
mod tiny;
