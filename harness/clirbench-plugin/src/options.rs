//! From a config to an author's own type.

use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// Reads a plugin's options from its config.
///
/// The host has checked the config against the schema, so this fails only where the two disagree
/// or in tests that open a plugin themselves.
///
/// # Errors
/// `config`, with the first key that does not fit.
pub fn options<T: DeserializeOwned>(config: &serde_json::Value) -> Result<T> {
    T::deserialize(config).map_err(|e| Error::config(e.to_string()).hint("see `clirbench plugin inspect`"))
}
