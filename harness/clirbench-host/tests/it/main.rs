//! The host against plugins that misbehave.
//!
//! - `files`: reading manifests without executing, broken files, discovery, shadowing, the lock.
//! - `loading`: plugins that lie, that have another layout, whose options are wrong.
//! - `calls`: what an opened plugin may and may not do.
//!
//! The plugins are in `tests/plugins` of the workspace; being dev-dependencies, their shared
//! objects lie beside the test executable.

mod calls;
mod files;
mod loading;

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};

use clirbench_host::{EncoderHandle, Error, HostServices, PluginFile, Result, inspect, load};
use serde_json::json;

/// The shared object of a test plugin.
fn library(id: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of the test executable");
    test.with_file_name(format!("{DLL_PREFIX}{}{DLL_SUFFIX}", id.replace('-', "_")))
}

/// A copy of it, which the loader takes for another library: with statics of its own.
fn copy(id: &str, directory: &Path) -> PathBuf {
    let from = library(id);
    let to = directory.join(from.file_name().expect("a file name"));
    fs::copy(from, &to).expect("a copy");
    to
}

fn plugin(id: &str) -> PluginFile {
    inspect(&library(id)).expect("a test plugin that cargo has built")
}

fn services() -> HostServices {
    HostServices::new(std::env::temp_dir())
}

fn hostile(behave: &str) -> Result<EncoderHandle> {
    load(&plugin("hostile-encoder"), services())?.encoder(&json!({ "behave": behave }))
}

/// Message and hint of a refusal; the message has to fit one line.
fn told<T>(outcome: Result<T>) -> (String, String) {
    let error: Error = outcome.err().expect("a refusal");
    let message = error.to_string();
    assert!(!message.contains('\n'), "more than one line: {message}");
    (message, error.hint().unwrap_or_default().to_owned())
}
