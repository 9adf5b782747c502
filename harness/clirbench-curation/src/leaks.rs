//! The leak check: texts of evaluation sets, found again in training data.

mod windows;

use std::collections::{BTreeMap, HashMap};

use clirbench_core::dataset::Collection;
use rayon::prelude::*;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::{normal::plain, overlap::OverlapIndex, shingles::Shingles};
use windows::Windows;

/// What a text is in its evaluation set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A query.
    Query,
    /// A document.
    Document,
}

/// A text of an evaluation set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EvaluationText {
    /// The dataset's name.
    pub dataset: String,
    /// What it is there.
    pub role: Role,
    /// Its id there.
    pub id: String,
    /// Its language, by the dataset's code.
    pub language: String,
}

/// How a training text gives an evaluation text away, the plainest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LeakKind {
    /// Both are the same.
    Exact,
    /// The training text contains the evaluation text.
    Contains,
    /// The training text is a part of the evaluation text.
    Within,
    /// They are near duplicates.
    Near,
}

/// An evaluation text that a training text gives away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leak<'a> {
    /// The plainest way in which it does.
    pub kind: LeakKind,
    /// The evaluation text.
    pub text: &'a EvaluationText,
    /// Jaccard similarity of the shingles, of near duplicates.
    pub jaccard: Option<f64>,
}

/// What counts as a leak.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeakOptions {
    /// Least Jaccard similarity of near duplicates, in (0, 1].
    pub threshold: f64,
    /// How texts are cut for it.
    pub shingles: Shingles,
    /// Least length of a text that is looked for within others, in columns of a terminal: a Han
    /// character, a kana or a Hangul syllable takes two.
    pub part_columns: usize,
    /// Compare across languages too.
    pub any_language: bool,
}

impl Default for LeakOptions {
    fn default() -> Self {
        LeakOptions { threshold: 0.8, shingles: Shingles::CHARS_5, part_columns: 32, any_language: false }
    }
}

/// The texts of evaluation sets, made ready for the check.
///
/// Texts are compared in NFKC, in lower case, without punctuation, with one space for every run of
/// white space. The check is exact: every text that fits [`LeakOptions`] is found.
#[derive(Clone, Debug)]
pub struct LeakIndex {
    options: LeakOptions,
    texts: Vec<EvaluationText>,
    /// The evaluation texts of each distinct content.
    of_content: Vec<Vec<u32>>,
    contents: HashMap<String, u32>,
    windows: Windows,
    near: OverlapIndex,
}

impl LeakIndex {
    /// All queries and documents of the collections, in all of their languages.
    #[must_use]
    pub fn new(collections: &[Collection], options: LeakOptions) -> LeakIndex {
        let mut texts = Vec::new();
        let mut of_content: Vec<Vec<u32>> = Vec::new();
        let mut contents: HashMap<String, u32> = HashMap::new();
        for (text, content) in collections.iter().flat_map(entries) {
            let content = plain(content);
            if content.is_empty() {
                continue;
            }
            let at = *contents.entry(content).or_insert_with(|| {
                of_content.push(Vec::new());
                of_content.len() as u32 - 1
            });
            of_content[at as usize].push(texts.len() as u32);
            texts.push(text);
        }
        let mut ordered: Vec<(&u32, &String)> = contents.iter().map(|(content, at)| (at, content)).collect();
        ordered.sort_unstable();
        // A character takes two columns at most.
        let mut windows = Windows::new(options.part_columns.div_ceil(2).max(1));
        for (at, content) in &ordered {
            if content.width() >= options.part_columns {
                windows.insert(**at, content);
            }
        }
        let sets = ordered.iter().map(|(_, content)| options.shingles.of(content)).collect();
        let near = OverlapIndex::new(sets, options.threshold);
        LeakIndex { options, texts, of_content, contents, windows, near }
    }

    /// How many evaluation texts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is nothing to be found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The evaluation texts that a training text gives away, each once, the plainest first. A text of
    /// unknown language is compared with all.
    #[must_use]
    pub fn check(&self, language: Option<&str>, text: &str) -> Vec<Leak<'_>> {
        let text = plain(text);
        if text.is_empty() {
            return Vec::new();
        }
        // Of each content the plainest kind: the first that is put there.
        let mut found: BTreeMap<u32, (LeakKind, Option<f64>)> = BTreeMap::new();
        if let Some(at) = self.contents.get(&text) {
            found.insert(*at, (LeakKind::Exact, None));
        }
        for at in self.windows.contained_in(&text) {
            found.entry(at).or_insert((LeakKind::Contains, None));
        }
        if text.width() >= self.options.part_columns {
            for at in self.windows.containing(&text) {
                found.entry(at).or_insert((LeakKind::Within, None));
            }
        }
        for (at, jaccard) in self.near.similar(&self.options.shingles.of(&text)) {
            found.entry(at).or_insert((LeakKind::Near, Some(jaccard)));
        }
        let mut leaks: Vec<Leak<'_>> = found
            .into_iter()
            .flat_map(|(at, (kind, jaccard))| {
                let texts = self.of_content[at as usize].iter().map(|text| &self.texts[*text as usize]);
                texts.map(move |text| Leak { kind, text, jaccard })
            })
            .filter(|leak| self.comparable(language, &leak.text.language))
            .collect();
        leaks.sort_by_key(|leak| leak.kind);
        leaks
    }

    /// [`check`](Self::check) of many texts with their languages, on all threads.
    #[must_use]
    pub fn check_all(&self, texts: &[(Option<&str>, &str)]) -> Vec<Vec<Leak<'_>>> {
        texts.par_iter().map(|(language, text)| self.check(*language, text)).collect()
    }

    fn comparable(&self, training: Option<&str>, evaluation: &str) -> bool {
        self.options.any_language || training.is_none_or(|training| same_language(training, evaluation))
    }
}

/// Whether two codes have the same language before the first `-` or `_`: `zh` and `zh-Hans` do.
#[must_use]
pub fn same_language(a: &str, b: &str) -> bool {
    let language = |code: &str| code.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    language(a) == language(b)
}

/// Every text of a collection.
fn entries(collection: &Collection) -> impl Iterator<Item = (EvaluationText, &str)> {
    let queries = collection.queries.iter().map(|entry| (Role::Query, entry));
    let documents = collection.documents.iter().map(|entry| (Role::Document, entry));
    queries.chain(documents).flat_map(move |(role, entry)| {
        let texts = collection.languages.iter().zip(&entry.texts);
        texts.filter_map(move |(language, text)| {
            let (dataset, id) = (collection.name.clone(), entry.id.clone());
            Some((EvaluationText { dataset, role, id, language: language.clone() }, text.as_deref()?))
        })
    })
}

#[cfg(test)]
mod tests {
    use clirbench_core::dataset::Entry;

    use super::*;

    const PASSAGE: &str = "The harbour of the old town was closed for repairs during the winter of 1962. \
                           Ships had to wait in the bay until the ice was gone.";

    fn entry(id: &str, english: &str, korean: Option<&str>) -> Entry {
        Entry { id: id.to_owned(), texts: vec![Some(english.to_owned()), korean.map(str::to_owned)] }
    }

    fn index(options: LeakOptions) -> LeakIndex {
        let collection = Collection {
            name: "harbours".to_owned(),
            languages: vec!["en".to_owned(), "ko".to_owned()],
            queries: vec![
                entry(
                    "q1",
                    "When was the harbour of the old town closed?",
                    Some("옛 시가지의 항구는 언제 폐쇄되었는가?"),
                ),
                entry("q2", "Who?", None),
            ],
            documents: vec![entry("d1", PASSAGE, Some("1962년 겨울에 항구가 수리를 위해 문을 닫았다."))],
            qrels: vec![Vec::new(), Vec::new()],
        };
        LeakIndex::new(&[collection], options)
    }

    fn found(index: &LeakIndex, language: Option<&str>, text: &str) -> Vec<(LeakKind, String)> {
        index.check(language, text).into_iter().map(|leak| (leak.kind, leak.text.id.clone())).collect()
    }

    #[test]
    fn each_kind_is_found_once_by_its_plainest_name() {
        let index = index(LeakOptions::default());
        assert_eq!(index.len(), 5);
        let cases = [
            ("when was the HARBOUR of the old town closed", vec![(LeakKind::Exact, "q1")]),
            (
                "Q: When was the harbour of the old town closed? A: in the winter",
                vec![(LeakKind::Contains, "q1")],
            ),
            ("Ships had to wait in the bay until the ice was gone.", vec![(LeakKind::Within, "d1")]),
            (&PASSAGE.replace("1962", "1963"), vec![(LeakKind::Near, "d1")]),
            // Too short to be a part, but not to be the same.
            ("the ice was gone", vec![]),
            ("who", vec![(LeakKind::Exact, "q2")]),
            ("So who was it that closed the harbour, and when did they do it?", vec![]),
            ("?!", vec![]),
        ];
        for (text, expected) in cases {
            let expected: Vec<_> = expected.into_iter().map(|(kind, id)| (kind, id.to_owned())).collect();
            assert_eq!(found(&index, Some("en"), text), expected, "{text}");
        }
        let near = PASSAGE.replace("1962", "1963");
        let jaccard = index.check(Some("en"), &near)[0].jaccard.expect("computed for near duplicates");
        assert!((0.8..1.0).contains(&jaccard), "{jaccard}");
    }

    #[test]
    fn a_hangul_syllable_counts_twice() {
        let index = index(LeakOptions::default());
        let part = "겨울에 항구가 수리를 위해 문을";
        assert_eq!(found(&index, Some("ko"), part), []);
        assert_eq!(
            found(&index, Some("ko"), &format!("1962년 {part}")),
            [(LeakKind::Within, "d1".to_owned())]
        );
    }

    #[test]
    fn languages_are_compared_with_themselves_unless_asked_or_unknown() {
        let exact = [(LeakKind::Exact, "q2".to_owned())];
        let index_of_same = index(LeakOptions::default());
        assert_eq!(found(&index_of_same, Some("ko"), "who?"), []);
        assert_eq!(found(&index_of_same, None, "who?"), exact);
        assert_eq!(found(&index_of_same, Some("en-GB"), "who?"), exact);
        let index_of_any = index(LeakOptions { any_language: true, ..LeakOptions::default() });
        assert_eq!(found(&index_of_any, Some("ko"), "who?"), exact);
    }
}
