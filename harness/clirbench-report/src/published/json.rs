//! A comparison with published figures as JSON: all of it, exact.

use clirbench_core::published::PublishedComparison;

use crate::error::ReportError;

/// Pretty-printed, with a line end.
///
/// # Errors
/// When the JSON writer fails.
pub fn render(comparison: &PublishedComparison) -> Result<String, ReportError> {
    serde_json::to_string_pretty(comparison)
        .map(|text| text + "\n")
        .map_err(|e| ReportError::Encode { file: "comparison", what: e.to_string() })
}
