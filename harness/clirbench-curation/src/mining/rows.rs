//! The two kinds of training data as mining sees them: parallel triples, and rows in one language.

use std::iter;

use clirbench_data::{ParallelTriple, Texts, TrainingRow};

/// A text, in one language or in several.
pub trait Passage: Clone + Sync {
    /// The text in a language.
    fn text(&self, language: &str) -> Option<&str>;

    /// Languages and texts.
    fn texts(&self) -> impl Iterator<Item = (&str, &str)>;

    /// The texts in the languages of `other`, which it has.
    #[must_use]
    fn in_languages_of(&self, other: &Self) -> Self;
}

impl Passage for Texts {
    fn text(&self, language: &str) -> Option<&str> {
        self.get(language).map(String::as_str)
    }

    fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().map(|(language, text)| (language.as_str(), text.as_str()))
    }

    fn in_languages_of(&self, other: &Self) -> Self {
        let wanted = self.iter().filter(|(language, _)| other.contains_key(*language));
        wanted.map(|(language, text)| (language.clone(), text.clone())).collect()
    }
}

/// In whatever language its row is.
impl Passage for String {
    fn text(&self, _language: &str) -> Option<&str> {
        Some(self)
    }

    fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        iter::once(("", self.as_str()))
    }

    fn in_languages_of(&self, _other: &Self) -> Self {
        self.clone()
    }
}

/// A row that negatives are mined for.
pub trait MiningRow: Sync {
    /// Its texts.
    type Passage: Passage;

    /// What the row is called: its id, or its query where it has none.
    fn name(&self) -> &str;

    /// The query.
    fn query(&self) -> &Self::Passage;

    /// The text that answers it.
    fn positive(&self) -> &Self::Passage;

    /// The positive once more, where the row has it in another language.
    fn parallel(&self) -> Option<&Self::Passage>;

    /// The negatives that it has already.
    fn negatives(&self) -> &[Self::Passage];

    /// The same row with these negatives, and with `#K` behind its id where it is the `K`th of several.
    #[must_use]
    fn with_negatives(&self, negatives: Vec<Self::Passage>, of_several: Option<usize>) -> Self;
}

impl MiningRow for ParallelTriple {
    type Passage = Texts;

    fn name(&self) -> &str {
        &self.id
    }

    fn query(&self) -> &Texts {
        &self.query
    }

    fn positive(&self) -> &Texts {
        &self.positive
    }

    fn parallel(&self) -> Option<&Texts> {
        None
    }

    fn negatives(&self) -> &[Texts] {
        &self.negatives
    }

    fn with_negatives(&self, negatives: Vec<Texts>, of_several: Option<usize>) -> Self {
        ParallelTriple {
            id: numbered(&self.id, of_several),
            query: self.query.clone(),
            positive: self.positive.clone(),
            negatives,
            provenance: self.provenance.clone(),
        }
    }
}

impl MiningRow for TrainingRow {
    type Passage = String;

    fn name(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.query)
    }

    fn query(&self) -> &String {
        &self.query
    }

    fn positive(&self) -> &String {
        &self.positive
    }

    fn parallel(&self) -> Option<&String> {
        self.parallel.as_ref()
    }

    fn negatives(&self) -> &[String] {
        &self.negatives
    }

    fn with_negatives(&self, negatives: Vec<String>, of_several: Option<usize>) -> Self {
        let mut languages = self.languages.clone();
        // They are in the language of the positive. A list that is short of others is left as it is.
        let others = 2 + usize::from(self.parallel.is_some());
        if languages.len() == others && !negatives.is_empty() {
            languages.push(languages[1].clone());
        }
        TrainingRow {
            id: self.id.as_deref().map(|id| numbered(id, of_several)),
            query: self.query.clone(),
            positive: self.positive.clone(),
            parallel: self.parallel.clone(),
            negatives,
            label: self.label,
            languages,
            line: self.line,
        }
    }
}

fn numbered(id: &str, of_several: Option<usize>) -> String {
    of_several.map_or_else(|| id.to_owned(), |k| format!("{id}#{k}"))
}
