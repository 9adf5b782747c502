//! `clirbench leaderboard`: records in version control, and the tables that are made of them.

mod verify;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clirbench_report::records::{self, Added, Effect};
use serde_json::json;

use crate::{
    cli::{Global, LeaderboardAddArgs, LeaderboardBuildArgs, LeaderboardCommand},
    failure::{Advice, Exit},
    screen::Screen,
};

pub(crate) fn run(command: &LeaderboardCommand, global: &Global, screen: &Screen) -> Result<Exit> {
    match command {
        LeaderboardCommand::Build(args) if args.check => check(args, screen),
        LeaderboardCommand::Build(args) => build(args, screen),
        LeaderboardCommand::Add(args) => add(args, screen),
        LeaderboardCommand::Verify(args) => verify::run(args, global, screen),
    }
}

fn build(args: &LeaderboardBuildArgs, screen: &Screen) -> Result<Exit> {
    let written = records::build(&args.dir)?;
    if screen.json {
        screen.print_json(&json!({"written": written}));
    }
    screen.say(&said(&args.dir, &written));
    Ok(Exit::Done)
}

/// What was written where.
fn said(dir: &Path, written: &[&str]) -> String {
    if written.is_empty() {
        return format!("{} is up to date", dir.display());
    }
    format!("written in {}: {}", dir.display(), written.join(", "))
}

fn check(args: &LeaderboardBuildArgs, screen: &Screen) -> Result<Exit> {
    let stale = records::stale(&args.dir)?;
    if screen.json {
        let files = stale.iter().map(|s| json!({"file": s.file, "what": s.what}));
        screen.print_json(&json!({"stale": files.collect::<Vec<_>>()}));
    } else {
        for one in &stale {
            screen.print(&format!("{} {}", args.dir.join(one.file).display(), one.what));
        }
    }
    if stale.is_empty() {
        screen.say(&said(&args.dir, &[]));
        return Ok(Exit::Done);
    }
    screen.say(&format!("make them again: clirbench leaderboard build {}", args.dir.display()));
    Ok(Exit::Findings)
}

fn add(args: &LeaderboardAddArgs, screen: &Screen) -> Result<Exit> {
    let root = root_of(&args.to)?;
    let new = records::from_run(&args.run, &args.models, &root)?;
    let added = records::add(&args.to, &new, args.force)?;
    let written = records::build(&args.to)?;
    if screen.json {
        let records = added.iter().map(|a| json!({"record": a.folder, "effect": effect(a)}));
        screen.print_json(&json!({"records": records.collect::<Vec<_>>(), "written": written}));
    } else {
        for one in &added {
            screen.print(&format!("{}: {}", one.folder, effect(one)));
        }
    }
    for recorded in &new {
        let away = |entry: &serde_json::Value| entry.get("path").is_none();
        let (model, dataset) = (&recorded.record.model, &recorded.record.dataset);
        if !model.files.is_empty() && away(&model.entry) {
            screen.say(&format!(
                "note: {} lies outside of {}: `leaderboard verify` will need --model-path {}=DIR",
                model.name,
                root.display(),
                model.name
            ));
        }
        if away(&dataset.entry) {
            screen.say(&format!(
                "note: the data of {} lie outside of {}: `leaderboard verify` will need --data {}=DIR",
                dataset.name,
                root.display(),
                dataset.name
            ));
        }
    }
    screen.say(&said(&args.to, &written));
    Ok(Exit::Done)
}

fn effect(added: &Added) -> String {
    match &added.effect {
        Effect::New => "new".to_owned(),
        Effect::Unchanged => "unchanged".to_owned(),
        Effect::Replaced(changes) => format!("replaced: {}", changes.join("; ")),
    }
}

/// The folder that the paths in records count from: the work tree that holds the leaderboard, or the
/// current folder where there is none.
fn root_of(board: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(board)
        .with_context(|| Advice::new(format!("{} has no absolute path", board.display()), "check it"))?;
    let tree = absolute.ancestors().find(|folder| folder.join(".git").exists());
    match tree {
        Some(tree) => Ok(tree.to_owned()),
        None => std::env::current_dir().context("the current folder has no path"),
    }
}
