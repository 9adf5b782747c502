use clirbench_plugin::serde_json::json;
use clirbench_plugin::{DatasetView, Task};
use proptest::prelude::*;

/// Any view: texts are drawn from a few, so that some are equal; any text may be missing.
fn views() -> impl Strategy<Value = DatasetView> {
    (1..5usize, 0..6usize, 0..8usize).prop_flat_map(|(languages, queries, documents)| {
        let asked =
            prop::collection::vec(prop::collection::vec(prop::bool::weighted(0.8), queries), languages);
        let texts = prop::collection::vec(
            prop::collection::vec(prop::option::weighted(0.8, 0..4u8), documents),
            languages,
        );
        let grades = prop::collection::vec(
            prop::collection::vec(prop::option::weighted(0.4, -1..3i32), documents),
            queries,
        );
        (asked, texts, grades).prop_map(|(asked, texts, grades)| view(&asked, &texts, &grades))
    })
}

fn view(asked: &[Vec<bool>], texts: &[Vec<Option<u8>>], grades: &[Vec<Option<i32>>]) -> DatasetView {
    let present = |there: Vec<bool>| (0u32..).zip(there).filter(|&(_, t)| t).map(|(i, _)| i).collect();
    let group = |texts: &Vec<Option<u8>>, d: usize| match texts[d] {
        Some(_) => texts.iter().position(|t| *t == texts[d]).map_or(u32::MAX, |first| first as u32),
        None => u32::MAX,
    };
    DatasetView {
        languages: (0..texts.len()).map(|l| format!("l{l}")).collect(),
        query_present: asked.iter().map(|there| present(there.clone())).collect(),
        document_present: texts.iter().map(|t| present(t.iter().map(Option::is_some).collect())).collect(),
        text_group: texts.iter().map(|t| (0..t.len()).map(|d| group(t, d)).collect()).collect(),
        qrels: grades
            .iter()
            .map(|judged| (0u32..).zip(judged).filter_map(|(d, grade)| Some((d, (*grade)?))).collect())
            .collect(),
        documents: "unique".to_owned(),
    }
}

fn excluded(task: &Task) -> usize {
    task.excluded.iter().map(Vec::len).sum()
}

proptest! {
    #[test]
    fn every_cell_fits_its_view(view in views()) {
        prop_assert_eq!(view.check(), Ok(()));
        for kind in ["multi", "multi-1", "pool-3", "pool-all"] {
            for remove in ["copy", "text"] {
                let tasks = crate::tasks(&view, json!({"kind": kind, "remove": remove})).unwrap();
                for task in &tasks {
                    prop_assert_eq!(task.check(&view), Ok(()));
                    prop_assert!(task.pool_langs.contains(&task.query_lang));
                }
                let mut cells: Vec<_> = tasks.iter().map(|t| (&t.pool_langs, t.query_lang)).collect();
                cells.dedup();
                prop_assert!(cells.len() == tasks.len() && cells.is_sorted());
            }
        }
    }

    #[test]
    fn multi_1_is_multi_less_the_query_language(view in views()) {
        let of = |kind, remove| crate::tasks(&view, json!({"kind": kind, "remove": remove})).unwrap();
        let (multi, copy, text) = (of("multi", "copy"), of("multi-1", "copy"), of("multi-1", "text"));
        prop_assert_eq!(multi.len(), copy.len());
        for ((whole, copy), text) in multi.iter().zip(&copy).zip(&text) {
            prop_assert_eq!((&whole.queries, &whole.pool_langs), (&copy.queries, &copy.pool_langs));
            prop_assert_eq!((&whole.queries, &whole.pool_langs), (&text.queries, &text.pool_langs));
            for ((whole, copy), excluded) in whole.relevant.iter().zip(&copy.relevant).zip(&copy.excluded) {
                let mut parts: Vec<_> =
                    copy.iter().map(|j| j.0).chain(excluded.iter().copied()).collect();
                parts.sort_unstable();
                prop_assert_eq!(parts, whole.iter().map(|j| j.0).collect::<Vec<_>>());
                prop_assert!(!excluded.is_empty());
            }
            prop_assert!(excluded(copy) <= excluded(text));
        }
    }
}
