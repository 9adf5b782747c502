//! The defaults that a schema shows are those that a loss has.

use clirbench_plugin::serde_json::{self, Value};
use clirbench_plugin::{Host, Loss};

use super::OwnedBatch;

/// Holds that every property of `schema` has a default and that `L`, opened with all of them, is
/// `L` opened without options: the same value, gradient and parts of `batch`.
///
/// # Panics
/// If it does not hold, or if `L` has no options.
pub fn check_defaults<L: Loss>(schema: &str, batch: &OwnedBatch) {
    let schema: Value = serde_json::from_str(schema).expect("a schema is JSON");
    let properties = schema["properties"].as_object().expect("a loss with options");
    let defaults = properties.iter().map(|(name, property)| {
        let default = property.get("default").unwrap_or_else(|| panic!("{name} has no default"));
        (name.clone(), default.clone())
    });
    let eval = |config: Value| {
        let opened = L::open(&config, Host::detached()).and_then(|mut loss| batch.eval(&mut loss));
        opened.unwrap_or_else(|e| panic!("with {config}: {e}"))
    };
    assert_eq!(eval(Value::Object(defaults.collect())), eval(serde_json::json!({})));
}
