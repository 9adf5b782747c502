//! The pool of a task: its documents in order, their ids and their tie order.

use std::collections::HashMap;

use clirbench_core::{
    dataset::Collection,
    ranking::Ties,
    task::{PoolDocument, Task},
};

/// The documents that a task's queries are ranked against.
#[derive(Clone, Debug)]
pub struct TaskPool {
    /// Language by language, in collection order.
    pub documents: Vec<PoolDocument>,
    positions: HashMap<PoolDocument, u32>,
}

impl TaskPool {
    /// Lays out the pool of `task`.
    #[must_use]
    pub fn of(collection: &Collection, task: &Task) -> TaskPool {
        let mut documents = Vec::new();
        for &language in &task.pool_langs {
            for (document, entry) in (0u32..).zip(&collection.documents) {
                if entry.texts[language as usize].is_some() {
                    documents.push(PoolDocument { language, document });
                }
            }
        }
        let positions = (0u32..).zip(&documents).map(|(i, d)| (*d, i)).collect();
        TaskPool { documents, positions }
    }

    /// Position of a document; `None` when the pool lacks it.
    #[must_use]
    pub fn position(&self, document: &PoolDocument) -> Option<u32> {
        self.positions.get(document).copied()
    }

    /// The document's id in run files: its language, a colon, its id.
    #[must_use]
    pub fn id(&self, collection: &Collection, position: u32) -> String {
        pool_id(collection, self.documents[position as usize])
    }

    /// Tie order of each document: of two equal scores the smaller is ahead.
    ///
    /// trec_eval's rule is the document id, descending, bytewise; the other rules start from pool order.
    #[must_use]
    pub fn tie_order(&self, collection: &Collection, ties: Ties) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.documents.len() as u32).collect();
        if ties == Ties::Trec {
            let ids: Vec<String> = self.documents.iter().map(|d| pool_id(collection, *d)).collect();
            let mut descending = order.clone();
            descending.sort_by(|&a, &b| ids[b as usize].cmp(&ids[a as usize]));
            for (rank, &position) in (0u32..).zip(&descending) {
                order[position as usize] = rank;
            }
        }
        order
    }
}

/// `<language>:<document id>`.
#[must_use]
pub fn pool_id(collection: &Collection, document: PoolDocument) -> String {
    let language = &collection.languages[document.language as usize];
    format!("{language}:{}", collection.documents[document.document as usize].id)
}
