//! The documents that negatives are taken from, and which of them belong to whom.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::{
    MiningError, MiningRow, Passage,
    classes::{Classes, Keyed},
};

/// Where a document comes from: its first occurrence, of those in the most languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Origin<'a> {
    /// `positive` or `negatives` of a row, or `corpus`.
    pub column: &'static str,
    /// The row's name, or the passage's id in the corpus.
    pub id: &'a str,
}

/// Distinct passages: first the rows' positives, then, where wanted, their negatives, then a corpus.
#[derive(Debug)]
pub struct Pool<'a, R: MiningRow> {
    rows: &'a [R],
    language: &'a str,
    passages: Vec<&'a R::Passage>,
    origins: Vec<Origin<'a>>,
    texts: Vec<&'a str>,
    occurrences: Vec<u32>,
    added: u32,
    /// The document of a text in the language that is mined in.
    by_text: HashMap<&'a str, u32>,
    /// Documents that share a text, in any language.
    document_classes: Vec<u32>,
    class_sizes: HashMap<u32, usize>,
    class_of_text: HashMap<Keyed<'a>, u32>,
    /// Rows that share a query, in any language.
    query_groups: HashMap<u32, Vec<u32>>,
    group_of_row: Vec<u32>,
    /// The languages that a document is in, as an index of `language_sets`.
    languages: Vec<u32>,
    language_sets: Vec<Vec<&'a str>>,
}

/// What a query must not, or cannot, have as a negative.
pub(super) struct Own<'p> {
    /// Its positives in the pool.
    pub(super) positives: Vec<u32>,
    /// How many documents share a text with one of them.
    pub(super) positive_documents: usize,
    positive_classes: HashSet<u32>,
    negative_classes: HashSet<u32>,
    /// Per language set whether it has all languages of the row.
    covers: Vec<bool>,
    document_classes: &'p [u32],
    languages: &'p [u32],
}

impl Own<'_> {
    /// Whether the document is a positive, or shares a text with one.
    pub(super) fn is_positive(&self, document: u32) -> bool {
        self.positive_classes.contains(&self.document_classes[document as usize])
    }

    /// Whether the document is a negative of the row already, or shares a text with one.
    pub(super) fn is_negative(&self, document: u32) -> bool {
        self.negative_classes.contains(&self.document_classes[document as usize])
    }

    /// Whether the document is in all languages of the row.
    pub(super) fn is_readable(&self, document: u32) -> bool {
        self.covers[self.languages[document as usize] as usize]
    }
}

impl<'a, R: MiningRow> Pool<'a, R> {
    /// Lays out the passages of `rows`, their negatives too where `with_negatives`, and of `corpus`
    /// (ids and passages). `language` is the one that is mined in; rows in one language have no say.
    ///
    /// # Errors
    /// A row or passage that is not in that language.
    pub fn new(
        rows: &'a [R],
        with_negatives: bool,
        corpus: &'a [(String, R::Passage)],
        language: &'a str,
    ) -> Result<Self, MiningError> {
        if let Some(row) = rows.iter().find(|row| row.query().text(language).is_none()) {
            return Err(missing(Origin { column: "query", id: row.name() }, row.query(), language));
        }
        let mut distinct = Distinct::default();
        for row in rows {
            distinct.add(row.positive(), Origin { column: "positive", id: row.name() }, language)?;
        }
        for row in rows.iter().filter(|_| with_negatives) {
            for negative in row.negatives() {
                distinct.add(negative, Origin { column: "negatives", id: row.name() }, language)?;
            }
        }
        for (id, passage) in corpus {
            distinct.add(passage, Origin { column: "corpus", id }, language)?;
        }
        let Distinct { passages, origins, texts, by_text, occurrences, added } = distinct;
        let (classes, class_of_text) = Classes::of_texts(passages.iter().map(|passage| passage.texts()));
        let document_classes = classes.into_representatives();
        let mut class_sizes = HashMap::new();
        document_classes.iter().for_each(|class| *class_sizes.entry(*class).or_default() += 1);
        let (groups, _) = Classes::of_texts(rows.iter().map(|row| row.query().texts()));
        let group_of_row = groups.into_representatives();
        let mut query_groups: HashMap<u32, Vec<u32>> = HashMap::new();
        for (row, group) in (0..).zip(&group_of_row) {
            query_groups.entry(*group).or_default().push(row);
        }
        let (languages, language_sets) = language_sets(&passages);
        Ok(Pool {
            rows,
            language,
            passages,
            origins,
            texts,
            occurrences,
            added,
            by_text,
            document_classes,
            class_sizes,
            class_of_text,
            query_groups,
            group_of_row,
            languages,
            language_sets,
        })
    }

    /// The rows that negatives are mined for.
    #[must_use]
    pub fn rows(&self) -> &'a [R] {
        self.rows
    }

    /// Text of each document in the language that is mined in; all are different.
    #[must_use]
    pub fn texts(&self) -> &[&'a str] {
        &self.texts
    }

    /// Per document the place of its first occurrence among all passages, in the order of the pool.
    #[must_use]
    pub fn occurrences(&self) -> &[u32] {
        &self.occurrences
    }

    /// A document with its texts.
    #[must_use]
    pub fn passage(&self, document: u32) -> &'a R::Passage {
        self.passages[document as usize]
    }

    /// How many passages there are, each occurrence counted.
    #[must_use]
    pub fn passages(&self) -> usize {
        self.added as usize
    }

    /// Where a document comes from.
    #[must_use]
    pub fn origin(&self, document: u32) -> Origin<'a> {
        self.origins[document as usize]
    }

    /// The most rows that share a query.
    pub(super) fn most_rows_of_a_query(&self) -> usize {
        self.query_groups.values().map(Vec::len).max().unwrap_or(0)
    }

    /// What belongs to a row's query.
    pub(super) fn own(&self, row: usize) -> Own<'_> {
        let group = &self.query_groups[&self.group_of_row[row]];
        let rows = || group.iter().map(|&row| &self.rows[row as usize]);
        let texts = rows().filter_map(|row| row.positive().text(self.language));
        let mut positives: Vec<u32> = texts.map(|text| self.by_text[text]).collect();
        positives.sort_unstable();
        positives.dedup();
        let class = |text: Keyed<'_>| {
            self.class_of_text.get(&text).map(|with_text| self.document_classes[*with_text as usize])
        };
        let answers = rows().flat_map(|row| [Some(row.positive()), row.parallel()]).flatten();
        let positive_classes: HashSet<u32> = answers.flat_map(R::Passage::texts).filter_map(class).collect();
        let own = &self.rows[row];
        let wanted: Vec<&str> = own.query().texts().map(|(language, _)| language).collect();
        Own {
            positives,
            positive_documents: positive_classes.iter().map(|class| self.class_sizes[class]).sum(),
            positive_classes,
            negative_classes: own.negatives().iter().flat_map(R::Passage::texts).filter_map(class).collect(),
            covers: self.language_sets.iter().map(|set| wanted.iter().all(|l| set.contains(l))).collect(),
            document_classes: &self.document_classes,
            languages: &self.languages,
        }
    }
}

/// The distinct sets of languages, and which of them each passage has.
fn language_sets<'a, P: Passage>(passages: &[&'a P]) -> (Vec<u32>, Vec<Vec<&'a str>>) {
    let mut sets: Vec<Vec<&str>> = Vec::new();
    let numbers = passages.iter().map(|passage| {
        let set: Vec<&str> = passage.texts().map(|(language, _)| language).collect();
        // There are few: rows come from a handful of files.
        let known = sets.iter().position(|other| *other == set);
        known.unwrap_or_else(|| {
            sets.push(set);
            sets.len() - 1
        }) as u32
    });
    (numbers.collect(), sets)
}

fn missing<P: Passage>(origin: Origin<'_>, passage: &P, language: &str) -> MiningError {
    let languages: Vec<&str> = passage.texts().map(|(language, _)| language).collect();
    let languages = if languages.is_empty() { "no language".to_owned() } else { languages.join(", ") };
    let hint = "mine in a language that everything is in";
    wrong(origin, format!("it is not in `{language}` but in {languages}; {hint}"))
}

fn wrong(origin: Origin<'_>, problem: String) -> MiningError {
    MiningError::Text { column: origin.column, id: origin.id.to_owned(), problem }
}

/// Passages that are added one by one.
struct Distinct<'a, P> {
    passages: Vec<&'a P>,
    origins: Vec<Origin<'a>>,
    texts: Vec<&'a str>,
    by_text: HashMap<&'a str, u32>,
    occurrences: Vec<u32>,
    added: u32,
}

impl<P> Default for Distinct<'_, P> {
    fn default() -> Self {
        Distinct {
            passages: Vec::new(),
            origins: Vec::new(),
            texts: Vec::new(),
            by_text: HashMap::new(),
            occurrences: Vec::new(),
            added: 0,
        }
    }
}

impl<'a, P: Passage> Distinct<'a, P> {
    fn add(&mut self, passage: &'a P, origin: Origin<'a>, language: &str) -> Result<(), MiningError> {
        let text = passage.text(language).ok_or_else(|| missing(origin, passage, language))?;
        if passage.texts().any(|(_, text)| text.trim().is_empty()) {
            return Err(wrong(origin, "its text is empty; give it one, or remove it".to_owned()));
        }
        let next = self.passages.len() as u32;
        let document = *self.by_text.entry(text).or_insert(next);
        if document == next {
            self.passages.push(passage);
            self.origins.push(origin);
            self.texts.push(text);
            self.occurrences.push(self.added);
        } else if passage.texts().count() > self.passages[document as usize].texts().count() {
            // The same text in more languages can be taken by more rows.
            self.passages[document as usize] = passage;
            self.origins[document as usize] = origin;
        }
        self.added += 1;
        Ok(())
    }
}
