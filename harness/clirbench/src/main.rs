//! `clirbench`: measure cross-lingual retrieval, one command from a bench file to leaderboards.

mod cli;
mod commands;
mod diagnosis;
mod environment;
mod failure;
mod named;
mod progress;
mod screen;
mod source;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use screen::Screen;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let screen = Screen::new(&cli.global);
    let outcome = match cli.command {
        Command::Run(args) => commands::run::run(&args, &cli.global, &screen),
        Command::Plan(args) => commands::plan::run(&args, &cli.global, &screen),
        Command::Train(args) => commands::train::run(&args, &cli.global, &screen),
        Command::Merge(args) => commands::merge::run(&args, &cli.global, &screen),
        Command::Sweep(args) => commands::sweep::run(&args, &cli.global, &screen),
        Command::Fisher(args) => commands::fisher::run(&args, &cli.global, &screen),
        Command::Compare(args) => commands::compare::run(&args, &screen),
        Command::Audit(args) => commands::audit::run(&args, &screen),
        Command::Published(args) => commands::published::run(&args, &screen),
        Command::Leaderboard(command) => commands::leaderboard::run(&command, &cli.global, &screen),
        Command::Eval(args) => commands::eval::run(&args, &screen),
        Command::Plugin(command) => commands::plugin::run(&command, &cli.global, &screen),
        Command::Model(command) => commands::model::run(&command, &cli.global, &screen),
        Command::Data(command) => commands::data::run(&command, &screen),
        Command::Compose(args) => commands::compose::run(&args, &screen),
        Command::Dedup(args) => commands::dedup::run(&args, &screen),
        Command::Split(args) => commands::split::run(&args, &screen),
        Command::Mine(args) => commands::mine::run(&args, &cli.global, &screen),
        Command::Pairs(args) => commands::pairs::run(&args, &screen),
        Command::Synth(args) => commands::synth::run(&args, &screen),
        Command::Cache(command) => commands::cache::run(&command, &cli.global, &screen),
        Command::Completions(args) => commands::completions::run(&args),
        Command::Work(args) => commands::work::run(&args, &cli.global),
    };
    match outcome {
        Ok(code) => code.into(),
        Err(error) => {
            screen.error(&error);
            failure::Exit::Error.into()
        }
    }
}
