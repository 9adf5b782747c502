//! Which candidates are hard negatives.

use serde::Serialize;

use super::MiningError;

/// What a rank in the window counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RankSemantics {
    /// Documents in the order of their scores, own positives left out (Jang et al. 2025).
    #[default]
    Raw,
    /// Only those that no score limit drops, among the first `range_max + P` documents, own positives
    /// included; `P` is the most rows that share a query (sentence-transformers).
    Survivors,
}

/// Which of the window are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sampling {
    /// The first.
    #[default]
    Top,
    /// Any, each set equally likely. The draw depends on the seed, the row's id and the texts alone.
    Random,
}

/// What becomes of a row with fewer negatives than asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Incomplete {
    /// It is left out.
    #[default]
    Drop,
    /// It has what was found.
    Keep,
}

/// Which candidates are hard negatives, how many are taken, and how.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MiningOptions {
    /// Ranks before the window: it begins at rank `range_min + 1`.
    pub range_min: usize,
    /// The window's last rank, and how deep a query is searched.
    pub range_max: usize,
    /// Candidates above this score, rounded to f32, are dropped.
    pub max_score: Option<f64>,
    /// Candidates below this score, rounded to f32, are dropped.
    pub min_score: Option<f64>,
    /// Candidates above `p - margin` are dropped, `p` being the query's lowest positive score.
    pub absolute_margin: Option<f64>,
    /// Candidates above `p - |p| * margin` are dropped.
    pub relative_margin: Option<f64>,
    /// What a rank counts.
    pub rank_semantics: RankSemantics,
    /// Which of the window are taken.
    pub sampling: Sampling,
    /// Negatives per row.
    pub count: usize,
    /// What becomes of rows with fewer.
    pub incomplete: Incomplete,
    /// Seed of random sampling.
    pub seed: u64,
}

impl Default for MiningOptions {
    /// The first 5 of 50 documents, without a limit on scores.
    fn default() -> Self {
        MiningOptions {
            range_min: 0,
            range_max: 50,
            max_score: None,
            min_score: None,
            absolute_margin: None,
            relative_margin: None,
            rank_semantics: RankSemantics::default(),
            sampling: Sampling::default(),
            count: 5,
            incomplete: Incomplete::default(),
            seed: 42,
        }
    }
}

impl MiningOptions {
    /// Refuses what cannot give a negative.
    ///
    /// # Errors
    /// [`MiningError::Options`] that names the option.
    pub fn check(&self) -> Result<(), MiningError> {
        let (min, max) = (self.range_min, self.range_max);
        let wrong = |message: String| Err(MiningError::Options(message));
        if self.count == 0 {
            return wrong("count is 0: ask for at least one negative per row".to_owned());
        }
        if min >= max {
            return wrong(format!(
                "the window of ranks is empty: range-min is {min}, range-max {max}; it begins at rank {}",
                min + 1
            ));
        }
        if self.count > max - min {
            return wrong(format!(
                "{} negatives per row do not fit into ranks {} to {max}; raise range-max or lower count",
                self.count,
                min + 1
            ));
        }
        for (name, margin) in
            [("absolute-margin", self.absolute_margin), ("relative-margin", self.relative_margin)]
        {
            if let Some(margin) = margin.filter(|margin| !margin.is_finite() || *margin < 0.0) {
                return wrong(format!(
                    "{name} is {margin}: a margin is a number of at least 0, below the positive's score"
                ));
            }
        }
        for (name, score) in [("max-score", self.max_score), ("min-score", self.min_score)] {
            if let Some(score) = score.filter(|score| !score.is_finite()) {
                return wrong(format!("{name} is {score}: a score is a finite number"));
            }
        }
        match (self.min_score, self.max_score) {
            (Some(low), Some(high)) if low > high => {
                wrong(format!("min-score {low} is above max-score {high}: every candidate would be dropped"))
            }
            _ => Ok(()),
        }
    }
}

/// The limits on the scores of one query's candidates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) absolute: Option<f32>,
    pub(super) relative: Option<f32>,
    pub(super) max: Option<f32>,
    pub(super) min: Option<f32>,
}

impl Limits {
    /// `positive` is the query's lowest positive score.
    pub(super) fn of(options: &MiningOptions, positive: f32) -> Limits {
        let p = f64::from(positive);
        Limits {
            absolute: options.absolute_margin.map(|margin| (p - margin) as f32),
            relative: options.relative_margin.map(|margin| (p - p.abs() * margin) as f32),
            max: options.max_score.map(|score| score as f32),
            min: options.min_score.map(|score| score as f32),
        }
    }
}
