//! `mono` (Mono-Same, Hong et al. 2026): queries and documents in one language.
//!
//! One cell per language: its queries against all of its documents. A query counts if it has a
//! text and a relevant document in the language; see [`Layout::cell`].

use clirbench_plugin::{DatasetView, Host, Layout, Result, Scenario, Selection, Task, options};

clirbench_plugin::export_plugin! {
    id: "scenario-mono",
    interfaces: [scenario: Mono { schema: include_str!("../schema.json"), }],
}

/// Rank of the first relevant document, early precision, and recall at a reader's and a
/// reranker's depth. Fixed whatever the pool's size, so that leaderboards line up.
const METRICS: [&str; 6] = ["ndcg@1", "ndcg@10", "mrr", "recall@10", "recall@100", "map"];

/// The scenario with its options.
#[derive(Debug)]
pub struct Mono {
    selection: Selection,
}

impl Scenario for Mono {
    fn open(config: &serde_json::Value, _host: Host) -> Result<Self> {
        Ok(Self { selection: options(config)? })
    }

    fn tasks(&self, view: &DatasetView) -> Result<Vec<Task>> {
        let layout = Layout::new(view, &self.selection, &METRICS)?;
        let languages = layout.languages().iter();
        Ok(languages
            .filter(|&&language| layout.wants(language, &[language]))
            .filter_map(|&language| layout.cell("mono", language, &[language]))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use clirbench_plugin::serde_json::{Value, json};

    use super::*;

    /// en, ko, vi; documents 0 to 2 answer queries 0 to 2. Document 1 has no Korean text, query 2
    /// no Vietnamese; document 0 is judged for query 2 too, and found wanting.
    fn view() -> DatasetView {
        DatasetView {
            languages: ["en", "ko", "vi"].map(String::from).to_vec(),
            query_present: vec![vec![0, 1, 2], vec![0, 1, 2], vec![0, 1]],
            document_present: vec![vec![0, 1, 2], vec![0, 2], vec![0, 1, 2]],
            text_group: vec![vec![0, 1, 2], vec![0, u32::MAX, 2], vec![0, 1, 2]],
            qrels: vec![vec![(0, 1)], vec![(1, 1)], vec![(2, 1), (0, 0)]],
            documents: "unique".to_owned(),
        }
    }

    fn tasks(config: Value) -> Vec<Task> {
        let scenario = Mono::open(&config, Host::detached()).unwrap();
        let tasks = scenario.tasks(&view()).unwrap();
        tasks.iter().for_each(|task| task.check(&view()).unwrap());
        tasks
    }

    #[test]
    fn one_cell_per_language() {
        let tasks = tasks(json!({}));
        let cells: Vec<_> = tasks.iter().map(|t| (t.query_lang, &t.pool_langs[..], &t.queries[..])).collect();
        // Query 1 has no relevant document in Korean, query 2 no text in Vietnamese.
        assert_eq!(cells, [(0, &[0][..], &[0, 1, 2][..]), (1, &[1], &[0, 2]), (2, &[2], &[0, 1])]);
        assert_eq!(tasks[0].relevant[2], [((0, 0), 0), ((0, 2), 1)]);
        assert!(tasks.iter().all(|t| t.scenario == "mono" && t.excluded.is_empty() && t.metrics == METRICS));
        assert_eq!(tasks[0].notes, [""; 0]);
        assert_eq!(tasks[1].notes, ["1 of 3 queries left out: without a relevant document in ko"]);
        assert_eq!(tasks[2].notes, ["1 of 3 queries left out: without a text in vi"]);
    }

    #[test]
    fn options_restrict_languages_and_metrics() {
        let tasks = tasks(json!({"languages": ["vi", "en"], "query_langs": ["vi"], "metrics": ["mrr@5"]}));
        assert_eq!(tasks.len(), 1);
        assert_eq!((tasks[0].query_lang, &tasks[0].metrics[..]), (2, &["mrr@5".to_owned()][..]));
    }

    #[test]
    fn a_language_without_queries_has_no_cell() {
        let mut view = view();
        view.query_present[1].clear();
        let mono = Mono::open(&json!({}), Host::detached()).unwrap();
        let languages: Vec<u32> = mono.tasks(&view).unwrap().iter().map(|t| t.query_lang).collect();
        assert_eq!(languages, [0, 2]);
    }
}
