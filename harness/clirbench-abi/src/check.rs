//! Whether what crosses the scenario interface fits together: every index resolves.

use std::fmt;

use crate::scenario::{DatasetView, PoolDocument, Task};

/// What does not fit, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit(String);

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unfit {}

impl DatasetView {
    /// Whether `document` has a text in `language`.
    #[must_use]
    pub fn has_document(&self, language: u32, document: u32) -> bool {
        let groups = self.text_group.get(language as usize);
        groups.and_then(|g| g.get(document as usize)).is_some_and(|&group| group != u32::MAX)
    }

    /// Checks that all parts agree, so that every index that a scenario meets resolves.
    ///
    /// # Errors
    /// [`Unfit`] names the first part that does not fit.
    pub fn check(&self) -> Result<(), Unfit> {
        let languages = self.languages.len();
        let documents = self.text_group.first().map_or(0, Vec::len) as u32;
        for (part, len) in [
            ("query_present", self.query_present.len()),
            ("document_present", self.document_present.len()),
            ("text_group", self.text_group.len()),
        ] {
            require(len == languages, || format!("{part} has {len} languages instead of {languages}"))?;
        }
        for (l, name) in self.languages.iter().enumerate() {
            let queries = &self.query_present[l];
            let sorted = rises_below(queries, self.qrels.len() as u32);
            require(sorted, || format!("query_present of {name} does not rise within the queries"))?;
            let groups = &self.text_group[l];
            let present: Vec<u32> =
                (0..groups.len() as u32).filter(|&d| groups[d as usize] != u32::MAX).collect();
            let agree = groups.len() as u32 == documents && present == self.document_present[l];
            require(agree, || format!("document_present and text_group of {name} do not agree"))?;
            let rooted = present.iter().all(|&d| {
                let group = groups[d as usize];
                group <= d && groups[group as usize] == group
            });
            require(rooted, || {
                format!("text_group of {name} names a document that is not the first of its group")
            })?;
        }
        for (query, judgements) in self.qrels.iter().enumerate() {
            let mut judged: Vec<u32> = judgements.iter().map(|j| j.0).collect();
            judged.sort_unstable();
            let fit = rises_below(&judged, documents);
            require(fit, || format!("qrels of query {query} repeat a document or point nowhere"))?;
        }
        Ok(())
    }
}

impl Task {
    /// Checks the task against the view that it was made from: it has a name and a metric, every index resolves, lists are
    /// parallel and in order, judged documents are in the pool, no excluded document is judged,
    /// and every query has a relevant document.
    ///
    /// # Errors
    /// [`Unfit`] names the task and the first part that does not fit.
    pub fn check(&self, view: &DatasetView) -> Result<(), Unfit> {
        let of = |problem: String| format!("task {} ({}): {problem}", self.scenario, self.query_lang);
        require(!self.scenario.is_empty(), || of("it has no scenario name".to_owned()))?;
        require(!self.metrics.is_empty(), || of("it has no metric".to_owned()))?;
        let languages = view.languages.len() as u32;
        let langs = self.query_lang < languages && rises_below(&self.pool_langs, languages);
        require(langs, || of("its languages do not rise within the dataset's".to_owned()))?;
        let rising = rises_below(&self.queries, view.qrels.len() as u32);
        require(rising, || of("its queries do not rise within the dataset's".to_owned()))?;
        let lists = self.relevant.len() == self.queries.len()
            && (self.excluded.is_empty() || self.excluded.len() == self.queries.len());
        require(lists, || of("relevant or excluded is not parallel to queries".to_owned()))?;
        let in_pool = |&(l, d): &PoolDocument| self.pool_langs.contains(&l) && view.has_document(l, d);
        let asking = view.query_present.get(self.query_lang as usize);
        for (i, (query, judged)) in self.queries.iter().zip(&self.relevant).enumerate() {
            let excluded = self.excluded.get(i).map_or(&[][..], Vec::as_slice);
            let asked = asking.is_some_and(|asking| asking.binary_search(query).is_ok());
            require(asked, || of(format!("query {query} has no text in its language")))?;
            let ordered =
                judged.windows(2).all(|w| w[0].0 < w[1].0) && excluded.windows(2).all(|w| w[0] < w[1]);
            require(ordered, || of(format!("query {query} repeats a document or is not in pool order")))?;
            let pooled = judged.iter().map(|(d, _)| d).chain(excluded).all(in_pool);
            require(pooled, || of(format!("query {query} names a document outside the pool")))?;
            let apart = judged.iter().all(|(d, _)| !excluded.contains(d));
            require(apart, || of(format!("query {query} excludes a document that it judges")))?;
            let answered = judged.iter().any(|&(_, grade)| grade > 0);
            require(answered, || of(format!("query {query} has no relevant document")))?;
        }
        Ok(())
    }
}

/// Whether `values` rise strictly and stay below `bound`.
fn rises_below(values: &[u32], bound: u32) -> bool {
    values.windows(2).all(|w| w[0] < w[1]) && values.last().is_none_or(|&last| last < bound)
}

fn require(holds: bool, problem: impl FnOnce() -> String) -> Result<(), Unfit> {
    if holds { Ok(()) } else { Err(Unfit(problem())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How to spoil a sound value, and what the error then says.
    type Fault<T> = (fn(&mut T), &'static str);

    fn view() -> DatasetView {
        DatasetView {
            languages: vec!["en".to_owned(), "ko".to_owned()],
            query_present: vec![vec![0, 1], vec![0]],
            document_present: vec![vec![0, 1], vec![1]],
            text_group: vec![vec![0, 0], vec![u32::MAX, 1]],
            qrels: vec![vec![(0, 1), (1, 0)], vec![(1, 1)]],
            documents: "unique".to_owned(),
        }
    }

    fn task() -> Task {
        Task {
            scenario: "multi".to_owned(),
            query_lang: 0,
            pool_langs: vec![0, 1],
            queries: vec![0, 1],
            relevant: vec![vec![((0, 0), 1), ((1, 1), 0)], vec![((1, 1), 1)]],
            excluded: vec![vec![(0, 1)], vec![(0, 1)]],
            metrics: vec!["ndcg@10".to_owned()],
            ..Task::default()
        }
    }

    #[test]
    fn sound_views_and_tasks_pass() {
        view().check().unwrap();
        DatasetView::default().check().unwrap();
        task().check(&view()).unwrap();
    }

    #[test]
    fn each_fault_of_a_view_is_named() {
        let faults: [Fault<DatasetView>; 7] = [
            (|v| v.languages.push("vi".to_owned()), "query_present has 2 languages instead of 3"),
            (|v| v.query_present[0] = vec![1, 0], "query_present of en"),
            (|v| v.query_present[1] = vec![2], "query_present of ko"),
            (|v| v.document_present[1] = vec![0, 1], "document_present and text_group of ko"),
            (|v| v.text_group[0] = vec![0, 0, 0], "document_present and text_group of en"),
            (|v| v.text_group[0] = vec![1, 1], "text_group of en"),
            (|v| v.qrels[1] = vec![(1, 1), (1, 0)], "qrels of query 1"),
        ];
        for (spoil, expected) in faults {
            let mut view = view();
            spoil(&mut view);
            let error = view.check().unwrap_err();
            assert!(error.0.contains(expected), "{expected}: {error}");
        }
    }

    #[test]
    fn each_fault_of_a_task_is_named() {
        let faults: [Fault<Task>; 12] = [
            (|t| t.scenario.clear(), "no scenario name"),
            (|t| t.metrics.clear(), "no metric"),
            (|t| t.query_lang = 2, "languages"),
            (|t| t.pool_langs = vec![1, 0], "languages"),
            (|t| t.queries = vec![0, 2], "queries"),
            (|t| t.query_lang = 1, "query 1 has no text"),
            (|t| t.relevant.truncate(1), "not parallel"),
            (|t| t.excluded.truncate(1), "not parallel"),
            (|t| t.relevant[0].swap(0, 1), "pool order"),
            (|t| t.relevant[1][0].0 = (1, 0), "outside the pool"),
            (|t| t.excluded[1][0] = (1, 1), "excludes a document that it judges"),
            (|t| t.relevant[1][0].1 = 0, "no relevant document"),
        ];
        for (spoil, expected) in faults {
            let mut task = task();
            spoil(&mut task);
            let error = task.check(&view()).unwrap_err();
            assert!(error.0.contains(expected), "{expected}: {error}");
        }
    }
}
