//! The mixed pools: cells worked out by hand, properties, and sizes on XQuAD.
#![allow(clippy::unwrap_used, reason = "a test that meets an error should fail")]

mod by_hand;
mod properties;
mod xquad;

use clirbench_plugin::serde_json::Value;
use clirbench_plugin::{DatasetView, Host, Result, Scenario, Task};
use scenario_mixed::Mixed;

fn tasks(view: &DatasetView, config: Value) -> Result<Vec<Task>> {
    Mixed::open(&config, Host::detached())?.tasks(view)
}
