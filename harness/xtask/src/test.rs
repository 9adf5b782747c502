//! `cargo xtask test`: every test, with everything at hand that some of them need.

use std::{env, path::PathBuf, process::Command};

use anyhow::Result;

use crate::{
    demo::MODEL,
    onnxruntime::setup,
    workspace::{Workspace, last_line, run as run_command},
};

/// Builds all (tests start the program and load plugins) and runs `cargo test`. Tests that lack what
/// they need say so and pass; the reasons are repeated here, where they are seen.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut skipped = Vec::new();
    let runtime = setup(workspace)?;
    eprintln!("{runtime}");
    if runtime.library().is_none() {
        skipped.push(format!("tests of encoder-onnx ({runtime})"));
    }
    let model = match model(workspace) {
        Ok(model) => Some(model),
        Err(reason) => {
            skipped.push(format!("tests with a pretrained encoder ({reason})"));
            None
        }
    };
    if !workspace.root.join("../shared/golden").is_dir() {
        skipped.push("golden values and real datasets (../shared is absent)".to_owned());
    }
    run_command(&mut workspace.cargo(["build", "--release", "--workspace"]))?;
    let mut command = workspace.cargo(["test", "--release", "--workspace", "--no-fail-fast"]);
    command.envs(runtime.library().map(|library| ("ORT_DYLIB_PATH", library)));
    command.envs(model.map(|model| (MODEL, model)));
    run_command(&mut command)?;
    for skipped in skipped {
        eprintln!("skipped: {skipped}");
    }
    Ok(())
}

/// The directory of a pretrained encoder: named, or made by a script beside the checkout.
fn model(workspace: &Workspace) -> std::result::Result<PathBuf, String> {
    if let Some(named) = env::var_os(MODEL).filter(|path| !path.is_empty()).map(PathBuf::from) {
        return if named.is_dir() {
            Ok(named)
        } else {
            Err(format!("{MODEL}: there is no {}", named.display()))
        };
    }
    let script = workspace.root.join("../shared/tools/minilm.sh");
    if !script.is_file() {
        return Err(format!(
            "{MODEL} names no directory, and there is no ../shared/tools/minilm.sh to make one"
        ));
    }
    let folder = workspace.target.join("minilm");
    eprintln!("making the pretrained encoder in {} (about a minute the first time)", folder.display());
    let made = Command::new("bash").arg(&script).arg(&folder).output();
    match made.map_err(|e| e.to_string())? {
        output if output.status.success() => Ok(folder),
        output => Err(format!("../shared/tools/minilm.sh failed: {}", last_line(&output.stderr))),
    }
}
