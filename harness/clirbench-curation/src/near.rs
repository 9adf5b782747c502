//! Near duplicates of a text among those seen before: MinHash, locality-sensitive hashing, and the
//! exact similarity of what they propose.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use crate::{
    bands::Bands,
    minhash::MinHash,
    normal::normal,
    shingles::{ShingleSet, Shingles},
};

/// How texts become fingerprints. Texts are compared in NFKC, in lower case, with one space for
/// every run of white space.
#[derive(Clone, Debug)]
pub struct Fingerprints {
    shingles: Shingles,
    minhash: MinHash,
    bands: Bands,
}

/// What is computed of a text once.
#[derive(Clone, Debug)]
pub struct Fingerprint {
    text: String,
    set: ShingleSet,
    signature: Vec<u32>,
}

impl Fingerprints {
    /// Signatures of `permutations` places (at least bands times rows), drawn by the seed.
    #[must_use]
    pub fn new(shingles: Shingles, permutations: usize, bands: Bands, seed: u64) -> Fingerprints {
        let permutations = permutations.max(bands.bands * bands.rows);
        Fingerprints { shingles, minhash: MinHash::new(permutations, seed), bands }
    }

    /// The fingerprint of a text.
    #[must_use]
    pub fn of(&self, text: &str) -> Fingerprint {
        let text = normal(text);
        let set = self.shingles.of(&text);
        let signature = self.minhash.signature(&set);
        Fingerprint { text, set, signature }
    }

    /// A key per band: equal for texts that agree in the band, and for no others but by accident.
    fn keys(&self, print: &Fingerprint) -> impl Iterator<Item = u64> {
        let bands = print.signature.chunks_exact(self.bands.rows).take(self.bands.bands);
        (1u64..).zip(bands).map(|(band, rows)| {
            rows.iter().fold(band, |key, row| {
                let product =
                    u128::from(key ^ u64::from(*row)) * 0xd6e8_feb8_6659_fd93_9e37_79b9_7f4a_7c15_u128;
                (product >> 64) as u64 ^ product as u64
            })
        })
    }
}

/// A near duplicate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// Which text: its number in order of [`NearIndex::insert`], from 0.
    pub item: u32,
    /// Jaccard similarity as the signatures estimate it.
    pub estimated: f64,
    /// Jaccard similarity of the shingles; `None` where it is not computed.
    pub exact: Option<f64>,
}

/// Texts in which near duplicates are looked up.
///
/// Memory: the normalised texts, and about 20 bytes per text and band.
#[derive(Clone, Debug)]
pub struct NearIndex {
    prints: Fingerprints,
    threshold: f64,
    verify: bool,
    texts: Vec<Box<str>>,
    /// The last text of each band's key.
    heads: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
    /// The text before it of the same key; `bands` for every text.
    before: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl NearIndex {
    /// An index of nothing. Duplicates are those candidates whose shingles have at least the
    /// threshold's Jaccard similarity.
    #[must_use]
    pub fn new(prints: Fingerprints, threshold: f64) -> NearIndex {
        NearIndex {
            prints,
            threshold,
            verify: true,
            texts: Vec::new(),
            heads: HashMap::default(),
            before: Vec::new(),
        }
    }

    /// Every candidate is a duplicate, whatever its similarity.
    #[must_use]
    pub fn unverified(self) -> NearIndex {
        NearIndex { verify: false, ..self }
    }

    /// The fingerprint of a text, for this index.
    #[must_use]
    pub fn fingerprint(&self, text: &str) -> Fingerprint {
        self.prints.of(text)
    }

    /// Adds a text; gives its number.
    pub fn insert(&mut self, print: Fingerprint) -> u32 {
        let item = self.texts.len() as u32;
        // A text without shingles resembles nothing.
        let empty = print.set.is_empty();
        for key in self.prints.keys(&print) {
            let before = if empty { None } else { self.heads.insert(key, item) };
            self.before.push(before.unwrap_or(NONE));
        }
        self.texts.push(print.text.into_boxed_str());
        item
    }

    /// Near duplicates of a text among those inserted, in their order.
    #[must_use]
    pub fn near(&self, print: &Fingerprint) -> Vec<Near> {
        self.candidates(print).into_iter().filter_map(|item| self.compared(print, item)).collect()
    }

    /// The most similar near duplicate, the first of equal ones.
    #[must_use]
    pub fn nearest(&self, print: &Fingerprint) -> Option<Near> {
        let similarity = |near: &Near| near.exact.unwrap_or(near.estimated);
        self.near(print)
            .into_iter()
            .reduce(|best, next| if similarity(&next) > similarity(&best) { next } else { best })
    }

    fn candidates(&self, print: &Fingerprint) -> Vec<u32> {
        let mut items = Vec::new();
        if print.set.is_empty() {
            return items;
        }
        for (band, key) in self.prints.keys(print).enumerate() {
            let mut item = self.heads.get(&key).copied().unwrap_or(NONE);
            while item != NONE {
                items.push(item);
                item = self.before[item as usize * self.prints.bands.bands + band];
            }
        }
        items.sort_unstable();
        items.dedup();
        items
    }

    fn compared(&self, print: &Fingerprint, item: u32) -> Option<Near> {
        let text = &self.texts[item as usize];
        let set = self.prints.shingles.of(text);
        let exact = self.verify.then(|| print.set.jaccard(&set));
        if exact.is_some_and(|exact| exact < self.threshold) {
            return None;
        }
        let estimated = MinHash::estimate(&print.signature, &self.prints.minhash.signature(&set));
        Some(Near { item, estimated, exact })
    }
}

/// Takes keys as they are: they are hashes.
#[derive(Clone, Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shingles::ShingleKind;

    const WORDS: Shingles = Shingles { kind: ShingleKind::Words, size: 1 };

    /// Words that no other call gives.
    fn words(name: &str, count: usize) -> String {
        (0..count).map(|i| format!("{name}x{i} ")).collect()
    }

    /// Planted pairs at a Jaccard similarity of shared / (shared + 2 own): how many are found.
    fn found(bands: Bands, shared: usize, own: usize, pairs: usize) -> usize {
        let prints = Fingerprints::new(WORDS, 128, bands, 11);
        let mut index = NearIndex::new(prints, 0.0);
        let text = |pair: usize, side: &str| {
            words(&format!("s{pair}"), shared) + &words(&format!("{side}{pair}"), own)
        };
        (0..pairs).for_each(|pair| {
            index.insert(index.fingerprint(&text(pair, "a")));
        });
        let is_found = |pair: &usize| {
            let near = index.near(&index.fingerprint(&text(*pair, "b")));
            near.iter().any(|near| near.item as usize == *pair)
        };
        (0..pairs).filter(is_found).count()
    }

    #[test]
    fn planted_pairs_are_found_as_often_as_the_bands_predict() {
        let pairs = 600;
        let planted = [(60, 20), (70, 15), (80, 10), (90, 5), (30, 35)];
        let choices =
            [Bands::optimal(0.8, 128, 0.9), Bands::optimal(0.8, 128, 0.5), Bands { bands: 32, rows: 4 }];
        for bands in choices {
            for (shared, own) in planted {
                let predicted = bands.recall(shared as f64 / (shared + 2 * own) as f64);
                // 3.9 standard deviations: one test in ten thousand would fail by chance.
                let spread = 3.9 * (predicted * (1.0 - predicted) / pairs as f64).sqrt() + 0.5 / pairs as f64;
                let recall = found(bands, shared, own, pairs) as f64 / pairs as f64;
                let apart = (recall - predicted).abs();
                assert!(apart <= spread, "{bands:?}, {shared} and {own}: {recall}, predicted {predicted}");
            }
        }
    }

    #[test]
    fn candidates_below_the_threshold_are_none_unless_nothing_is_verified() {
        let prints = Fingerprints::new(WORDS, 128, Bands { bands: 128, rows: 1 }, 3);
        let mut index = NearIndex::new(prints, 0.5);
        // 49 of 151 words shared with the first, 50 of 100 with the second.
        let text = words("s", 50) + &words("b", 25);
        index.insert(index.fingerprint(&(words("s", 49) + &words("a", 76))));
        index.insert(index.fingerprint(&(words("s", 50) + &words("c", 25))));
        let print = index.fingerprint(&text);
        let near = index.near(&print);
        assert_eq!(near.iter().map(|near| (near.item, near.exact)).collect::<Vec<_>>(), [(1, Some(0.5))]);
        assert!((near[0].estimated - 0.5).abs() < 0.2, "{}", near[0].estimated);
        let unverified = index.unverified();
        let near = unverified.near(&print);
        assert_eq!(
            near.iter().map(|near| (near.item, near.exact)).collect::<Vec<_>>(),
            [(0, None), (1, None)]
        );
    }

    #[test]
    fn the_nearest_is_the_most_similar_and_empty_texts_are_never_near() {
        let mut index =
            NearIndex::new(Fingerprints::new(Shingles::CHARS_5, 128, Bands { bands: 64, rows: 2 }, 3), 0.3);
        for text in ["", "the same words here", "the same words there", "THE SAME  WORDS THERE"] {
            index.insert(index.fingerprint(text));
        }
        let near = index.nearest(&index.fingerprint("The same words there"));
        assert_eq!(near.map(|near| (near.item, near.estimated, near.exact)), Some((2, 1.0, Some(1.0))));
        assert_eq!(index.nearest(&index.fingerprint(" ")), None);
    }
}
