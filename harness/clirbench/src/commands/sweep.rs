//! `clirbench sweep`: every merge of some checkpoints measured, winners chosen, only those written.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result};
use clirbench_core::{compare::points_per_unit, results::Merged};
use clirbench_jobs::{
    bench::{Bench, ModelSpec, resolve},
    job::MergeJob,
    plan::{PlannedDataset, Setup},
    sweep::{SOUP, SelectionSpec, Sweep, shared_texts},
};
use clirbench_report::sweep::{self as report, Candidate, Selection};

use super::{
    merge,
    run::{Measured, carry_out, conclude, default_out, stopped},
};
use crate::{
    cli::{Global, SweepArgs},
    environment::{cancel_flag, read_sweep, setup},
    failure::{Advice, Exit},
    screen::Screen,
};

pub(crate) fn run(args: &SweepArgs, global: &Global, screen: &Screen) -> Result<Exit> {
    let cancel = cancel_flag()?;
    let sweep = read_sweep(&args.sweep)?;
    let out = args.out.clone().unwrap_or_else(|| default_out(&args.sweep));
    let pairs = sweep.pairs();
    let bench = sweep.bench(&sweep.datasets, Vec::new());
    let setup = setup(bench, &args.sweep, &args.compute, global, false, screen)?;
    let mut sitting = Sitting { sweep: &sweep, setup, cancel: &cancel, screen };

    let mut chosen = None;
    if let Some(spec) = &sweep.selection {
        match sitting.select(spec, &pairs, &out.join("selection"))? {
            Some(selected) => chosen = Some(selected),
            None => return Ok(stopped(screen)),
        }
    }
    let soup = chosen.as_ref().and_then(|chosen| chosen.soup.clone());
    let models: Vec<ModelSpec> = pairs.into_iter().chain(soup).collect();
    let merges: Vec<Merged> = models.iter().filter_map(ModelSpec::merged).collect();
    let bench = sweep.bench(&sweep.datasets, models.clone());
    let Some(measured) = sitting.measure(bench, Some(&out))? else { return Ok(stopped(screen)) };

    let selection = chosen.map(|chosen| {
        let shared = shared_texts(&chosen.measured.plan.datasets, &measured.plan.datasets);
        Selection { shared, ..chosen.selection }
    });
    let notes = [format!("{} checkpoints, {} merges of them", sweep.checkpoints.len(), merges.len())];
    let page = report::Sweep {
        results: &measured.results,
        merges: &merges,
        selection: selection.as_ref(),
        notes: &notes,
    };
    report::write(&out, &page)?;
    let exit = conclude(screen, &measured, &out)?;
    if let Some(selection) = &selection {
        if !matches!(exit, Exit::Done) {
            screen.warn("no winner is written while cells are missing");
        } else if !sitting.write_winners(selection, &models)? {
            return Ok(stopped(screen));
        }
    }
    screen.say(&format!("pairs, CLIR against Mono and the selection: {}", out.join("sweep.md").display()));
    Ok(exit)
}

/// The models of a sweep in measurement.
struct Sitting<'a> {
    sweep: &'a Sweep,
    setup: Setup,
    cancel: &'a AtomicBool,
    screen: &'a Screen,
}

/// What the selection came to.
struct Chosen {
    selection: Selection,
    /// The greedy soup, where it is more than one checkpoint.
    soup: Option<ModelSpec>,
    measured: Measured,
}

impl Sitting<'_> {
    /// Nothing when the user stopped it.
    fn measure(&mut self, bench: Bench, out: Option<&Path>) -> Result<Option<Measured>> {
        self.setup.bench = bench;
        let measured = carry_out(&self.setup, out, self.cancel, self.screen)?;
        Ok(measured.filter(|_| !self.cancel.load(Ordering::Relaxed)))
    }

    fn select(&mut self, spec: &SelectionSpec, pairs: &[ModelSpec], out: &Path) -> Result<Option<Chosen>> {
        let bench = self.sweep.selection_bench(spec, pairs.to_vec());
        let Some(measured) = self.measure(bench, Some(out))? else { return Ok(None) };
        let mut scores = self.sweep.scores(spec, &measured.results.scores);
        if scores.is_empty() {
            let hint = "add it to the `metrics` of the scenario, or select by another";
            let message = format!("no cell of the selection has the metric `{}`", spec.metric);
            return Err(Advice::new(message, hint).into());
        }
        let mut soup = None;
        let mut ingredients = Vec::new();
        if spec.soup {
            let Some((order, score)) = self.greedy_soup(spec, &scores)? else { return Ok(None) };
            ingredients = order.iter().map(|&i| self.sweep.checkpoints[i].name.clone()).collect();
            if order.len() > 1 {
                scores.push((SOUP.to_owned(), score));
                soup = Some(self.sweep.soup(&order));
            }
        }
        // Equal scores stay in the order of the file.
        scores.sort_by(|a, b| b.1.total_cmp(&a.1));
        let is_merge = |name: &str| self.sweep.checkpoints.iter().all(|c| c.name != name);
        let points = points_per_unit(&spec.metric).unwrap_or(1.0);
        let names = |datasets: &[PlannedDataset]| datasets.iter().map(|d| d.name.clone()).collect::<Vec<_>>();
        let selection = Selection {
            score: format!("{} in {}", spec.metric, self.sweep.selected_scenarios(spec).join(", ")),
            datasets: names(&measured.plan.datasets),
            shared: Vec::new(),
            winners: scores
                .iter()
                .filter(|(name, _)| is_merge(name))
                .take(spec.winners)
                .map(|(name, _)| name.clone())
                .collect(),
            candidates: scores
                .into_iter()
                .map(|(model, score)| Candidate { model, score: points * score })
                .collect(),
            soup: ingredients,
        };
        Ok(Some(Chosen { selection, soup, measured }))
    }

    /// Greedy soup (Wortsman et al. 2022): checkpoints by falling score, each kept where the mean gets
    /// strictly better by it. Returns their indices and the soup's score.
    fn greedy_soup(
        &mut self,
        spec: &SelectionSpec,
        scores: &[(String, f64)],
    ) -> Result<Option<(Vec<usize>, f64)>> {
        let score_of = |name: &str| scores.iter().find(|(n, _)| n == name).map(|(_, score)| *score);
        let checkpoints = self.sweep.checkpoints.iter().enumerate();
        let mut order: Vec<(usize, f64)> =
            checkpoints.filter_map(|(i, c)| Some((i, score_of(&c.name)?))).collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        let Some((&(first, mut best), rest)) = order.split_first() else {
            return Ok(Some((Vec::new(), 0.0)));
        };
        let mut kept = vec![first];
        for &(next, _) in rest {
            let trial: Vec<usize> = kept.iter().copied().chain([next]).collect();
            let mut bench = self.sweep.selection_bench(spec, Vec::new());
            bench.models = vec![self.sweep.soup(&trial)];
            let Some(measured) = self.measure(bench, None)? else { return Ok(None) };
            let score = self.sweep.scores(spec, &measured.results.scores);
            if let [(_, score)] = score.as_slice()
                && *score > best
            {
                (kept, best) = (trial, *score);
            }
        }
        Ok(Some((kept, best)))
    }

    /// Writes the model directories of the winners; false when the user stopped it.
    fn write_winners(&self, selection: &Selection, models: &[ModelSpec]) -> Result<bool> {
        let output = self.sweep.selection.as_ref().and_then(|spec| spec.output.as_deref());
        let Some(folder) = output.map(|output| resolve(&self.setup.base, output)) else { return Ok(true) };
        for name in &selection.winners {
            let Some(merge) = models.iter().find(|m| m.name == *name).and_then(|m| m.merge.as_ref()) else {
                continue;
            };
            let out = folder.join(name);
            std::fs::create_dir_all(&folder).with_context(|| {
                Advice::new(format!("cannot create {}", folder.display()), "check `output` under [selection]")
            })?;
            // One that an earlier sweep has written may be replaced, anything else not.
            let ours = out.join("clirbench.json").is_file();
            let job = MergeJob::make(&self.setup, merge, &out, ours).map_err(Advice::from)?;
            if merge::carry_out(&self.setup, &job, self.cancel, self.screen)?.is_none() {
                return Ok(false);
            }
            self.screen.say(&format!("winner {name}: {}", out.display()));
        }
        Ok(true)
    }
}
