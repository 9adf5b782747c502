//! Training data as a loss wants it: columns of texts, each distinct text once.

use std::collections::HashMap;

use clirbench_data::TrainingRow;
use clirbench_host::{LossInfo, Role};
use serde::{Deserialize, Serialize};

use crate::{job::Failure, recipe::TrainingDataSpec};

/// The rows of a training, committed as `training/<key>` with `set.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingSet {
    /// Names of the columns: those of the loss, then `negative_1`, `negative_2`, ...
    pub columns: Vec<String>,
    /// Distinct texts, in the order in which they first occur.
    pub texts: Vec<String>,
    /// `[rows, columns]`: indices of texts.
    pub rows: Vec<u32>,
    /// One per row, for losses on labelled pairs; empty otherwise.
    pub labels: Vec<f32>,
}

/// Which prompt the texts of a column get.
#[must_use]
pub fn column_role(column: &str) -> Role {
    if column == "query" { Role::Query } else { Role::Document }
}

impl TrainingSet {
    /// Lays `rows` out for a loss.
    ///
    /// # Errors
    /// When a row lacks a column that the loss wants, or no row is left.
    pub fn new(rows: &[TrainingRow], spec: &TrainingDataSpec, loss: &LossInfo) -> Result<Self, Failure> {
        let wanted = |row: &&TrainingRow| {
            spec.languages.is_empty() || row.languages.iter().all(|l| spec.languages.contains(l))
        };
        let rows: Vec<&TrainingRow> =
            rows.iter().filter(wanted).take(spec.max_rows.unwrap_or(usize::MAX)).collect();
        if rows.is_empty() {
            return Err(Failure::new(
                format!("no row of the training data is in the languages {}", spec.languages.join(", ")),
                "check `languages` under [data]",
            ));
        }
        let negatives = if loss.negatives { negatives(&rows, spec)? } else { 0 };
        let mut columns = loss.columns.clone();
        columns.extend((1..=negatives).map(|k| format!("negative_{k}")));
        let mut set = TrainingSet { columns, ..Default::default() };
        let mut known = HashMap::new();
        for row in rows {
            let mut texts = Vec::new();
            for column in &loss.columns {
                texts.push(cell(row, column)?);
            }
            texts.extend(row.negatives[..negatives].iter().map(String::as_str));
            set.push(&texts, &mut known);
            if loss.labels {
                set.labels.push(row.label.unwrap_or(1.0));
                // An unlabelled row is a match with its positive and none with its negatives.
                for negative in row.negatives.iter().filter(|_| row.label.is_none()) {
                    set.push(&[&row.query, negative], &mut known);
                    set.labels.push(0.0);
                }
            }
        }
        Ok(set)
    }

    fn push<'a>(&mut self, texts: &[&'a str], known: &mut HashMap<&'a str, u32>) {
        for &text in texts {
            let index = *known.entry(text).or_insert_with(|| {
                self.texts.push(text.to_owned());
                (self.texts.len() - 1) as u32
            });
            self.rows.push(index);
        }
    }

    /// Rows of the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len() / self.columns.len().max(1)
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The distinct texts of the columns of a role.
    #[must_use]
    pub fn texts_of(&self, role: Role) -> Vec<&str> {
        let mut wanted = vec![false; self.texts.len()];
        for (at, &text) in self.rows.iter().enumerate() {
            wanted[text as usize] |= column_role(&self.columns[at % self.columns.len()]) == role;
        }
        self.texts.iter().zip(wanted).filter_map(|(text, wanted)| wanted.then_some(text.as_str())).collect()
    }
}

fn cell<'a>(row: &'a TrainingRow, column: &str) -> Result<&'a str, Failure> {
    match column {
        "query" => Ok(&row.query),
        "positive" => Ok(&row.positive),
        "parallel" => row.parallel.as_deref().ok_or_else(|| {
            Failure::new(
                format!("line {} of the training data has no `parallel`, which the loss wants", row.line),
                "add it, or choose a loss that does without",
            )
        }),
        other => Err(Failure::new(
            format!("the loss wants a column `{other}`, which training data does not have"),
            "columns are query, positive, parallel and negatives",
        )),
    }
}

/// How many hard negatives each row gives.
fn negatives(rows: &[&TrainingRow], spec: &TrainingDataSpec) -> Result<usize, Failure> {
    let fewest = rows.iter().min_by_key(|row| row.negatives.len());
    let (fewest, line) = fewest.map_or((0, 0), |row| (row.negatives.len(), row.line));
    match spec.negatives {
        Some(asked) if asked > fewest => Err(Failure::new(
            format!("line {line} of the training data has {fewest} negatives, [data] asks for {asked}"),
            format!("set `negatives = {fewest}`, or drop the rows that have fewer"),
        )),
        Some(asked) => Ok(asked),
        None => Ok(fewest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(query: &str, parallel: Option<&str>, negatives: &[&str], languages: &[&str]) -> TrainingRow {
        let owned = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect();
        TrainingRow {
            id: None,
            query: query.to_owned(),
            positive: format!("{query}+"),
            parallel: parallel.map(str::to_owned),
            negatives: owned(negatives),
            label: None,
            languages: owned(languages),
            line: 7,
        }
    }

    fn spec() -> TrainingDataSpec {
        TrainingDataSpec { path: None, languages: Vec::new(), negatives: None, max_rows: None }
    }

    fn info(columns: &[&str], negatives: bool, labels: bool) -> LossInfo {
        let columns = columns.iter().map(|c| (*c).to_owned()).collect();
        LossInfo { columns, negatives, labels, ..Default::default() }
    }

    #[test]
    fn texts_are_kept_once_and_rows_have_the_fewest_negatives() {
        let rows = [row("a", None, &["x", "y"], &["en"]), row("b", None, &["x"], &["en"])];
        let set =
            TrainingSet::new(&rows, &spec(), &info(&["query", "positive"], true, false)).expect("a set");
        assert_eq!(set.columns, ["query", "positive", "negative_1"]);
        assert_eq!(set.texts, ["a", "a+", "x", "b", "b+"]);
        assert_eq!(set.rows, [0, 1, 2, 3, 4, 2]);
        assert_eq!(set.texts_of(Role::Query), ["a", "b"]);
        let asked = TrainingDataSpec { negatives: Some(2), ..spec() };
        let error = TrainingSet::new(&rows, &asked, &info(&["query"], true, false)).expect_err("too many");
        assert!(error.message.contains("has 1 negatives"), "{error}");
    }

    #[test]
    fn a_loss_on_pairs_gets_a_label_per_pair() {
        let mut labelled = row("b", None, &["unused"], &["en"]);
        labelled.label = Some(0.0);
        let rows = [row("a", None, &["x", "y"], &["en"]), labelled];
        let set =
            TrainingSet::new(&rows, &spec(), &info(&["query", "positive"], false, true)).expect("a set");
        assert_eq!(set.labels, [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(set.len(), 4);
    }

    #[test]
    fn rows_are_chosen_by_language_and_number() {
        let rows = [row("a", Some("ㄱ"), &[], &["en", "ko"]), row("b", Some("ä"), &[], &["en", "de"])];
        let triples = info(&["query", "positive", "parallel"], false, false);
        let german = TrainingDataSpec { languages: vec!["en".into(), "de".into()], ..spec() };
        assert_eq!(TrainingSet::new(&rows, &german, &triples).expect("a set").texts, ["b", "b+", "ä"]);
        let one = TrainingDataSpec { max_rows: Some(1), ..spec() };
        assert_eq!(TrainingSet::new(&rows, &one, &triples).expect("a set").len(), 1);
        let none = TrainingDataSpec { languages: vec!["fr".into()], ..spec() };
        assert!(TrainingSet::new(&rows, &none, &triples).is_err());
        let lacking = TrainingSet::new(&[row("a", None, &[], &[])], &spec(), &triples).expect_err("refused");
        assert!(lacking.message.starts_with("line 7"), "{lacking}");
    }
}
