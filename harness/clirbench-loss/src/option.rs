//! Checks of numbers in a loss's options.

use clirbench_plugin::{Error, Result};

/// `value`, the option called `name`, where it is a number above 0.
///
/// # Errors
/// `config` otherwise.
pub fn positive(name: &str, value: f64) -> Result<f64> {
    if value > 0.0 && value.is_finite() { Ok(value) } else { Err(refused(name, value, "a number above 0")) }
}

/// `value`, the option called `name`, where it is a number of at least 0.
///
/// # Errors
/// `config` otherwise.
pub fn at_least_zero(name: &str, value: f64) -> Result<f64> {
    if value >= 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(refused(name, value, "a number of at least 0"))
    }
}

fn refused(name: &str, value: f64, wanted: &str) -> Error {
    Error::config(format!("{name} is {value}")).hint(format!("{name} is {wanted}"))
}
