//! Loads ONNX Runtime: one library per process, from the path that the host or the environment gives.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clirbench_plugin::{Error, Result};
use ort::environment::Environment;

/// The library that is loaded.
#[derive(Clone)]
pub(crate) struct Runtime {
    /// Sessions are made in it.
    pub(crate) environment: Environment,
    /// `1.31.1`, or what else is known about the build.
    pub(crate) version: String,
}

/// ONNX Runtime allows one environment per process and keeps the first library that was loaded.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

impl Runtime {
    /// The runtime at `library`, else at `ORT_DYLIB_PATH`. Once one is loaded it serves every later
    /// call, whatever the path.
    ///
    /// # Errors
    /// Kind `runtime` when no path is known, or the library is missing, unusable or too old.
    pub(crate) fn load(library: Option<PathBuf>) -> Result<Self> {
        const HINT: &str =
            "run `cargo xtask setup`, or set ORT_DYLIB_PATH to libonnxruntime of 1.24 or newer";
        let from_environment =
            || env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(PathBuf::from);
        let library = library
            .or_else(from_environment)
            .ok_or_else(|| Error::runtime("no ONNX Runtime library is set up").hint(HINT))?;
        // A panic while the lock was held left either nothing or a whole runtime.
        let mut loaded = LOADED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(runtime) = &*loaded {
            return Ok(runtime.clone());
        }
        // `init_from` looks up relative paths beside the executable.
        let library = library.canonicalize().map_err(|e| {
            Error::runtime(format!("ONNX Runtime library {}: {e}", library.display())).hint(HINT)
        })?;
        let environment = ort::init_from(&library)
            .map_err(|e| Error::runtime(format!("ONNX Runtime: {e}")).hint(HINT))?
            .with_name("clirbench")
            .with_telemetry(false)
            .build()
            .map_err(|e| Error::runtime(format!("ONNX Runtime: {e}")).hint(HINT))?;
        let version = version(&library).unwrap_or_else(|| commit(ort::info()));
        Ok(loaded.insert(Runtime { environment, version }).clone())
    }
}

/// The version in the library's name: `libonnxruntime.so.1.31.1`, `libonnxruntime.1.31.1.dylib`.
fn version(library: &Path) -> Option<String> {
    let name = library.file_name()?.to_str()?;
    let digits = |c: char| c.is_ascii_digit() || c == '.';
    let found =
        name.split(|c| !digits(c)).map(|part| part.trim_matches('.')).find(|part| part.contains('.'))?;
    Some(found.to_owned())
}

/// The commit in the build's description, for a library without a version in its name.
fn commit(description: &str) -> String {
    let field = |name: &str| {
        let (_, rest) = description.split_once(name)?;
        rest.split([',', ' ']).next()
    };
    field("git-commit-id=").map_or_else(|| "of an unknown build".to_owned(), |id| format!("build {id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_cannot_be_loaded_is_an_error_that_says_how_to_get_one() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let library = dir.path().join("libonnxruntime.so");
        let missing = Runtime::load(Some(library.clone())).err().expect("nothing there");
        std::fs::write(&library, "not a library").expect("written");
        let damaged = Runtime::load(Some(library)).err().expect("not a library");
        for error in [missing, damaged] {
            assert_eq!(error.kind, "runtime");
            assert!(error.message.contains("libonnxruntime.so"), "{}", error.message);
            assert!(error.hint.contains("cargo xtask setup"), "{}", error.hint);
        }
    }

    #[test]
    fn the_version_is_read_from_the_name_or_the_commit() {
        assert_eq!(version(Path::new("/a/libonnxruntime.so.1.31.1")).as_deref(), Some("1.31.1"));
        assert_eq!(version(Path::new("libonnxruntime.1.24.4.dylib")).as_deref(), Some("1.24.4"));
        assert_eq!(version(Path::new("onnxruntime.dll")), None);
        assert_eq!(
            commit("ORT Build Info: git-branch=HEAD, git-commit-id=6af1a93, build type=Release"),
            "build 6af1a93"
        );
        assert_eq!(commit(""), "of an unknown build");
    }
}
