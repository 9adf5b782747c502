//! Every way to be wrong: one message each, with its place and what to do, word for word.

use clirbench_data::LIMIT;

use crate::folder::Folder;

const XQUAD: &str = "format = 'xquad'\nlanguages = ['en', 'ko']";
const BEIR: &str = "format = 'beir'\nlanguages = ['en']";
const BEIR_PAIR: &str = "format = 'beir'\nlanguages = ['en', 'ko']";
const LINES: &str = "format = 'bitext'\nlanguages = ['en', 'ko']\nfiles = 't.{lang}'";
const HEADER: &str = "query-id\tcorpus-id\tscore\n";

/// A SQuAD file of one article: per paragraph its context and its questions (id, text).
fn squad(paragraphs: &[(&str, &[(&str, &str)])]) -> String {
    let paragraph = |(context, questions): &(&str, &[(&str, &str)])| {
        let questions: Vec<String> = questions
            .iter()
            .map(|(id, text)| format!(r#"{{"id": "{id}", "question": "{text}", "answers": []}}"#))
            .collect();
        format!(r#"{{"context": "{context}", "qas": [{}]}}"#, questions.join(", "))
    };
    let paragraphs: Vec<String> = paragraphs.iter().map(paragraph).collect();
    format!(r#"{{"data": [{{"paragraphs": [{}]}}]}}"#, paragraphs.join(", "))
}

fn xquad(en: &str, ko: &str) -> String {
    Folder::with(&[("xquad.en.json", en), ("xquad.ko.json", ko)]).errors(XQUAD)
}

fn rows(rows: &[(&str, &str)]) -> String {
    rows.iter().map(|(id, text)| format!("{{\"_id\": \"{id}\", \"text\": \"{text}\"}}\n")).collect()
}

fn beir(corpus: &str, queries: &str, qrels: &str) -> String {
    Folder::with(&[("corpus.jsonl", corpus), ("queries.jsonl", queries), ("qrels/test.tsv", qrels)])
        .errors(BEIR)
}

#[test]
fn truncated_json() {
    let whole = squad(&[("c", &[("q", "?")])]);
    let cut = whole.len() - 20;
    assert_eq!(
        xquad(&whole, &whole[..cut]),
        format!(
            "xquad.ko.json:1:{cut}: the JSON ends in the middle; \
             copy or download the file again, it is not complete"
        )
    );
    let row = rows(&[("1", "x")]);
    assert_eq!(
        beir(&(row.clone() + &row[..12]), &row, &format!("{HEADER}1\t1\t1\n")),
        "corpus.jsonl:2:12: the JSON ends in the middle; copy or download the file again, it is not complete"
    );
}

#[test]
fn json_of_another_shape() {
    let whole = squad(&[("c", &[("q", "?")])]);
    assert_eq!(
        xquad(&whole, &whole.replace("\"id\": \"q\"", "\"id\": 7")),
        "xquad.ko.json: $.data[0].paragraphs[0].qas[0].id: expected a string, found a number; \
         correct the value there, or choose the `format` that the file has"
    );
    assert_eq!(
        xquad("[1, 2]", "{\"data\": {}}"),
        "xquad.en.json: $: expected an object, found a list; \
         correct the value there, or choose the `format` that the file has\n\
         xquad.ko.json: $.data: expected a list, found an object; \
         correct the value there, or choose the `format` that the file has"
    );
    let row = rows(&[("1", "x")]);
    assert_eq!(
        beir(
            &row,
            "{\"_id\": \"1\"}\n{'_id': 1}\n{\"_id\": [], \"text\": \"x\"}",
            &format!("{HEADER}1\t1\t1\n")
        ),
        "queries.jsonl:1:12: missing field `text`; correct the JSON there\n\
         queries.jsonl:2:2: key must be a string; correct the JSON there\n\
         queries.jsonl:3:10: invalid type: sequence, expected an id (a string or a whole number); \
         correct the JSON there"
    );
}

#[test]
fn wrong_encoding() {
    let folder = Folder::with(&[("t.en", "One\nTwo\n")]);
    folder.write("t.ko", b"\xED\x95\x98\n\xC7\xCF\n");
    assert_eq!(
        folder.errors(LINES),
        "t.ko:2: byte 0xC7 at offset 4 is not UTF-8; \
         convert the file to UTF-8, or copy it again if it was damaged"
    );
    folder.write("t.ko", b"\xFF\xFEO\0n\0e\0");
    assert_eq!(
        folder.errors(LINES),
        "t.ko:1: byte 0xFF at offset 0 is not UTF-8 (the file looks like UTF-16LE); \
         convert the file to UTF-8, for example with `iconv -f UTF-16LE -t UTF-8`"
    );
}

#[test]
fn duplicate_ids() {
    let twice = squad(&[("c", &[("q", "a?"), ("q", "b?")])]);
    let report = Folder::with(&[("xquad.en.json", &twice)]).errors("format = 'xquad'\nlanguages = ['en']");
    assert_eq!(
        report,
        "xquad.en.json: $.data[0].paragraphs[0].qas[1].id: the query id `q` is there twice, \
         first at $.data[0].paragraphs[0].qas[0].id; give every one its own id, or remove the copy"
    );
    let row = rows(&[("1", "x")]);
    assert_eq!(
        beir(&rows(&[("1", "x"), ("2", "y"), ("1", "z")]), &row, &format!("{HEADER}1\t1\t1\n")),
        "corpus.jsonl:3: the document id `1` is there twice, first at line 1; \
         give every one its own id, or remove the copy"
    );
}

#[test]
fn missing_parallel() {
    let en = squad(&[("c", &[("q1", "a?"), ("q2", "b?")]), ("d", &[("q3", "c?")])]);
    assert_eq!(
        xquad(&en, &squad(&[("c", &[("q1", "a?"), ("q2", "b?")])])),
        "xquad.ko.json: 1 of 2 document ids of xquad.en.json are missing here: a00p01; \
         add them, remove them in every language, or leave one of the languages out\n\
         xquad.ko.json: 1 of 3 query ids of xquad.en.json are missing here: q3; \
         add them, remove them in every language, or leave one of the languages out"
    );
    let some = |ids: std::ops::Range<u32>| -> String {
        ids.map(|id| format!("{{\"_id\": \"{id}\", \"text\": \"x\"}}\n")).collect()
    };
    let folder = Folder::with(&[
        ("en/corpus.jsonl", &some(0..9)),
        ("ko/corpus.jsonl", &some(7..10)),
        ("en/queries.jsonl", &some(0..1)),
        ("ko/queries.jsonl", &some(0..1)),
        ("qrels/test.tsv", &format!("{HEADER}0\t8\t1\n")),
    ]);
    assert_eq!(
        folder.errors(BEIR_PAIR),
        "ko/corpus.jsonl: 7 of 9 document ids of en/corpus.jsonl are missing here: 0, 1, 2, 3, 4, ...; \
         add them, remove them in every language, or leave one of the languages out\n\
         en/corpus.jsonl: 1 of 3 document ids of ko/corpus.jsonl are missing here: 9; \
         add them, remove them in every language, or leave one of the languages out"
    );
}

#[test]
fn a_question_under_another_paragraph() {
    assert_eq!(
        xquad(
            &squad(&[("c", &[("q1", "a?")]), ("d", &[("q2", "b?")])]),
            &squad(&[("c", &[("q1", "a?"), ("q2", "b?")]), ("d", &[])])
        ),
        "xquad.ko.json: $.data[0].paragraphs[0].qas[1].id: the question `q2` belongs to paragraph `a00p00` here, \
         but to `a00p01` in xquad.en.json; put it under the same paragraph in every language"
    );
}

#[test]
fn empty_texts_and_ids() {
    let whole = squad(&[("c", &[("q", "?")])]);
    assert_eq!(
        xquad(&squad(&[(" ", &[("q", "?")])]), &whole.replace("\"?\"", "\"\\n\"")),
        "xquad.en.json: $.data[0].paragraphs[0].context: the document `a00p00` has an empty text; \
         give it a text, or remove it in every language and from the qrels\n\
         xquad.ko.json: $.data[0].paragraphs[0].qas[0].id: the query `q` has an empty text; \
         give it a text, or remove it in every language and from the qrels"
    );
    let row = rows(&[("1", "x")]);
    assert_eq!(
        beir(&row, &(row.clone() + &rows(&[("", "x")])), &format!("{HEADER}1\t1\t1\n")),
        "queries.jsonl:2: a query has an empty id; give it an id"
    );
    let folder = Folder::with(&[("t.en", "One\n\nThree\n"), ("t.ko", "하나\n둘\n셋\n")]);
    assert_eq!(
        folder.errors(LINES),
        "t.en:2: the sentence `2` has an empty text; \
         give it a text, or remove it in every language and from the qrels"
    );
    let passage = "{\"link\": \"u\", \"question_number\": 1, \"flores_passage\": \"\", \"question\": \"q\"}";
    assert_eq!(
        Folder::with(&[("en.jsonl", passage)]).errors("format = 'belebele'\nlanguages = ['en']"),
        "en.jsonl:1: the document `u` has an empty text; \
         give it a text, or remove it in every language and from the qrels"
    );
}

#[test]
fn empty_files() {
    assert_eq!(
        xquad("{\"data\": []}", "{\"data\": []}"),
        "xquad.en.json: there is no document in it; \
         check that the file is complete and that `split` and `languages` are meant\n\
         xquad.ko.json: there is no document in it; \
         check that the file is complete and that `split` and `languages` are meant\n\
         xquad.en.json: there is no query in it; \
         check that the file is complete and that `split` and `languages` are meant\n\
         xquad.ko.json: there is no query in it; \
         check that the file is complete and that `split` and `languages` are meant"
    );
    let row = rows(&[("1", "x")]);
    assert_eq!(
        beir(&row, &row, HEADER),
        "qrels/test.tsv: there is no judgement in it; \
         check that the file is complete and that `split` and `languages` are meant"
    );
    let all = "{\"link\": \"u\", \"question_number\": 1, \"flores_passage\": \"p\", \"question\": \"q\", \"dialect\": \"en\"}";
    assert_eq!(
        Folder::with(&[("all.jsonl", all)])
            .errors("format = 'belebele'\nlanguages = ['en', 'ko']\nfiles = 'all.jsonl'"),
        "all.jsonl: there is no row of the dialect ko in it; \
         check that the file is complete and that `split` and `languages` are meant"
    );
}

#[test]
fn shifted_lines() {
    let folder = Folder::with(&[("t.en", "One\nTwo\n"), ("t.ko", "하나\n")]);
    assert_eq!(
        folder.errors(LINES),
        "t.ko: 1 lines, but t.en has 2; line i of every language has to be the same sentence: find the shift"
    );
}

#[test]
fn qrels_that_point_nowhere_or_contradict() {
    let row = rows(&[("1", "x")]);
    assert_eq!(
        beir(&row, &row, &format!("{HEADER}1\t1\t1\n1\t9\t1\nq\t1\t1\n")),
        "qrels/test.tsv:3: the judgement names the document `9`, which corpus.jsonl does not have; \
         add it there, or remove the judgement\n\
         qrels/test.tsv:4: the judgement names the query `q`, which queries.jsonl does not have; \
         add it there, or remove the judgement"
    );
    assert_eq!(
        beir(&row, &row, &format!("{HEADER}1\t1\t1\n1\t1\t2\n")),
        "qrels/test.tsv:3: query `1` and document `1` have grade 2 here, but 1 at qrels/test.tsv:2; \
         keep the right one"
    );
    let two = rows(&[("1", "x"), ("2", "y")]);
    let folder = Folder::with(&[
        ("en/corpus.jsonl", &two),
        ("ko/corpus.jsonl", &two),
        ("en/queries.jsonl", &row),
        ("ko/queries.jsonl", &row),
        ("qrels/test.tsv", &format!("{HEADER}1\t1\t1\n")),
        ("ko/qrels/test.tsv", &format!("{HEADER}1\t2\t1\n")),
    ]);
    assert_eq!(
        folder.errors(BEIR_PAIR),
        "ko/qrels/test.tsv:2: query `1` and document `2` have grade 1 here, but none at qrels/test.tsv; \
         keep the right one\n\
         qrels/test.tsv:2: query `1` and document `1` have grade 1 here, but none at ko/qrels/test.tsv; \
         keep the right one"
    );
}

#[test]
fn a_judgement_that_is_there_twice_is_a_warning() {
    let row = rows(&[("1", "x")]);
    let qrels = format!("{HEADER}1\t1\t1\n1\t1\t1\n");
    let folder = Folder::with(&[("corpus.jsonl", &row), ("queries.jsonl", &row), ("qrels/test.tsv", &qrels)]);
    assert_eq!(folder.warnings(BEIR), "qrels/test.tsv:3: the judgement is there already, at line 2");
    assert_eq!(folder.load(BEIR).collection.qrels[0].len(), 1);
}

#[test]
fn tables_of_another_form() {
    let row = rows(&[("1", "x")]);
    assert_eq!(
        beir(&row, &row, "1\t1\t1\n"),
        "qrels/test.tsv:1: the header row (1, 1, 1) has no column `query-id`; \
         correct the row, or choose the `format` and columns that the file has\n\
         qrels/test.tsv:1: the header row (1, 1, 1) has no column `corpus-id`; \
         correct the row, or choose the `format` and columns that the file has\n\
         qrels/test.tsv:1: the header row (1, 1, 1) has no column `score`; \
         correct the row, or choose the `format` and columns that the file has"
    );
    assert_eq!(
        beir(&row, &row, &format!("{HEADER}1\t1\n1\t1\t0.5\n")),
        "qrels/test.tsv:2: 2 columns, but the header row has 3; \
         correct the row, or choose the `format` and columns that the file has"
    );
    assert_eq!(
        beir(&row, &row, &format!("{HEADER}1\t1\t0.5\n")),
        "qrels/test.tsv:2: the score `0.5` is not a whole number; \
         correct the row, or choose the `format` and columns that the file has"
    );
    assert_eq!(
        Folder::with(&[("t.tsv", "en\tkor\nOne\t하나\n")])
            .errors("format = 'bitext'\nlanguages = ['en', 'ko']\nfiles = 't.tsv'"),
        "t.tsv:1: the header row (en, kor) has no column `ko`; is it `kor`?; \
         correct the row, or choose the `format` and columns that the file has"
    );
}

#[test]
fn files_that_are_not_there() {
    let whole = squad(&[("c", &[("q", "?")])]);
    let folder = Folder::with(&[("xquad.en.json", &whole), ("xquad.de.json", &whole)]);
    assert_eq!(
        folder.errors(XQUAD),
        "xquad.ko.json: there is no such file; its folder holds xquad.de.json, xquad.en.json: \
         check `path`, `languages`, `files` and `codes`"
    );
    let row = rows(&[("1", "x")]);
    let folder = Folder::with(&[("corpus.jsonl", &row), ("queries.jsonl", &row), ("qrels/dev.tsv", HEADER)]);
    assert_eq!(
        folder.errors(BEIR),
        "qrels/test.tsv: there is no such file; its folder holds dev.tsv: \
         check `path`, `languages`, `files` and `codes`"
    );
    assert_eq!(
        folder.errors("format = 'belebele'\nlanguages = ['en']\nfiles = 'x/{lang}.jsonl'"),
        "x/en.jsonl: there is no such file; its folder does not exist either: check `path`"
    );
}

/// `printf One | sha256sum`
const SHA_OF_ONE: &str = "8b12507783d5becacbf2ebe5b01a60024d8728a8f86dcc818bce699e8b3320bc";

#[test]
fn a_checksum_that_is_not_the_pinned_one() {
    let folder = Folder::with(&[("t.en", "One"), ("t.ko", "하나")]);
    let pinned = |pin: &str| format!("{LINES}\nsha256 = {{ 't.en' = '{pin}' }}");
    let zeros = "0".repeat(64);
    assert_eq!(
        folder.errors(&pinned(&zeros)),
        format!(
            "t.en: the sha256 is {SHA_OF_ONE}, but the manifest pins {zeros}; \
             get the revision that the manifest names, or change the pin if the new content is meant"
        )
    );
    let loaded = folder.load(&pinned(&SHA_OF_ONE.to_uppercase()));
    assert_eq!(loaded.files.iter().map(|f| f.pinned).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn at_most_a_screen_of_problems() {
    let row = rows(&[("1", "x")]);
    let qrels: String = (0..30).map(|i| format!("1\tx{i}\t1\n")).collect();
    let folder = Folder::with(&[
        ("corpus.jsonl", &row),
        ("queries.jsonl", &row),
        ("qrels/test.tsv", &format!("{HEADER}{qrels}")),
    ]);
    let report = folder.validate(BEIR);
    assert_eq!((report.errors.len(), report.more_errors), (LIMIT, 10));
}
