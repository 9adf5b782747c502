use clirbench_plugin::serde_json::{Value, json};
use clirbench_plugin::{DatasetView, Task};

/// en, ko, vi; one copy of a paragraph per question. Questions 0 and 1 share a paragraph (copies 0
/// and 1), question 2 has its own (copy 2), question 3's (copy 3) has no Vietnamese text.
/// Document 4 answers nothing, but in Korean it reads like question 2's paragraph.
fn view() -> DatasetView {
    let all: Vec<u32> = vec![0, 1, 2, 3, 4];
    DatasetView {
        languages: ["en", "ko", "vi"].map(String::from).to_vec(),
        query_present: vec![vec![0, 1, 2, 3]; 3],
        document_present: vec![all.clone(), all, vec![0, 1, 2, 4]],
        text_group: vec![vec![0, 0, 2, 3, 4], vec![0, 0, 2, 3, 2], vec![0, 0, 2, u32::MAX, 4]],
        qrels: vec![vec![(0, 1)], vec![(1, 1)], vec![(2, 1)], vec![(3, 1)]],
        documents: "per-question".to_owned(),
    }
}

fn tasks(config: Value) -> Vec<Task> {
    let tasks = crate::tasks(&view(), config).unwrap();
    tasks.iter().for_each(|task| task.check(&view()).unwrap());
    tasks
}

fn cells(tasks: &[Task]) -> Vec<(u32, &[u32])> {
    tasks.iter().map(|t| (t.query_lang, &t.pool_langs[..])).collect()
}

#[test]
fn multi_asks_each_pair_in_both_languages() {
    let tasks = tasks(json!({"kind": "multi"}));
    let expected: [(u32, &[u32]); 6] =
        [(0, &[0, 1]), (1, &[0, 1]), (0, &[0, 2]), (2, &[0, 2]), (1, &[1, 2]), (2, &[1, 2])];
    assert_eq!(cells(&tasks), expected);
    assert_eq!(tasks[0].queries, [0, 1, 2, 3]);
    assert_eq!(tasks[0].relevant[1], [((0, 1), 1), ((1, 1), 1)]);
    assert_eq!(tasks[0].notes, [""; 0]);
    // Question 3 has only one parallel document here, so complete@k would mean something else.
    assert_eq!(tasks[2].queries, [0, 1, 2]);
    assert_eq!(tasks[2].notes, ["1 of 4 queries left out: without a relevant document in en or in vi"]);
    assert!(tasks.iter().all(|t| t.scenario == "multi" && t.excluded.is_empty()));
    assert_eq!(
        tasks[0].metrics,
        ["complete@10", "max@r", "max@r_norm", "max@r_norm_of_mean", "ndcg@10", "mrr", "recall@10"]
    );
}

#[test]
fn multi_1_takes_out_the_questions_own_copy() {
    let tasks = tasks(json!({"kind": "multi-1"}));
    let ko_on_en_ko = &tasks[1];
    assert_eq!((ko_on_en_ko.query_lang, &ko_on_en_ko.pool_langs[..]), (1, &[0, 1][..]));
    assert_eq!(ko_on_en_ko.excluded, [[(1, 0)], [(1, 1)], [(1, 2)], [(1, 3)]]);
    assert_eq!(ko_on_en_ko.relevant, [[((0, 0), 1)], [((0, 1), 1)], [((0, 2), 1)], [((0, 3), 1)]]);
    // Questions 0 and 1 keep each other's copy; question 2 keeps its Korean look-alike.
    assert_eq!(
        ko_on_en_ko.notes,
        [
            "other documents with the text of the removed one stay in the pool of 3 of 4 queries (remove = \"copy\")"
        ]
    );
    assert!(tasks.iter().all(|t| t.scenario == "multi-1" && t.metrics[0] == "ndcg@1"));
}

#[test]
fn multi_1_by_text_takes_out_every_equal_text_in_the_query_language() {
    let tasks = tasks(json!({"kind": "multi-1", "remove": "text"}));
    let en_on_en_ko = &tasks[0];
    assert_eq!(
        en_on_en_ko.excluded,
        [vec![(0, 0), (0, 1)], vec![(0, 0), (0, 1)], vec![(0, 2)], vec![(0, 3)]]
    );
    let ko_on_en_ko = &tasks[1];
    assert_eq!(ko_on_en_ko.excluded[2], [(1, 2), (1, 4)]);
    assert_eq!(ko_on_en_ko.relevant, tasks_by_copy()[1].relevant);
    assert_eq!(
        ko_on_en_ko.notes,
        ["every document with the text of the removed one is removed too, for 3 of 4 queries, up to 2 \
             documents each (remove = \"text\")"]
    );
}

fn tasks_by_copy() -> Vec<Task> {
    tasks(json!({"kind": "multi-1", "remove": "copy"}))
}

#[test]
fn removing_a_text_drops_its_judgements() {
    let mut view = view();
    // Copy 1 is judged not relevant to question 0; document 4 too.
    view.qrels[0] = vec![(0, 1), (1, 0), (4, -1)];
    let of = |remove| crate::tasks(&view, json!({"kind": "multi-1", "remove": remove})).unwrap()[0].clone();
    let (copy, text) = (of("copy"), of("text"));
    copy.check(&view).unwrap();
    text.check(&view).unwrap();
    let other = [((1, 0), 1), ((1, 1), 0), ((1, 4), -1)];
    assert_eq!(copy.relevant[0], [&[((0, 1), 0), ((0, 4), -1)][..], &other].concat());
    assert_eq!(text.relevant[0], [&[((0, 4), -1)][..], &other].concat());
}

#[test]
fn pools_of_n_ask_in_each_of_their_languages() {
    let expected: [(u32, &[u32]); 3] = [(0, &[0, 1, 2]), (1, &[0, 1, 2]), (2, &[0, 1, 2])];
    for (config, name) in [
        (json!({"kind": "pool-3"}), "pool-3"),
        (json!({"kind": "pool-n", "n": 3}), "pool-3"),
        (json!({"kind": "pool-all"}), "pool-all"),
    ] {
        let tasks = tasks(config);
        assert_eq!(cells(&tasks), expected);
        assert!(tasks.iter().all(|t| t.scenario == name && t.metrics.last().is_some_and(|m| m == "map")));
        assert_eq!(tasks[2].queries, [0, 1, 2]);
        assert_eq!(tasks[2].relevant[2], [((0, 2), 1), ((1, 2), 1), ((2, 2), 1)]);
    }
}

#[test]
fn too_few_languages_make_no_cell() {
    assert_eq!(tasks(json!({"kind": "pool-4"})), []);
    assert_eq!(tasks(json!({"kind": "pool-all", "languages": ["en", "ko"]})), []);
    assert_eq!(tasks(json!({"kind": "multi", "languages": ["en"]})), []);
}

#[test]
fn options_restrict_pools_and_query_languages() {
    let with =
        |config| tasks(config).iter().map(|t| (t.query_lang, t.pool_langs.clone())).collect::<Vec<_>>();
    assert_eq!(
        with(json!({"kind": "multi", "pairs_with": "vi"})),
        [(0, vec![0, 2]), (2, vec![0, 2]), (1, vec![1, 2]), (2, vec![1, 2])]
    );
    assert_eq!(with(json!({"kind": "multi", "query_langs": ["ko"]})), [(1, vec![0, 1]), (1, vec![1, 2])]);
    assert_eq!(
        with(json!({"kind": "multi-1", "languages": ["ko", "vi"]})),
        [(1, vec![1, 2]), (2, vec![1, 2])]
    );
}

#[test]
fn a_flood_of_cells_is_refused() {
    let languages = 60;
    let view = DatasetView {
        languages: (0..languages).map(|l| format!("l{l}")).collect(),
        query_present: vec![vec![0]; languages],
        document_present: vec![vec![0]; languages],
        text_group: vec![vec![0]; languages],
        qrels: vec![vec![(0, 1)]],
        documents: "unique".to_owned(),
    };
    assert_eq!(crate::tasks(&view, json!({"kind": "multi"})).unwrap().len(), 60 * 59);
    // 60 choose 30 is 10^17.
    let error = crate::tasks(&view, json!({"kind": "pool-30"})).unwrap_err();
    assert!(error.message.contains("more than 20000 cells on 60 languages"), "{error}");
    assert!(error.hint.contains("pairs_with"));
}
