//! The commands that make training data: what they write, what they print, what they refuse.

use std::{collections::BTreeMap, fs, process::Stdio};

use serde_json::{Value, json};

use crate::place::{Ended, Place, beside, root};

/// A triple in these languages whose texts say what they are.
fn triple(id: &str, languages: &[&str]) -> Value {
    let texts = |what: &str| -> Value {
        let text = |language: &&str| ((*language).to_owned(), json!(format!("{what} {id} in {language}")));
        Value::Object(languages.iter().map(text).collect())
    };
    json!({"id": id, "query": texts("query"), "positive": texts("positive"), "negatives": [texts("negative")]})
}

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn ids(text: &str) -> Vec<String> {
    rows(text).iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

fn read(place: &Place, name: &str) -> String {
    fs::read_to_string(place.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Runs it; it has to succeed.
fn done(place: &Place, arguments: &[&str]) -> Ended {
    let ended = place.end(arguments);
    assert_eq!(ended.code, Some(0), "{arguments:?}: {}{}", ended.stdout, ended.stderr);
    ended
}

#[test]
fn compose_gives_the_eight_sets_of_the_paper() {
    let place = Place::new();
    let triples: Vec<Value> = (0..300).map(|id| triple(&id.to_string(), &["en", "de", "ko"])).collect();
    place.write("triples.jsonl", lines(&triples));
    let ended = done(&place, &["compose", "triples.jsonl", "--languages", "ko,en", "--out", "sets"]);
    let names = ["kokoko", "kokoen", "koenko", "koenen", "enenen", "enenko", "enkoen", "enkoko"];
    assert_eq!(ended.stdout, format!("300 triples in 8 compositions: {}\n", names.join(" ")));
    assert_eq!(fs::read_dir(place.path("sets")).expect("a folder").count(), 8);
    for name in names {
        let codes = [&name[..2], &name[2..4], &name[4..]];
        let expected: Vec<Value> = (0..300)
            .map(|id| {
                let [q, p, n] = codes;
                json!({
                    "id": id.to_string(),
                    "query": format!("query {id} in {q}"),
                    "positive": format!("positive {id} in {p}"),
                    "negatives": [format!("negative {id} in {n}")],
                    "languages": codes,
                })
            })
            .collect();
        assert_eq!(rows(&read(&place, &format!("sets/{name}.jsonl"))), expected, "{name}");
    }
    let one = done(&place, &["compose", "triples.jsonl", "--composition", "ko-en-ko"]);
    assert_eq!(one.stdout, read(&place, "sets/koenko.jsonl"));
}

#[test]
fn compose_leaves_out_triples_that_lack_a_language_when_told_to() {
    let place = Place::new();
    let triples = [triple("a", &["en", "ko"]), triple("b", &["en"]), triple("c", &["en", "ko"])];
    place.write("triples.jsonl", lines(&triples));
    let compose = |languages: &str| {
        place.end([
            "compose",
            "triples.jsonl",
            "--languages",
            languages,
            "--out",
            "sets",
            "--incomplete",
            "drop",
        ])
    };
    let ended = compose("en,ko");
    assert!(ended.stdout.ends_with("\n1 triples lack a language and were left out\n"), "{}", ended.stdout);
    for name in ["enenen", "koenko"] {
        assert_eq!(ids(&read(&place, &format!("sets/{name}.jsonl"))), ["a", "c"], "{name}");
    }
    let none = compose("en,de");
    assert_eq!(none.code, Some(1));
    assert!(none.stderr.contains("no triple is in all the languages"), "{}", none.stderr);
    assert!(!place.path("sets/enende.jsonl").exists());
}

#[test]
fn a_triple_without_a_language_stops_compose_before_anything_is_there() {
    let place = Place::new();
    place.write("triples.jsonl", lines(&[triple("a", &["en", "ko"]), triple("b", &["en"])]));
    let ended = place.end(["compose", "triples.jsonl", "--languages", "ko,en", "--out", "sets"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("triples.jsonl:2: the triple `b` is not in `ko`, only in en"),
        "{}",
        ended.stderr
    );
    assert_eq!(fs::read_dir(place.path("sets")).expect("a folder").count(), 0);
}

#[test]
fn rows_for_a_reader_that_has_gone_are_no_error() {
    let place = Place::new();
    // More than a pipe holds.
    let triples: Vec<Value> = (0..3000).map(|id| triple(&id.to_string(), &["en", "ko"])).collect();
    place.write("triples.jsonl", lines(&triples));
    let mut command = place.command(["compose", "triples.jsonl", "--composition", "ko-en-ko"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Queries of which every fifth is one before it with another end.
fn questions(count: usize) -> Vec<Value> {
    let words = |id: usize| -> String { (0..12).map(|i| format!("w{}x{i} ", id * 7919)).collect() };
    let query = |id: usize| if id % 5 == 4 { format!("{}!?", words(id - 2)) } else { words(id) };
    let row =
        |id: usize| json!({"id": id.to_string(), "query": query(id), "positive": format!("answer {id}")});
    (0..count).map(row).collect()
}

#[test]
fn dedup_keeps_the_first_and_says_what_it_left_out_and_why() {
    let place = Place::new();
    place.write("rows.jsonl", lines(&questions(100)));
    let arguments = ["dedup", "rows.jsonl", "--out", "kept.jsonl", "--report", "dropped.jsonl"];
    let ended = done(&place, &arguments);
    assert!(ended.stdout.starts_with("100 rows: 80 kept, 20 near duplicates left out\n"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("14 bands of 9 rows: finds 0.867 of the pairs at Jaccard 0.8"),
        "{}",
        ended.stdout
    );
    let kept: Vec<Value> =
        questions(100).into_iter().enumerate().filter(|(at, _)| at % 5 != 4).map(|(_, q)| q).collect();
    assert_eq!(rows(&read(&place, "kept.jsonl")), kept);
    let dropped = rows(&read(&place, "dropped.jsonl"));
    assert_eq!(dropped.len(), 20);
    let first = &dropped[0];
    assert_eq!((&first["line"], &first["id"], &first["kept_line"]), (&json!(5), &json!("4"), &json!(3)));
    assert!(first["exact"].as_f64().expect("verified") > 0.9, "{first}");
    // From standard input to standard output, on one thread: the same bytes.
    let mut command = place.command(["dedup", "-", "--quiet"]);
    command.env("RAYON_NUM_THREADS", "1").stdin(fs::File::open(place.path("rows.jsonl")).expect("a file"));
    assert_eq!(Ended::of(&command.output().expect("it ends")).stdout, read(&place, "kept.jsonl"));
}

#[test]
fn dedup_of_triples_needs_a_language_and_bands_that_fit() {
    let place = Place::new();
    place.write("triples.jsonl", lines(&[triple("a", &["en", "ko"]), triple("b", &["en"])]));
    let error = |more: &[&str]| {
        let ended = place.end([&["dedup", "triples.jsonl"], more].concat());
        assert_eq!(ended.code, Some(1));
        ended.stderr
    };
    assert!(error(&[]).contains("name the one that is compared with --language"));
    let missing = error(&["--language", "ko"]);
    assert!(missing.contains("triples.jsonl:2: the triple `b` is not in `ko`"), "{missing}");
    let bands = error(&["--language", "en", "--bands", "20", "--rows", "10"]);
    assert!(bands.contains("20 bands of 10 rows need signatures of 200, not of 128"), "{bands}");
}

fn parts(place: &Place, folder: &str) -> BTreeMap<String, &'static str> {
    let part = |name: &'static str| {
        ids(&read(place, &format!("{folder}/{name}.jsonl"))).into_iter().map(move |id| (id, name))
    };
    ["train", "dev", "test"].into_iter().flat_map(part).collect()
}

#[test]
fn split_keeps_near_duplicates_together_and_rows_where_they_were() {
    let place = Place::new();
    let triples = |count: usize| -> Vec<Value> {
        let in_english = |mut row: Value| {
            for column in ["query", "positive"] {
                row[column] =
                    json!({"en": format!("{} {}", row[column].as_str().expect("a text"), row["id"])});
            }
            row
        };
        questions(count).into_iter().map(in_english).collect()
    };
    place.write("few.jsonl", lines(&triples(200)));
    place.write("more.jsonl", lines(&triples(300)));
    let ended = done(&place, &["split", "few.jsonl", "--out", "few"]);
    assert!(ended.stdout.contains("40 near duplicates kept with their firsts"), "{}", ended.stdout);
    done(&place, &["split", "more.jsonl", "--out", "more"]);
    let [few, more] = ["few", "more"].map(|folder| parts(&place, folder));
    assert_eq!((few.len(), more.len()), (200, 300));
    for (id, part) in &few {
        assert_eq!(more[id], *part, "{id} moved");
    }
    for id in (4..300).step_by(5) {
        assert_eq!(more[&id.to_string()], more[&(id - 2).to_string()], "{id}");
    }
    let train = few.values().filter(|part| **part == "train").count();
    assert!((130..190).contains(&train), "{train} of 200");
    let ended = place.end(["split", "few.jsonl", "--out", "few", "--parts", "train=0.8,dev=0.3"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("the shares sum to 1.1"), "{}", ended.stderr);
}

/// An evaluation set of two sentences in English and German.
fn evaluation(place: &Place) {
    place.write("eval.en", "The harbour of the old town was closed for repairs.\nWho was it?\n");
    place.write("eval.de", "Der Hafen der Altstadt war wegen Reparaturen geschlossen.\nWer war es?\n");
    let manifest = "name = \"harbours\"\nformat = \"bitext\"\npath = \".\"\nfiles = \"eval.{lang}\"\n\
                    languages = [\"en\", \"de\"]\n";
    place.write("harbours.toml", manifest);
}

const LEAKING: &str = "They say the harbour of the old town was closed for repairs, and that is true.";

#[test]
fn leaks_are_counted_listed_and_end_with_status_5() {
    let place = Place::new();
    evaluation(&place);
    place.write("clean.txt", "Nothing of this is known.\n\nWer war es?\n");
    place.write("leaking.txt", format!("one\n{LEAKING}\nWHO was it\n"));
    let leaks = |more: &[&str]| place.end([&["data", "leaks", "--against", "harbours.toml"], more].concat());
    let clean = leaks(&["clean.txt", "--language", "en"]);
    assert_eq!((clean.code, clean.stdout.as_str()), (Some(0), "no leaks: 2 texts against 8 of harbours\n"));
    // Of no language, they are compared with all.
    assert_eq!(leaks(&["clean.txt"]).code, Some(5));
    let found = leaks(&["clean.txt", "leaking.txt", "--language", "en", "--report", "found.jsonl"]);
    assert_eq!(found.code, Some(5));
    // A sentence of a bitext is a query and a document.
    let table = "file         dataset   language  kind      texts  of evaluation\n\
                 leaking.txt  harbours  en        exact         1              2\n\
                 leaking.txt  harbours  en        contains      1              2\n\
                 LEAKS: 5 texts against 8 of harbours\n";
    assert_eq!(found.stdout, table);
    let first = &rows(&read(&place, "found.jsonl"))[0];
    let expected = json!({
        "file": "leaking.txt", "line": 2, "column": "line", "language": "en", "kind": "contains",
        "evaluation": {"dataset": "harbours", "role": "query", "id": "1", "language": "en"},
    });
    assert_eq!(*first, expected);
    let other = leaks(&["leaking.txt", "--language", "ko"]);
    assert_eq!(other.code, Some(0));
    assert!(other.stderr.contains("no evaluation set is in ko"), "{}", other.stderr);
    let nothing = place.end(["data", "leaks", "clean.txt", "--against", "towns"]);
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.stderr.contains("there is no dataset towns"), "{}", nothing.stderr);
}

#[test]
fn split_refuses_what_leaks_or_leaves_it_out() {
    let place = Place::new();
    evaluation(&place);
    let mut leaking = triple("leaking", &["en", "ko"]);
    leaking["negatives"][0]["en"] = json!(LEAKING);
    place.write("triples.jsonl", lines(&[triple("a", &["en", "ko"]), leaking, triple("b", &["en", "ko"])]));
    let arguments =
        ["split", "triples.jsonl", "--out", "parts", "--parts", "all=1", "--against", "harbours.toml"];
    let refused = place.end(arguments);
    assert_eq!(refused.code, Some(5));
    assert!(
        refused.stdout.contains("triples.jsonl:2: `negatives` contains query 1 of harbours (en)"),
        "{}",
        refused.stdout
    );
    assert!(!place.path("parts").exists());
    let dropped = done(&place, &[&arguments[..], &["--leaks", "drop"]].concat());
    assert!(dropped.stdout.contains("1 left out: they give evaluation texts away"), "{}", dropped.stdout);
    assert_eq!(ids(&read(&place, "parts/all.jsonl")), ["a", "b"]);
}

#[test]
fn pairs_of_files_of_a_dictionary_and_of_judgements() {
    let place = Place::new();
    let [english, german] =
        ["the house\nthe book\na book\na house\n", "das haus\ndas buch\nein buch\nein haus\n"];
    place.write("a.en", english);
    place.write("a.de", german);
    let files = ["--lines", "en=a.en", "--lines", "de=a.de", "--languages", "de,en"];
    let phrases = done(&place, &[&["pairs", "phrases"], &files[..], &["--both-directions"]].concat());
    let expected =
        json!({"id": "a/de-en/1", "query": "das haus", "positive": "the house", "languages": ["de", "en"]});
    let found = rows(&phrases.stdout);
    assert_eq!((found.len(), &found[0], &found[4]["query"]), (8, &expected, &json!("the house")));
    let words = done(&place, &[&["pairs", "words"], &files[..], &["--floor", "0.6"]].concat());
    let words: Vec<Value> =
        rows(&words.stdout).iter().map(|row| json!([row["query"], row["positive"]])).collect();
    let expected = [["buch", "book"], ["das", "the"], ["ein", "a"], ["haus", "house"]];
    assert_eq!(words, expected.map(|pair| json!(pair)));

    place.write("words.tsv", "ja\ten\n水\twater\n火\tfire\n");
    let arguments =
        ["pairs", "words", "--dictionary", "words.tsv", "--languages", "ja,en", "--negatives", "1"];
    let found = rows(&done(&place, &arguments).stdout);
    let expected = json!({
        "id": "words/ja-en/水/water", "query": "水", "positive": "water", "negatives": ["fire"],
        "languages": ["ja", "en", "en"],
    });
    assert_eq!((found.len(), &found[0]), (2, &expected));
    let unspaced =
        place.end(["pairs", "words", "--lines", "ja=a.en", "--lines", "en=a.en", "--languages", "ja,en"]);
    assert_eq!(unspaced.code, Some(1));
    assert!(unspaced.stderr.contains("words of `ja` cannot be learnt from bitext"), "{}", unspaced.stderr);

    let manifest = root().join("datasets/kdc-parallel.toml");
    let dataset = manifest.to_str().expect("UTF-8");
    let arguments =
        ["pairs", "query-documents", dataset, "--languages", "en,ko,zh", "--cap", "20", "--out", "qd.jsonl"];
    let ended = done(&place, &arguments);
    assert!(ended.stdout.ends_with("120 rows\n"), "{}", ended.stdout);
    let mut languages: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows(&read(&place, "qd.jsonl")) {
        *languages.entry(row["languages"].to_string()).or_default() += 1;
    }
    assert_eq!(languages.len(), 6, "{languages:?}");
    assert!(languages.values().all(|count| *count == 20), "{languages:?}");
}

#[test]
fn training_data_is_validated() {
    let place = Place::new();
    place.write("triples.jsonl", lines(&[triple("a", &["en", "ko"]), triple("b", &["en", "ko"])]));
    let ended = done(&place, &["data", "validate", "triples.jsonl"]);
    assert!(ended.stdout.ends_with("triples.jsonl: fine (2 triples)\n"), "{}", ended.stdout);
    assert!(ended.stdout.contains("negatives  ko            2         2"), "{}", ended.stdout);
    let mut broken = triple("a", &["en", "ko"]);
    broken["positive"]["ko"] = json!(" ");
    place.write(
        "broken.jsonl",
        format!("{}{{\n{}", lines(&[triple("a", &["en"]), broken]), lines(&[triple("a", &["en"])])),
    );
    let ended = place.end(["data", "validate", "broken.jsonl"]);
    assert_eq!(ended.code, Some(1));
    for error in [
        "error: broken.jsonl:2: `positive` is empty in `ko`",
        "error: broken.jsonl:3:",
        "error: broken.jsonl:4: the triple id `a` is there twice, first at line 1",
    ] {
        assert!(ended.stderr.contains(error), "{}", ended.stderr);
    }
    assert!(ended.stdout.ends_with("broken.jsonl: 3 errors, 1 good triples\n"), "{}", ended.stdout);
}

#[test]
fn ntrex_does_not_leak_into_xquad() {
    let (Some(ntrex), Some(xquad)) = (beside("data/ntrex/eng.txt"), beside("data/xquad")) else { return };
    let place = Place::new();
    let manifest = root().join("datasets/xquad.toml");
    let against = format!("{}={}", manifest.display(), xquad.display());
    let leaks = |file: &str| place.end(["data", "leaks", file, "--language", "en", "--against", &against]);
    let clean = leaks(ntrex.to_str().expect("UTF-8"));
    assert_eq!(clean.code, Some(0), "{}", clean.stdout);
    // A question and a piece of a paragraph of XQuAD among them are found.
    let squad: Value =
        serde_json::from_slice(&fs::read(xquad.join("xquad.en.json")).expect("a file")).expect("JSON");
    let paragraph = &squad["data"][3]["paragraphs"][1];
    let question = paragraph["qas"][0]["question"].as_str().expect("a question");
    let context = paragraph["context"].as_str().expect("a paragraph");
    let piece: String = context.chars().skip(100).take(120).collect();
    let text = fs::read_to_string(&ntrex).expect("a file");
    place.write("planted.txt", format!("{text}{question}\n{piece}\n"));
    let found = leaks("planted.txt");
    assert_eq!(found.code, Some(5));
    assert!(found.stdout.contains("xquad    en        exact       1              1\n"), "{}", found.stdout);
    assert!(found.stdout.contains("xquad    en        within      1              1\n"), "{}", found.stdout);
}

/// What the data card and the model card say: no text of dev or test is in what models learn from.
#[test]
fn the_bundled_train_split_gives_nothing_away() {
    let place = Place::new();
    let path = |name: &str| root().join("datasets").join(name).display().to_string();
    let [train, test, dev] =
        ["kdc-parallel/train.jsonl", "kdc-parallel.toml", "kdc-parallel-dev.toml"].map(path);
    let ended = done(&place, &["data", "leaks", &train, "--against", &test, "--against", &dev]);
    assert!(
        ended.stdout.ends_with("no leaks: 3600 texts against 3120 of kdc-parallel, kdc-parallel-dev\n"),
        "{}",
        ended.stdout
    );
    let ended = done(&place, &["data", "validate", &train]);
    assert!(ended.stdout.ends_with("fine (300 triples)\n"), "{}", ended.stdout);
}
