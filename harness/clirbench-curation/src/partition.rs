//! Training, development and test parts that do not leak into each other.

use std::collections::HashMap;

use clirbench_data::ParallelTriple;
use rayon::prelude::*;

use crate::{dedup::Field, draw::Draw, near::NearIndex};

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

/// Puts triples together whose queries or positives (as `field` says) are near duplicates in some
/// language, and what those are near duplicates of in turn: for each triple the first one of its
/// group.
///
/// `index` has to be empty.
#[must_use]
pub fn near_duplicate_groups(triples: &[ParallelTriple], index: &NearIndex, field: Field) -> Vec<usize> {
    let mut groups = Groups((0..triples.len()).collect());
    for column in field.columns() {
        // An index of each language, and which triple each of its texts is of.
        let mut languages: HashMap<&str, (NearIndex, Vec<usize>)> = HashMap::new();
        // Fingerprints of a batch at a time: all at once would be most of the memory.
        for (start, batch) in (0..).step_by(BATCH).zip(triples.chunks(BATCH)) {
            let prints: Vec<Vec<_>> = batch
                .par_iter()
                .map(|triple| {
                    let texts = if *column == "query" { &triple.query } else { &triple.positive };
                    texts
                        .iter()
                        .map(|(language, text)| (language.as_str(), index.fingerprint(text)))
                        .collect()
                })
                .collect();
            for (at, prints) in (start..).zip(prints) {
                for (language, print) in prints {
                    let (seen, of) = languages.entry(language).or_insert_with(|| (index.clone(), Vec::new()));
                    seen.near(&print).iter().for_each(|near| groups.join(of[near.item as usize], at));
                    seen.insert(print);
                    of.push(at);
                }
            }
        }
    }
    (0..triples.len()).map(|at| groups.first(at)).collect()
}

const BATCH: usize = 4096;

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
    use super::*;
    use crate::{bands::Bands, near::Fingerprints, shingles::Shingles};

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
        let prints = Fingerprints::new(Shingles::CHARS_5, 128, Bands { bands: 32, rows: 4 }, 1);
        let index = NearIndex::new(prints, 0.6);
        assert_eq!(near_duplicate_groups(&triples, &index, Field::Both), [0, 1, 0, 0, 1]);
        assert_eq!(near_duplicate_groups(&triples, &index, Field::Query), [0, 1, 0, 0, 4]);
        assert_eq!(near_duplicate_groups(&triples, &index, Field::Positive), [0, 1, 2, 3, 1]);
    }
}
