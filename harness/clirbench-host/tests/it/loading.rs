//! Plugins that are not what they say, and options that are not theirs.

use std::sync::{Arc, Mutex};

use clirbench_host::{DatasetView, Error, load};
use serde_json::json;

use crate::{hostile, plugin, services, told};

#[test]
fn a_plugin_whose_code_states_another_version_is_refused() {
    let file = plugin("liar");
    assert_eq!(file.manifest.version, "9.9.9");
    let (message, hint) = told(load(&file, services()));
    assert_eq!(
        message,
        format!(
            "plugin `liar` broke its contract: its file says version `9.9.9`, its code says `{}`",
            env!("CARGO_PKG_VERSION")
        )
    );
    assert_ne!(hint, "");
}

#[test]
fn another_layout_is_refused_by_interface_and_the_rest_works() {
    let reports = Arc::new(Mutex::new(Vec::new()));
    Reports::install(&reports);
    let loaded = load(&plugin("other-layout"), services()).expect("the root is the frozen one");
    let error = loaded.encoder(&json!({})).err().expect("a refusal");
    assert!(matches!(error, Error::Layout { .. }), "{error}");
    let (message, hint) = told::<()>(Err(error));
    assert!(
        message.starts_with("plugin `other-layout` is refused: its `encoder/1` has another layout"),
        "{message}"
    );
    assert_eq!(hint, "build the plugin with the `clirbench-plugin` of this harness");

    // The full report is for `-v`, and it is about the argument that was added, not the package.
    let reports = reports.lock().expect("no test panicked with it").join("\n");
    assert!(reports.contains("param_5: bool"), "{reports}");
    assert!(!reports.contains("package:'other-layout'"), "{reports}");

    let scenario = loaded.scenario(&json!({})).expect("its scenario/1 is the released one");
    assert_eq!(scenario.tasks(&DatasetView::default()).expect("no task"), []);
}

/// A logger that keeps the debug records of the host.
struct Reports(Arc<Mutex<Vec<String>>>);

impl Reports {
    fn install(reports: &Arc<Mutex<Vec<String>>>) {
        log::set_boxed_logger(Box::new(Reports(reports.clone()))).expect("the only logger");
        log::set_max_level(log::LevelFilter::Debug);
    }
}

impl log::Log for Reports {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() == log::Level::Debug
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            self.0.lock().expect("no test panicked with it").push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

#[test]
fn an_interface_that_a_plugin_does_not_have_is_named() {
    let loaded = load(&plugin("hostile-encoder"), services()).expect("it loads");
    assert_eq!(
        told(loaded.scenario(&json!({}))),
        ("plugin `hostile-encoder` has no `scenario/1`".to_owned(), "it has: encoder/1".to_owned())
    );
}

#[test]
fn options_are_held_against_the_schema_before_the_plugin_sees_them() {
    let (message, hint) = told(hostile("panick"));
    assert_eq!(message, "plugin `hostile-encoder`: option `behave` cannot be \"panick\"");
    assert_eq!(hint, "did you mean \"panic\"?");

    // The same without loading anything.
    let config = json!({ "behaves": "ok" });
    let (message, hint) = told(plugin("hostile-encoder").manifest.check_config("encoder/1", &config));
    assert_eq!(message, "plugin `hostile-encoder`: unknown option `behaves`");
    assert_eq!(hint, "did you mean `behave`?");
}

#[test]
fn several_plugins_live_in_one_process() {
    let hostile = load(&plugin("hostile-encoder"), services()).expect("it loads");
    let constructor = load(&plugin("other-layout"), services()).expect("it loads");
    let again = load(&plugin("hostile-encoder"), services()).expect("it loads twice");
    assert_eq!(hostile.manifest().id, "hostile-encoder");
    assert_eq!(constructor.manifest().id, "other-layout");
    assert_eq!(again.manifest(), hostile.manifest());
}
