//! The workspace as cargo sees it, and the commands that run in it.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The checkout that this program was built in.
pub(crate) struct Workspace {
    /// Its folder.
    pub(crate) root: PathBuf,
    /// Where cargo builds.
    pub(crate) target: PathBuf,
    /// `packages` of `cargo metadata`: the workspace's own crates.
    pub(crate) packages: Vec<Value>,
}

impl Workspace {
    pub(crate) fn open() -> Result<Workspace> {
        // Cargo sets it while it runs a program; a program that is started by itself knows where it was built.
        let here = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&here).ancestors().nth(2).context("xtask lies two folders deep")?.to_owned();
        let mut command = cargo(&root);
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        let mut metadata: Value = serde_json::from_str(&output(&mut command)?)?;
        let target =
            metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
        let target = PathBuf::from(target);
        let packages = match metadata["packages"].take() {
            Value::Array(packages) => packages,
            _ => bail!("cargo metadata lists no packages"),
        };
        Ok(Workspace { root, target, packages })
    }

    /// `cargo ARGUMENTS`, to be run in the root.
    pub(crate) fn cargo<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = cargo(&self.root);
        command.args(arguments);
        command
    }
}

fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// The program that was built, run in the root, with an ONNX Runtime where there is one.
pub(crate) fn program(workspace: &Workspace, runtime: Option<&Path>) -> Command {
    let mut command = Command::new(workspace.target.join("release/clirbench"));
    command.current_dir(&workspace.root);
    if let Some(library) = runtime {
        command.env("ORT_DYLIB_PATH", library);
    }
    command
}

/// Runs a command that writes to the terminal itself.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("{} failed: {status}", shown(command));
    }
    Ok(())
}

/// Runs a command and returns what it prints to standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {}", shown(command)))?;
    if !output.status.success() {
        bail!("{} failed: {}", shown(command), last_line(&output.stderr));
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} printed no UTF-8", shown(command)))
}

/// The last line with something in it: where programs say why they failed.
pub(crate) fn last_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("no reason given").to_owned()
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    format!("`{}`", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_fails_is_named_with_its_last_words() {
        let mut command = Command::new("sh");
        let error = output(command.args(["-c", "echo one >&2; echo two >&2; echo >&2; exit 3"])).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("`sh -c ") && text.ends_with(" failed: two"), "{text}");
        assert_eq!(output(Command::new("sh").args(["-c", "echo out"])).unwrap(), "out\n");
        assert!(run(Command::new("sh").args(["-c", "exit 1"])).is_err());
    }

    #[test]
    fn the_workspace_finds_itself() {
        let workspace = Workspace::open().unwrap();
        assert!(workspace.root.join("harness/xtask/src/workspace.rs").is_file());
        assert!(workspace.packages.iter().any(|p| p["name"] == "xtask"));
    }
}
