//! `clirbench plan`: what a run would do.

use std::fmt::Write as _;

use anyhow::Result;
use clirbench_jobs::plan::Plan;
use serde_json::json;

use super::run::{make_plan, stopped};
use crate::{
    cli::{BenchArgs, Global},
    environment::{bench_setup, cancel_flag},
    failure::Exit,
    progress::Display,
    screen::Screen,
};

pub(crate) fn run(args: &BenchArgs, global: &Global, screen: &Screen) -> Result<Exit> {
    let cancel = cancel_flag()?;
    let setup = bench_setup(args, global, false, screen)?;
    let Some(plan) = make_plan(&setup, &cancel, &Display::new(*screen))? else { return Ok(stopped(screen)) };
    if screen.json {
        screen.print_json(&as_json(&plan));
    } else {
        screen.print(&as_text(&plan));
    }
    let broken = plan.models.iter().any(|m| m.opened.is_err());
    Ok(if broken { Exit::Incomplete } else { Exit::Done })
}

fn open_cells(plan: &Plan, model: usize) -> (usize, usize) {
    let cells = plan.cells.iter().filter(|c| c.model == model);
    cells.fold((0, 0), |(all, open), cell| (all + 1, open + usize::from(!cell.done)))
}

fn as_text(plan: &Plan) -> String {
    let mut out = String::new();
    for dataset in &plan.datasets {
        let collection = &dataset.arranged;
        let _ = writeln!(
            out,
            "dataset {}: {} queries, {} documents, {} languages ({}), {} tasks",
            dataset.name,
            collection.queries.len(),
            collection.documents.len(),
            collection.languages.len(),
            collection.languages.join(" "),
            dataset.tasks.len(),
        );
        for (scenario, failure) in &dataset.failed {
            let _ = writeln!(out, "  {scenario} failed: {failure}");
        }
    }
    for (m, (model, texts)) in plan.models.iter().zip(&plan.texts).enumerate() {
        let (cells, open) = open_cells(plan, m);
        let _ = writeln!(out, "model {} ({})", model.name, model.plugin.id);
        match &model.opened {
            Err(failure) => {
                let _ = writeln!(out, "  cannot be opened: {failure}");
            }
            Ok(_) => {
                let _ = writeln!(
                    out,
                    "  texts: {} to encode, {} in the store ({} distinct; {} if each cell were encoded by itself)",
                    texts.to_encode, texts.stored, texts.distinct, texts.asked
                );
                let _ = writeln!(out, "  cells: {open} to score, {} in the store", cells - open);
            }
        }
    }
    let score = plan.cells.iter().filter(|c| c.job.is_some() && !c.done).count();
    let _ = writeln!(out, "jobs: {} embed, {score} score", plan.embed.len());
    out
}

fn as_json(plan: &Plan) -> serde_json::Value {
    let datasets = plan.datasets.iter().map(|d| {
        json!({
            "name": d.name,
            "hash": d.loaded.hashes.collection,
            "queries": d.arranged.queries.len(),
            "documents": d.arranged.documents.len(),
            "languages": d.arranged.languages,
            "tasks": d.tasks.len(),
        })
    });
    let models = plan.models.iter().zip(&plan.texts).enumerate().map(|(m, (model, texts))| {
        let (cells, open) = open_cells(plan, m);
        json!({
            "name": model.name,
            "plugin": model.plugin.id,
            "error": model.opened.as_ref().err().map(ToString::to_string),
            "texts": {"asked": texts.asked, "distinct": texts.distinct, "from_store": texts.stored, "to_encode": texts.to_encode},
            "cells": {"all": cells, "to_score": open},
        })
    });
    let cells = plan.cells.iter().map(|cell| {
        let mut value = serde_json::to_value(plan.coordinates(cell)).expect("plain data");
        value["done"] = json!(cell.done);
        value
    });
    json!({
        "datasets": datasets.collect::<Vec<_>>(),
        "models": models.collect::<Vec<_>>(),
        "embed_jobs": plan.embed,
        "cells": cells.collect::<Vec<_>>(),
    })
}
