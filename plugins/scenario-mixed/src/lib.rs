//! Pools of documents in several languages: `multi`, `multi-1` (Hong et al. 2026) and `pool-n`.
//!
//! | kind | pool | relevant |
//! |---|---|---|
//! | `multi` | documents in two languages, the query's one of them | the parallel documents in both |
//! | `multi-1` | the same, less the query's own document in its own language | the one in the other language |
//! | `pool-3`, `pool-4`, ... | documents in that many languages, the query's one of them | the parallel documents in all |
//! | `pool-all` | documents in all languages (three or more) | the parallel documents in all |
//!
//! Cells come in the order of pools (lexicographic in the dataset's language order), then query
//! languages. A query counts if it has a text in its language and a relevant document in *each*
//! language of the pool, so that `multi` and `multi-1` count the same queries and `complete@k`
//! means the same for all of them; see [`Layout::cell`].

mod kind;
mod remove;

use clirbench_plugin::{DatasetView, Error, Host, Layout, Result, Scenario, Selection, Task, options};
use serde::Deserialize;

pub use kind::Kind;
pub use remove::Remove;

clirbench_plugin::export_plugin! {
    id: "scenario-mixed",
    interfaces: [scenario: Mixed { schema: include_str!("../schema.json"), }],
}

/// Most cells that one dataset may have: all pairs of 140 languages, in both directions.
const MAX_CELLS: usize = 20_000;

/// The scenario with its options.
#[derive(Debug)]
pub struct Mixed {
    kind: Kind,
    remove: Remove,
    selection: Selection,
}

#[derive(Deserialize)]
struct Options {
    #[serde(default = "multi")]
    kind: String,
    n: Option<usize>,
    #[serde(default)]
    remove: Remove,
    #[serde(flatten)]
    selection: Selection,
}

fn multi() -> String {
    "multi".to_owned()
}

impl Scenario for Mixed {
    fn open(config: &serde_json::Value, _host: Host) -> Result<Self> {
        let Options { kind, n, remove, selection } = options(config)?;
        Ok(Self { kind: Kind::parse(&kind, n)?, remove, selection })
    }

    fn tasks(&self, view: &DatasetView) -> Result<Vec<Task>> {
        let layout = Layout::new(view, &self.selection, self.kind.metrics())?;
        let name = self.kind.to_string();
        let size = self.kind.pool_size(layout.languages().len());
        let mut tasks = Vec::new();
        let mut cells = 0;
        for pool_langs in combinations(layout.languages(), size) {
            for &query_lang in pool_langs.iter().filter(|&&q| layout.wants(q, &pool_langs)) {
                cells += 1;
                if cells > MAX_CELLS {
                    return Err(too_many(&name, layout.languages().len()));
                }
                let Some(mut task) = layout.cell(&name, query_lang, &pool_langs) else { continue };
                if self.kind == Kind::Multi1 {
                    self.remove.apply(view, &mut task);
                }
                tasks.push(task);
            }
        }
        Ok(tasks)
    }
}

fn too_many(name: &str, languages: usize) -> Error {
    Error::config(format!("{name} has more than {MAX_CELLS} cells on {languages} languages"))
        .hint("choose fewer with `languages`, `query_langs` or `pairs_with`")
}

/// Every choice of `size` of the `items`, each in the items' order, lexicographically; none where
/// there are fewer items or `size` is 0.
fn combinations(items: &[u32], size: usize) -> impl Iterator<Item = Vec<u32>> + '_ {
    let mut next = (1..=items.len()).contains(&size).then(|| (0..size).collect::<Vec<usize>>());
    std::iter::from_fn(move || {
        let at = next.take()?;
        let chosen = at.iter().map(|&i| items[i]).collect();
        // The last position that can still move up, everything after it close behind.
        if let Some(moved) = (0..size).rev().find(|&p| at[p] < items.len() - size + p) {
            let mut after = at;
            let start = after[moved] + 1;
            for (i, slot) in after[moved..].iter_mut().enumerate() {
                *slot = start + i;
            }
            next = Some(after);
        }
        Some(chosen)
    })
}

#[cfg(test)]
mod tests {
    use super::combinations;

    #[test]
    fn combinations_are_complete_and_in_order() {
        let all: Vec<Vec<u32>> = combinations(&[2, 5, 7, 9], 3).collect();
        assert_eq!(all, [[2, 5, 7], [2, 5, 9], [2, 7, 9], [5, 7, 9]]);
        assert_eq!(combinations(&[2, 5], 2).collect::<Vec<_>>(), [[2, 5]]);
        assert_eq!(combinations(&[2, 5], 3).count(), 0);
        assert_eq!(combinations(&[2, 5], 0).count(), 0);
        assert_eq!(combinations(&(0..10).collect::<Vec<_>>(), 4).count(), 210);
    }
}
