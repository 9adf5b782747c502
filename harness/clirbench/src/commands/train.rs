//! `clirbench train`: from a recipe to a model directory.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    time::Duration,
};

use anyhow::{Context, Result};
use clirbench_host::LossInfo;
use clirbench_jobs::{
    bench::resolve,
    executor::Event,
    plan::{Setup, TextCount, TrainPlan, TrainRequest},
    train::{TrainProgress, Trained, train},
};
use clirbench_model::PartialDirectory;
use serde_json::{Value, json};

use super::run::{stopped, unless_stopped};
use crate::{
    cli::{Global, TrainArgs},
    environment::{cancel_flag, read_recipe, setup},
    failure::{Advice, Exit},
    progress::Display,
    screen::Screen,
};

/// The file of a trained directory that says how it came about.
const ORIGIN: &str = "clirbench.json";

pub(crate) fn run(args: &TrainArgs, global: &Global, screen: &Screen) -> Result<Exit> {
    let cancel = cancel_flag()?;
    let recipe = read_recipe(&args.recipe)?;
    let setup = setup(recipe.bench(), &args.recipe, &args.compute, global, false, screen)?;
    let out = output(args, &setup, recipe.output.as_deref(), &recipe.name);
    if !args.force {
        writable(&out)?;
    }
    let request = TrainRequest { recipe, base: args.base.clone(), data: args.data.clone() };
    let mut display = Display::new(*screen);
    let planned = TrainPlan::make(&setup, &request, &cancel, &mut |event| {
        if let Event::Log { level, message, .. } = event {
            display.log(&level, &message);
        }
    });
    let Some(plan) = unless_stopped(planned, &cancel)? else { return Ok(stopped(screen)) };
    announce(screen, &request, &plan);
    let trained = match Trained::of(&setup, &plan).map_err(Advice::from)? {
        Some(trained) => trained,
        None => {
            let parts = parts(&setup, &plan);
            let outcome = train(&setup, &plan, &cancel, &mut |progress| match progress {
                TrainProgress::Encoding { done, total } => display.guide(done, total),
                TrainProgress::Step(report) => display.step(&report, &parts),
                TrainProgress::Log { level, message } => display.log(&level, &message),
                TrainProgress::Batches { .. } => {}
            });
            display.finish();
            match outcome {
                Ok(trained) => trained,
                Err(_) if cancel.load(Ordering::Relaxed) => return Ok(stopped(screen)),
                Err(failure) => return Err(Advice::from(failure).into()),
            }
        }
    };
    let origin = origin(&request, &plan, &trained);
    write(&trained, &out, &origin).with_context(|| {
        Advice::new(format!("cannot write {}", out.display()), "the model is in the store: run again")
    })?;
    conclude(screen, &trained, &out, &origin);
    Ok(Exit::Done)
}

fn output(args: &TrainArgs, setup: &Setup, recipe: Option<&Path>, name: &str) -> PathBuf {
    args.out.clone().unwrap_or_else(|| resolve(&setup.base, recipe.unwrap_or(Path::new(name))))
}

/// Whether the output directory is free, or ours to replace.
fn writable(out: &Path) -> Result<()> {
    let empty = || fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_none());
    if !out.exists() || out.join(ORIGIN).is_file() || empty() {
        return Ok(());
    }
    let hint = "choose another directory with --out, or give --force to replace it";
    Err(Advice::new(format!("{} holds something that no training wrote", out.display()), hint).into())
}

/// Names of the loss's parts, for the progress line.
fn parts(setup: &Setup, plan: &TrainPlan) -> Vec<String> {
    let info = setup.store.get("loss", &plan.loss_key).ok().flatten();
    let info: Option<LossInfo> = info.and_then(|object| object.json("info.json").ok());
    info.map(|info| info.parts).unwrap_or_default()
}

fn announce(screen: &Screen, request: &TrainRequest, plan: &TrainPlan) {
    screen.say(&format!(
        "{}: {} rows, {} texts, {} with {}, from {}",
        request.recipe.name,
        plan.rows,
        plan.texts,
        plan.job.trainer.id,
        plan.job.loss.id,
        plan.job.base.display()
    ));
    announce_rest(screen, plan.guide_texts.as_ref(), &plan.notes);
}

/// What the guide has to encode, and what a reader has to know.
pub(super) fn announce_rest(screen: &Screen, guide: Option<&TextCount>, notes: &[String]) {
    if let Some(texts) = guide {
        screen.say(&format!("guide: {} texts to encode, {} in the store", texts.to_encode, texts.stored));
    }
    for note in notes {
        screen.say(&format!("note: {note}"));
    }
}

/// How the model came about; no time and no place, so that the same training writes the same file.
fn origin(request: &TrainRequest, plan: &TrainPlan, trained: &Trained) -> Value {
    let job = &plan.job;
    let report = &trained.report;
    json!({
        "clirbench": env!("CARGO_PKG_VERSION"),
        "key": job.key,
        "recipe": request.recipe.name,
        "base": plan.base_files,
        "trainer": job.trainer.origin(&job.trainer_config),
        "loss": job.loss.origin(&job.loss_config),
        "data": {"key": job.data, "rows": plan.rows, "texts": plan.texts},
        "guide": job.guide,
        "validation": job.validation,
        "seed": job.seed,
        "steps": report.steps,
        "best_step": report.best_step,
        "best_score": report.best_score,
        "parameters": report.parameters,
        "warnings": report.warnings,
    })
}

/// Copies the model out of the store, so that a directory is never half there.
fn write(trained: &Trained, out: &Path, origin: &Value) -> Result<()> {
    let partial = PartialDirectory::replacing(out).map_err(Advice::from)?;
    copy(trained, partial.path(), origin)?;
    Ok(partial.commit().map_err(Advice::from)?)
}

fn copy(trained: &Trained, aside: &Path, origin: &Value) -> Result<()> {
    for name in trained.object.names() {
        let Some(relative) = name.strip_prefix("model/") else { continue };
        let target = aside.join(relative);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(trained.object.folder().join(name), &target)
            .with_context(|| format!("cannot write {}", target.display()))?;
    }
    fs::write(aside.join(ORIGIN), serde_json::to_vec_pretty(origin)?)?;
    Ok(())
}

fn conclude(screen: &Screen, trained: &Trained, out: &Path, origin: &Value) {
    let report = &trained.report;
    for warning in &report.warnings {
        screen.warn(warning);
    }
    if screen.json {
        screen.print_json(&json!({"out": out, "report": report, "origin": origin}));
        return;
    }
    let best = report
        .best_score
        .map_or_else(String::new, |score| format!("; best at step {}: {score:.4}", report.best_step));
    let seconds = Duration::from_secs_f64(report.seconds.max(0.0)).as_secs();
    screen.print(&format!("{} steps in {seconds} s{best}; model in {}\n", report.steps, out.display()));
}
