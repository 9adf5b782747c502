//! Encoders that train: BERT, RoBERTa / XLM-R, ModernBERT and static token embeddings, with heads for
//! embeddings and for cross-encoder scores, from and to Hugging Face safetensors with the names
//! unchanged.
//!
//! An encoder is written once over a small set of operations; there are two ways to run them. The plain one is made of candle's differentiable operations and works on every device and
//! in f32, bf16 and f16. The fused one is for f32 on the CPU: packed texts, gradients worked out by
//! hand, matrix products straight into their sums, memory used again; its results are the same bytes
//! whatever the number of threads.
//!
//! A training step is [`Model::forward`] with [`Mode::Train`], a loss of
//! [`Forward::embeddings`] that somebody else computes, and [`Model::backward`] with its
//! gradient. Gradient caching embeds with [`Mode::Embed`] first: the same dropout, no record.
//!
//! f16 has few exponents: scale the loss's gradient up before [`Model::backward`], and [`Gradients::scale`]
//! down behind it. f32 and bf16 need no such thing.
//!
//! On Linux a process that trains on the CPU takes some 7 % less time with large pages:
//! `GLIBC_TUNABLES=glibc.malloc.hugetlb=1` in its environment.

mod batch;
mod buffer;
mod config;
pub mod cpu;
mod device;
mod encoder;
mod error;
mod files;
mod fused;
mod gemm;
mod gradients;
mod head;
mod initial;
mod layout;
mod math;
mod model;
mod ops;
mod parameters;
mod plain;
mod profile;
mod random;
mod simd;
mod tape;

pub use batch::Batch;
pub use config::{Architecture, BertConfig, ModernBertConfig};
pub use device::Opened;
pub use files::weight_files;
pub use gradients::{Gradient, Gradients};
pub use head::{Activation, Head, Pooling, PoolingMode, Step};
pub use model::{Changes, Forward, Mode, Model, SaveType};
pub use profile::OpTime;

/// The release of candle that computes; a part of what embeddings depend on.
pub const CANDLE_VERSION: &str = "0.11";
