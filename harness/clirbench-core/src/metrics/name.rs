//! Names of metrics, and what to say about a name that is none.

use std::{fmt, str::FromStr};

use super::{Cutoff, Metric, MetricError};

/// Every accepted form, for error messages and `--help`.
pub(super) const FORMS: &str = "ndcg, ndcg@K, mrr, mrr@K, recall@K, precision@K, map, hit@K, complete@K, \
     max@r, max@r_norm, max@r_norm_of_mean";

/// Names without their cutoff.
const STEMS: [&str; 10] = [
    "ndcg",
    "mrr",
    "recall",
    "precision",
    "map",
    "hit",
    "complete",
    "max@r",
    "max@r_norm",
    "max@r_norm_of_mean",
];

impl Metric {
    /// The metric of a `metric` column, which may carry a tie rule (`max@r/worst`).
    ///
    /// # Errors
    /// As parsing the part before the `/`.
    pub fn of_row(name: &str) -> Result<Metric, MetricError> {
        name.split_once('/').map_or(name, |(metric, _)| metric).parse()
    }
}

impl FromStr for Metric {
    type Err = MetricError;

    fn from_str(name: &str) -> Result<Metric, MetricError> {
        parse(name).ok_or_else(|| MetricError::Unknown { name: name.to_owned(), hint: hint(name) })
    }
}

fn parse(name: &str) -> Option<Metric> {
    match name {
        "ndcg" => return Some(Metric::Ndcg(None)),
        "mrr" => return Some(Metric::Mrr(None)),
        "map" => return Some(Metric::Map),
        "max@r" => return Some(Metric::MaxR),
        "max@r_norm" => return Some(Metric::MaxRNorm),
        "max@r_norm_of_mean" => return Some(Metric::MaxRNormOfMean),
        _ => {}
    }
    let (stem, cutoff) = name.split_once('@')?;
    let cutoff = parse_cutoff(cutoff)?;
    match stem {
        "ndcg" => Some(Metric::Ndcg(Some(cutoff))),
        "mrr" => Some(Metric::Mrr(Some(cutoff))),
        "recall" => Some(Metric::Recall(cutoff)),
        "precision" => Some(Metric::Precision(cutoff)),
        "hit" => Some(Metric::Hit(cutoff)),
        "complete" => Some(Metric::Complete(cutoff)),
        _ => None,
    }
}

/// Decimal digits only: one spelling per metric, so that names compare as strings.
fn parse_cutoff(text: &str) -> Option<Cutoff> {
    let canonical = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    if canonical { text.parse().ok() } else { None }
}

/// The nearest valid name, or what is wrong with the cutoff.
fn hint(name: &str) -> String {
    let plain = name.to_lowercase().replace("_at_", "@").replace("_cut_", "@").replace("_cut.", "@");
    if parse(&plain).is_some() {
        return format!("did you mean `{plain}`?");
    }
    let (stem, cutoff) = match plain.rsplit_once('@') {
        Some((stem, cutoff)) if stem != "max" => (stem, Some(cutoff)),
        _ => (plain.as_str(), None),
    };
    let nearest = STEMS.iter().map(|s| (strsim::damerau_levenshtein(stem, s), *s)).min();
    let Some((distance, nearest)) = nearest else { return String::new() };
    if distance > nearest.len() / 2 {
        return String::new();
    }
    let cutoff = cutoff.filter(|c| parse_cutoff(c).is_some()).unwrap_or("10");
    for candidate in [format!("{nearest}@{cutoff}"), nearest.to_owned()] {
        if parse(&candidate).is_some() {
            return format!("did you mean `{candidate}`?");
        }
    }
    String::new()
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stem, cutoff) = match *self {
            Metric::Ndcg(k) => ("ndcg", k),
            Metric::Mrr(k) => ("mrr", k),
            Metric::Recall(k) => ("recall", Some(k)),
            Metric::Precision(k) => ("precision", Some(k)),
            Metric::Map => ("map", None),
            Metric::Hit(k) => ("hit", Some(k)),
            Metric::Complete(k) => ("complete", Some(k)),
            Metric::MaxR => ("max@r", None),
            Metric::MaxRNorm => ("max@r_norm", None),
            Metric::MaxRNormOfMean => ("max@r_norm_of_mean", None),
        };
        match cutoff {
            Some(k) => f.pad(&format!("{stem}@{k}")),
            None => f.pad(stem),
        }
    }
}

impl TryFrom<String> for Metric {
    type Error = MetricError;

    fn try_from(name: String) -> Result<Metric, MetricError> {
        name.parse()
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> String {
        metric.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for form in FORMS.split(", ") {
            let name = form.replace('K', "10");
            let metric: Metric = name.parse().expect("a listed form");
            assert_eq!(metric.to_string(), name);
        }
        assert_eq!("ndcg@1000".parse(), Ok(Metric::Ndcg(Cutoff::new(1000))));
    }

    #[test]
    fn the_tie_rule_of_a_row_is_no_part_of_the_metric() {
        assert_eq!(Metric::of_row("max@r/worst"), Ok(Metric::MaxR));
        assert_eq!(Metric::of_row("map"), Ok(Metric::Map));
    }

    #[test]
    fn unknown_names_come_with_a_suggestion() {
        let suggestion = |name: &str| match name.parse::<Metric>() {
            Err(MetricError::Unknown { hint, .. }) => hint,
            other => panic!("{name}: {other:?}"),
        };
        for (wrong, right) in [
            ("nDCG@10", "ndcg@10"),
            ("ndcg_at_10", "ndcg@10"),
            ("ndgc@5", "ndcg@5"),
            ("ndcg_cut.20", "ndcg@20"),
            ("recall", "recall@10"),
            ("recal@100", "recall@100"),
            ("hits@1", "hit@1"),
            ("hit@0", "hit@10"),
            ("recall@ten", "recall@10"),
            ("map@10", "map"),
            ("max@r_nrom", "max@r_norm"),
        ] {
            assert_eq!(suggestion(wrong), format!("did you mean `{right}`?"), "{wrong}");
        }
        for hopeless in ["", "accuracy", "ndcg@+1x", "語"] {
            suggestion(hopeless);
        }
        assert_eq!(suggestion("bleu-score"), "");
    }

    #[test]
    fn one_spelling_per_metric() {
        for name in ["ndcg@010", "ndcg@+10", "ndcg@", "ndcg@4294967296", " ndcg", "ndcg@10@10"] {
            assert!(name.parse::<Metric>().is_err(), "{name}");
        }
    }
}
