//! A folder of its own for each test, and the program started in it.

use std::{
    env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX},
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::results::Results;

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the repository")
}

/// What lies beside the repository: `../shared/NAME`; `None`, and a printed reason, where it is not.
pub(crate) fn beside(name: &str) -> Option<PathBuf> {
    let path = root().join("../shared").join(name);
    if !path.exists() {
        println!("skipped: ../shared/{name} is absent");
        return None;
    }
    Some(path.canonicalize().expect("it exists"))
}

/// The path in an environment variable; `None`, and a printed reason, where there is none.
pub(crate) fn named(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.exists());
    if path.is_none() {
        println!("skipped: {variable} is not set to a path that exists");
    }
    path
}

fn program() -> PathBuf {
    let test = std::env::current_exe().expect("the path of the test executable");
    let folder = test.parent().and_then(Path::parent).expect("cargo puts tests two folders deep");
    let program = folder.join(format!("clirbench{EXE_SUFFIX}"));
    assert!(program.exists(), "{} is not built: run `cargo xtask test`", program.display());
    program
}

/// The shared object of a plugin of ours, built beside the program.
pub(crate) fn built(id: &str) -> PathBuf {
    let path = program().with_file_name(format!("{DLL_PREFIX}{}{DLL_SUFFIX}", id.replace('-', "_")));
    assert!(path.exists(), "{} is not built: run `cargo xtask test`", path.display());
    path
}

/// The shared object of a test plugin.
pub(crate) fn library(id: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of the test executable");
    test.with_file_name(format!("{DLL_PREFIX}{}{DLL_SUFFIX}", id.replace('-', "_")))
}

/// A temporary folder with a store, bench files and results.
pub(crate) struct Place {
    folder: TempDir,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Exit status; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Place {
        Place { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }

    /// The program with `arguments`, started here and knowing nothing of this machine but what the
    /// arguments say.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        let set = [
            "CLIRBENCH_STORE",
            "CLIRBENCH_PLUGIN_PATH",
            "ORT_DYLIB_PATH",
            "RUST_BACKTRACE",
            "CLICOLOR_FORCE",
        ];
        for variable in set {
            command.env_remove(variable);
        }
        for variable in ["HOME", "XDG_DATA_HOME", "TMPDIR"] {
            command.env(variable, self.folder.path());
        }
        command
    }

    /// Runs the program to its end.
    pub(crate) fn end<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ended {
        let output = self.command(arguments).output().expect("the program starts");
        Ended::of(&output)
    }

    /// Arguments of `run`: results go to `out`, the store is `store`.
    pub(crate) fn run_arguments(&self, bench: &str, out: &str) -> Vec<String> {
        ["run", bench, "--out", out, "--store", "store", "--threads", "2"].map(str::to_owned).to_vec()
    }

    /// Runs a bench file that has to succeed, and reads its results.
    pub(crate) fn run(&self, bench: &str, out: &str) -> Results {
        self.run_with(bench, out, &[])
    }

    /// The same with more arguments.
    pub(crate) fn run_with(&self, bench: &str, out: &str, more: &[&str]) -> Results {
        let mut arguments = self.run_arguments(bench, out);
        arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        let ended = self.end(arguments);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        Results::of(self.path(out))
    }
}

impl Ended {
    pub(crate) fn of(output: &Output) -> Ended {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the program prints UTF-8");
        Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

/// `[[models]]` of a test plugin; its library is put on the search path by [`plugin_arguments`].
pub(crate) fn model(name: &str, encoder: &str, options: &str) -> String {
    format!("[[models]]\nname = \"{name}\"\nencoder = \"{encoder}\"\noptions = {{ {options} }}\n\n")
}

/// `--plugin FILE` for test plugins.
pub(crate) fn plugin_arguments(ids: &[&str]) -> Vec<String> {
    ids.iter().flat_map(|id| ["--plugin".to_owned(), library(id).display().to_string()]).collect()
}

/// `[[datasets]]` for the bundled set.
pub(crate) fn bundled(languages: &[&str]) -> String {
    let manifest = root().join("datasets/kdc-parallel.toml");
    format!(
        "[[datasets]]\nname = \"kdc\"\nmanifest = \"{}\"\nlanguages = {languages:?}\n\n",
        manifest.display()
    )
}
