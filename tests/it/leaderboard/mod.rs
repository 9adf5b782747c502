//! `clirbench leaderboard`: records added, tables built, rows measured again.

mod broken_off;
mod verify;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::place::{Ended, Place, model, plugin_arguments, root};

/// Two languages, so that a run takes a fraction of a second.
const RUN: &str = "[run]\nscenarios = [\"mono\", \"clir\", \"multi\"]\n";

/// A repository with the bundled set in `data/kdc` and runs of hashed encoders.
pub(super) struct Repository {
    pub(super) place: Place,
}

impl Repository {
    pub(super) fn new() -> Repository {
        let place = Place::new();
        fs::create_dir(place.path(".git")).expect("a folder");
        copy(&root().join("datasets/kdc-parallel/test"), &place.path("data/kdc"));
        Repository { place }
    }

    /// Runs a bench of `models` on the dataset `name` in `languages`, with more keys for `[run]`.
    pub(super) fn measure(&self, out: &str, models: &str, name: &str, languages: &[&str], more: &str) {
        let manifest = format!(
            "[[datasets]]\nname = \"{name}\"\nformat = \"beir\"\npath = \"data/kdc\"\nlanguages = {languages:?}\n\n"
        );
        let bench = format!("{out}.toml");
        self.place.write(&bench, format!("{models}{manifest}{RUN}{more}"));
        self.place.run(&bench, out);
    }

    /// `leaderboard` with arguments.
    pub(super) fn board(&self, arguments: &[&str]) -> Ended {
        self.place.end([&["leaderboard"], arguments].concat())
    }

    /// The same; it has to succeed.
    pub(super) fn done(&self, arguments: &[&str]) -> Ended {
        let ended = self.board(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}{}", ended.stdout, ended.stderr);
        ended
    }

    /// The same; it has to be refused, with all of these words.
    pub(super) fn refused(&self, arguments: &[&str], words: &[&str]) {
        let ended = self.board(arguments);
        assert_eq!(ended.code, Some(1), "{arguments:?}: {}", ended.stdout);
        for word in words {
            assert!(ended.stderr.contains(word), "{arguments:?}: no `{word}` in {}", ended.stderr);
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.place.path(name)
    }

    /// Replaces one occurrence of a text in a file.
    pub(super) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(file)).expect("a file");
        assert!(text.contains(from), "{file} has no `{from}`");
        self.place.write(file, text.replacen(from, to, 1));
    }
}

/// The hashed encoders: by words and parts of them, by parts alone.
pub(super) fn words() -> String {
    model("words", "hashed", "dim = 256")
}

pub(super) fn parts() -> String {
    model("parts", "hashed", "dim = 256, word_weight = 0")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").map(|e| e.expect("an entry").path()) {
        let to = to.join(entry.file_name().expect("a name"));
        if entry.is_dir() {
            copy(&entry, &to);
        } else {
            fs::copy(&entry, &to).expect("a copy");
        }
    }
}

/// Every file below a folder with its bytes.
pub(super) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for path in fs::read_dir(&at).expect("a folder").map(|e| e.expect("an entry").path()) {
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it is below").to_owned();
                found.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

#[test]
fn rows_come_in_any_order_and_the_bytes_are_the_same() {
    let repository = Repository::new();
    repository.measure("out", &[words(), parts()].concat(), "kdc", &["en", "es"], "");
    repository.done(&["add", "out", "--to", "both"]);
    for (board, order) in [("a", ["words", "parts"]), ("b", ["parts", "words"])] {
        for name in order {
            repository.done(&["add", "out", "--to", board, "--model", name]);
        }
    }
    let both = files(&repository.path("both"));
    assert_eq!(both, files(&repository.path("a")));
    assert_eq!(both, files(&repository.path("b")));
    // One model at a time, measured apart: the same numbers, so nothing changes.
    repository.measure("parts", &parts(), "kdc", &["en", "es"], "");
    let again = repository.done(&["add", "parts", "--to", "both"]);
    assert_eq!(again.stdout, "parts/kdc: unchanged\n");
    assert_eq!(both, files(&repository.path("both")));

    // The tables follow from the records alone.
    for name in both.keys().filter(|name| !name.starts_with("records")) {
        fs::remove_file(repository.path("both").join(name)).expect("removed");
    }
    repository.done(&["build", "both"]);
    assert_eq!(both, files(&repository.path("both")));
    let built = repository.done(&["build", "both"]);
    assert!(built.stderr.contains("up to date"), "{}", built.stderr);

    // Both rows stand in every table, the better of CLIR first.
    let text = |name: &str| String::from_utf8(both[Path::new(name)].clone()).expect("UTF-8");
    let first_column = |name: &str| -> Vec<String> {
        text(name).lines().skip(1).filter_map(|line| Some(line.split_once(',')?.0.to_owned())).collect()
    };
    let overall = |model: &str| -> f64 {
        let table = text("clir.csv");
        let row = table.lines().find(|line| line.starts_with(model)).expect("a row");
        row.rsplit(',').next().and_then(|cell| cell.parse().ok()).expect("a number")
    };
    let order = if overall("parts") >= overall("words") { ["parts", "words"] } else { ["words", "parts"] };
    assert_eq!(first_column("clir.csv"), order);
    assert_eq!(first_column("rows.csv"), order);
    let rows = text("rows.csv");
    let header = rows.lines().next().expect("a header");
    for column in ["plugin_sha256", "dataset_sha256", "configuration_hash", "model_hash", "seed"] {
        assert!(header.split(',').any(|name| name == column), "{header}");
    }
    assert!(text("leaderboard.md").contains("\n# Rows\n"));
}

#[test]
fn a_table_that_was_edited_or_lost_is_found() {
    let repository = Repository::new();
    repository.measure("out", &words(), "kdc", &["en", "es"], "");
    repository.done(&["add", "out", "--to", "board"]);
    repository.done(&["build", "board", "--check"]);
    let right = files(&repository.path("board"));

    repository.edit("board/scores.csv", "words,kdc,unique,clir", "words,kdc,unique,CLIR");
    fs::remove_file(repository.path("board/mono.md")).expect("removed");
    let checked = repository.board(&["build", "board", "--check"]);
    assert_eq!(checked.code, Some(5), "{}", checked.stderr);
    let (scores, mono) = (checked.stdout.lines().next(), checked.stdout.lines().nth(1));
    assert!(scores.is_some_and(|l| l.starts_with("board/scores.csv differs from line ")), "{checked:?}");
    assert_eq!(mono, Some("board/mono.md is missing"));
    repository.done(&["build", "board"]);
    assert_eq!(right, files(&repository.path("board")));
}

#[test]
fn what_does_not_compare_never_shares_a_table() {
    let repository = Repository::new();
    repository.measure("words", &words(), "kdc", &["en", "es"], "");
    repository.done(&["add", "words", "--to", "board"]);
    let before = files(&repository.path("board"));

    // Other data under the same name.
    repository.measure("other", &parts(), "kdc", &["en", "ko"], "");
    repository.refused(&["add", "other", "--to", "board"], &["words/kdc", "parts/kdc", "data "]);
    // The same data, measured by other rules.
    repository.measure("seeded", &parts(), "kdc", &["en", "es"], "seed = 7\nties = \"worst\"\n");
    repository
        .refused(&["add", "seeded", "--to", "board"], &["parts/kdc", "ties trec -> worst", "seed 42 -> 7"]);
    // Another model under the same name.
    let imposter = model("words", "hashed", "dim = 64");
    repository.measure("imposter", &imposter, "kdc-ko", &["en", "ko"], "");
    repository.refused(&["add", "imposter", "--to", "board"], &["two models with one name", "words/kdc-ko"]);
    // The record itself, measured differently.
    repository.measure("again", &words(), "kdc", &["en", "ko"], "");
    repository.refused(&["add", "again", "--to", "board"], &["words/kdc", "data ", "--force"]);
    assert_eq!(before, files(&repository.path("board")), "a refusal wrote something");

    let forced = repository.done(&["add", "again", "--to", "board", "--force"]);
    assert!(forced.stdout.starts_with("words/kdc: replaced: data "), "{}", forced.stdout);

    // Another dataset is another name, and another column.
    repository.done(&["add", "other", "--to", "board"]);
    repository.measure("second", &words(), "kdc-es", &["en", "es"], "");
    repository.done(&["add", "second", "--to", "board"]);
    let clir = fs::read_to_string(repository.path("board/clir.csv")).expect("a table");
    assert!(clir.lines().next().is_some_and(|l| l.contains("kdc en-ko") && l.contains("kdc-es en-es")));
}

#[test]
fn a_new_model_under_a_name_replaces_the_row_and_compares_query_by_query() {
    let repository = Repository::new();
    repository.measure("fine", &model("m", "hashed", "dim = 1024"), "kdc", &["en", "es"], "");
    repository.measure("coarse", &model("m", "hashed", "dim = 4"), "kdc", &["en", "es"], "");
    repository.done(&["add", "fine", "--to", "before"]);
    repository.done(&["add", "fine", "--to", "after"]);
    let replaced = repository.done(&["add", "coarse", "--to", "after"]);
    assert!(replaced.stdout.starts_with("m/kdc: replaced: model "), "{}", replaced.stdout);

    // The per-query values lie in the records: without them there would be no p.
    let arguments = ["compare", "before", "after", "--format", "csv", "--fail-on", "regression"];
    let compared = repository.place.end(arguments);
    assert_eq!(compared.code, Some(4), "{}{}", compared.stdout, compared.stderr);
    let same = repository.place.end(["compare", "before", "before", "--fail-on", "regression"]);
    assert_eq!(same.code, Some(0), "{}", same.stderr);
    assert!(!same.stdout.contains("without p"), "{}", same.stdout);
}

#[test]
fn runs_that_are_not_whole_are_no_records() {
    let repository = Repository::new();
    let bad = model("bad", "hostile-encoder", "behave = \"panic\"");
    let dataset =
        "[[datasets]]\nname = \"kdc\"\nformat = \"beir\"\npath = \"data/kdc\"\nlanguages = [\"en\"]\n";
    repository.place.write("bench.toml", [words(), bad, dataset.to_owned()].concat());
    let run = repository.place.run_arguments("bench.toml", "out");
    let ended = repository.place.end([run, plugin_arguments(&["hostile-encoder"])].concat());
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    repository.refused(&["add", "out", "--to", "board"], &["bad on kdc failed", "--model"]);
    assert!(!repository.path("board").exists());
    repository.done(&["add", "out", "--to", "board", "--model", "words"]);
    repository.refused(&["add", "out", "--to", "board", "--model", "wrods"], &["`wrods`", "words, bad"]);

    repository.place.write("foreign/scores.csv", "model,score\n");
    repository.refused(&["add", "foreign", "--to", "board"], &["foreign", "no run.json", "clirbench run"]);
    let text = fs::read_to_string(repository.path("out/run.json")).expect("a file");
    repository.place.write("old/run.json", text.replace("\"configuration\"", "\"options\""));
    for name in ["scores.csv", "bias.csv", "per_query.parquet"] {
        fs::copy(repository.path("out").join(name), repository.path("old").join(name)).expect("a copy");
    }
    let old = ["add", "old", "--to", "board", "--model", "words"];
    repository.refused(&old, &["missing field `configuration`", "measure again"]);
    repository.refused(&["build", "nowhere"], &["nowhere", "there are no records", "leaderboard add"]);
}
