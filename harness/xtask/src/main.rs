//! `cargo xtask`: everything that the project does with itself.

mod ablation;
mod compositions;
mod demo;
mod evaluation;
mod leaderboard;
mod mini;
mod ntrex;
mod onnxruntime;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  setup               get ONNX Runtime, which encoder-onnx computes with
  demo [--model DIR]  build, measure the bundled dataset, print the leaderboards
  ablation --base DIR --data DIR
                      train a model by the recipes of Hong et al. 2026, measure it on XQuAD
  compositions --data DIR
                      train clirbench-mini on the language compositions of Jang et al. 2025, measure
                      the models and all their pairwise merges
  mini --data DIR     train clirbench-mini from nothing, measure it
  build               build the program and its plugins
  leaderboard [ARGUMENTS]
                      measure results/leaderboard again; ARGUMENTS go to `clirbench leaderboard verify`
  test                build everything and run every test
  tidy                check the invariants of ARCHITECTURE.md

CLIRBENCH_MINILM  a sentence-transformers directory: for the demo as --model, and for the tests that need a model
ORT_DYLIB_PATH    a libonnxruntime.so to use in place of the one that setup gets";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["setup"] => {
            eprintln!("{}", onnxruntime::setup(&Workspace::open()?)?);
            Ok(())
        }
        ["demo"] => demo::run(&Workspace::open()?, None),
        ["demo", "--model", directory] => demo::run(&Workspace::open()?, Some(directory.as_ref())),
        ["ablation", "--base", base, "--data", data] => {
            ablation::run(&Workspace::open()?, base.as_ref(), data.as_ref())
        }
        ["compositions", "--data", data] => compositions::run(&Workspace::open()?, data.as_ref()),
        ["mini", "--data", data] => mini::run(&Workspace::open()?, data.as_ref()),
        ["build"] => {
            let workspace = Workspace::open()?;
            workspace::run(&mut demo::build(&workspace))
        }
        ["leaderboard", verify @ ..] => leaderboard::run(&Workspace::open()?, verify),
        ["test"] => test::run(&Workspace::open()?),
        ["tidy"] => tidy::run(&Workspace::open()?),
        ["help" | "-h" | "--help"] => {
            eprintln!("{USAGE}");
            Ok(())
        }
        [] => bail!("no command\n\n{USAGE}"),
        other => bail!("`{}` is no command\n\n{USAGE}", other.join(" ")),
    }
}
