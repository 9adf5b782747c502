//! Self-attention within each text, of queries, keys and values side by side (`[tokens, 3 hidden]`).

mod fused;
mod plain;

pub(crate) use fused::fused;
pub(crate) use plain::plain;
