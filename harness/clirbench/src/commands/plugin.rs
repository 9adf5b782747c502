//! `clirbench plugin`: what is found and what it says about itself, without executing it.

use std::{fmt::Write as _, path::Path};

use anyhow::Result;
use clirbench_host::{Lock, PluginFile, discover, inspect};
use serde_json::json;

use crate::{
    cli::{Global, PluginCommand},
    environment::search_path,
    failure::{Advice, Exit},
    screen::Screen,
};

pub(crate) fn run(command: &PluginCommand, global: &Global, screen: &Screen) -> Result<Exit> {
    match command {
        PluginCommand::List => show_list(global, screen),
        PluginCommand::Inspect { plugin } => show(plugin, global, screen),
        PluginCommand::Lock { file } => {
            let found = discover(&search_path(global));
            let mut lock = Lock::default();
            found.plugins.iter().for_each(|plugin| lock.insert(plugin));
            lock.write(file).map_err(Advice::from)?;
            screen.say(&format!("{} plugins pinned in {}", found.plugins.len(), file.display()));
            Ok(Exit::Done)
        }
    }
}

fn interfaces(file: &PluginFile) -> String {
    file.manifest.interfaces.iter().map(|i| i.id.as_str()).collect::<Vec<_>>().join(" ")
}

fn show_list(global: &Global, screen: &Screen) -> Result<Exit> {
    let found = discover(&search_path(global));
    if screen.json {
        let plugins = found.plugins.iter().map(|p| {
            json!({"id": p.manifest.id, "version": p.manifest.version, "path": p.path, "sha256": p.sha256,
                   "interfaces": p.manifest.interfaces.iter().map(|i| &i.id).collect::<Vec<_>>()})
        });
        let shadowed = found.shadowed.iter().map(|s| json!({"id": s.id, "used": s.used, "path": s.path}));
        let refused = found.refused.iter().map(|r| json!({"path": r.path, "reason": r.reason.to_string()}));
        screen.print_json(&json!({
            "plugins": plugins.collect::<Vec<_>>(),
            "shadowed": shadowed.collect::<Vec<_>>(),
            "refused": refused.collect::<Vec<_>>(),
        }));
        return Ok(Exit::Done);
    }
    let mut out = String::new();
    for p in &found.plugins {
        let m = &p.manifest;
        let _ = writeln!(out, "{:<16} {:<8} {:<11} {}", m.id, m.version, interfaces(p), m.description);
    }
    for s in &found.shadowed {
        let _ = writeln!(out, "shadowed: {} (by {})", s.path.display(), s.used.display());
    }
    for r in &found.refused {
        let _ = writeln!(out, "refused: {}: {}", r.path.display(), r.reason);
    }
    if found.plugins.is_empty() {
        screen.warn("no plugins found; build them with `cargo build --release --workspace`, or name a folder with --plugin");
    }
    screen.print(&out);
    Ok(Exit::Done)
}

fn show(plugin: &str, global: &Global, screen: &Screen) -> Result<Exit> {
    let by_id = || discover(&search_path(global)).plugins.into_iter().find(|p| p.manifest.id == plugin);
    let file = if Path::new(plugin).is_file() {
        inspect(Path::new(plugin)).map_err(Advice::from)?
    } else {
        let hint = "`clirbench plugin list` shows what is found; a path works too";
        by_id().ok_or_else(|| Advice::new(format!("there is no plugin `{plugin}`"), hint))?
    };
    if screen.json {
        screen.print_json(&json!({"path": file.path, "sha256": file.sha256, "manifest": file.manifest}));
        return Ok(Exit::Done);
    }
    let m = &file.manifest;
    let mut out = format!("{} {}\n  {}\n", m.id, m.version, m.description);
    let _ = writeln!(out, "  licence  {}", m.licence);
    let _ = writeln!(out, "  path     {}", file.path.display());
    let _ = writeln!(out, "  sha256   {}", file.sha256);
    let _ = writeln!(out, "  built    abi {}, {}, {}", m.abi, m.target, m.rustc);
    for interface in &m.interfaces {
        let _ = writeln!(out, "  {}", interface.id);
        if !interface.detects.is_empty() {
            let _ = writeln!(out, "    opens  {}", interface.detects.join(" "));
        }
        let properties = interface.schema.get("properties").and_then(|p| p.as_object());
        for (name, schema) in properties.into_iter().flatten() {
            let text = |key: &str| schema.get(key).and_then(|v| v.as_str()).unwrap_or_default();
            let default = schema.get("default").map_or_else(String::new, |d| format!(" [default: {d}]"));
            let _ = writeln!(out, "    {name:<20} {}{default}", text("description"));
        }
    }
    screen.print(&out);
    Ok(Exit::Done)
}
