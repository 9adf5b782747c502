//! What a collection holds, in numbers.

use std::collections::HashSet;

use clirbench_core::dataset::{Collection, Entry};
use serde::{Deserialize, Serialize};

/// Sizes of a collection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Queries, in whatever language.
    pub queries: usize,
    /// Documents, in whatever language.
    pub documents: usize,
    /// Judgements, of any grade.
    pub judgements: usize,
    /// Mean number of relevant documents (grade > 0) per query.
    pub relevant_per_query: f64,
    /// Per language, in the collection's order.
    pub languages: Vec<LanguageStatistics>,
}

/// Sizes of one language.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LanguageStatistics {
    /// Code.
    pub language: String,
    /// Queries.
    pub queries: TextStatistics,
    /// Documents.
    pub documents: TextStatistics,
}

/// Sizes of one language's queries or documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TextStatistics {
    /// How many have a text.
    pub texts: usize,
    /// How many texts differ.
    pub distinct: usize,
    /// Mean length in characters (Unicode scalar values).
    pub mean_chars: f64,
}

impl Statistics {
    /// Counts `collection`.
    #[must_use]
    pub fn of(collection: &Collection) -> Self {
        let judgements = collection.qrels.iter().map(Vec::len).sum();
        let relevant = collection.qrels.iter().flatten().filter(|j| j.grade > 0).count();
        let language = |(i, language): (usize, &String)| LanguageStatistics {
            language: language.clone(),
            queries: TextStatistics::of(&collection.queries, i),
            documents: TextStatistics::of(&collection.documents, i),
        };
        Statistics {
            queries: collection.queries.len(),
            documents: collection.documents.len(),
            judgements,
            relevant_per_query: mean(relevant, collection.queries.len()),
            languages: collection.languages.iter().enumerate().map(language).collect(),
        }
    }
}

impl TextStatistics {
    fn of(entries: &[Entry], language: usize) -> Self {
        let texts: Vec<&str> = entries.iter().filter_map(|entry| entry.texts[language].as_deref()).collect();
        let chars = texts.iter().map(|text| text.chars().count()).sum();
        TextStatistics {
            texts: texts.len(),
            distinct: texts.iter().collect::<HashSet<_>>().len(),
            mean_chars: mean(chars, texts.len()),
        }
    }
}

/// 0 where there is nothing to divide by.
fn mean(sum: usize, count: usize) -> f64 {
    if count == 0 { 0.0 } else { sum as f64 / count as f64 }
}
