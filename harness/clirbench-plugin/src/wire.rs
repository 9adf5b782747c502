//! JSON as it crosses the boundary.

use clirbench_abi::{RStr, RString};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Result};

pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<RString> {
    let json = serde_json::to_string(value);
    json.map(RString::from).map_err(|e| Error::internal(format!("an answer that is not JSON: {e}")))
}

pub(crate) fn from_json<T: DeserializeOwned>(what: &str, json: &RStr<'_>) -> Result<T> {
    serde_json::from_str(json.as_str()).map_err(|e| {
        Error::internal(format!("the harness sent a {what} that this plugin does not understand: {e}"))
            .hint("build the plugin with the `clirbench-plugin` of this harness")
    })
}
