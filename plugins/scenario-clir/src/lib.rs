//! `clir` (Mono-Cross, Hong et al. 2026): queries in one language, documents in one other.
//!
//! One cell per ordered pair of languages, in the order of query language, then document
//! language. A query counts if it has a text in its language and a relevant document in the other;
//! see [`Layout::cell`].

use clirbench_plugin::{DatasetView, Host, Layout, Result, Scenario, Selection, Task, options};

clirbench_plugin::export_plugin! {
    id: "scenario-clir",
    interfaces: [scenario: Clir { schema: include_str!("../schema.json"), }],
}

/// As in `mono`, so that the two are comparable cell by cell.
const METRICS: [&str; 6] = ["ndcg@1", "ndcg@10", "mrr", "recall@10", "recall@100", "map"];

/// The scenario with its options.
#[derive(Debug)]
pub struct Clir {
    selection: Selection,
}

impl Scenario for Clir {
    fn open(config: &serde_json::Value, _host: Host) -> Result<Self> {
        Ok(Self { selection: options(config)? })
    }

    fn tasks(&self, view: &DatasetView) -> Result<Vec<Task>> {
        let layout = Layout::new(view, &self.selection, &METRICS)?;
        let mut tasks = Vec::new();
        for &query_lang in layout.languages() {
            for &document_lang in layout.languages() {
                if document_lang != query_lang && layout.wants(query_lang, &[document_lang]) {
                    tasks.extend(layout.cell("clir", query_lang, &[document_lang]));
                }
            }
        }
        Ok(tasks)
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
        let scenario = Clir::open(&config, Host::detached()).unwrap();
        let tasks = scenario.tasks(&view()).unwrap();
        tasks.iter().for_each(|task| task.check(&view()).unwrap());
        tasks
    }

    #[test]
    fn one_cell_per_ordered_pair() {
        let tasks = tasks(json!({}));
        let cells: Vec<_> = tasks.iter().map(|t| (t.query_lang, t.pool_langs[0])).collect();
        assert_eq!(cells, [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]);
        assert!(
            tasks.iter().all(|t| t.scenario == "clir" && t.pool_langs.len() == 1 && t.metrics == METRICS)
        );
        // English queries, Korean documents: query 1's document has no Korean text.
        assert_eq!(tasks[0].queries, [0, 2]);
        assert_eq!(tasks[0].relevant, [vec![((1, 0), 1)], vec![((1, 0), 0), ((1, 2), 1)]]);
        // Vietnamese queries, Korean documents: query 2 has no text either.
        assert_eq!(tasks[5].queries, [0]);
        assert_eq!(
            tasks[5].notes,
            [
                "1 of 3 queries left out: without a text in vi",
                "1 of 3 queries left out: without a relevant document in ko"
            ]
        );
    }

    #[test]
    fn options_restrict_pairs() {
        let pairs =
            |config| -> Vec<_> { tasks(config).iter().map(|t| (t.query_lang, t.pool_langs[0])).collect() };
        assert_eq!(pairs(json!({"pairs_with": "ko"})), [(0, 1), (1, 0), (1, 2), (2, 1)]);
        assert_eq!(pairs(json!({"query_langs": ["vi"]})), [(2, 0), (2, 1)]);
        assert_eq!(pairs(json!({"languages": ["vi", "en"]})), [(0, 2), (2, 0)]);
        assert_eq!(pairs(json!({"languages": ["vi"]})), []);
    }
}
