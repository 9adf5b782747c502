//! An audit as JSON: all of it.

use clirbench_core::audit::Audit;

use crate::error::ReportError;

/// Pretty-printed, with a line end.
///
/// # Errors
/// When the JSON writer fails.
pub fn render(audit: &Audit) -> Result<String, ReportError> {
    serde_json::to_string_pretty(audit)
        .map(|text| text + "\n")
        .map_err(|e| ReportError::Encode { file: "audit", what: e.to_string() })
}
