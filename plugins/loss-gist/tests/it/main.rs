//! GIST against sentence-transformers' values, finite differences, examples by hand and properties.
#![allow(clippy::unwrap_used, reason = "a test that meets an error should fail")]

mod by_hand;
mod golden;
mod gradients;
mod options;
mod ties;

use clirbench_plugin::serde_json::Value;
use clirbench_plugin::{Host, Loss};
use loss_gist::Gist;

fn open(config: Value) -> Gist {
    Gist::open(&config, Host::detached().with_threads(2)).unwrap()
}
