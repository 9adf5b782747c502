//! The trainer through its public interface, on a tiny model: what a fit leaves behind, that it is
//! always the same, that a stop changes nothing, and what it says when something is wrong.
#![allow(clippy::unwrap_used, reason = "a test that meets an error should fail")]

mod cross_encoder;
mod errors;
mod fisher;
mod learning;
mod minilm;
mod resume;
mod same_bytes;
mod session;
mod tiny;
mod workplace;
