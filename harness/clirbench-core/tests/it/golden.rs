//! Where golden values and published tables lie, when they do.

use std::path::PathBuf;

/// A file beside the workspace, or `None` (and a line that says so) where it is absent.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let file = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).join(path);
    if file.exists() {
        return Some(file);
    }
    eprintln!("skipped: ../shared/{path} is absent");
    None
}

/// A golden JSON file.
pub(crate) fn json(path: &str) -> Option<serde_json::Value> {
    let text = std::fs::read_to_string(shared(path)?).expect("readable");
    Some(serde_json::from_str(&text).expect("JSON"))
}
