//! A text as the set of its shingles: the runs of k characters or words in it (Broder 1997).

use std::{fmt, str::FromStr};

use unicode_segmentation::UnicodeSegmentation;

/// What a shingle is a run of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShingleKind {
    /// Characters (Unicode scalar values), white space included.
    Chars,
    /// Words by UAX #29, which cuts Chinese and Japanese into characters; punctuation is left out.
    Words,
}

/// How texts are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shingles {
    /// What a shingle is a run of.
    pub kind: ShingleKind,
    /// How many of them, at least 1.
    pub size: usize,
}

impl Shingles {
    /// Runs of five characters.
    pub const CHARS_5: Shingles = Shingles { kind: ShingleKind::Chars, size: 5 };

    /// The shingles of a text as it is, without any normalisation. A text that is shorter than a
    /// shingle is one.
    #[must_use]
    pub fn of(self, text: &str) -> ShingleSet {
        match self.kind {
            ShingleKind::Chars => self.runs(text.chars().map(u64::from).collect()),
            ShingleKind::Words => self.runs(text.unicode_words().map(word).collect()),
        }
    }

    fn runs(self, units: Vec<u64>) -> ShingleSet {
        let run = |units: &[u64]| units.iter().fold(units.len() as u64, |hash, unit| mixed(hash, *unit));
        let mut hashes: Vec<u64> = if units.len() < self.size && !units.is_empty() {
            vec![run(&units)]
        } else {
            units.windows(self.size).map(run).collect()
        };
        hashes.sort_unstable();
        hashes.dedup();
        ShingleSet(hashes)
    }
}

impl fmt::Display for Shingles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ShingleKind::Chars => "chars",
            ShingleKind::Words => "words",
        };
        write!(f, "{kind}-{}", self.size)
    }
}

impl FromStr for Shingles {
    type Err = String;

    /// `chars-5` or `words-3`.
    fn from_str(text: &str) -> Result<Shingles, String> {
        let (kind, size) = text.split_once('-').unwrap_or((text, ""));
        let kind = match kind {
            "chars" => Some(ShingleKind::Chars),
            "words" => Some(ShingleKind::Words),
            _ => None,
        };
        let size = size.parse().ok().filter(|size| *size > 0);
        let shingles = kind.zip(size).map(|(kind, size)| Shingles { kind, size });
        shingles.ok_or_else(|| "expected chars-N or words-N with N above 0, such as chars-5".to_owned())
    }
}

fn word(word: &str) -> u64 {
    word.chars().fold(word.len() as u64, |hash, c| mixed(hash, u64::from(c)))
}

/// Both halves of a product: every bit of the input is in every bit of the result.
fn mixed(hash: u64, unit: u64) -> u64 {
    const ODD: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];
    let product = u128::from(hash ^ ODD[1]) * u128::from(unit.wrapping_mul(ODD[0]) ^ ODD[0]);
    (product as u64 ^ (product >> 64) as u64).wrapping_mul(ODD[1])
}

/// The distinct shingles of a text, as 64-bit hashes in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShingleSet(Vec<u64>);

impl ShingleSet {
    /// How many shingles there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the text had nothing to cut.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hashes of the shingles, ascending.
    #[must_use]
    pub fn hashes(&self) -> &[u64] {
        &self.0
    }

    /// |A n B| / |A u B|; 0 where one is empty: nothing is no duplicate of nothing.
    #[must_use]
    pub fn jaccard(&self, other: &ShingleSet) -> f64 {
        let (mut a, mut b) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut shared = 0usize;
        while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
            let order = x.cmp(y);
            shared += usize::from(order.is_eq());
            if order.is_le() {
                a.next();
            }
            if order.is_ge() {
                b.next();
            }
        }
        match self.len() + other.len() - shared {
            0 => 0.0,
            union => shared as f64 / union as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// The definition, on strings.
    fn reference(a: &str, b: &str, size: usize) -> f64 {
        let set = |text: &str| -> BTreeSet<String> {
            let chars: Vec<char> = text.chars().collect();
            match chars.len() {
                0 => BTreeSet::new(),
                short if short < size => BTreeSet::from([text.to_owned()]),
                _ => chars.windows(size).map(|w| w.iter().collect()).collect(),
            }
        };
        let (a, b) = (set(a), set(b));
        let union = a.union(&b).count();
        if union == 0 { 0.0 } else { a.intersection(&b).count() as f64 / union as f64 }
    }

    proptest! {
        #[test]
        fn jaccard_is_that_of_the_sets_of_strings(
            a in "[ab한국\u{1F600} ]{0,40}", b in "[ab한국\u{1F600} ]{0,40}", size in 1usize..7
        ) {
            let shingles = Shingles { kind: ShingleKind::Chars, size };
            prop_assert_eq!(shingles.of(&a).jaccard(&shingles.of(&b)), reference(&a, &b, size));
        }
    }

    #[test]
    fn shingles_are_written_as_kind_and_size() {
        for text in ["chars-5", "words-2"] {
            assert_eq!(text.parse::<Shingles>().map(|shingles| shingles.to_string()), Ok(text.to_owned()));
        }
        for wrong in ["chars", "chars-0", "letters-5", "words--1", ""] {
            assert!(wrong.parse::<Shingles>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn words_are_runs_of_words() {
        let shingles = Shingles { kind: ShingleKind::Words, size: 2 };
        // {a b, b c, c d} and {a b, b c, c e}: 2 of 4.
        assert_eq!(shingles.of("a, b c d").jaccard(&shingles.of("a b -- c e")), 0.5);
        assert_eq!(shingles.of("a").len(), 1);
        // No word begins where another ends.
        assert_eq!(shingles.of("ab c").jaccard(&shingles.of("a bc")), 0.0);
        assert!(shingles.of("?!").is_empty());
    }

    #[test]
    fn distinct_shingles_have_distinct_hashes() {
        // All runs of four of 30 characters: a hash of fewer than 40 good bits would collide.
        let letters: Vec<u64> = (u64::from(b'a')..u64::from(b'a') + 30).collect();
        let mut hashes = Vec::new();
        for (a, b) in letters.iter().flat_map(|a| letters.iter().map(move |b| (a, b))) {
            for (c, d) in letters.iter().flat_map(|c| letters.iter().map(move |d| (c, d))) {
                hashes.push([a, b, c, d].iter().fold(4, |hash, unit| mixed(hash, **unit)));
            }
        }
        let runs = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), runs);
    }
}
