//! `clirbench cache`: look after the store.

use std::{fmt::Write as _, time::Duration};

use anyhow::Result;
use clirbench_store::Store;
use serde_json::json;

use crate::{
    cli::{CacheCommand, Global},
    failure::{Advice, Exit},
    screen::Screen,
};

pub(crate) fn run(command: &CacheCommand, global: &Global, screen: &Screen) -> Result<Exit> {
    if !global.store.join("VERSION").exists() {
        let message = format!("there is no store at {}", global.store.display());
        return Err(Advice::new(message, "a run makes one; name another with --store").into());
    }
    let store = Store::open(&global.store)?;
    match command {
        CacheCommand::Info => info(&store, screen),
        CacheCommand::Verify { repair } => verify(&store, *repair, screen),
        CacheCommand::Prune { older_than, all } => {
            let days = if *all { 0 } else { older_than.unwrap_or_default() };
            let removed = store.prune(Duration::from_secs(u64::from(days) * 86_400))?;
            if screen.json {
                screen.print_json(&json!({"removed": removed.objects, "bytes": removed.bytes}));
            } else {
                screen.print(&format!("removed {} objects, {}", removed.objects, size(removed.bytes)));
            }
            Ok(Exit::Done)
        }
    }
}

fn info(store: &Store, screen: &Screen) -> Result<Exit> {
    let info = store.info()?;
    if screen.json {
        let kinds = info
            .kinds
            .iter()
            .map(|(kind, k)| (kind.clone(), json!({"objects": k.objects, "bytes": k.bytes})));
        let kinds: serde_json::Map<_, _> = kinds.collect();
        screen.print_json(&json!({"store": store.root(), "kinds": kinds, "unfinished": info.unfinished}));
        return Ok(Exit::Done);
    }
    let mut out = format!("{}\n", store.root().display());
    for (kind, k) in &info.kinds {
        let _ = writeln!(out, "  {kind:<8} {:>7} objects {:>10}", k.objects, size(k.bytes));
    }
    if info.unfinished > 0 {
        let _ = writeln!(
            out,
            "  {} unfinished attempts (`clirbench cache prune` removes old ones)",
            info.unfinished
        );
    }
    screen.print(&out);
    Ok(Exit::Done)
}

fn verify(store: &Store, repair: bool, screen: &Screen) -> Result<Exit> {
    let damaged = store.verify()?;
    for damage in &damaged {
        screen.warn(&damage.reason);
        if repair {
            store.remove(&damage.folder)?;
        }
    }
    if screen.json {
        let damaged =
            damaged.iter().map(|d| json!({"object": d.folder, "reason": d.reason})).collect::<Vec<_>>();
        screen.print_json(&json!({"damaged": damaged, "repaired": repair}));
    } else {
        let done = if repair {
            "removed; the next run makes anew what it needs"
        } else {
            "`--repair` removes damage"
        };
        screen.print(&match damaged.len() {
            0 => "every object is whole".to_owned(),
            n => format!("{n} damaged {}: {done}", if n == 1 { "object" } else { "objects" }),
        });
    }
    Ok(if damaged.is_empty() || repair { Exit::Done } else { Exit::Error })
}

fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}
