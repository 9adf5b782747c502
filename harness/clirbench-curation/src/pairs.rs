//! Training pairs at the three levels of Goworek et al. 2025 (section 3.2): words, phrases, and queries
//! with documents.
//!
//! The paper takes words from word sense datasets, up to 1,000 Tatoeba sentences per language pair as
//! phrases, and relevance judgements. Word pairs here come from a dictionary or are learnt from bitext.

use std::collections::HashSet;

use clirbench_core::dataset::{Collection, Entry};
use clirbench_data::TrainingRow;
use serde::Serialize;

use crate::{alignment::Lexicon, draw::Draw, normal::normal};

/// How pairs are chosen among those that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// At most so many of a pair of languages, a seeded sample.
    pub cap: Option<usize>,
    /// Seed of the sample, and of negatives.
    pub seed: u64,
    /// At most so many negatives of a row.
    pub negatives: usize,
}

/// What became of the pairs of two languages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Pairs that there are.
    pub found: usize,
    /// Left out: both texts are the same, so they say nothing of translation.
    pub same: usize,
    /// Left out: equal to one before.
    pub repeated: usize,
    /// Left out: above the cap.
    pub capped: usize,
    /// Rows.
    pub kept: usize,
}

/// Rows of two languages.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairs {
    /// In the order of the source, with ids and languages.
    pub rows: Vec<TrainingRow>,
    /// How they were chosen.
    pub counts: Counts,
}

/// Sentences of a bitext: one in the first language and its translation in the second (places in
/// `collection.languages`).
#[must_use]
pub fn phrases(collection: &Collection, from: usize, to: usize, choice: Choice) -> Pairs {
    let sentences = collection.queries.iter().filter_map(|entry| {
        let id = format!("{}/{}", collection.name, entry.id);
        Some(row(id, text(entry, from)?, text(entry, to)?))
    });
    chosen(sentences, languages(collection, from, to), choice)
}

/// Queries in one language and documents in another (places in `collection.languages`): a row for
/// each judgement above 0. Negatives are documents that are judged not relevant to the query, in the
/// order of the judgements.
#[must_use]
pub fn query_documents(collection: &Collection, from: usize, to: usize, choice: Choice) -> Pairs {
    let judged = collection.queries.iter().zip(&collection.qrels);
    let rows = judged.flat_map(|(query, judged)| {
        let document = |at: u32| &collection.documents[at as usize];
        let negatives: Vec<String> = judged
            .iter()
            .filter(|judgement| judgement.grade <= 0)
            .filter_map(|judgement| text(document(judgement.document), to).map(str::to_owned))
            .take(choice.negatives)
            .collect();
        let relevant = judged.iter().filter(|judgement| judgement.grade > 0);
        relevant.filter_map(move |judgement| {
            let document = document(judgement.document);
            let id = format!("{}/{}/{}", collection.name, query.id, document.id);
            let pair = row(id, text(query, from)?, text(document, to)?);
            Some(TrainingRow { negatives: negatives.clone(), ..pair })
        })
    });
    chosen(rows, languages(collection, from, to), choice)
}

/// Words and their translations, with an id that starts with `name`. Negatives are other words of the
/// target language, drawn among those that are no known translation.
#[must_use]
pub fn words(name: &str, lexicon: &Lexicon, languages: [&str; 2], choice: Choice) -> Pairs {
    let rows = lexicon
        .entries
        .iter()
        .map(|(source, target, _)| row(format!("{name}/{source}/{target}"), source, target));
    let mut pairs = chosen(rows, languages.map(str::to_owned), choice);
    if choice.negatives == 0 {
        return pairs;
    }
    let known: HashSet<(&str, &str)> =
        lexicon.entries.iter().map(|(s, t, _)| (s.as_str(), t.as_str())).collect();
    let mut targets: Vec<&str> = lexicon.entries.iter().map(|(_, target, _)| target.as_str()).collect();
    targets.sort_unstable();
    targets.dedup();
    let draw = Draw::new("clirbench word negatives", choice.seed);
    for row in &mut pairs.rows {
        let drawn = draw.numbers(row.id.as_deref().unwrap_or_default());
        // A word that everything translates has no negatives: the draws end.
        for target in drawn.take(20 * choice.negatives).map(|n| targets[(n % targets.len() as u64) as usize])
        {
            let fits = !known.contains(&(row.query.as_str(), target)) && target != row.query;
            if fits && !row.negatives.iter().any(|other| other == target) {
                row.negatives.push(target.to_owned());
            }
            if row.negatives.len() == choice.negatives {
                break;
            }
        }
        if !row.negatives.is_empty() {
            row.languages.push(languages[1].to_owned());
        }
    }
    pairs
}

fn text(entry: &Entry, language: usize) -> Option<&str> {
    entry.texts[language].as_deref()
}

fn languages(collection: &Collection, from: usize, to: usize) -> [String; 2] {
    [from, to].map(|at| collection.languages[at].clone())
}

fn row(id: String, query: &str, positive: &str) -> TrainingRow {
    TrainingRow {
        id: Some(id),
        query: query.to_owned(),
        positive: positive.to_owned(),
        ..TrainingRow::default()
    }
}

/// Leaves out what says nothing or is there twice, then draws: the rows whose ids have the least
/// hashes, so a row that is added changes a sample by one row at most.
fn chosen(rows: impl Iterator<Item = TrainingRow>, languages: [String; 2], choice: Choice) -> Pairs {
    let mut counts = Counts::default();
    let mut seen = HashSet::new();
    let mut kept = Vec::new();
    for mut row in rows {
        counts.found += 1;
        let texts = [normal(&row.query), normal(&row.positive)];
        if texts[0] == texts[1] {
            counts.same += 1;
        } else if !seen.insert(texts) {
            counts.repeated += 1;
        } else {
            row.languages = languages.to_vec();
            row.languages.extend((!row.negatives.is_empty()).then(|| languages[1].clone()));
            kept.push(row);
        }
    }
    if let Some(cap) = choice.cap.filter(|cap| *cap < kept.len()) {
        let draw = Draw::new("clirbench pairs", choice.seed);
        let hash = |row: &TrainingRow| {
            draw.number(&format!("{} {}", languages.join(" "), row.id.as_deref().unwrap_or_default()))
        };
        let mut drawn: Vec<(u64, usize)> = kept.iter().map(hash).zip(0..).collect();
        drawn.sort_unstable();
        let stays: HashSet<usize> = drawn[..cap].iter().map(|(_, at)| *at).collect();
        counts.capped = kept.len() - cap;
        let mut at = 0..;
        kept.retain(|_| at.next().is_some_and(|at| stays.contains(&at)));
    }
    counts.kept = kept.len();
    Pairs { rows: kept, counts }
}

#[cfg(test)]
mod tests {
    use clirbench_core::dataset::Judgement;

    use super::*;

    const ALL: Choice = Choice { cap: None, seed: 1, negatives: 0 };

    fn entry(id: &str, texts: [&str; 2]) -> Entry {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Entry { id: id.to_owned(), texts: texts.map(text).into() }
    }

    fn collection(queries: Vec<Entry>, documents: Vec<Entry>, qrels: &[&[(u32, i32)]]) -> Collection {
        let judgement = |(document, grade): &(u32, i32)| Judgement { document: *document, grade: *grade };
        Collection {
            name: "set".to_owned(),
            languages: vec!["en".to_owned(), "ko".to_owned()],
            queries,
            documents,
            qrels: qrels.iter().map(|judged| judged.iter().map(judgement).collect()).collect(),
        }
    }

    #[test]
    fn phrases_leave_out_what_is_missing_untranslated_or_there_before() {
        let sentences =
            [["One.", "하나."], ["Two.", ""], ["OK!", "ok!"], ["one. ", "하나."], ["Four.", "넷."]];
        let queries = sentences.iter().enumerate().map(|(i, texts)| entry(&i.to_string(), *texts)).collect();
        let pairs = phrases(&collection(queries, Vec::new(), &[]), 1, 0, ALL);
        assert_eq!(pairs.counts, Counts { found: 4, same: 1, repeated: 1, capped: 0, kept: 2 });
        let row = &pairs.rows[1];
        assert_eq!(
            (row.id.as_deref(), row.query.as_str(), row.positive.as_str()),
            (Some("set/4"), "넷.", "Four.")
        );
        assert_eq!(row.languages, ["ko", "en"]);
    }

    #[test]
    fn queries_have_every_relevant_document_and_those_judged_otherwise() {
        let queries = vec![entry("q1", ["what", "무엇"]), entry("q2", ["who", "누구"])];
        let documents = vec![entry("a", ["ant", "개미"]), entry("b", ["bee", "벌"]), entry("c", ["cow", ""])];
        let set = collection(queries, documents, &[&[(0, 1), (1, 2), (2, 0)], &[(2, 1), (0, 0), (1, 0)]]);
        let pairs = query_documents(&set, 1, 0, Choice { negatives: 1, ..ALL });
        let rows: Vec<_> = pairs
            .rows
            .iter()
            .map(|r| (r.id.as_deref(), &r.query[..], &r.positive[..], &r.negatives[..]))
            .collect();
        let negatives = |text: &str| vec![text.to_owned()];
        let [cow, ant] = [negatives("cow"), negatives("ant")];
        let expected = [
            (Some("set/q1/a"), "무엇", "ant", &cow[..]),
            (Some("set/q1/b"), "무엇", "bee", &cow[..]),
            (Some("set/q2/c"), "누구", "cow", &ant[..]),
        ];
        assert_eq!(rows, expected);
        assert_eq!(pairs.rows[0].languages, ["ko", "en", "en"]);
        // The cow has no Korean: no row with it, and no negative.
        let pairs = query_documents(&set, 0, 1, Choice { negatives: 1, ..ALL });
        assert_eq!(pairs.rows.len(), 2);
        assert_eq!(pairs.rows[0].languages, ["en", "ko"]);
    }

    #[test]
    fn a_sample_is_seeded_and_changes_little() {
        let sentences = |count: usize| {
            let queries =
                (0..count).map(|i| entry(&i.to_string(), [&format!("en {i}"), &format!("ko {i}")])).collect();
            collection(queries, Vec::new(), &[])
        };
        let ids = |count: usize, seed: u64| -> Vec<String> {
            let pairs = phrases(&sentences(count), 0, 1, Choice { cap: Some(100), seed, ..ALL });
            assert_eq!((pairs.rows.len(), pairs.counts.capped), (100, count - 100));
            pairs.rows.into_iter().filter_map(|row| row.id).collect()
        };
        let sample = ids(1000, 1);
        assert_eq!(sample, ids(1000, 1));
        assert_ne!(sample, ids(1000, 2));
        assert!(sample.iter().filter(|id| !ids(1001, 1).contains(id)).count() <= 1);
        let numbers: Vec<u32> = sample.iter().map(|id| id[4..].parse().expect("a number")).collect();
        assert!(numbers.is_sorted(), "the order of the source");
    }

    #[test]
    fn negatives_of_words_are_no_translations() {
        let entries = [("bank", "은행"), ("bank", "둑"), ("dog", "개"), ("house", "집"), ("tree", "나무")];
        let entries = entries.map(|(s, t)| (s.to_owned(), t.to_owned(), 1.0)).into();
        let pairs = words("set", &Lexicon { entries }, ["en", "ko"], Choice { negatives: 3, ..ALL });
        let bank = &pairs.rows[0];
        let mut negatives = bank.negatives.clone();
        negatives.sort_unstable();
        assert_eq!(negatives, ["개", "나무", "집"]);
        assert_eq!(bank.languages, ["en", "ko", "ko"]);
        assert!(
            pairs.rows.iter().all(|row| row.negatives.len() == 3 && !row.negatives.contains(&row.positive))
        );
    }
}
