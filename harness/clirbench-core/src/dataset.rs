//! A retrieval collection whose queries and documents are parallel by id across languages.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// One query or document: an id and its text in each language of the collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Unique within its namespace; queries and documents have separate namespaces.
    pub id: String,
    /// One slot per language of the collection, in its order; `None` where it has no text.
    pub texts: Vec<Option<String>>,
}

/// A relevance judgement of one query: the document (an index) and its grade (> 0 is relevant).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// Index into [`Collection::documents`].
    pub document: u32,
    /// Grade as in the qrels; positive means relevant.
    pub grade: i32,
}

/// Queries, documents and judgements, all aligned across languages.
///
/// Readers of dataset formats build it and see to its shape: every entry has one text slot per
/// language, `qrels` is parallel to `queries`, and judgements point into `documents`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// Name as printed in results.
    pub name: String,
    /// Language codes; their order is the order of pools and of `pool_langs`.
    pub languages: Vec<String>,
    /// The queries.
    pub queries: Vec<Entry>,
    /// The documents.
    pub documents: Vec<Entry>,
    /// Judgements per query, parallel to `queries`.
    pub qrels: Vec<Vec<Judgement>>,
}

/// How paragraphs that serve several questions enter the pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Documents {
    /// Each distinct document once (mteb's XQuAD and Belebele).
    #[default]
    Unique,
    /// One copy per question that it answers (Hong et al. 2026); unjudged documents once.
    PerQuestion,
}

/// Which copies of a document answer a question when documents are `per-question`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Copies {
    /// Only the question's own copy (Hong et al. 2026: |R| = |languages|).
    #[default]
    Own,
    /// Every copy of the question's paragraph.
    All,
}

impl Collection {
    /// The same collection with its documents laid out as `mode` asks.
    ///
    /// `Unique` merges documents whose texts are equal in every language (the first id stays).
    /// `PerQuestion` makes one copy per (question, relevant document), in question order, named
    /// `<document>#<question>`; documents that are relevant to no question stay, at the end.
    /// With [`Copies::Own`] judgements of non-relevant documents fall away: no copy is the
    /// question's own.
    #[must_use]
    pub fn arranged(&self, mode: Documents, copies: Copies) -> Collection {
        match mode {
            Documents::Unique => self.unique(),
            Documents::PerQuestion => self.per_question(copies),
        }
    }

    fn unique(&self) -> Collection {
        let mut first: HashMap<&[Option<String>], u32> = HashMap::new();
        let mut documents = Vec::new();
        let mut moved_to = Vec::with_capacity(self.documents.len());
        for document in &self.documents {
            let at = *first.entry(&document.texts).or_insert_with(|| {
                documents.push(document.clone());
                documents.len() as u32 - 1
            });
            moved_to.push(at);
        }
        let qrels = self.qrels.iter().map(|judged| merge(judged, &moved_to)).collect();
        Collection { documents, qrels, ..self.clone_frame() }
    }

    fn per_question(&self, copies: Copies) -> Collection {
        let mut documents = Vec::new();
        let mut copies_of: Vec<Vec<u32>> = vec![Vec::new(); self.documents.len()];
        let mut qrels: Vec<Vec<Judgement>> = Vec::with_capacity(self.queries.len());
        for (query, judged) in self.queries.iter().zip(&self.qrels) {
            let mut own = Vec::new();
            for j in judged.iter().filter(|j| j.grade > 0) {
                let source = &self.documents[j.document as usize];
                let id = format!("{}#{}", source.id, query.id);
                let copy = documents.len() as u32;
                documents.push(Entry { id, texts: source.texts.clone() });
                copies_of[j.document as usize].push(copy);
                own.push(Judgement { document: copy, grade: j.grade });
            }
            qrels.push(own);
        }
        for (document, copies) in self.documents.iter().zip(&mut copies_of) {
            if copies.is_empty() {
                copies.push(documents.len() as u32);
                documents.push(document.clone());
            }
        }
        if copies == Copies::All {
            for (judged, all) in self.qrels.iter().zip(&mut qrels) {
                *all = judged
                    .iter()
                    .flat_map(|j| {
                        copies_of[j.document as usize]
                            .iter()
                            .map(|&document| Judgement { document, grade: j.grade })
                    })
                    .collect();
            }
        }
        Collection { documents, qrels, ..self.clone_frame() }
    }

    fn clone_frame(&self) -> Collection {
        Collection {
            name: self.name.clone(),
            languages: self.languages.clone(),
            queries: self.queries.clone(),
            documents: Vec::new(),
            qrels: Vec::new(),
        }
    }
}

/// Judgements after documents moved; where two fall together the higher grade stays.
fn merge(judged: &[Judgement], moved_to: &[u32]) -> Vec<Judgement> {
    let mut out: Vec<Judgement> = Vec::with_capacity(judged.len());
    for j in judged {
        let document = moved_to[j.document as usize];
        match out.iter_mut().find(|o| o.document == document) {
            Some(o) => o.grade = o.grade.max(j.grade),
            None => out.push(Judgement { document, grade: j.grade }),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, texts: [Option<&str>; 2]) -> Entry {
        Entry { id: id.into(), texts: texts.map(|t| t.map(String::from)).into() }
    }

    fn judged(judgements: &[(u32, i32)]) -> Vec<Judgement> {
        judgements.iter().map(|&(document, grade)| Judgement { document, grade }).collect()
    }

    /// Documents a and c are equal; b equals them in English only; d is relevant to nothing.
    fn collection() -> Collection {
        Collection {
            name: "test".into(),
            languages: vec!["en".into(), "ko".into()],
            queries: ["q1", "q2", "q3"].map(|id| entry(id, [Some("?"), Some("?")])).into(),
            documents: vec![
                entry("a", [Some("one"), Some("하나")]),
                entry("b", [Some("one"), None]),
                entry("c", [Some("one"), Some("하나")]),
                entry("d", [Some("four"), Some("넷")]),
            ],
            qrels: vec![judged(&[(0, 1), (2, 2)]), judged(&[(0, 1), (3, 0)]), judged(&[(1, 1)])],
        }
    }

    fn ids(collection: &Collection) -> Vec<&str> {
        collection.documents.iter().map(|d| d.id.as_str()).collect()
    }

    #[test]
    fn unique_merges_documents_that_are_equal_in_every_language() {
        let unique = collection().arranged(Documents::Unique, Copies::Own);
        assert_eq!(ids(&unique), ["a", "b", "d"]);
        // c became a; the higher grade stays.
        assert_eq!(unique.qrels, [judged(&[(0, 2)]), judged(&[(0, 1), (2, 0)]), judged(&[(1, 1)])]);
        assert_eq!(unique.queries, collection().queries);
    }

    #[test]
    fn arranging_twice_changes_nothing_more() {
        let unique = collection().arranged(Documents::Unique, Copies::Own);
        assert_eq!(unique.arranged(Documents::Unique, Copies::Own), unique);
    }

    #[test]
    fn per_question_makes_one_copy_for_each_question() {
        let own = collection().arranged(Documents::PerQuestion, Copies::Own);
        assert_eq!(ids(&own), ["a#q1", "c#q1", "a#q2", "b#q3", "d"]);
        assert_eq!(own.documents[2].texts, collection().documents[0].texts);
        assert_eq!(own.qrels, [judged(&[(0, 1), (1, 2)]), judged(&[(2, 1)]), judged(&[(3, 1)])]);
    }

    #[test]
    fn every_copy_may_answer() {
        let all = collection().arranged(Documents::PerQuestion, Copies::All);
        assert_eq!(ids(&all), ["a#q1", "c#q1", "a#q2", "b#q3", "d"]);
        // a has copies 0 and 2.
        let expected =
            [judged(&[(0, 1), (2, 1), (1, 2)]), judged(&[(0, 1), (2, 1), (4, 0)]), judged(&[(3, 1)])];
        assert_eq!(all.qrels, expected);
    }
}
