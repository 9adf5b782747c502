//! What every scenario needs: choose languages, collect judgements, name what is left out.

use serde::Deserialize;

use crate::{DatasetView, Error, PoolDocument, Result, Task};

/// Options that all scenarios share; a scenario flattens them into its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Languages of queries and pools; all of the dataset's where absent.
    pub languages: Option<Vec<String>>,
    /// Languages of queries; all of `languages` where absent.
    pub query_langs: Option<Vec<String>>,
    /// Only cells in which this language takes part, as the queries' or in the pool.
    pub pairs_with: Option<String>,
    /// Metrics in place of the scenario's own.
    pub metrics: Option<Vec<String>>,
}

/// A dataset as one scenario sees it: the chosen languages, and cells built by one rule.
///
/// The rule: a query counts if it has a text in the query language and *each* language of the
/// pool holds a document that is relevant to it (grade > 0). So the relevant documents of a mixed
/// pool are parallel for every query that counts, and `multi` and `multi-1` count the same
/// queries. All other documents of the pool's languages stay in the pool.
///
/// ```
/// use clirbench_plugin::{DatasetView, Layout, Selection};
///
/// // Two languages; one query, answered by document 0; document 1 is there in language 0 only.
/// let view = DatasetView {
///     languages: vec!["en".into(), "ko".into()],
///     query_present: vec![vec![0], vec![0]],
///     document_present: vec![vec![0, 1], vec![0]],
///     text_group: vec![vec![0, 1], vec![0, u32::MAX]],
///     qrels: vec![vec![(0, 1)]],
///     documents: "unique".into(),
/// };
/// let layout = Layout::new(&view, &Selection::default(), &["mrr"])?;
/// let cell = layout.cell("clir", 0, &[1]).expect("one query counts");
/// assert_eq!(cell.queries, [0]);
/// assert_eq!(cell.relevant, [[((1, 0), 1)]]);
/// # Ok::<(), clirbench_plugin::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Layout<'a> {
    view: &'a DatasetView,
    languages: Vec<u32>,
    query_langs: Vec<u32>,
    pairs_with: Option<u32>,
    metrics: Vec<String>,
    notes: Vec<String>,
}

impl<'a> Layout<'a> {
    /// Resolves `selection` on `view`; `metrics` are the scenario's own.
    ///
    /// A language that the dataset lacks is passed over with a note on every cell, because one
    /// selection may serve several datasets.
    ///
    /// # Errors
    /// `input` if the view is inconsistent, `config` if nothing that an option names is there.
    pub fn new(view: &'a DatasetView, selection: &Selection, metrics: &[&str]) -> Result<Self> {
        view.check().map_err(|unfit| {
            Error::input(unfit.to_string()).hint("the harness made this view: please report it")
        })?;
        let all: Vec<u32> = (0..view.languages.len() as u32).collect();
        let mut notes = Vec::new();
        let languages = match &selection.languages {
            Some(names) => find("languages", names, view, &all, &mut notes)?,
            None => all,
        };
        let query_langs = match &selection.query_langs {
            Some(names) => find("query_langs", names, view, &languages, &mut notes)?,
            None => languages.clone(),
        };
        let pairs_with = match &selection.pairs_with {
            Some(name) => {
                let names = std::slice::from_ref(name);
                find("pairs_with", names, view, &languages, &mut notes)?.first().copied()
            }
            None => None,
        };
        let metrics = match &selection.metrics {
            Some(own) => own.clone(),
            None => metrics.iter().map(|&m| m.to_owned()).collect(),
        };
        Ok(Self { view, languages, query_langs, pairs_with, metrics, notes })
    }

    /// The chosen languages, ascending.
    #[must_use]
    pub fn languages(&self) -> &[u32] {
        &self.languages
    }

    /// Whether the options ask for this cell.
    #[must_use]
    pub fn wants(&self, query_lang: u32, pool_langs: &[u32]) -> bool {
        self.query_langs.contains(&query_lang)
            && self.pairs_with.is_none_or(|with| with == query_lang || pool_langs.contains(&with))
    }

    /// The cell of queries in `query_lang` on all documents in `pool_langs` (ascending), with a
    /// note on the queries that do not count; `None` where no query counts.
    #[must_use]
    pub fn cell(&self, scenario: &str, query_lang: u32, pool_langs: &[u32]) -> Option<Task> {
        let asked = self.view.query_present.get(query_lang as usize)?;
        let mut queries = Vec::with_capacity(asked.len());
        let mut relevant = Vec::with_capacity(asked.len());
        for &query in asked {
            let judged = judged(self.view, query, pool_langs);
            let answered = |&l: &u32| judged.iter().any(|&((language, _), grade)| language == l && grade > 0);
            if pool_langs.iter().all(answered) {
                queries.push(query);
                relevant.push(judged);
            }
        }
        if queries.is_empty() {
            return None;
        }
        let mut notes = self.notes.clone();
        let total = self.view.qrels.len();
        let named: Vec<&str> = pool_langs.iter().map(|&l| self.name(l)).collect();
        let untranslated = format!("without a text in {}", self.name(query_lang));
        let unanswered = format!("without a relevant document in {}", named.join(" or in "));
        for (left_out, why) in
            [(total - asked.len(), untranslated), (asked.len() - queries.len(), unanswered)]
        {
            if left_out > 0 {
                notes.push(format!("{left_out} of {total} queries left out: {why}"));
            }
        }
        Some(Task {
            scenario: scenario.to_owned(),
            query_lang,
            pool_langs: pool_langs.to_vec(),
            queries,
            relevant,
            excluded: Vec::new(),
            metrics: self.metrics.clone(),
            notes,
        })
    }

    fn name(&self, language: u32) -> &str {
        self.view.languages.get(language as usize).map_or("?", String::as_str)
    }
}

/// Indices of the named languages among `candidates`, ascending; those that are missing are noted.
fn find(
    option: &str,
    names: &[String],
    view: &DatasetView,
    candidates: &[u32],
    notes: &mut Vec<String>,
) -> Result<Vec<u32>> {
    let known = |&l: &u32| &view.languages[l as usize];
    let found: Vec<u32> = candidates.iter().copied().filter(|l| names.contains(known(l))).collect();
    let there: Vec<&str> = candidates.iter().map(|l| known(l).as_str()).collect();
    let missing: Vec<&str> = names.iter().map(String::as_str).filter(|n| !there.contains(n)).collect();
    if found.is_empty() {
        let names = names.join(", ");
        return Err(Error::config(format!("option `{option}` names no language that is there: {names}"))
            .hint(format!("choose from {}", there.join(", "))));
    }
    if !missing.is_empty() {
        notes.push(format!("option `{option}` names languages that are not there: {}", missing.join(", ")));
    }
    Ok(found)
}

/// Judgements of `query` on the documents present in `pool_langs`, in pool order.
fn judged(view: &DatasetView, query: u32, pool_langs: &[u32]) -> Vec<(PoolDocument, i32)> {
    let judgements = &view.qrels[query as usize];
    let mut judged: Vec<(PoolDocument, i32)> = pool_langs
        .iter()
        .flat_map(|&l| judgements.iter().map(move |&(document, grade)| ((l, document), grade)))
        .filter(|&((language, document), _)| view.has_document(language, document))
        .collect();
    judged.sort_unstable();
    judged
}

#[cfg(test)]
mod tests {
    use super::*;

    /// en, ko, vi; 4 queries and 4 documents. Document 2 lacks ko, query 3 lacks vi, query 2 has
    /// only a negative judgement, document 3 is judged by nobody.
    fn view() -> DatasetView {
        const X: u32 = u32::MAX;
        DatasetView {
            languages: ["en", "ko", "vi"].map(String::from).to_vec(),
            query_present: vec![vec![0, 1, 2, 3], vec![0, 1, 2, 3], vec![0, 1, 2]],
            document_present: vec![vec![0, 1, 2, 3], vec![0, 1, 3], vec![0, 1, 2, 3]],
            text_group: vec![vec![0, 1, 2, 3], vec![0, 1, X, 3], vec![0, 1, 2, 3]],
            qrels: vec![vec![(0, 1)], vec![(2, 1), (1, 0)], vec![(0, -1)], vec![(1, 2)]],
            documents: "unique".to_owned(),
        }
    }

    fn names(names: &[&str]) -> Option<Vec<String>> {
        Some(names.iter().map(|&n| n.to_owned()).collect())
    }

    #[test]
    fn a_cell_counts_queries_with_a_relevant_document_in_each_pool_language() {
        let view = view();
        let layout = Layout::new(&view, &Selection::default(), &["mrr"]).unwrap();
        let cell = layout.cell("multi", 0, &[0, 1]).unwrap();
        // Query 1's relevant document has no Korean text; query 2 has no relevant document.
        assert_eq!(cell.queries, [0, 3]);
        assert_eq!(cell.relevant, [vec![((0, 0), 1), ((1, 0), 1)], vec![((0, 1), 2), ((1, 1), 2)]]);
        assert_eq!(cell.notes, ["2 of 4 queries left out: without a relevant document in en or in ko"]);
        assert_eq!(cell.metrics, ["mrr"]);
        cell.check(&view).unwrap();
    }

    #[test]
    fn judgements_of_every_grade_are_kept_in_pool_order() {
        let view = view();
        assert_eq!(judged(&view, 1, &[0, 1]), [((0, 1), 0), ((0, 2), 1), ((1, 1), 0)]);
    }

    #[test]
    fn both_reasons_for_leaving_queries_out_are_noted() {
        let view = view();
        let layout = Layout::new(&view, &Selection::default(), &["mrr"]).unwrap();
        let cell = layout.cell("mono", 2, &[2]).unwrap();
        assert_eq!(cell.queries, [0, 1]);
        assert_eq!(
            cell.notes,
            [
                "1 of 4 queries left out: without a text in vi",
                "1 of 4 queries left out: without a relevant document in vi"
            ]
        );
    }

    #[test]
    fn a_cell_without_queries_is_none() {
        let mut view = view();
        view.qrels = vec![Vec::new(); 4];
        let layout = Layout::new(&view, &Selection::default(), &[]).unwrap();
        assert_eq!(layout.cell("mono", 0, &[0]), None);
        assert_eq!(layout.cell("mono", 7, &[0]), None);
    }

    #[test]
    fn options_choose_languages_cells_and_metrics() {
        let view = view();
        let selection = Selection {
            languages: names(&["vi", "en", "xx"]),
            query_langs: names(&["vi"]),
            pairs_with: Some("en".to_owned()),
            metrics: names(&["map"]),
        };
        let layout = Layout::new(&view, &selection, &["mrr"]).unwrap();
        assert_eq!(layout.languages(), [0, 2]);
        assert!(layout.wants(2, &[0, 2]));
        assert!(!layout.wants(0, &[0, 2]), "en is not a query language");
        assert!(!layout.wants(2, &[2]), "the pair lacks en");
        let cell = layout.cell("clir", 2, &[0]).unwrap();
        assert_eq!(cell.metrics, ["map"]);
        assert_eq!(cell.notes[0], "option `languages` names languages that are not there: xx");
    }

    #[test]
    fn options_that_choose_nothing_are_refused() {
        let view = view();
        let none = Selection { languages: names(&["xx"]), ..Selection::default() };
        let error = Layout::new(&view, &none, &[]).unwrap_err();
        assert_eq!((error.kind.as_str(), error.hint.as_str()), ("config", "choose from en, ko, vi"));
        let outside = Selection {
            languages: names(&["en"]),
            pairs_with: Some("ko".to_owned()),
            ..Selection::default()
        };
        assert!(Layout::new(&view, &outside, &[]).unwrap_err().message.contains("pairs_with"));
    }
}
