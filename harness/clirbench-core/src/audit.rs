//! What cannot be true in a results file: impossible values, and values that contradict each other.
//!
//! An audit knows nothing of how a number was measured. It holds figures against what follows from the
//! definitions: a fraction is at most 1, recall grows with its cutoff, an average follows from what it
//! averages. Figures that are printed with few digits stand for everything that is printed like that, so
//! a finding means that *no* numbers behind the printed ones agree.
//!
//! ```
//! use clirbench_core::audit::{Sheet, Strictness, audit};
//! use clirbench_core::figure::{Figure, Place};
//! use clirbench_core::printed::Printed;
//! use clirbench_core::results::Cell;
//!
//! let cell = Cell {
//!     model: "m".into(), dataset: "d".into(), documents: "unique".into(),
//!     scenario: "clir".into(), query_lang: "en".into(), pool_langs: "ko".into(),
//! };
//! let figure = |line, metric: &str, value| Figure {
//!     value: Some(Printed::exact(value)),
//!     ..Figure::new(Place::line("scores.csv", line), cell.clone(), metric)
//! };
//! let sheet = Sheet::new(vec![figure(2, "recall@10", 0.9), figure(3, "recall@100", 0.8)]);
//! let audited = audit(&[sheet], Strictness::Printed);
//! assert_eq!(audited.findings[0].rule, "cutoffs"); // what is in the first 10 is in the first 100
//! ```

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

mod known;
mod rules;
mod sheet;

pub use known::{KnownDataset, known_dataset};
pub use rules::{RULES, Rule};
pub use sheet::{Group, Reading, Sheet};

use crate::{figure::Place, results::Cell};

/// How much printed digits are trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Strictness {
    /// A printed number may be off by one unit of its last digit, however it came about: rounded, cut off,
    /// rounded twice. What the file does not say (the number of queries) is not assumed.
    #[default]
    Printed,
    /// Printed numbers are rounded to the nearest, and datasets have the queries they are known to have.
    Strict,
}

impl Strictness {
    /// Units of the last digit that a printed number may be off.
    #[must_use]
    pub fn units(self) -> f64 {
        match self {
            Strictness::Printed => 1.0,
            Strictness::Strict => 0.5,
        }
    }
}

/// A figure that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// Where it stands.
    pub place: Place,
    /// The table of a paper; empty elsewhere.
    pub table: String,
    /// The cell.
    pub cell: Cell,
    /// The metric, as the file names it.
    pub metric: String,
    /// What the file says.
    pub found: String,
    /// What it should be, and why.
    pub expected: String,
}

/// What one rule did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleCount {
    /// The rule's name.
    pub rule: &'static str,
    /// What it holds figures against.
    pub says: &'static str,
    /// How many times it was held against something, per file in the order of the files; files with none
    /// are left out.
    pub checked: Vec<(String, usize)>,
    /// Of these, how many agree only if a printed number was not rounded to the nearest.
    pub close: usize,
    /// Findings.
    pub findings: usize,
}

impl RuleCount {
    /// Checks in all files.
    #[must_use]
    pub fn total(&self) -> usize {
        self.checked.iter().map(|(_, n)| n).sum()
    }
}

/// The result of an audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// Figures that were read.
    pub figures: usize,
    /// How printed digits were taken.
    pub strictness: Strictness,
    /// Every rule, in the order of [`RULES`].
    pub rules: Vec<RuleCount>,
    /// By sheet, then in the order of the file.
    pub findings: Vec<Finding>,
}

/// Holds every rule against every sheet.
#[must_use]
pub fn audit(sheets: &[Sheet], strictness: Strictness) -> Audit {
    let files = Files::of(sheets);
    let mut checked: Vec<BTreeMap<usize, usize>> = vec![BTreeMap::new(); RULES.len()];
    let count =
        |r: &Rule| RuleCount { rule: r.name, says: r.says, checked: Vec::new(), close: 0, findings: 0 };
    let mut rules: Vec<RuleCount> = RULES.iter().map(count).collect();
    let mut findings = Vec::new();
    for sheet in sheets {
        let mut found: Vec<(usize, Finding)> = Vec::new();
        for ((rule, count), checked) in RULES.iter().zip(&mut rules).zip(&mut checked) {
            let mut checks = rules::Checks::new(sheet, strictness, rule.name);
            (rule.check)(sheet, &mut checks);
            count.close += checks.close;
            count.findings += checks.findings.len();
            for (file, n) in &checks.checked {
                *checked.entry(files.order[file.as_str()]).or_default() += n;
            }
            found.extend(checks.findings);
        }
        // Stable: two findings on one figure stay in the order of the rules.
        found.sort_by_key(|(position, _)| *position);
        findings.extend(found.into_iter().map(|(_, finding)| finding));
    }
    for (count, checked) in rules.iter_mut().zip(checked) {
        count.checked = checked.into_iter().map(|(file, n)| (files.names[file].to_owned(), n)).collect();
    }
    Audit { figures: sheets.iter().map(|s| s.figures().len()).sum(), strictness, rules, findings }
}

/// The files of all sheets, in the order in which they come up.
struct Files<'a> {
    names: Vec<&'a str>,
    order: HashMap<&'a str, usize>,
}

impl<'a> Files<'a> {
    fn of(sheets: &'a [Sheet]) -> Files<'a> {
        let mut files = Files { names: Vec::new(), order: HashMap::new() };
        for name in sheets.iter().flat_map(Sheet::figures).map(|f| f.place.file.as_str()) {
            files.order.entry(name).or_insert_with(|| {
                files.names.push(name);
                files.names.len() - 1
            });
        }
        files
    }
}
