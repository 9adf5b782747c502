//! Word translations from bitext: IBM Model 1 (Brown et al. 1993) in both directions.

use std::collections::{BTreeMap, HashMap};

use unicode_segmentation::UnicodeSegmentation;

use crate::{leaks::same_language, normal::normal};

/// How Model 1 is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model1 {
    /// Iterations of expectation maximisation, from uniform probabilities.
    pub iterations: usize,
    /// Whether every source sentence also has the empty word.
    pub empty_word: bool,
}

/// A sentence pair: words of the source and of the target, by number.
pub type SentencePair = (Vec<u32>, Vec<u32>);

/// t(target | source), for the words that are in a sentence pair together.
#[derive(Clone, Debug)]
pub struct TranslationTable {
    at: HashMap<(u32, u32), u32>,
    probabilities: Vec<f64>,
}

/// The number that stands for the empty word.
const EMPTY: u32 = u32::MAX;

impl Model1 {
    /// Estimates t(target | source). Sums run in the order of the corpus, so equal corpora give equal
    /// bits.
    #[must_use]
    pub fn train(self, corpus: &[SentencePair]) -> TranslationTable {
        // Pairs of words are numbered once; a sentence pair then is a list of these numbers.
        let mut at: HashMap<(u32, u32), u32> = HashMap::new();
        let mut sources: Vec<u32> = Vec::new();
        let mut number_of_source: HashMap<u32, u32> = HashMap::new();
        let mut cells: Vec<u32> = Vec::new();
        let mut shapes = Vec::with_capacity(corpus.len());
        for (source, target) in corpus {
            let empty = self.empty_word.then_some(EMPTY);
            let words: Vec<u32> = empty.into_iter().chain(source.iter().copied()).collect();
            for (to, from) in target.iter().flat_map(|to| words.iter().map(move |from| (*to, *from))) {
                let cell = *at.entry((from, to)).or_insert_with(|| {
                    let next = number_of_source.len() as u32;
                    sources.push(*number_of_source.entry(from).or_insert(next));
                    sources.len() as u32 - 1
                });
                cells.push(cell);
            }
            shapes.push((words.len(), target.len()));
        }
        // Equal for all targets: what it is equal to cancels in the first iteration.
        let mut probabilities = vec![1.0; sources.len()];
        for _ in 0..self.iterations {
            let mut counts = vec![0.0; sources.len()];
            let mut totals = vec![0.0; number_of_source.len()];
            let mut rest = &cells[..];
            for (words, targets) in &shapes {
                for _ in 0..*targets {
                    let (links, after) = rest.split_at(*words);
                    rest = after;
                    let sum: f64 = links.iter().map(|cell| probabilities[*cell as usize]).sum();
                    for cell in links.iter().map(|cell| *cell as usize) {
                        let share = probabilities[cell] / sum;
                        counts[cell] += share;
                        totals[sources[cell] as usize] += share;
                    }
                }
            }
            for ((probability, count), source) in probabilities.iter_mut().zip(counts).zip(&sources) {
                *probability = count / totals[*source as usize];
            }
        }
        TranslationTable { at, probabilities }
    }
}

impl TranslationTable {
    /// t(target | source); 0 where they are in no sentence pair together.
    #[must_use]
    pub fn probability(&self, source: u32, target: u32) -> f64 {
        self.at.get(&(source, target)).map_or(0.0, |at| self.probabilities[*at as usize])
    }
}

/// Word translations that both directions agree on.
#[derive(Clone, Debug, PartialEq)]
pub struct Lexicon {
    /// Source word, target word, and the lower of t(target | source) and t(source | target);
    /// sorted by source, then target.
    pub entries: Vec<(String, String, f64)>,
}

impl Lexicon {
    /// Whether a language is written without spaces between its words: they have to be found by a
    /// segmenter, which this crate has not. By its two- or three-letter code, whatever follows that.
    #[must_use]
    pub fn is_unspaced(language: &str) -> bool {
        const UNSPACED: [&str; 20] = [
            "zh", "zho", "chi", "cmn", "yue", "wuu", "ja", "jpn", "th", "tha", "lo", "lao", "km", "khm",
            "my", "mya", "bo", "bod", "dz", "dzo",
        ];
        UNSPACED.iter().any(|code| same_language(code, language))
    }

    /// Learns from sentences and their translations: Model 1 with the empty word in both directions;
    /// kept are the pairs that either direction gives at least the probability `floor`, and that are
    /// together in at least `least` sentence pairs. Words are those of UAX #29 in lower case, with a
    /// letter in them.
    #[must_use]
    pub fn learn(bitext: &[(&str, &str)], iterations: usize, floor: f64, least: u32) -> Lexicon {
        let (mut sources, mut targets) = (Vocabulary::default(), Vocabulary::default());
        let forward: Vec<SentencePair> =
            bitext.iter().map(|(source, target)| (sources.words(source), targets.words(target))).collect();
        let backward: Vec<SentencePair> =
            forward.iter().map(|(source, target)| (target.clone(), source.clone())).collect();
        let model = Model1 { iterations, empty_word: true };
        let (given_source, given_target) = (model.train(&forward), model.train(&backward));
        let mut together: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        for (source, target) in &forward {
            let distinct = |words: &[u32]| {
                let mut words = words.to_vec();
                words.sort_unstable();
                words.dedup();
                words
            };
            let target = distinct(target);
            for pair in distinct(source).iter().flat_map(|s| target.iter().map(move |t| (*s, *t))) {
                *together.entry(pair).or_default() += 1;
            }
        }
        let mut entries: Vec<(String, String, f64)> = together
            .into_iter()
            .filter(|(_, count)| *count >= least)
            .filter_map(|((source, target), _)| {
                let forward = given_source.probability(source, target);
                let probability = forward.min(given_target.probability(target, source));
                (probability >= floor).then(|| (sources.word(source), targets.word(target), probability))
            })
            .collect();
        entries.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        Lexicon { entries }
    }
}

/// Words and their numbers.
#[derive(Default)]
struct Vocabulary {
    numbers: HashMap<String, u32>,
    words: Vec<String>,
}

impl Vocabulary {
    fn words(&mut self, sentence: &str) -> Vec<u32> {
        let sentence = normal(sentence);
        let words = sentence.unicode_words().filter(|word| word.chars().any(char::is_alphabetic));
        words.map(|word| self.number(word)).collect()
    }

    fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let number = self.words.len() as u32;
        self.numbers.insert(word.to_owned(), number);
        self.words.push(word.to_owned());
        number
    }

    fn word(&self, number: u32) -> String {
        self.words[number as usize].clone()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::draw::Draw;

    const DAS: u32 = 0;
    const HAUS: u32 = 1;
    const BUCH: u32 = 2;
    const EIN: u32 = 3;
    const THE: u32 = 0;
    const HOUSE: u32 = 1;
    const BOOK: u32 = 2;
    const A: u32 = 3;

    /// Koehn 2010, Statistical Machine Translation, figure 4.4: das Haus, das Buch, ein Buch.
    #[test]
    fn the_textbook_example() {
        let corpus = [
            (vec![DAS, HAUS], vec![THE, HOUSE]),
            (vec![DAS, BUCH], vec![THE, BOOK]),
            (vec![EIN, BUCH], vec![A, BOOK]),
        ];
        let printed = [
            (DAS, THE, [0.5, 0.6364, 0.7479]),
            (DAS, BOOK, [0.25, 0.1818, 0.1208]),
            (DAS, HOUSE, [0.25, 0.1818, 0.1313]),
            (BUCH, THE, [0.25, 0.1818, 0.1208]),
            (BUCH, BOOK, [0.5, 0.6364, 0.7479]),
            (BUCH, A, [0.25, 0.1818, 0.1313]),
            (EIN, BOOK, [0.5, 0.4286, 0.3466]),
            (EIN, A, [0.5, 0.5714, 0.6534]),
            (HAUS, THE, [0.5, 0.4286, 0.3466]),
            (HAUS, HOUSE, [0.5, 0.5714, 0.6534]),
        ];
        for (iterations, at) in [(1, 0), (2, 1), (3, 2)] {
            let table = Model1 { iterations, empty_word: false }.train(&corpus);
            for (source, target, expected) in printed {
                let probability = table.probability(source, target);
                assert!((probability - expected[at]).abs() < 5e-5, "{source} {target}: {probability}");
            }
        }
        let table = Model1 { iterations: 3, empty_word: false }.train(&corpus);
        assert_eq!(table.probability(HAUS, A), 0.0);
    }

    #[test]
    fn a_known_dictionary_is_learnt_from_shuffled_sentences() {
        // 60 words, sentences of 6 of them; the translations are reversed, and every second sentence
        // has an article that translates nothing.
        let draw = Draw::new("sentences", 1);
        let sentence =
            |i: usize| -> Vec<u64> { draw.numbers(&i.to_string()).take(6).map(|n| n % 60).collect() };
        let bitext: Vec<(String, String)> = (0..400)
            .map(|i| {
                let words = sentence(i);
                let source: String = words.iter().map(|w| format!("S{w} ")).collect();
                let target: String = words.iter().rev().map(|w| format!("t{w}, ")).collect();
                (source, if i % 2 == 0 { format!("Le {target} 1962.") } else { target })
            })
            .collect();
        let bitext: Vec<(&str, &str)> = bitext.iter().map(|(s, t)| (s.as_str(), t.as_str())).collect();
        let lexicon = Lexicon::learn(&bitext, 10, 0.5, 2);
        let learnt: BTreeSet<(String, String)> =
            lexicon.entries.iter().map(|(s, t, _)| (s.clone(), t.clone())).collect();
        let truth: BTreeSet<(String, String)> = (0..60).map(|w| (format!("s{w}"), format!("t{w}"))).collect();
        assert!(learnt.is_subset(&truth), "{:?}", learnt.difference(&truth));
        assert!(learnt.len() >= 57, "{:?}", truth.difference(&learnt));
        assert!(lexicon.entries.iter().all(|(.., probability)| (0.5..=1.0).contains(probability)));
    }

    #[test]
    fn languages_without_spaces_are_known_by_all_their_codes() {
        assert!(["zh", "zh-Hans", "zho_Hans", "ja", "THA"].into_iter().all(Lexicon::is_unspaced));
        // Vietnamese has spaces, though between syllables.
        assert!(!["ko", "vi", "en", "deu_Latn"].into_iter().any(Lexicon::is_unspaced));
    }

    #[test]
    fn rare_pairs_need_more_than_one_sentence() {
        let once = [("eins", "one"), ("zwei", "two"), ("zwei", "two")];
        let entries = |least| Lexicon::learn(&once, 5, 0.5, least).entries.len();
        assert_eq!((entries(1), entries(2), entries(3)), (2, 1, 0));
    }
}
