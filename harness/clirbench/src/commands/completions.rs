//! `clirbench completions`: scripts for shells.

use anyhow::Result;
use clap::CommandFactory;

use crate::{
    cli::{Cli, CompletionsArgs},
    failure::Exit,
};

pub(crate) fn run(args: &CompletionsArgs) -> Result<Exit> {
    clap_complete::generate(args.shell, &mut Cli::command(), "clirbench", &mut std::io::stdout());
    Ok(Exit::Done)
}
