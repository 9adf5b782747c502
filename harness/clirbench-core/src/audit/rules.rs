//! The rules: one idea each, in a file each.

use super::{Finding, Sheet, Strictness, sheet::Reading};
use crate::printed::{Printed, Span};

mod averages;
mod counts;
mod cutoffs;
mod duplicates;
mod finite;
mod first_rank;
mod intervals;
mod last_rank;
mod last_rank_norm;
mod main_score;
mod order;
mod per_query;
mod range;
mod shares;
mod ties;

#[cfg(test)]
mod tests;

/// Something that has to hold.
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// What has to hold, in a line.
    pub says: &'static str,
    pub(super) check: fn(&Sheet, &mut Checks<'_>),
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.says)
    }
}

/// All rules, in the order in which findings on one figure are listed.
pub const RULES: &[Rule] = &[
    Rule { name: "finite", says: "fields hold what they have to, numbers are finite", check: finite::check },
    Rule {
        name: "range",
        says: "fractions are in 0..1 (nDCG too), norms in 0..100, ranks from 1",
        check: range::check,
    },
    Rule { name: "intervals", says: "an interval holds its value", check: intervals::check },
    Rule {
        name: "duplicates",
        says: "a figure is there once, and the same in every table",
        check: duplicates::check,
    },
    Rule {
        name: "counts",
        says: "the metrics of a cell have the same queries and the same pool",
        check: counts::check,
    },
    Rule {
        name: "first-rank",
        says: "mrr@1, precision@1 and hit@1 are equal; with one relevant document ndcg@1 and recall@1 too",
        check: first_rank::check,
    },
    Rule {
        name: "cutoffs",
        says: "recall, hit, complete, mrr, map and k x precision@k do not fall as the cutoff grows",
        check: cutoffs::check,
    },
    Rule {
        name: "order",
        says: "complete@k <= recall@k <= hit@k, nothing at k is above hit@k, and mrr is held by hit@1",
        check: order::check,
    },
    Rule { name: "ties", says: "a run's own tie rule lies between worst and best", check: ties::check },
    Rule {
        name: "last-rank",
        says: "max@r lies between |R| and |D|, and where complete@k puts it",
        check: last_rank::check,
    },
    Rule {
        name: "last-rank-norm",
        says: "max@r_norm_of_mean follows from max@r, |D| and |R|; max@r_norm is not below it",
        check: last_rank_norm::check,
    },
    Rule {
        name: "averages",
        says: "an average over datasets, or over those averages, follows from what it averages",
        check: averages::check,
    },
    Rule { name: "shares", says: "a share of queries is a whole number of queries", check: shares::check },
    Rule { name: "main-score", says: "main_score is the metric of its task", check: main_score::check },
    Rule {
        name: "per-query",
        says: "a figure is the mean of its per-query values, and counts them",
        check: per_query::check,
    },
];

/// What a rule has looked at in one sheet, and found.
pub(super) struct Checks<'a> {
    sheet: &'a Sheet,
    pub(super) strictness: Strictness,
    rule: &'static str,
    pub(super) checked: Vec<(String, usize)>,
    pub(super) close: usize,
    /// With the position of the figure.
    pub(super) findings: Vec<(usize, Finding)>,
}

impl<'a> Checks<'a> {
    pub(super) fn new(sheet: &'a Sheet, strictness: Strictness, rule: &'static str) -> Checks<'a> {
        Checks { sheet, strictness, rule, checked: Vec::new(), close: 0, findings: Vec::new() }
    }

    /// Counts one check of the figure at `position`.
    fn count(&mut self, position: usize) {
        let file = &self.sheet.figures()[position].place.file;
        match self.checked.last_mut().filter(|(last, _)| last == file) {
            Some((_, n)) => *n += 1,
            None => self.checked.push((file.clone(), 1)),
        }
    }

    /// Counts a check, and a finding where it does not hold.
    fn expect(&mut self, holds: bool, position: usize, expected: impl FnOnce() -> String) {
        self.count(position);
        if !holds {
            self.find(position, expected());
        }
    }

    fn find(&mut self, position: usize, expected: String) {
        let figure = &self.sheet.figures()[position];
        let found = figure.value.map_or_else(|| "nothing".to_owned(), |v| figure.shown(v.value, 0));
        self.find_field(position, found, expected);
    }

    fn find_field(&mut self, position: usize, found: String, expected: String) {
        let figure = &self.sheet.figures()[position];
        let finding = Finding {
            rule: self.rule,
            place: figure.place.clone(),
            table: figure.table.clone(),
            cell: figure.cell.clone(),
            metric: figure.name.clone(),
            found,
            expected,
        };
        self.findings.push((position, finding));
    }

    /// Holds a relation between printed numbers: `relation` gets the units of the last digit that they may
    /// be off by.
    fn hold(&mut self, relation: impl Fn(f64) -> bool, position: usize, expected: impl FnOnce() -> String) {
        let holds = relation(self.strictness.units());
        if holds && !relation(Strictness::Strict.units()) {
            self.close += 1;
        }
        self.expect(holds, position, expected);
    }

    /// Holds `reading` against where its number follows to be, which depends on the units that printed
    /// numbers may be off by; `why` follows the range in the finding.
    fn follow(&mut self, reading: Reading<'_>, from: impl Fn(f64) -> Span, why: &str) {
        let units = self.strictness.units();
        self.hold(
            |units| reading.number.span(units).meets(from(units)),
            reading.position,
            || format!("{} ({why})", reading.figure.shown_span(from(units))),
        );
    }

    /// Holds `lower <= upper` and blames `blamed`, one of the two.
    fn at_most(&mut self, lower: (&str, Printed), upper: (&str, Printed), blamed: Reading<'_>) {
        self.hold(
            |units| lower.1.span(units).may_be_at_most(upper.1.span(units)),
            blamed.position,
            || {
                let figure = blamed.figure;
                let (word, name, bound) = if blamed.figure.measure.to_string() == lower.0 {
                    ("at most", upper.0, upper.1)
                } else {
                    ("at least", lower.0, lower.1)
                };
                format!("{word} {} ({name} of the same cell)", figure.shown(bound.value, 0))
            },
        );
    }
}
