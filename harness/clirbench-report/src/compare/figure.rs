//! Numbers of a comparison as texts.

use clirbench_core::compare::{Verdict, points_per_unit};
use clirbench_core::stats::Interval;

use crate::number::{fixed, shortest};

/// Prints the numbers of one metric: on the 0-100 scale, ranks as they are.
pub(super) struct Figures {
    factor: f64,
}

impl Figures {
    pub(super) fn of(metric: &str) -> Figures {
        Figures { factor: points_per_unit(metric).unwrap_or(1.0) }
    }

    pub(super) fn value(&self, value: f64) -> String {
        fixed(value * self.factor, 2)
    }

    pub(super) fn difference(&self, delta: f64) -> String {
        let text = self.value(delta);
        if text.starts_with('-') || text == "0.00" { text } else { format!("+{text}") }
    }

    pub(super) fn interval(&self, interval: Option<Interval>) -> String {
        interval.map_or_else(String::new, |i| format!("{} to {}", self.value(i.low), self.value(i.high)))
    }

    pub(super) fn interval_of_difference(&self, interval: Option<Interval>) -> String {
        let ends = |i: Interval| format!("{} to {}", self.difference(i.low), self.difference(i.high));
        interval.map_or_else(String::new, ends)
    }
}

pub(super) fn p_value(p: Option<f64>) -> String {
    match p {
        None => String::new(),
        Some(p) if p < 0.001 => "<0.001".to_owned(),
        Some(p) => fixed(p, 3),
    }
}

/// How tables mark a row.
pub(super) fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regression => "worse",
        Verdict::Gain => "better",
        Verdict::Same => "",
    }
}

/// The verdict's name in CSV, as in JSON.
pub(super) fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regression => "regression",
        Verdict::Gain => "gain",
        Verdict::Same => "same",
    }
}

/// An exact number of a CSV field; empty where there is none.
pub(super) fn exact(value: Option<f64>) -> String {
    value.map_or_else(String::new, shortest)
}
