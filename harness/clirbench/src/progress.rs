//! Progress of a run: a bar on a terminal, a line now and then otherwise.

use std::time::{Duration, Instant};

use clirbench_host::StepReport;
use clirbench_jobs::run::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::screen::Screen;

/// How often a line is printed where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);

pub(crate) struct Display {
    screen: Screen,
    bar: Option<ProgressBar>,
    last_line: Option<(Instant, String)>,
}

impl Display {
    pub(crate) fn new(screen: Screen) -> Display {
        let bar = (screen.draws() && !screen.quiet).then(|| {
            let style = ProgressStyle::with_template("{prefix:10} {bar:30} {pos}/{len} {msg} {eta}");
            let bar = ProgressBar::new(0);
            bar.set_style(style.expect("the template is well-formed"));
            bar
        });
        Display { screen, bar, last_line: None }
    }

    pub(crate) fn show(&mut self, progress: &Progress) {
        match progress {
            Progress::Encoding { done, total, model } => self.count("encoding", *done, *total, model),
            Progress::Scoring { done, total } => self.count("scoring", *done, *total, "cells"),
            Progress::Log { level, message } => self.log(level, message),
            Progress::Cell { .. } => {}
        }
    }

    pub(crate) fn log(&self, level: &str, message: &str) {
        let serious = matches!(level, "error" | "warn");
        if !serious && !self.screen.verbose {
            return;
        }
        self.aside(|| if serious { self.screen.warn(message) } else { self.screen.line(message) });
    }

    fn count(&mut self, what: &str, done: usize, total: usize, about: &str) {
        if let Some(bar) = &self.bar {
            bar.set_prefix(what.to_owned());
            bar.set_length(total as u64);
            bar.set_position(done as u64);
            bar.set_message(about.to_owned());
            return;
        }
        let phase = format!("{what} {about}");
        let due = match &self.last_line {
            Some((at, last)) => *last != phase || at.elapsed() >= EVERY || done == total,
            None => true,
        };
        if due {
            self.screen.say(&format!("{what}: {done}/{total} {about}"));
            self.last_line = Some((Instant::now(), phase));
        }
    }

    /// A step of a training: the bar with its numbers, or a line now and then.
    pub(crate) fn step(&mut self, report: &StepReport, parts: &[String]) {
        let mut numbers = format!("loss {:.4}", report.loss);
        if parts.len() > 1 {
            let named = parts.iter().zip(&report.parts).map(|(name, value)| format!("{name} {value:.4}"));
            numbers += &format!(" ({})", named.collect::<Vec<_>>().join(", "));
        }
        numbers += &format!(", lr {:.2e}, |g| {:.3}", report.learning_rate, report.gradient_norm);
        if let Some(score) = report.validation {
            let line = format!("step {}: validation {score:.4}", report.step);
            self.aside(|| self.screen.say(&line));
        }
        if self.bar.is_some() {
            self.count("training", report.step, report.steps, &numbers);
            return;
        }
        let due = self.last_line.as_ref().is_none_or(|(at, _)| at.elapsed() >= EVERY);
        if due || report.step == report.steps {
            self.screen.say(&format!("step {}/{}: {numbers}", report.step, report.steps));
            self.last_line = Some((Instant::now(), String::new()));
        }
    }

    /// Weights that are merged.
    pub(crate) fn merging(&mut self, done: u64, total: u64) {
        self.count("merging", done as usize, total as usize, "weights");
    }

    /// Batches of an estimate.
    pub(crate) fn batches(&mut self, done: u64, total: u64) {
        self.count("estimating", done as usize, total as usize, "batches");
    }

    /// Texts that the guide of a training encodes.
    pub(crate) fn guide(&mut self, done: usize, total: usize) {
        self.count("encoding", done, total, "guide");
    }

    /// Texts that are encoded to be compared.
    pub(crate) fn texts(&mut self, done: usize, total: usize) {
        self.count("encoding", done, total, "texts");
    }

    /// Rows that negatives are mined for.
    pub(crate) fn mining(&mut self, done: usize, total: usize) {
        self.count("mining", done, total, "rows");
    }

    /// Replies of a chat model: the bar with what they cost, or a line now and then.
    pub(crate) fn replies(&mut self, progress: &clirbench_synth::Progress, cost: &str) {
        if let Some(trouble) = &progress.trouble {
            self.log("info", trouble);
        }
        let [whole, triples] = progress.triples;
        let about = format!("replies; {whole}/{triples} triples; {cost}");
        let [done, total] = progress.steps;
        if self.bar.is_some() {
            return self.count("asking", done, total, &about);
        }
        if self.last_line.as_ref().is_none_or(|(at, _)| at.elapsed() >= EVERY) {
            self.screen.say(&format!("asking: {done}/{total} {about}"));
            self.last_line = Some((Instant::now(), String::new()));
        }
    }

    /// Prints beside the bar without tearing it.
    fn aside(&self, print: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
