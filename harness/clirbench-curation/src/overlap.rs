//! All sets of at least a given Jaccard similarity, without a miss: prefix filtering.

use std::collections::HashMap;

use crate::shingles::ShingleSet;

/// Sets in which similar ones are looked up.
///
/// Two sets of Jaccard similarity t or more share an element among the first
/// `|A| - ceil(t |A|) + 1` of each, in whatever order of elements; the rarest first makes that rare
/// (Chaudhuri et al. 2006; Bayardo et al. 2007). So, unlike locality-sensitive hashing, nothing is
/// missed; it is fast where the indexed sets are few.
#[derive(Clone, Debug)]
pub(crate) struct OverlapIndex {
    threshold: f64,
    sets: Vec<ShingleSet>,
    /// In how many sets an element is.
    frequency: HashMap<u64, u32>,
    /// In the prefix of which sets it is.
    postings: HashMap<u64, Vec<u32>>,
}

impl OverlapIndex {
    /// `threshold` in (0, 1].
    pub(crate) fn new(sets: Vec<ShingleSet>, threshold: f64) -> OverlapIndex {
        let mut frequency = HashMap::new();
        for hash in sets.iter().flat_map(ShingleSet::hashes) {
            *frequency.entry(*hash).or_default() += 1;
        }
        let mut index = OverlapIndex { threshold, sets, frequency, postings: HashMap::new() };
        for item in 0..index.sets.len() {
            for hash in index.prefix(&index.sets[item]) {
                index.postings.entry(hash).or_default().push(item as u32);
            }
        }
        index
    }

    /// The sets of at least the threshold's similarity, in their order, each with its similarity.
    pub(crate) fn similar(&self, set: &ShingleSet) -> Vec<(u32, f64)> {
        let prefix = self.prefix(set);
        let mut items: Vec<u32> =
            prefix.iter().filter_map(|hash| self.postings.get(hash)).flatten().copied().collect();
        items.sort_unstable();
        items.dedup();
        let similarity = |item: u32| (item, self.sets[item as usize].jaccard(set));
        items.into_iter().map(similarity).filter(|(_, jaccard)| *jaccard >= self.threshold).collect()
    }

    fn prefix(&self, set: &ShingleSet) -> Vec<u64> {
        // Rounding may not shorten a prefix.
        let needed = (self.threshold * set.len() as f64 - 1e-9).ceil() as usize;
        let length = if set.is_empty() { 0 } else { set.len() - needed.clamp(1, set.len()) + 1 };
        let mut elements: Vec<(u32, u64)> =
            set.hashes().iter().map(|hash| (self.frequency.get(hash).copied().unwrap_or(0), *hash)).collect();
        if length < elements.len() {
            elements.select_nth_unstable(length);
            elements.truncate(length);
        }
        elements.into_iter().map(|(_, hash)| hash).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::shingles::{ShingleKind, Shingles};

    proptest! {
        #[test]
        fn nothing_is_missed(
            texts in proptest::collection::vec("[a-c]{0,14}", 1..40),
            query in "[a-c]{0,14}",
            threshold in prop::sample::select(vec![0.2, 0.5, 0.6, 0.75, 0.8, 1.0]),
        ) {
            let shingles = Shingles { kind: ShingleKind::Chars, size: 2 };
            let sets: Vec<ShingleSet> = texts.iter().map(|text| shingles.of(text)).collect();
            let set = shingles.of(&query);
            let every = sets.iter().enumerate().map(|(item, other)| (item as u32, other.jaccard(&set)));
            let expected: Vec<(u32, f64)> = every.filter(|(_, jaccard)| *jaccard >= threshold).collect();
            prop_assert_eq!(OverlapIndex::new(sets, threshold).similar(&set), expected);
        }
    }
}
