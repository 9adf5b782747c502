//! The averages of Jang et al. 2025: AVG over datasets, OVR over directions.
//!
//! AVG of a direction (query language to document language) is its mean over datasets. OVR of the
//! cross-lingual directions is the mean of their AVGs, OVR of the monolingual ones likewise, and
//! the overall OVR the mean over all directions: two, two and four AVGs in the paper.
//!
//! ```
//! use clirbench_core::averages::{Averages, DirectionScore};
//!
//! let score = |query, documents, dataset, value| DirectionScore { query, documents, dataset, value };
//! let averages = Averages::of(&[
//!     score("en", "ko", "belebele", 90.0),
//!     score("en", "ko", "strategyqa", 80.0),
//!     score("ko", "en", "belebele", 88.0),
//!     score("ko", "en", "strategyqa", 72.0),
//!     score("en", "en", "belebele", 95.0),
//!     score("en", "en", "strategyqa", 85.0),
//! ])?;
//! assert_eq!(averages.avg("en", "ko"), Some(85.0));
//! assert_eq!(averages.clir, Some(82.5)); // of 85 and 80
//! assert_eq!(averages.mono, Some(90.0));
//! assert_eq!(averages.overall, Some(85.0)); // of 85, 80 and 90
//! # Ok::<(), clirbench_core::averages::AveragesError>(())
//! ```

use std::collections::BTreeSet;

/// A cell's number: a direction on a dataset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DirectionScore<'a> {
    /// Language of the queries.
    pub query: &'a str,
    /// Language of the documents.
    pub documents: &'a str,
    /// Dataset name.
    pub dataset: &'a str,
    /// The number, in any unit.
    pub value: f64,
}

/// The AVG of one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct DirectionAverage {
    /// Language of the queries.
    pub query: String,
    /// Language of the documents.
    pub documents: String,
    /// Mean over datasets; `None` where the direction lacks a dataset that another has, since
    /// means over different datasets do not compare.
    pub value: Option<f64>,
}

/// All averages of one model. An OVR is `None` when there is no such direction or one of its AVGs
/// is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct Averages {
    /// One per direction, in order of first appearance.
    pub directions: Vec<DirectionAverage>,
    /// OVR of the directions between two languages.
    pub clir: Option<f64>,
    /// OVR of the directions within one language.
    pub mono: Option<f64>,
    /// OVR of all directions.
    pub overall: Option<f64>,
}

/// Why there are no averages.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AveragesError {
    /// Two numbers for one cell.
    #[error(
        "two scores for {query}-{documents} on `{dataset}`: keep one scenario, metric and document mode per table"
    )]
    Twice {
        /// Language of the queries.
        query: String,
        /// Language of the documents.
        documents: String,
        /// Dataset name.
        dataset: String,
    },
}

impl Averages {
    /// Averages the scores of one model and metric.
    ///
    /// # Errors
    /// [`AveragesError::Twice`].
    pub fn of(scores: &[DirectionScore<'_>]) -> Result<Averages, AveragesError> {
        let mut cells = BTreeSet::new();
        let mut directions: Vec<(&str, &str)> = Vec::new();
        for s in scores {
            if !cells.insert((s.query, s.documents, s.dataset)) {
                let (query, documents, dataset) = (s.query.into(), s.documents.into(), s.dataset.into());
                return Err(AveragesError::Twice { query, documents, dataset });
            }
            if !directions.contains(&(s.query, s.documents)) {
                directions.push((s.query, s.documents));
            }
        }
        let datasets = scores.iter().map(|s| s.dataset).collect::<BTreeSet<_>>().len();
        let directions: Vec<DirectionAverage> = directions
            .into_iter()
            .map(|(query, documents)| {
                let own = scores.iter().filter(|s| (s.query, s.documents) == (query, documents));
                let values: Vec<f64> = own.map(|s| s.value).collect();
                let value = (values.len() == datasets).then(|| mean(&values));
                DirectionAverage { query: query.to_owned(), documents: documents.to_owned(), value }
            })
            .collect();
        let overall = |counts: &dyn Fn(&DirectionAverage) -> bool| {
            let values = directions.iter().filter(|d| counts(d)).map(|d| d.value);
            let values: Vec<f64> = values.collect::<Option<_>>()?;
            (!values.is_empty()).then(|| mean(&values))
        };
        Ok(Averages {
            clir: overall(&|d| d.query != d.documents),
            mono: overall(&|d| d.query == d.documents),
            overall: overall(&|_| true),
            directions,
        })
    }

    /// AVG of one direction.
    #[must_use]
    pub fn avg(&self, query: &str, documents: &str) -> Option<f64> {
        self.directions.iter().find(|d| d.query == query && d.documents == documents)?.value
    }
}

/// Mean of a non-empty list.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score<'a>(query: &'a str, documents: &'a str, dataset: &'a str, value: f64) -> DirectionScore<'a> {
        DirectionScore { query, documents, dataset, value }
    }

    #[test]
    fn a_direction_that_lacks_a_dataset_has_no_average() {
        let averages = Averages::of(&[
            score("en", "ko", "a", 1.0),
            score("en", "ko", "b", 0.0),
            score("ko", "en", "a", 1.0),
            score("en", "en", "a", 1.0),
            score("en", "en", "b", 0.5),
        ])
        .expect("one score per cell");
        assert_eq!(averages.avg("en", "ko"), Some(0.5));
        assert_eq!(averages.avg("ko", "en"), None);
        assert_eq!((averages.clir, averages.mono, averages.overall), (None, Some(0.75), None));
    }

    #[test]
    fn nothing_averages_to_nothing() {
        let averages = Averages::of(&[]).expect("no duplicates");
        assert_eq!((averages.clir, averages.mono, averages.overall), (None, None, None));
    }

    #[test]
    fn two_scores_for_one_cell_are_refused() {
        let error = Averages::of(&[score("en", "ko", "a", 1.0), score("en", "ko", "a", 0.5)]);
        assert!(matches!(error, Err(AveragesError::Twice { dataset, .. }) if dataset == "a"));
    }
}
