//! `cargo xtask leaderboard`: the committed leaderboard, made and measured again.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::{
    demo::{BENCH, RESULTS, build},
    workspace::{Workspace, run as run_command},
};

const LEADERBOARD: &str = "results/leaderboard";

/// Measures the bundled dataset and adds it, which changes nothing where the committed rows are right;
/// then checks the tables and measures every row whose model and data are at hand.
pub(crate) fn run(workspace: &Workspace, verify: &[&str]) -> Result<()> {
    run_command(&mut build(workspace))?;
    let program = |arguments: &[&str]| {
        let mut command = Command::new(workspace.target.join("release/clirbench"));
        command.current_dir(&workspace.root).args(arguments);
        command
    };
    // Its tables are those of the demo.
    run_command(program(&["run", BENCH, "--out", RESULTS, "--quiet"]).stdout(Stdio::null()))?;
    run_command(&mut program(&["leaderboard", "add", RESULTS, "--to", LEADERBOARD]))?;
    run_command(&mut program(&["leaderboard", "build", LEADERBOARD, "--check"]))?;
    run_command(&mut program(&[&["leaderboard", "verify", LEADERBOARD], verify].concat()))
}
