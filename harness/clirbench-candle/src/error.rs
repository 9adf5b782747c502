//! Errors of the tensor library as those of this crate.

use clirbench_plugin::Error;

/// What the tensor library says, as an error of the runtime.
pub(crate) fn candle(error: candle_core::Error) -> Error {
    Error::runtime(error.to_string())
}
