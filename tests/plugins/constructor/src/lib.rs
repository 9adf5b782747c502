//! A plugin whose library constructor leaves a mark: reading the manifest must not run it.
//!
//! The mark is the file `clirbench-constructor-PID` in the temporary directory.

use clirbench_plugin::serde_json::Value;
use clirbench_plugin::{DatasetView, Host, Result, Scenario, Task};

/// Runs when the library is loaded, before anything asks for its root.
#[used]
#[allow(unsafe_code)]
// SAFETY: the section holds pointers to functions without arguments; this is one.
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(windows, unsafe(link_section = ".CRT$XCU"))]
#[cfg_attr(not(any(target_vendor = "apple", windows)), unsafe(link_section = ".init_array"))]
static CONSTRUCTOR: extern "C" fn() = leave_mark;

extern "C" fn leave_mark() {
    let mark = std::env::temp_dir().join(format!("clirbench-constructor-{}", std::process::id()));
    // A constructor has nobody to tell; the test sees that the mark is missing.
    let _ = std::fs::write(mark, "executed");
}

struct Nothing;

impl Scenario for Nothing {
    fn open(_config: &Value, _host: Host) -> Result<Self> {
        Ok(Nothing)
    }

    fn tasks(&self, view: &DatasetView) -> Result<Vec<Task>> {
        // One task per language, its first query against a document that is not there.
        let task = |language| Task {
            scenario: "nowhere".to_owned(),
            query_lang: language,
            pool_langs: vec![language],
            queries: vec![0],
            relevant: vec![vec![((language, u32::MAX), 1)]],
            metrics: vec!["mrr".to_owned()],
            ..Task::default()
        };
        Ok((0..).take(view.languages.len()).map(task).collect())
    }
}

clirbench_plugin::export_plugin! {
    id: "constructor",
    interfaces: [scenario: Nothing],
}
