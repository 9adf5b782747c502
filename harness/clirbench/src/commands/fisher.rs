//! `clirbench fisher`: from a recipe to the Fisher information of its base's weights.

use std::{fs::File, io, path::Path, sync::atomic::Ordering, time::Duration};

use anyhow::{Context, Result};
use clirbench_jobs::{
    executor::Event,
    fisher::{Estimated, estimate},
    plan::{FisherPlan, FisherRequest, TrainRequest},
    train::TrainProgress,
};
use clirbench_model::{PartialFile, write_error};
use serde_json::json;

use super::{
    run::{stopped, unless_stopped},
    train::announce_rest,
};
use crate::{
    cli::{FisherArgs, Global},
    environment::{cancel_flag, read_recipe, setup},
    failure::{Advice, Exit},
    progress::Display,
    screen::Screen,
};

pub(crate) fn run(args: &FisherArgs, global: &Global, screen: &Screen) -> Result<Exit> {
    let cancel = cancel_flag()?;
    let recipe = read_recipe(&args.recipe)?;
    writable(&args.out, args.force)?;
    let setup = setup(recipe.bench(), &args.recipe, &args.compute, global, false, screen)?;
    let request = FisherRequest {
        recipe: TrainRequest { recipe, base: args.base.clone(), data: args.data.clone() },
        batch_size: args.batch_size as usize,
        rows: args.rows.map(|rows| rows as usize),
    };
    let mut display = Display::new(*screen);
    let planned = FisherPlan::make(&setup, &request, &cancel, &mut |event| {
        if let Event::Log { level, message, .. } = event {
            display.log(&level, &message);
        }
    });
    let Some(plan) = unless_stopped(planned, &cancel)? else { return Ok(stopped(screen)) };
    announce(screen, &request, &plan);
    let estimated = match Estimated::of(&setup, &plan).map_err(Advice::from)? {
        Some(estimated) => estimated,
        None => {
            let outcome = estimate(&setup, &plan, &cancel, &mut |progress| match progress {
                TrainProgress::Encoding { done, total } => display.guide(done, total),
                TrainProgress::Batches { done, total } => display.batches(done, total),
                TrainProgress::Log { level, message } => display.log(&level, &message),
                TrainProgress::Step(_) => {}
            });
            display.finish();
            match outcome {
                Ok(estimated) => estimated,
                Err(_) if cancel.load(Ordering::Relaxed) => return Ok(stopped(screen)),
                Err(failure) => return Err(Advice::from(failure).into()),
            }
        }
    };
    copy(&estimated.file(), &args.out).with_context(|| {
        Advice::new(format!("cannot write {}", args.out.display()), "the estimate is in the store: run again")
    })?;
    conclude(screen, &estimated, &plan, &args.out);
    Ok(Exit::Done)
}

/// Refuses an output that cannot be written, before anything is computed for it.
fn writable(out: &Path, force: bool) -> Result<()> {
    if out.is_dir() {
        return Err(Advice::new(format!("{} is a folder", out.display()), "name a file with --out").into());
    }
    if out.exists() && !force {
        let hint = "choose another file with --out, or give --force to replace it";
        return Err(Advice::new(format!("{} exists", out.display()), hint).into());
    }
    PartialFile::create(out).map(drop).map_err(Advice::from)?;
    Ok(())
}

fn announce(screen: &Screen, request: &FisherRequest, plan: &FisherPlan) {
    let job = &plan.job;
    let rows = match job.rows.filter(|rows| *rows < plan.rows) {
        Some(rows) => format!("{rows} of {} rows", plan.rows),
        None => format!("{} rows, {} texts", plan.rows, plan.texts),
    };
    screen.say(&format!(
        "{}: {rows} in batches of {}, {} with {}, on {}",
        request.recipe.recipe.name,
        job.batch_size,
        job.trainer.id,
        job.loss.id,
        job.base.display()
    ));
    announce_rest(screen, plan.guide_texts.as_ref(), &plan.notes);
}

/// Copies the file out of the store, so that it is never half there.
fn copy(from: &Path, out: &Path) -> Result<()> {
    let mut source = File::open(from).with_context(|| format!("cannot read {}", from.display()))?;
    let mut partial = PartialFile::create(out).map_err(Advice::from)?;
    io::copy(&mut source, &mut partial).map_err(|e| Advice::from(write_error(out, &e)))?;
    Ok(partial.commit().map_err(Advice::from)?)
}

fn conclude(screen: &Screen, estimated: &Estimated, plan: &FisherPlan, out: &Path) {
    let report = &estimated.report;
    for warning in &report.warnings {
        screen.warn(warning);
    }
    if screen.json {
        screen.print_json(&json!({"out": out, "report": report, "origin": plan.job.origin}));
        return;
    }
    let seconds = Duration::from_secs_f64(report.seconds.max(0.0)).as_secs();
    screen.print(&format!(
        "{} rows in {} batches, mean loss {:.4}, {seconds} s; information of {} weights in {}\n",
        report.rows,
        report.batches,
        report.loss,
        report.parameters,
        out.display()
    ));
}
