//! Training, development and test parts that do not leak into each other.

use std::collections::BTreeSet;

use clirbench_data::ParallelTriple;
use rayon::prelude::*;

use crate::{
    dedup::Field,
    draw::Draw,
    normal::plain,
    overlap::OverlapIndex,
    shingles::{ShingleSet, Shingles},
};

/// Parts with their shares.
#[derive(Clone, Debug, PartialEq)]
pub struct Partition {
    parts: Vec<(String, f64)>,
    seed: u64,
}

impl Partition {
    /// Parts by name with shares above 0 that sum to 1.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(parts: Vec<(String, f64)>, seed: u64) -> Result<Partition, String> {
        if let Some((name, _)) = parts.iter().find(|(_, share)| !share.is_finite() || *share <= 0.0) {
            return Err(format!("the share of `{name}` is not above 0"));
        }
        for (at, (name, _)) in parts.iter().enumerate() {
            let safe = name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
            if name.is_empty() || !safe {
                return Err(format!("`{name}` is no name for a file: use letters, digits, - and _"));
            }
            if parts[..at].iter().any(|(other, _)| other == name) {
                return Err(format!("the part `{name}` is there twice"));
            }
        }
        let sum = parts.iter().fold(0.0, |sum, (_, share)| sum + share);
        if (sum - 1.0).abs() > 1e-9 {
            return Err(format!("the shares sum to {sum}, not to 1"));
        }
        Ok(Partition { parts, seed })
    }

    /// Names of the parts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|(name, _)| name.as_str())
    }

    /// The part of an id: where its hash falls when [0, 1) is cut by the shares. It depends on the
    /// seed, the shares and the id alone, so rows that are added move no others; parts have their
    /// shares on average, not exactly.
    #[must_use]
    pub fn of(&self, id: &str) -> usize {
        let at = Draw::new("clirbench split", self.seed).fraction(id);
        let mut end = 0.0;
        let part = self.parts.iter().position(|(_, share)| {
            end += share;
            at < end
        });
        part.unwrap_or(self.parts.len() - 1)
    }
}

/// Puts triples together whose queries or positives (as `field` says) have a Jaccard similarity of at
/// least `threshold` in some language, and what those resemble in turn: for each triple the first one
/// of its group. Negatives are not compared: many queries may share one.
///
/// Exact: no such pair is missed. Texts are compared as in [`LeakIndex`](crate::LeakIndex).
#[must_use]
pub fn near_duplicate_groups(
    triples: &[ParallelTriple],
    shingles: Shingles,
    threshold: f64,
    field: Field,
) -> Vec<usize> {
    let languages: BTreeSet<&str> = triples.iter().flat_map(ParallelTriple::languages).collect();
    let mut groups = Groups((0..triples.len()).collect());
    for (column, language) in field.columns().iter().flat_map(|c| languages.iter().map(move |l| (*c, *l))) {
        let text = |triple: &ParallelTriple| {
            let texts = if column == "query" { &triple.query } else { &triple.positive };
            texts.get(language).map_or_else(ShingleSet::default, |text| shingles.of(&plain(text)))
        };
        let index = OverlapIndex::new(triples.par_iter().map(text).collect(), threshold);
        let similar: Vec<Vec<u32>> =
            (0..triples.len() as u32).into_par_iter().map(|at| index.similar_to(at)).collect();
        for (at, others) in similar.iter().enumerate() {
            others.iter().for_each(|other| groups.join(*other as usize, at));
        }
    }
    (0..triples.len()).map(|at| groups.first(at)).collect()
}

/// Disjoint sets; each one's name is its least member.
struct Groups(Vec<usize>);

impl Groups {
    fn first(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.first(a), self.first(b));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_pair_that_is_similar_is_in_two_groups(
            queries in proptest::collection::vec("[ab]{1,7}", 1..25), threshold in 0.3f64..1.0
        ) {
            let texts = |text: &str| [("en".to_owned(), text.to_owned())].into();
            let triples: Vec<ParallelTriple> = queries
                .iter()
                .enumerate()
                .map(|(at, query)| ParallelTriple {
                    id: at.to_string(),
                    query: texts(query),
                    positive: texts(&format!("{at}{at}{at}{at}{at}{at}{at}{at}")),
                    negatives: Vec::new(),
                    provenance: Default::default(),
                })
                .collect();
            let shingles = Shingles { kind: crate::shingles::ShingleKind::Chars, size: 2 };
            let groups = near_duplicate_groups(&triples, shingles, threshold, Field::Query);
            let similar = |a: &String, b: &String| shingles.of(a).jaccard(&shingles.of(b)) >= threshold;
            // The closure, by passing the least number on until nothing changes.
            let mut expected: Vec<usize> = (0..queries.len()).collect();
            for _ in 0..queries.len() {
                for a in 0..queries.len() {
                    let near = (0..queries.len()).filter(|b| similar(&queries[a], &queries[*b]));
                    expected[a] = near.map(|b| expected[b]).min().unwrap_or(a);
                }
            }
            prop_assert_eq!(groups, expected);
        }
    }

    fn halves(seed: u64) -> Partition {
        let parts = [("train", 0.5), ("dev", 0.25), ("test", 0.25)];
        Partition::new(parts.map(|(name, share)| (name.to_owned(), share)).into(), seed).expect("parts")
    }

    #[test]
    fn parts_have_their_shares_and_the_seed_decides() {
        let partition = halves(1);
        let mut counts = [0u32; 3];
        let ids = 4000;
        (0..ids).for_each(|id| counts[partition.of(&id.to_string())] += 1);
        for (count, share) in counts.into_iter().zip([0.5, 0.25, 0.25]) {
            // 3.9 standard deviations.
            let spread = 3.9 * (f64::from(ids) * share * (1.0_f64 - share)).sqrt();
            assert!((f64::from(count) - f64::from(ids) * share).abs() < spread, "{counts:?}");
        }
        let moved = (0..ids).filter(|id| halves(2).of(&id.to_string()) != partition.of(&id.to_string()));
        assert!(moved.count() > 1000);
    }

    #[test]
    fn parts_that_make_no_partition_are_refused() {
        let parts = |list: &[(&str, f64)]| {
            let parts = list.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect();
            Partition::new(parts, 0).expect_err("refused")
        };
        assert!(parts(&[("a", 0.5), ("b", 0.4)]).contains("sum to 0.9"));
        assert!(parts(&[("a", 1.0), ("b", 0.0)]).contains("`b` is not above 0"));
        assert!(parts(&[("a", 0.5), ("a", 0.5)]).contains("twice"));
        assert!(parts(&[("../a", 1.0)]).contains("no name for a file"));
        assert!(parts(&[]).contains("sum to 0"));
    }

    #[test]
    fn near_duplicates_of_near_duplicates_are_together() {
        let triple = |id: usize, texts: [(&str, &str); 2], positive: &str| ParallelTriple {
            id: id.to_string(),
            query: texts.iter().map(|(l, t)| ((*l).to_owned(), (*t).to_owned())).collect(),
            positive: texts.iter().map(|(l, _)| ((*l).to_owned(), positive.to_owned())).collect(),
            negatives: Vec::new(),
            provenance: Default::default(),
        };
        let harbour = "the harbour was closed for repairs in winter";
        let triples = [
            triple(
                0,
                [("en", "who wrote the first grammar of the language"), ("ko", "하나 둘 셋 넷")],
                "first positive",
            ),
            triple(1, [("en", harbour), ("ko", "다섯 여섯 일곱 여덟")], "another text"),
            // English like the first.
            triple(
                2,
                [("en", "who wrote the first grammar of the language?"), ("ko", "아홉 열 열하나")],
                "something else",
            ),
            // Korean like the one before.
            triple(3, [("en", "an unrelated question"), ("ko", "아홉 열 열하나!")], "a third text"),
            // The positive of the second; its English is the Korean of nobody.
            triple(4, [("en", "아홉 열 열하나"), ("ko", "who wrote the first grammar")], "another text."),
        ];
        let groups = |field| near_duplicate_groups(&triples, Shingles::CHARS_5, 0.6, field);
        assert_eq!(groups(Field::Both), [0, 1, 0, 0, 1]);
        assert_eq!(groups(Field::Query), [0, 1, 0, 0, 4]);
        assert_eq!(groups(Field::Positive), [0, 1, 2, 3, 1]);
    }
}
