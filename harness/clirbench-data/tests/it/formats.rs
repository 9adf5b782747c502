//! Every layout gives the collection that its files say.

use crate::folder::{Folder, outline};

const SQUAD_EN: &str = r#"{"version": "1.1", "data": [
  {"title": "x", "paragraphs": [
    {"context": "The Han flows west.", "qas": [
      {"id": "q1", "question": "Where does it flow?", "answers": [{"text": "west", "answer_start": 14}]},
      {"id": "q2", "question": "What flows?", "answers": [{"text": "The Han", "answer_start": 0}]}]},
    {"context": "Rain fell.", "qas": [{"id": "q3", "question": "What fell?"}]}]}]}"#;

const SQUAD_KO: &str = r#"{"data": [
  {"paragraphs": [
    {"context": "\ufeff한강은 서쪽으로 흐른다.", "sentence_breaks": [[0, 14]], "qas": [
      {"id": "q2", "question": "무엇이 흐르는가?", "answers": [{"text": "한강", "answer_start": 1}]},
      {"id": "q1", "question": "어디로 흐르는가?", "answers": [{"text": "서쪽", "answer_start": 5}]}]},
    {"context": "비가 내렸다.", "qas": [{"id": "q3", "question": "무엇이 내렸는가?", "answers": []}]}]}]}"#;

#[test]
fn squad_documents_are_paragraphs_and_questions_align_by_id() {
    let folder = Folder::with(&[("xquad.en.json", SQUAD_EN), ("xquad.ko.json", SQUAD_KO)]);
    let loaded = folder.load("format = 'xquad'\nlanguages = ['en', 'ko']");
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    assert_eq!(
        outline(&loaded),
        [
            "D a00p00: The Han flows west. | \u{feff}한강은 서쪽으로 흐른다.",
            "D a00p01: Rain fell. | 비가 내렸다.",
            "Q q1: Where does it flow? | 어디로 흐르는가? -> a00p00=1",
            "Q q2: What flows? | 무엇이 흐르는가? -> a00p00=1",
            "Q q3: What fell? | 무엇이 내렸는가? -> a00p01=1",
        ]
    );
}

#[test]
fn squad_answers_are_counted_in_characters_and_a_mismatch_is_a_warning() {
    let shifted = SQUAD_KO.replace("\"answer_start\": 5", "\"answer_start\": 6");
    let folder = Folder::with(&[("xquad.ko.json", &shifted)]);
    assert_eq!(
        folder.warnings("format = 'xquad'\nlanguages = ['ko']"),
        "xquad.ko.json: $.data[0].paragraphs[0].qas[1].answers[0].answer_start: \
         the paragraph does not have the answer at character 6"
    );
}

#[test]
fn a_squad_question_that_is_impossible_has_no_relevant_document() {
    let file = r#"{"data": [{"paragraphs": [{"context": "c", "qas": [
        {"id": "q1", "question": "a", "is_impossible": true, "answers": []},
        {"id": "q2", "question": "b", "is_impossible": false, "answers": []}]}]}]}"#;
    let folder = Folder::with(&[("dev.json", file)]);
    let loaded = folder.load("format = 'squad'\nlanguages = ['en']\npath = 'dev.json'");
    assert_eq!(outline(&loaded), ["D a00p00: c", "Q q1: a -> ", "Q q2: b -> a00p00=1"]);
}

fn belebele(link: &str, number: &str, passage: &str, question: &str, dialect: &str) -> String {
    format!(
        r#"{{"link": "{link}", "question_number": {number}, "flores_passage": "{passage}", "question": "{question}", "mc_answer1": "1", "dialect": "{dialect}", "ds": "2023-05-03"}}"#
    ) + "\n"
}

#[test]
fn belebele_aligns_questions_by_link_and_number_and_passages_by_link() {
    let en = belebele("u/b", "1", "B", "B1?", "eng_Latn")
        + &belebele("u/a", "1", "A", "A1?", "eng_Latn")
        + &belebele("u/a", "2", "A", "A2?", "eng_Latn");
    // Another order, and numbers as strings.
    let ko = belebele("u/a", "\"2\"", "가", "가2?", "kor_Hang")
        + &belebele("u/a", "\"1\"", "가", "가1?", "kor_Hang")
        + &belebele("u/b", "\"1\"", "나", "나1?", "kor_Hang");
    let entry = "format = 'belebele'\nlanguages = ['en', 'ko']\ncodes = { en = 'eng_Latn', ko = 'kor_Hang' }";
    let expected = [
        "D u/b: B | 나",
        "D u/a: A | 가",
        "Q u/b#1: B1? | 나1? -> u/b=1",
        "Q u/a#1: A1? | 가1? -> u/a=1",
        "Q u/a#2: A2? | 가2? -> u/a=1",
    ];
    let apart = Folder::with(&[("eng_Latn.jsonl", &en), ("kor_Hang.jsonl", &ko)]);
    assert_eq!(outline(&apart.load(entry)), expected);
    assert_eq!(apart.warnings(entry), "");
    let together = Folder::with(&[("all.jsonl", &(ko.clone() + "\n" + &en))]);
    assert_eq!(outline(&together.load(&format!("files = 'all.jsonl'\n{entry}"))), expected);
    let swapped = Folder::with(&[("eng_Latn.jsonl", &ko), ("kor_Hang.jsonl", &en)]);
    assert_eq!(
        swapped.warnings(entry),
        "eng_Latn.jsonl:1: the row is in the dialect kor_Hang, but en is eng_Latn here\n\
         kor_Hang.jsonl:1: the row is in the dialect eng_Latn, but ko is kor_Hang here"
    );
}

#[test]
fn belebele_passages_of_one_link_that_differ_in_any_language_are_documents_of_their_own() {
    let en = belebele("u", "1", "A", "A1?", "en") + &belebele("u", "2", "A", "A2?", "en");
    let ko = belebele("u", "1", "가", "가1?", "ko") + &belebele("u", "2", "가!", "가2?", "ko");
    let folder = Folder::with(&[("en.jsonl", &en), ("ko.jsonl", &ko)]);
    let entry = "format = 'belebele'\nlanguages = ['en', 'ko']";
    assert_eq!(
        outline(&folder.load(entry)),
        ["D u: A | 가", "D u#2: A | 가!", "Q u#1: A1? | 가1? -> u=1", "Q u#2: A2? | 가2? -> u#2=1"]
    );
    assert_eq!(
        folder.warnings(entry),
        "dataset `made`: the questions of u have different passages; each is a document"
    );
}

const CORPUS: &str = r#"{"_id": "d1", "title": "Han", "text": "flows west", "metadata": {}}
{"_id": "d2", "title": "", "text": "Rain fell "}
{"_id": 3, "text": "Snow"}
"#;
const QUERIES: &str = r#"{"_id": "q1", "text": "river"}
{"_id": "d1", "text": "weather"}

{"_id": "q3", "text": "not in this split"}
"#;
const QRELS: &str = "query-id\tcorpus-id\tscore\nd1\t3\t2\nd1\td2\t1\nq1\td1\t1\nq1\td2\t0\n";

#[test]
fn beir_joins_title_and_text_and_keeps_the_queries_that_the_split_judges() {
    let folder =
        Folder::with(&[("corpus.jsonl", CORPUS), ("queries.jsonl", QUERIES), ("qrels/test.tsv", QRELS)]);
    let loaded = folder.load("format = 'beir'\nlanguages = ['en']");
    // A query id that equals a document id is another thing; judgements sort by document.
    assert_eq!(
        outline(&loaded),
        [
            "D d1: Han flows west",
            "D d2: Rain fell",
            "D 3: Snow",
            "Q q1: river -> d1=1 d2=0",
            "Q d1: weather -> d2=1 3=2",
        ]
    );
    assert_eq!(loaded.unjudged, 1);
    let names: Vec<&str> = loaded.files.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(names, ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"]);
}

#[test]
fn beir_languages_have_a_folder_each_and_one_qrels_or_several_that_agree() {
    let corpus_ko = CORPUS.replace("Rain fell ", "비가 내렸다");
    let files = [
        ("en/corpus.jsonl", CORPUS),
        ("en/queries.jsonl", QUERIES),
        ("ko/corpus.jsonl", corpus_ko.as_str()),
        ("ko/queries.jsonl", QUERIES),
    ];
    let entry = "format = 'beir'\nlanguages = ['en', 'ko']\nsplit = 'dev'";
    let shared = Folder::with(&files);
    shared.write("qrels/dev.tsv", QRELS.as_bytes());
    let each = Folder::with(&files);
    each.write("en/qrels/dev.tsv", QRELS.as_bytes());
    // The same judgements in another order and with other line ends.
    each.write(
        "ko/qrels/dev.tsv",
        b"query-id\tcorpus-id\tscore\r\nq1\td2\t0\r\nq1\td1\t1\r\nd1\td2\t1\r\nd1\t3\t2\r\n",
    );
    let loaded = shared.load(entry);
    assert_eq!(outline(&loaded)[1], "D d2: Rain fell | 비가 내렸다");
    assert_eq!(outline(&each.load(entry)), outline(&loaded));
    // One of the languages alone comes from its own folder.
    let alone = shared.load("format = 'beir'\nlanguages = ['ko']\nsplit = 'dev'");
    assert_eq!(outline(&alone)[1], "D d2: 비가 내렸다");
}

#[test]
fn partial_beir_keeps_ids_that_only_some_languages_have() {
    let row = |id: &str, text: &str| format!("{{\"_id\": \"{id}\", \"text\": \"{text}\"}}\n");
    let folder = Folder::with(&[
        ("en/corpus.jsonl", &(row("a", "A") + &row("b", "B"))),
        ("ko/corpus.jsonl", &(row("c", "다") + &row("a", "가"))),
        ("en/queries.jsonl", &row("q", "Q")),
        ("ko/queries.jsonl", &row("q", "질문")),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq\tc\t1\n"),
    ]);
    let loaded = folder.load("format = 'beir'\nlanguages = ['en', 'ko']\npartial = true");
    assert_eq!(outline(&loaded), ["D a: A | 가", "D b: B | -", "D c: - | 다", "Q q: Q | 질문 -> c=1"]);
}

#[test]
fn bitext_lines_are_their_own_translations_queries() {
    let folder = Folder::with(&[("t.en", "One \r\n\"Two\r\n"), ("t.ko", "\u{feff}하나\n둘\t둘")]);
    let loaded = folder.load("format = 'bitext'\nlanguages = ['en', 'ko']\nfiles = 't.{lang}'");
    assert_eq!(
        outline(&loaded),
        ["D 1: One  | 하나", "D 2: \"Two | 둘\t둘", "Q 1: One  | 하나 -> 1=1", "Q 2: \"Two | 둘\t둘 -> 2=1"]
    );
}

#[test]
fn a_bitext_pair_is_found_in_either_order() {
    let folder = Folder::with(&[("t.kor-eng.kor", "하나"), ("t.kor-eng.eng", "One")]);
    for languages in ["['en', 'ko']", "['ko', 'en']"] {
        let entry = format!(
            "format = 'bitext'\nlanguages = {languages}\nfiles = 't.{{pair}}.{{lang}}'\ncodes = {{ en = 'eng', ko = 'kor' }}"
        );
        assert_eq!(folder.load(&entry).collection.documents.len(), 1);
    }
}

#[test]
fn bitext_tables_align_by_id_or_by_row() {
    let folder = Folder::with(&[
        ("eng/test.tsv", "index_id\tcategory\ttext\n7\tx\tSeven\n8\ty\t\"Eight\n"),
        ("kor/test.tsv", "index_id\tcategory\ttext\n8\ty\t여덟\n7\tx\t일곱\n"),
        ("all.tsv", "english\tko\nOne\t하나\nTwo\t둘\n"),
    ]);
    let languages = "format = 'bitext'\nlanguages = ['en', 'ko']\n";
    let each = "files = '{lang}/{split}.tsv'\nsplit = 'test'\ncodes = { en = 'eng', ko = 'kor' }\n";
    let by_id = folder.load(&format!("{languages}{each}id_column = 'index_id'"));
    assert_eq!(outline(&by_id)[..2], ["D 7: Seven | 일곱", "D 8: \"Eight | 여덟"]);
    let by_row = folder.load(&format!("{languages}{each}text_column = 'category'"));
    assert_eq!(outline(&by_row)[..2], ["D 1: x | y", "D 2: y | x"]);
    let together = folder.load(&format!("{languages}files = 'all.tsv'\ncolumns = {{ en = 'english' }}"));
    assert_eq!(outline(&together)[..2], ["D 1: One | 하나", "D 2: Two | 둘"]);
    let file = folder.load(&format!("{languages}path = 'all.tsv'\ncolumns = {{ en = 'english' }}"));
    assert_eq!(outline(&file), outline(&together));
}

#[test]
fn a_partial_table_may_leave_cells_empty() {
    let folder = Folder::with(&[("t.tsv", "id\ten\tko\n1\tOne\t하나\n2\tTwo\t\n3\t\t셋\n")]);
    let entry =
        "format = 'bitext'\nlanguages = ['en', 'ko']\nfiles = 't.tsv'\nid_column = 'id'\npartial = true";
    assert_eq!(outline(&folder.load(entry))[..3], ["D 1: One | 하나", "D 2: Two | -", "D 3: - | 셋"]);
}

#[test]
fn statistics_count_texts_and_characters() {
    let folder = Folder::with(&[("t.en", "ab\nab\nabcde\n"), ("t.ko", "하나\n둘\n셋넷다\n")]);
    let loaded = folder.load("format = 'bitext'\nlanguages = ['en', 'ko']\nfiles = 't.{lang}'");
    let statistics = clirbench_data::Statistics::of(&loaded.collection);
    assert_eq!((statistics.queries, statistics.documents, statistics.judgements), (3, 3, 3));
    assert_eq!(statistics.relevant_per_query, 1.0);
    let [en, ko] = &statistics.languages[..] else { panic!("two languages") };
    assert_eq!((en.queries.texts, en.queries.distinct, en.queries.mean_chars), (3, 2, 3.0));
    assert_eq!((ko.documents.texts, ko.documents.distinct, ko.documents.mean_chars), (3, 3, 2.0));
}
