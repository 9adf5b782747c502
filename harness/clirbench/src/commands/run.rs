//! `clirbench run`: measure, write, print.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, Result};
use clirbench_jobs::{
    collect::Collector,
    executor::Event,
    plan::{Plan, PlanError, Setup},
    provenance::{Invocation, provenance},
    run::{Outcome, Progress, run as execute},
};
use clirbench_report::{
    Options, Results,
    leaderboard::{self, Layout},
    terminal, trec, write_all,
};
use serde_json::json;

use crate::{
    cli::{Global, RunArgs},
    environment::{bench_setup, cancel_flag},
    failure::{Advice, Exit},
    progress::Display,
    screen::Screen,
};

/// How often the results folder is brought up to date while cells come in.
const REWRITE: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &RunArgs, global: &Global, screen: &Screen) -> Result<Exit> {
    let cancel = cancel_flag()?;
    let setup = bench_setup(&args.bench, global, args.trec, screen)?;
    let out = args.out.clone().unwrap_or_else(|| default_out(&args.bench.bench));
    let Some(measured) = carry_out(&setup, Some(&out), &cancel, screen)? else { return Ok(stopped(screen)) };
    conclude(screen, &measured, &out)
}

/// A bench that was planned, measured and written.
pub(crate) struct Measured {
    pub(crate) plan: Plan,
    pub(crate) outcome: Outcome,
    pub(crate) results: Results,
}

/// Plans, measures, and writes the results folder `out`, if one is given; nothing when the user stopped
/// the planning.
pub(crate) fn carry_out(
    setup: &Setup,
    out: Option<&Path>,
    cancel: &AtomicBool,
    screen: &Screen,
) -> Result<Option<Measured>> {
    let started = Instant::now();
    let started_at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut display = Display::new(*screen);
    let Some(plan) = make_plan(setup, cancel, &display)? else { return Ok(None) };
    if plan.cells.is_empty() && plan.datasets.iter().all(|d| d.failed.is_empty()) {
        let hint = "cross-lingual scenarios need two languages with parallel texts; `clirbench plan` shows what there is";
        return Err(Advice::new("no scenario has anything to measure on these datasets", hint).into());
    }
    let invocation = Invocation {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        arguments: std::env::args().collect(),
        started_at,
        planning_seconds: started.elapsed().as_secs_f64(),
    };
    if let Some(out) = out {
        std::fs::create_dir_all(out).with_context(|| {
            Advice::new(format!("cannot create {}", out.display()), "give another folder with --out")
        })?;
    }
    let collector = Collector::new(&plan, &setup.store);
    let mut writer = Writer { setup, plan: &plan, collector, out, invocation };
    let outcome = measure(setup, &plan, cancel, &mut writer, &mut display);
    display.finish();
    let outcome = outcome?;
    let results = writer.finish(&outcome, setup.run_files)?;
    Ok(Some(Measured { plan, outcome, results }))
}

/// The plan, or nothing when the user stopped it.
pub(crate) fn make_plan(setup: &Setup, cancel: &AtomicBool, display: &Display) -> Result<Option<Plan>> {
    let planned = Plan::make(setup, cancel, &mut |event| {
        if let Event::Log { level, message, .. } = event {
            display.log(&level, &message);
        }
    });
    unless_stopped(planned, cancel)
}

/// What was planned, or nothing when the user stopped it.
pub(crate) fn unless_stopped<T>(
    planned: std::result::Result<T, PlanError>,
    cancel: &AtomicBool,
) -> Result<Option<T>> {
    match planned {
        Ok(plan) => Ok(Some(plan)),
        Err(_) if cancel.load(Ordering::Relaxed) => Ok(None),
        Err(PlanError::Data(error)) => Err(Advice::from(error).into()),
        Err(PlanError::Other(failure)) => Err(Advice::from(failure).into()),
    }
}

pub(crate) fn stopped(screen: &Screen) -> Exit {
    screen.say("stopped; run again to continue");
    Exit::Stopped
}

fn measure(
    setup: &Setup,
    plan: &Plan,
    cancel: &AtomicBool,
    writer: &mut Writer<'_>,
    display: &mut Display,
) -> Result<Outcome> {
    let mut written = Instant::now();
    let mut trouble = writer.collector.add_all().err();
    let outcome = execute(setup, plan, cancel, &mut |progress| {
        display.show(&progress);
        if let Progress::Cell { cell } = progress {
            trouble = trouble.take().or_else(|| writer.collector.add(cell).err());
            if written.elapsed() >= REWRITE {
                if let Err(error) = writer.write(&Outcome::default(), false) {
                    display.log("warn", &format!("{error:#}"));
                }
                written = Instant::now();
            }
        }
    });
    match trouble {
        Some(failure) => Err(Advice::from(failure).into()),
        None => Ok(outcome),
    }
}

/// Brings the results folder up to date.
struct Writer<'a> {
    setup: &'a Setup,
    plan: &'a Plan,
    collector: Collector<'a>,
    out: Option<&'a Path>,
    invocation: Invocation,
}

impl Writer<'_> {
    fn write(&self, outcome: &Outcome, complete: bool) -> Result<Results> {
        let run = if complete {
            provenance(self.setup, self.plan, &self.collector, outcome, &self.invocation)
                .map_err(Advice::from)?
        } else {
            json!({"clirbench": self.invocation.version, "incomplete": true})
        };
        let results = self.collector.results(run);
        let options = Options { per_query: complete, notes: notes(self.plan, outcome) };
        if let Some(out) = self.out {
            write_all(out, &results, &options)?;
        }
        Ok(results)
    }

    fn finish(&mut self, outcome: &Outcome, run_files: bool) -> Result<Results> {
        self.collector.add_all().map_err(Advice::from)?;
        let results = self.write(outcome, true)?;
        if let (true, Some(out)) = (run_files, self.out) {
            for index in 0..self.plan.cells.len() {
                if let Some(trec) = self.collector.trec(index).map_err(Advice::from)? {
                    trec::write_cell(out, &trec.cell, &trec.run, &trec.qrels)?;
                }
            }
        }
        Ok(results)
    }
}

/// What a reader of the numbers has to know, once each: notes of the tasks, warnings of the models, failures.
fn notes(plan: &Plan, outcome: &Outcome) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    let mut add = |note: String| {
        if !notes.contains(&note) {
            notes.push(note);
        }
    };
    for dataset in &plan.datasets {
        for note in dataset.notes() {
            add(format!("{}, {note}", dataset.name));
        }
        for (scenario, failure) in &dataset.failed {
            add(format!("{}, {scenario}: failed: {failure}", dataset.name));
        }
    }
    for model in &plan.models {
        for warning in model.opened.iter().flat_map(|o| &o.probe.info.warnings) {
            add(format!("{}: {warning}", model.name));
        }
    }
    for (reason, cells) in failures(plan, outcome) {
        add(format!("{reason} ({} cells)", cells.len()));
    }
    notes
}

/// Failed cells by model and reason, in the order of the plan.
fn failures(plan: &Plan, outcome: &Outcome) -> Vec<(String, Vec<usize>)> {
    let mut grouped: Vec<(String, Vec<usize>)> = Vec::new();
    for (index, cell) in plan.cells.iter().enumerate() {
        let Some(failure) = outcome.failed.get(&index) else { continue };
        let reason = format!("{}: {failure}", plan.models[cell.model].name);
        match grouped.iter_mut().find(|(r, _)| *r == reason) {
            Some((_, cells)) => cells.push(index),
            None => grouped.push((reason, vec![index])),
        }
    }
    grouped
}

pub(crate) fn conclude(screen: &Screen, measured: &Measured, out: &Path) -> Result<Exit> {
    let Measured { plan, outcome, results } = measured;
    let failed = failures(plan, outcome);
    let scenarios_failed = plan.datasets.iter().any(|d| !d.failed.is_empty());
    if screen.json {
        screen.print_json(&json!({
            "out": out,
            "cells": plan.cells.len(),
            "failed": outcome.failed.len(),
            "encoded": outcome.encoded.iter().sum::<usize>(),
            "cancelled": outcome.cancelled,
            "scores": results.scores,
            "failures": results.run["failures"],
        }));
    } else {
        let style =
            terminal::Style { colour: screen.colours_results(), width: screen.width(), ..Default::default() };
        let (scores, per_query) = (&results.scores, &results.per_query);
        let boards = [leaderboard::clir, leaderboard::mono, leaderboard::mixed]
            .map(|of: Layout| of(scores, per_query));
        let boards: Vec<String> = boards.iter().map(|b| terminal::render(&b.averages(), &style)).collect();
        screen.print(
            &boards.iter().filter(|b| !b.is_empty()).map(String::as_str).collect::<Vec<_>>().join("\n"),
        );
    }
    for note in notes(plan, &Outcome::default()) {
        screen.say(&format!("note: {note}"));
    }
    for (reason, cells) in &failed {
        screen.warn(&format!("{} of {} cells failed: {reason}", cells.len(), plan.cells.len()));
    }
    let texts = |of: fn(&clirbench_jobs::plan::TextCount) -> usize| plan.texts.iter().map(of).sum::<usize>();
    screen.say(&format!(
        "{} cells; {} texts encoded, {} from the store; results in {}",
        plan.cells.len() - outcome.failed.len(),
        outcome.encoded.iter().sum::<usize>(),
        texts(|t| t.stored),
        out.display()
    ));
    Ok(match (outcome.cancelled, failed.is_empty() && !scenarios_failed) {
        (true, _) => stopped(screen),
        (false, true) => Exit::Done,
        (false, false) => Exit::Incomplete,
    })
}

/// Where the results of the file `bench` go when the user does not say.
pub(crate) fn default_out(bench: &Path) -> PathBuf {
    let stem = bench.file_stem().map_or_else(|| "bench".to_owned(), |s| s.to_string_lossy().into_owned());
    PathBuf::from(format!("{stem}-results"))
}
