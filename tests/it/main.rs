//! The program from the outside: every test starts the real binary, in a folder of its own.
//!
//! - `golden_xquad`: every number of the reference values, with a pretrained encoder on XQuAD; and no
//!   text is encoded twice. `golden_int8`: the same from integer vectors, exactly.
//! - `encoded_once`: a matrix of eight languages, as the encoder sees it.
//! - `hostile`: plugins that crash, hang, print and lie cost their own cells and nothing else.
//! - `resume`: killed at any moment and run again: the same bytes, and at most one shard encoded again.
//! - `determinism`: the same bytes with one thread and with two.
//! - `leaderboard`: rows added, tables built, rows measured again, killed while they are written.
//! - `training_data`: compositions, near duplicates, splits, leaks and pairs.
//! - `trec`: run files rank and score as `scores.csv` says.
//! - `train`: recipes, from training data to a model that is measured.
//! - `sweep`: merges that nobody writes.
//! - `merge`: several models to one, from the command line. `mergers`: every method, loaded as a worker does,
//!   against mergekit's values, and what must not change a bit.
//! - `fisher`: the Fisher information of a model, from a recipe.
//! - `mine`: hard negatives, with a model and with vectors that are there.
//! - `synth`: synthetic triples from `chat_server`, killed and stopped on the way.
//! - `sentence_transformers`: Python reads what was trained.
//! - `pull_request`: results of a branch against those of main, as CI compares them.
//! - `cli`: what each command prints and how it ends, as snapshots.
//!
//! `cargo xtask test` builds the program and its plugins first and provides ONNX Runtime and a
//! pretrained encoder; without those, tests that need them print so and pass.
#![allow(clippy::print_stdout, reason = "tests say what they skipped, and what they found")]

#[path = "../../harness/clirbench-synth/tests/it/server.rs"]
#[allow(dead_code, reason = "the tests of its own crate ask for every misbehaviour")]
mod chat_server;
mod cli;
mod determinism;
mod encoded_once;
mod fisher;
mod golden;
mod golden_int8;
mod golden_xquad;
mod hostile;
mod leaderboard;
mod merge;
mod mergers;
mod mine;
#[path = "../../harness/clirbench-core/tests/it/npz.rs"]
mod npz;
mod place;
mod pull_request;
mod results;
mod resume;
mod sentence_transformers;
mod sweep;
mod synth;
#[path = "../../plugins/trainer-candle/tests/it/tiny.rs"]
mod tiny;
mod train;
mod training_data;
mod trec;
mod workers;
mod xquad;
