//! The features of a text: hashes of words, word pairs and character n-grams.

use std::ops::RangeInclusive;

use crate::hash::Hash;
use crate::words::{Word, is_unspaced_letter, words};

/// Kinds of feature hash apart, so that the word `the` is not the n-gram `the`.
const UNIGRAM: Hash = Hash::EMPTY.then(b"1\0");
const BIGRAM: Hash = Hash::EMPTY.then(b"2\0");
const NGRAM: Hash = Hash::EMPTY.then(b"c\0");

/// Bounds of a word inside its n-grams (as in fastText); no word contains them.
const BEGIN: char = '<';
const END: char = '>';

/// Hashes of all features of one text, with repetitions; buffers are reused from text to text.
#[derive(Debug, Default)]
pub(crate) struct Features {
    /// Words and pairs of neighbouring words.
    pub(crate) words: Vec<u64>,
    /// Character n-grams.
    pub(crate) ngrams: Vec<u64>,
    /// Words, each character of an unspaced script counting as one.
    pub(crate) tokens: u32,
    symbols: String,
}

impl Features {
    /// Replaces the features by those of the normalised `text`.
    pub(crate) fn extract(&mut self, text: &str, ngrams: &RangeInclusive<usize>) {
        self.words.clear();
        self.ngrams.clear();
        self.tokens = 0;
        let mut previous: Option<Word<'_>> = None;
        for word in words(text) {
            if word.unspaced {
                self.unspaced(word.text);
            } else {
                self.tokens += 1;
                self.words.push(UNIGRAM.then(word.text.as_bytes()).finish());
                if let Some(before) = previous.filter(|before| !before.unspaced) {
                    let pair = BIGRAM.then(before.text.as_bytes()).then(b" ").then(word.text.as_bytes());
                    self.words.push(pair.finish());
                }
            }
            self.characters(word, ngrams);
            previous = Some(word);
        }
    }

    /// An ideograph or a symbol is a word, and pairs of them are character n-grams already; a
    /// letter of an unspaced script is not.
    fn unspaced(&mut self, run: &str) {
        let mut bytes = [0; 4];
        for c in run.chars() {
            self.tokens += 1;
            if !is_unspaced_letter(c) {
                self.words.push(UNIGRAM.then(c.encode_utf8(&mut bytes).as_bytes()).finish());
            }
        }
    }

    /// N-grams do not cross words; at the bounds of a spaced word they hold its begin and end. A
    /// word shorter than the shortest n-gram counts whole.
    fn characters(&mut self, word: Word<'_>, lengths: &RangeInclusive<usize>) {
        self.symbols.clear();
        if word.unspaced {
            self.symbols.push_str(word.text);
        } else {
            self.symbols.extend([BEGIN].into_iter().chain(word.text.chars()).chain([END]));
        }
        let (before, mut bytes) = (self.ngrams.len(), [0; 4]);
        for (start, _) in self.symbols.char_indices() {
            let mut state = NGRAM;
            for (length, c) in (1..=*lengths.end()).zip(self.symbols[start..].chars()) {
                state = state.then(c.encode_utf8(&mut bytes).as_bytes());
                if lengths.contains(&length) {
                    self.ngrams.push(state.finish());
                }
            }
        }
        if self.ngrams.len() == before {
            self.ngrams.push(NGRAM.then(self.symbols.as_bytes()).finish());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(mut hashes: Vec<u64>) -> Vec<u64> {
        hashes.sort_unstable();
        hashes
    }

    fn of(kind: Hash, names: &[&str]) -> Vec<u64> {
        sorted(names.iter().map(|n| kind.then(n.as_bytes()).finish()).collect())
    }

    #[test]
    fn spaced_words_have_pairs_and_bounded_ngrams() {
        let mut features = Features::default();
        features.extract("to be", &(2..=3));
        let words = [of(UNIGRAM, &["to", "be"]), of(BIGRAM, &["to be"])].concat();
        assert_eq!(sorted(features.words), sorted(words));
        let ngrams = ["<t", "to", "o>", "<to", "to>", "<b", "be", "e>", "<be", "be>"];
        assert_eq!(sorted(features.ngrams), of(NGRAM, &ngrams));
        assert_eq!(features.tokens, 2);
    }

    #[test]
    fn unspaced_runs_have_characters_and_unbounded_ngrams() {
        let mut features = Features::default();
        features.extract("東京都 go", &(2..=3));
        let words = of(UNIGRAM, &["東", "京", "都", "go"]);
        assert_eq!(sorted(features.words), words);
        let ngrams = ["東京", "京都", "東京都", "<g", "go", "o>", "<go", "go>"];
        assert_eq!(sorted(features.ngrams), of(NGRAM, &ngrams));
        assert_eq!(features.tokens, 4);
    }

    #[test]
    fn letters_of_unspaced_scripts_are_no_words_but_always_count() {
        let mut features = Features::default();
        features.extract("ไป 都の", &(2..=3));
        assert_eq!(features.words, of(UNIGRAM, &["都"]));
        assert_eq!(sorted(features.ngrams), of(NGRAM, &["ไป", "都の"]));
        assert_eq!(features.tokens, 4);
        let mut short = Features::default();
        short.extract("ก a", &(4..=5));
        assert_eq!(sorted(short.ngrams), of(NGRAM, &["ก", "<a>"]));
    }

    #[test]
    fn buffers_hold_one_text_only() {
        let mut features = Features::default();
        features.extract("a long text before", &(2..=4));
        features.extract("", &(2..=4));
        assert_eq!((features.words.len(), features.ngrams.len(), features.tokens), (0, 0, 0));
    }
}
