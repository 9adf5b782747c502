//! What every reader returns, before it has a name.

use clirbench_core::dataset::{Collection, Entry, Judgement};

use crate::resolve::Resolved;

/// Queries, documents and judgements, aligned across the languages.
pub(crate) struct Parts {
    pub(crate) queries: Vec<Entry>,
    pub(crate) documents: Vec<Entry>,
    /// Per query.
    pub(crate) qrels: Vec<Vec<Judgement>>,
    /// Queries that were left out because the split does not judge them.
    pub(crate) unjudged: usize,
}

impl Parts {
    /// Parallel sentences: each is a query, each is a document, and its translation (the document
    /// of the same id) is relevant.
    pub(crate) fn sentences(entries: Vec<Entry>) -> Self {
        let qrels =
            (0..entries.len() as u32).map(|document| vec![Judgement { document, grade: 1 }]).collect();
        Parts { queries: entries.clone(), documents: entries, qrels, unjudged: 0 }
    }

    /// The collection, judgements sorted by document so that their order in files is no matter.
    pub(crate) fn into_collection(mut self, dataset: &Resolved) -> Collection {
        self.qrels.iter_mut().for_each(|judged| judged.sort_unstable_by_key(|j| j.document));
        Collection {
            name: dataset.spec.name.clone(),
            languages: dataset.spec.languages.clone(),
            queries: self.queries,
            documents: self.documents,
            qrels: self.qrels,
        }
    }
}
