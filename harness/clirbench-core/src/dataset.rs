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
    /// `<document>#<question>`; documents that no question is judged against stay, at the end.
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
