//! Near duplicates in a file of training data: the first of them stays.

use clirbench_data::Example;
use rayon::prelude::*;
use serde::Serialize;

use crate::{
    composition::MissingLanguage,
    near::{Fingerprint, NearIndex},
};

/// What is compared, each with its own kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Queries.
    Query,
    /// Positives.
    Positive,
    /// Queries and positives: a row is a duplicate where one of its two is.
    Both,
}

impl Field {
    pub(crate) fn columns(self) -> &'static [&'static str] {
        match self {
            Field::Query => &["query"],
            Field::Positive => &["positive"],
            Field::Both => &["query", "positive"],
        }
    }
}

/// A row that is left out, and the one that it duplicates.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dropped {
    /// Its line.
    pub line: u64,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The column that is a near duplicate.
    pub column: &'static str,
    /// Line of the row that stays.
    pub kept_line: u64,
    /// Id of the row that stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_id: Option<String>,
    /// Jaccard similarity as the signatures estimate it.
    pub estimated: f64,
    /// Jaccard similarity of the shingles, where it was computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<f64>,
}

/// Decides row by row; what it keeps in memory is what it kept of the rows.
pub struct Deduplicator {
    field: Field,
    language: Option<String>,
    /// One for each column that is compared.
    indices: Vec<NearIndex>,
    kept: Vec<(u64, Option<String>)>,
}

impl Deduplicator {
    /// `index` has to be empty; `language` is the one that triples are compared in.
    #[must_use]
    pub fn new(index: NearIndex, field: Field, language: Option<String>) -> Deduplicator {
        let indices = vec![index; field.columns().len()];
        Deduplicator { field, language, indices, kept: Vec::new() }
    }

    /// What becomes of each of the next rows with their lines, in order: `None` where it stays.
    ///
    /// # Errors
    /// The line of a triple that is not in the language, or that has to have one.
    pub fn offer(&mut self, rows: &[(Example, u64)]) -> Result<Vec<Option<Dropped>>, (u64, MissingLanguage)> {
        let prints: Vec<Vec<Fingerprint>> = rows
            .par_iter()
            .map(|(example, line)| self.fingerprints(example).map_err(|missing| (*line, missing)))
            .collect::<Vec<_>>()
            .into_iter()
            .collect::<Result<_, _>>()?;
        Ok(rows
            .iter()
            .zip(prints)
            .map(|((example, line), prints)| self.decide(example, *line, prints))
            .collect())
    }

    fn fingerprints(&self, example: &Example) -> Result<Vec<Fingerprint>, MissingLanguage> {
        let columns = self.field.columns().iter().zip(&self.indices);
        columns.map(|(column, index)| Ok(index.fingerprint(self.text(example, column)?))).collect()
    }

    fn text<'e>(&self, example: &'e Example, column: &str) -> Result<&'e str, MissingLanguage> {
        match example {
            Example::Row(row) => Ok(if column == "query" { &row.query } else { &row.positive }),
            Example::Triple(triple) => {
                let language = self.language.as_deref().unwrap_or_default();
                let texts = if column == "query" { &triple.query } else { &triple.positive };
                texts.get(language).map(String::as_str).ok_or_else(|| MissingLanguage::of(triple, language))
            }
        }
    }

    fn decide(&mut self, example: &Example, line: u64, prints: Vec<Fingerprint>) -> Option<Dropped> {
        let columns = self.field.columns().iter().zip(&self.indices).zip(&prints);
        let near =
            columns.filter_map(|((column, index), print)| Some((*column, index.nearest(print)?))).next();
        let id = example.id().map(str::to_owned);
        if let Some((column, near)) = near {
            let (kept_line, kept_id) = self.kept[near.item as usize].clone();
            return Some(Dropped {
                line,
                id,
                column,
                kept_line,
                kept_id,
                estimated: near.estimated,
                exact: near.exact,
            });
        }
        for (index, print) in self.indices.iter_mut().zip(prints) {
            index.insert(print);
        }
        self.kept.push((line, id));
        None
    }
}

#[cfg(test)]
mod tests {
    use clirbench_data::{ParallelTriple, TrainingRow};

    use super::*;
    use crate::{bands::Bands, near::Fingerprints, shingles::Shingles};

    fn deduplicator(field: Field, language: Option<&str>) -> Deduplicator {
        let prints = Fingerprints::new(Shingles::CHARS_5, 128, Bands { bands: 32, rows: 4 }, 1);
        Deduplicator::new(NearIndex::new(prints, 0.7), field, language.map(str::to_owned))
    }

    const HARBOUR: &str = "When was the harbour of the old town closed for repairs?";

    /// Rows on lines 11, 12 and so on.
    fn rows() -> Vec<(Example, u64)> {
        let row = |query: &str, positive: &str| {
            let [query, positive] = [query, positive].map(str::to_owned);
            Example::Row(TrainingRow {
                id: Some(query[..1].to_owned()),
                query,
                positive,
                ..TrainingRow::default()
            })
        };
        let rows = [
            row(HARBOUR, "In the winter of 1962, as the ice was thick."),
            row("Another question altogether", "An answer that nobody else gives"),
            row("when was the harbour of the old town closed for repair", "Nothing is known."),
            row(
                "Unlike all others, this asks for the colour",
                "In the winter of 1962, as the ice was thick!",
            ),
        ];
        rows.into_iter().zip(11..).collect()
    }

    fn dropped(field: Field) -> Vec<(u64, &'static str, u64, Option<String>)> {
        let rows = rows();
        let mut dedup = deduplicator(field, None);
        // In batches of one and three: what was kept before counts.
        let first = dedup.offer(&rows[..1]).expect("rows have no language");
        let rest = dedup.offer(&rows[1..]).expect("rows have no language");
        let dropped = first.into_iter().chain(rest).flatten();
        dropped.map(|d| (d.line, d.column, d.kept_line, d.kept_id)).collect()
    }

    #[test]
    fn the_first_stays_and_is_named() {
        let harbour = Some("W".to_owned());
        let by_query = (13, "query", 11, harbour.clone());
        let by_positive = (14, "positive", 11, harbour);
        assert_eq!(dropped(Field::Query), std::slice::from_ref(&by_query));
        assert_eq!(dropped(Field::Positive), std::slice::from_ref(&by_positive));
        assert_eq!(dropped(Field::Both), [by_query, by_positive]);
    }

    #[test]
    fn triples_are_compared_in_a_language_that_they_have() {
        let triple = |id: &str, languages: &[(&str, &str)]| {
            let texts = languages.iter().map(|(l, t)| ((*l).to_owned(), (*t).to_owned())).collect();
            let positive = languages.iter().map(|(l, _)| ((*l).to_owned(), id.to_owned())).collect();
            Example::Triple(ParallelTriple {
                id: id.to_owned(),
                query: texts,
                positive,
                negatives: Vec::new(),
                provenance: Default::default(),
            })
        };
        let rows = [
            (triple("1", &[("en", HARBOUR), ("ko", "항구는 언제 닫혔는가")]), 1),
            (triple("2", &[("en", "An unrelated question"), ("ko", "항구는 언제 닫혔는가")]), 2),
            (triple("3", &[("en", HARBOUR)]), 3),
        ];
        let english = deduplicator(Field::Query, Some("en")).offer(&rows).expect("all have English");
        let lines: Vec<_> = english.iter().flatten().map(|d| (d.line, d.exact)).collect();
        assert_eq!(lines, [(3, Some(1.0))]);
        let (line, missing) =
            deduplicator(Field::Query, Some("ko")).offer(&rows).expect_err("one has no Korean");
        assert_eq!((line, missing.to_string().as_str()), (3, "the triple `3` is not in `ko`, only in en"));
    }
}
