//! A scenario whose every index resolves.

use std::collections::HashSet;

use clirbench_abi::RStr;
use clirbench_abi::scenario::{DatasetView, PoolDocument, ScenarioBox, Task};

use crate::{Error, Result};

/// An opened scenario.
pub struct ScenarioHandle {
    plugin: String,
    scenario: ScenarioBox,
}

impl ScenarioHandle {
    pub(crate) fn new(plugin: &str, scenario: ScenarioBox) -> Self {
        ScenarioHandle { plugin: plugin.to_owned(), scenario }
    }

    /// Every cell of the leaderboard that the scenario has on this dataset.
    ///
    /// # Errors
    /// What the plugin returned, or the first task that does not fit the dataset.
    pub fn tasks(&self, view: &DatasetView) -> Result<Vec<Task>> {
        let view_json = serde_json::to_string(view)
            .map_err(|e| Error::Usage(format!("a dataset view that is not JSON: {e}")))?;
        let tasks = self.scenario.tasks(RStr::from(view_json.as_str())).into_result();
        let tasks = tasks.map_err(|e| Error::from_plugin(&self.plugin, e))?;
        let tasks: Vec<Task> = serde_json::from_str(&tasks)
            .map_err(|e| Error::contract(&self.plugin, format!("its tasks are not tasks: {e}")))?;
        let present = Present::of(view);
        for (i, task) in tasks.iter().enumerate() {
            present.check(task).map_err(|breach| {
                Error::contract(&self.plugin, format!("task {i} (`{}`): {breach}", task.scenario))
            })?;
        }
        Ok(tasks)
    }
}

/// Which queries and documents have a text, per language.
struct Present {
    queries: Vec<HashSet<u32>>,
    documents: Vec<HashSet<u32>>,
}

impl Present {
    fn of(view: &DatasetView) -> Self {
        // A language without a list has no texts.
        let sets = |lists: &[Vec<u32>]| {
            let mut sets: Vec<HashSet<u32>> = lists.iter().map(|l| l.iter().copied().collect()).collect();
            sets.resize_with(view.languages.len(), HashSet::new);
            sets
        };
        Present { queries: sets(&view.query_present), documents: sets(&view.document_present) }
    }

    fn check(&self, task: &Task) -> std::result::Result<(), String> {
        if task.scenario.is_empty() {
            return Err("it has no scenario name".to_owned());
        }
        if task.metrics.is_empty() {
            return Err("it has no metric".to_owned());
        }
        self.check_pool(&task.pool_langs)?;
        self.check_queries(task)?;
        if task.relevant.len() != task.queries.len() {
            let (n, queries) = (task.relevant.len(), task.queries.len());
            return Err(format!("{n} lists of relevant documents for {queries} queries"));
        }
        if !task.excluded.is_empty() && task.excluded.len() != task.queries.len() {
            let (n, queries) = (task.excluded.len(), task.queries.len());
            return Err(format!("{n} lists of excluded documents for {queries} queries"));
        }
        for (i, query) in task.queries.iter().enumerate() {
            let mut judged = HashSet::new();
            for (document, _) in &task.relevant[i] {
                self.check_document(*query, *document, &task.pool_langs)?;
                if !judged.insert(*document) {
                    return Err(format!("query {query} judges {} twice", shown(*document)));
                }
            }
            let mut excluded = HashSet::new();
            for document in task.excluded.get(i).into_iter().flatten() {
                self.check_document(*query, *document, &task.pool_langs)?;
                if judged.contains(document) {
                    return Err(format!("query {query} judges and excludes {}", shown(*document)));
                }
                if !excluded.insert(*document) {
                    return Err(format!("query {query} excludes {} twice", shown(*document)));
                }
            }
        }
        Ok(())
    }

    fn check_pool(&self, languages: &[u32]) -> std::result::Result<(), String> {
        if languages.is_empty() {
            return Err("its pool has no language".to_owned());
        }
        if !languages.is_sorted_by(|a, b| a < b) {
            return Err("its pool languages do not ascend".to_owned());
        }
        match languages.iter().find(|&&l| l as usize >= self.documents.len()) {
            Some(language) => Err(format!("its pool has language {language} of {}", self.documents.len())),
            None => Ok(()),
        }
    }

    fn check_queries(&self, task: &Task) -> std::result::Result<(), String> {
        let Some(present) = self.queries.get(task.query_lang as usize) else {
            return Err(format!("its queries have language {} of {}", task.query_lang, self.queries.len()));
        };
        if !task.queries.is_sorted_by(|a, b| a < b) {
            return Err("its queries do not ascend".to_owned());
        }
        match task.queries.iter().find(|query| !present.contains(query)) {
            Some(query) => Err(format!("query {query} has no text in language {}", task.query_lang)),
            None => Ok(()),
        }
    }

    fn check_document(
        &self,
        query: u32,
        document: PoolDocument,
        languages: &[u32],
    ) -> std::result::Result<(), String> {
        let (language, index) = document;
        let in_pool = languages.contains(&language)
            && self.documents.get(language as usize).is_some_and(|present| present.contains(&index));
        if in_pool {
            Ok(())
        } else {
            Err(format!("query {query} names {}, which is not in the pool", shown(document)))
        }
    }
}

fn shown((language, document): PoolDocument) -> String {
    format!("document {document} in language {language}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two languages; query 1 and document 2 lack the second.
    fn view() -> DatasetView {
        DatasetView {
            languages: vec!["en".into(), "de".into()],
            query_present: vec![vec![0, 1], vec![0]],
            document_present: vec![vec![0, 1, 2], vec![0, 1]],
            ..Default::default()
        }
    }

    fn task() -> Task {
        Task {
            scenario: "multi".into(),
            query_lang: 0,
            pool_langs: vec![0, 1],
            queries: vec![0, 1],
            relevant: vec![vec![((0, 0), 1), ((1, 0), 1)], vec![((0, 2), 2)]],
            excluded: vec![vec![(0, 1)], vec![]],
            metrics: vec!["ndcg@10".into()],
            notes: vec![],
        }
    }

    fn breach(change: impl FnOnce(&mut Task)) -> String {
        let mut task = task();
        change(&mut task);
        Present::of(&view()).check(&task).expect_err("a breach")
    }

    #[test]
    fn a_task_that_fits_passes() {
        assert_eq!(Present::of(&view()).check(&task()), Ok(()));
        let bare = Task { excluded: vec![], ..task() };
        assert_eq!(Present::of(&view()).check(&bare), Ok(()));
    }

    #[test]
    fn every_breach_is_named() {
        assert_eq!(breach(|t| t.query_lang = 2), "its queries have language 2 of 2");
        assert_eq!(breach(|t| t.query_lang = 1), "query 1 has no text in language 1");
        assert_eq!(breach(|t| t.queries.swap(0, 1)), "its queries do not ascend");
        assert_eq!(breach(|t| t.pool_langs = vec![0, 2]), "its pool has language 2 of 2");
        assert_eq!(breach(|t| t.pool_langs = vec![1, 0]), "its pool languages do not ascend");
        assert_eq!(breach(|t| t.pool_langs.clear()), "its pool has no language");
        assert_eq!(breach(|t| t.metrics.clear()), "it has no metric");
        assert_eq!(breach(|t| t.scenario.clear()), "it has no scenario name");
        assert_eq!(breach(|t| drop(t.relevant.pop())), "1 lists of relevant documents for 2 queries");
        assert_eq!(breach(|t| drop(t.excluded.pop())), "1 lists of excluded documents for 2 queries");
        let absent = "query 1 names document 2 in language 1, which is not in the pool";
        assert_eq!(breach(|t| t.relevant[1][0].0 = (1, 2)), absent);
        assert_eq!(breach(|t| t.excluded[1].push((1, 2))), absent);
        let beyond = "query 0 names document 0 in language 7, which is not in the pool";
        assert_eq!(breach(|t| t.relevant[0][0].0 = (7, 0)), beyond);
        assert_eq!(breach(|t| t.relevant[0][1].0 = (0, 0)), "query 0 judges document 0 in language 0 twice");
        assert_eq!(breach(|t| t.excluded[0].push((0, 1))), "query 0 excludes document 1 in language 0 twice");
        assert_eq!(
            breach(|t| t.excluded[0][0] = (0, 0)),
            "query 0 judges and excludes document 0 in language 0"
        );
    }
}
