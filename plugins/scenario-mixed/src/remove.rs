//! `multi-1`: what "less the same-language relevant document" takes out of a query's pool.

use clirbench_plugin::{DatasetView, Task};
use serde::Deserialize;

/// How much goes. The two differ only where a language has equal texts, so mostly with
/// `documents = "per-question"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Remove {
    /// The query's relevant documents in its own language; other copies of their texts stay.
    #[default]
    Copy,
    /// Every document in the query's language with the text of one of them.
    Text,
}

impl Remove {
    /// Excludes documents from each query's pool and drops them from what it is judged by, with a
    /// note on what stays or goes beyond the query's own document.
    pub(crate) fn apply(self, view: &DatasetView, task: &mut Task) {
        let language = task.query_lang;
        let groups = &view.text_group[language as usize];
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); groups.len()];
        for &document in &view.document_present[language as usize] {
            members[groups[document as usize] as usize].push(document);
        }
        let mut with_copies = 0;
        let mut most = 0;
        for judged in &mut task.relevant {
            let own: Vec<u32> = judged
                .iter()
                .filter(|&&((l, _), grade)| l == language && grade > 0)
                .map(|&((_, document), _)| document)
                .collect();
            let mut equal: Vec<u32> =
                own.iter().flat_map(|&d| &members[groups[d as usize] as usize]).copied().collect();
            equal.sort_unstable();
            equal.dedup();
            with_copies += usize::from(equal.len() > own.len());
            let removed = match self {
                Self::Copy => own,
                Self::Text => equal,
            };
            most = most.max(removed.len());
            judged.retain(|((l, document), _)| *l != language || removed.binary_search(document).is_err());
            task.excluded.push(removed.into_iter().map(|document| (language, document)).collect());
        }
        if with_copies > 0 {
            let total = task.queries.len();
            task.notes.push(match self {
                Self::Copy => format!(
                    "other documents with the text of the removed one stay in the pool of {with_copies} of \
                     {total} queries (remove = \"copy\")"
                ),
                Self::Text => format!(
                    "every document with the text of the removed one is removed too, for {with_copies} of \
                     {total} queries, up to {most} documents each (remove = \"text\")"
                ),
            });
        }
    }
}
